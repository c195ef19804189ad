//! The account as the CSV files that a CRM's export gives: one file per object, nested values in columns of their own.
//!
//! Values stay as messy as the API gives them. Deleted rows are not exported, as in life.

use std::fs::{File, create_dir_all};
use std::path::Path;

use csv::{Terminator, Writer, WriterBuilder};
use serde_json::Value;

use super::account::{Account, OBJECTS};
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// Columns of the stages' file, which has one row per stage of each pipeline.
const STAGE_COLUMNS: &[&str] = &["pipeline_id", "id", "name", "position", "probability", "kind"];

/// Writes `owners.csv`, `pipelines.csv`, `pipeline_stages.csv`, `clients.csv`, `leads.csv`, `projects.csv`,
/// `commissions.csv`, `tasks.csv` and `notes.csv` into a folder, which is made if it is missing. UTF-8 without a byte order
/// mark, commas, CRLF line ends (RFC 4180); empty cells for null; a field inside a field becomes `outer_inner`.
///
/// Gives back each file's name and its rows without the header.
///
/// # Errors
/// `Settings` when the folder or a file cannot be written; files written before stay.
pub fn export_csv(account: &Account, dir: &Path) -> Result<Vec<(String, usize)>> {
    let mut written = Vec::with_capacity(OBJECTS.len() + 1);
    for (object, name) in OBJECTS {
        let file = format!("{name}.csv");
        let rows = account.rows(*object);
        let table = rows.iter().map(|row| columns(*object).iter().map(|column| cell(flat(row, column))).collect());
        written.push((file.clone(), write_table(dir, &file, columns(*object), table)?));
    }
    let stages = stage_rows(account);
    let file = "pipeline_stages.csv".to_owned();
    let count = write_table(dir, &file, STAGE_COLUMNS, stages.into_iter())?;
    written.push((file, count));
    Ok(written)
}

/// Writes one file and counts its rows.
pub(super) fn write_table(
    dir: &Path,
    file: &str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<usize> {
    let failed = |error: csv::Error| Error::new(Kind::Settings, format!("writing {file}")).because(error);
    let mut writer = create(dir, file)?;
    writer.write_record(header).map_err(failed)?;
    let mut count = 0;
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
        count += 1;
    }
    writer.flush().map_err(|error| failed(error.into()))?;
    Ok(count)
}

fn create(dir: &Path, file: &str) -> Result<Writer<File>> {
    let failed = |error: std::io::Error| Error::new(Kind::Settings, format!("creating {file}")).because(error);
    create_dir_all(dir).map_err(failed)?;
    let handle = File::create(dir.join(file)).map_err(failed)?;
    Ok(WriterBuilder::new().terminator(Terminator::CRLF).from_writer(handle))
}

fn stage_rows(account: &Account) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for pipeline in account.rows(Object::Pipeline) {
        let stages = pipeline.get("stages").and_then(Value::as_array);
        for stage in stages.into_iter().flatten() {
            let own = STAGE_COLUMNS.iter().skip(1).map(|column| cell(stage.get(*column)));
            rows.push(std::iter::once(cell(pipeline.get("id"))).chain(own).collect());
        }
    }
    rows
}

/// The field of a column; `billing_address_city` is `city` in `billing_address`.
fn flat<'row>(row: &'row Value, column: &str) -> Option<&'row Value> {
    match column.strip_prefix("billing_address_") {
        Some(part) => row.get("billing_address")?.get(part),
        None => row.get(column),
    }
}

/// Text as it is, numbers by their digits, `true` or `false`, nothing for null.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

#[rustfmt::skip]
fn columns(object: Object) -> &'static [&'static str] {
    match object {
        Object::Owner => &[
            "id", "email", "first_name", "last_name", "role", "active", "team", "default_commission_rate", "created_at",
            "updated_at",
        ],
        Object::Pipeline => &["id", "name", "team", "record_type", "position", "active", "created_at", "updated_at"],
        Object::Client => &[
            "id", "account_number", "first_name", "last_name", "title", "company", "email", "phone", "status", "industry",
            "tags", "website", "billing_address_line1", "billing_address_city", "billing_address_state",
            "billing_address_zip", "billing_address_country", "owner_id", "supplier_tier", "artwork_formats", "opted_out",
            "birthday", "notes", "created_at", "updated_at",
        ],
        Object::Lead => &[
            "id", "name", "email", "phone", "company", "pipeline", "stage", "score", "territory", "source", "owner_id",
            "converted", "client_id", "project_id", "created_at", "updated_at",
        ],
        Object::Project => &[
            "id", "number", "name", "client_id", "owner_id", "pipeline_id", "stage", "status", "value", "currency",
            "order_date", "in_hands_date", "expected_close", "closed_at", "rush", "customer_po", "fulfillment_status",
            "decoration_method", "notes_internal", "created_at", "updated_at",
        ],
        Object::Commission => &[
            "id", "project_id", "rep_id", "rep_type", "basis", "base_amount", "rate", "amount", "split", "status",
            "paid_date", "created_at", "updated_at",
        ],
        Object::Task => &[
            "id", "subject", "body", "type", "due_date", "due_time", "status", "completed_at", "assignee_id",
            "related_type", "related_id", "created_at", "updated_at",
        ],
        _ => &["id", "body", "author_id", "related_type", "related_id", "created_at", "updated_at"],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::generate::generate;
    use super::*;

    #[test]
    fn every_field_of_every_row_has_a_column() {
        let account = generate(300, 5, "2026-03-02T15:00:00Z".parse().expect("a valid instant"));
        for (object, _) in OBJECTS {
            for row in account.rows(*object) {
                let fields = row.as_object().expect("a row is an object");
                for (field, value) in fields {
                    let columns = columns(*object);
                    match value {
                        Value::Object(parts) => {
                            let all = parts.keys().all(|part| columns.contains(&format!("{field}_{part}").as_str()));
                            assert!(all, "{object}.{field}");
                        }
                        Value::Array(_) => assert_eq!(field, "stages"),
                        _ => assert!(columns.contains(&field.as_str()), "{object}.{field}"),
                    }
                }
            }
        }
    }

    /// Rows of a CSV file as field by header, after checking that every line ends in CRLF.
    pub(in super::super) fn read_csv(dir: &Path, file: &str) -> Vec<BTreeMap<String, String>> {
        let bytes = std::fs::read(dir.join(file)).expect("the file is there");
        assert!(bytes.ends_with(b"\r\n"), "{file}");
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        reader.deserialize().collect::<Result<_, _>>().expect("a well-formed file")
    }

    #[test]
    fn an_export_holds_what_the_api_serves() {
        let account = generate(800, 5, "2026-03-02T15:00:00Z".parse().expect("a valid instant"));
        let dir = tempfile::tempdir().expect("a folder");
        let written: BTreeMap<String, usize> = export_csv(&account, dir.path()).expect("written").into_iter().collect();
        assert_eq!(written["pipeline_stages.csv"], 19);
        for (object, name) in OBJECTS {
            let (file, served) = (format!("{name}.csv"), account.rows(*object));
            let rows = read_csv(dir.path(), &file);
            assert_eq!((rows.len(), written[&file]), (served.len(), served.len()), "{file}");
            for (row, served) in rows.iter().zip(&served) {
                let id = served["id"].as_str().map_or_else(|| served["id"].to_string(), str::to_owned);
                assert_eq!(row["id"], id);
                assert_eq!(row["updated_at"], served["updated_at"].as_str().unwrap_or_default());
            }
        }
        let (clients, served) = (read_csv(dir.path(), "clients.csv"), account.rows(Object::Client));
        for (row, served) in clients.iter().zip(&served) {
            assert_eq!(row["email"], served["email"].as_str().unwrap_or_default());
            assert_eq!(row["notes"], served["notes"].as_str().unwrap_or_default());
            assert_eq!(row["billing_address_zip"], served["billing_address"]["zip"].as_str().unwrap_or_default());
        }
        assert_eq!(read_csv(dir.path(), "pipeline_stages.csv")[0]["probability"], "5%");
    }
}
