//! Where each kind of record is read from: the API, files, or workbooks that people filled in.

use std::path::Path;
use std::sync::Arc;

use super::{SOURCE_PAGE_ROWS, SOURCE_RETRIES};
use crate::clean::{choices, dates, emails, money, numbers};
use crate::clock::Clock;
use crate::config::extraction::Method;
use crate::config::{Config, SourceConfig};
use crate::error::{Error, Kind, Result};
use crate::http::Http;
use crate::mapping::Mapping;
use crate::mapping::column::{Column, Payload};
use crate::mapping::defaults::Defaults;
use crate::mapping::field;
use crate::mapping::object::ObjectRules;
use crate::mapping::sheet::{SheetColumn, SheetRules};
use crate::record::{Object, fold_name};
use crate::report::workbook::sheet_name;
use crate::source::profile::Profile;
use crate::source::workbook::{Books, Check, List, Sheet};
use crate::source::{Source, api, csv as files};

/// The reader of an API, which needs no mapping.
pub(super) fn api_source(config: &Config, clock: &Clock) -> Result<Source> {
    let SourceConfig::Api { address, credentials, requests_per_second, overlap, .. } = &config.source else {
        return Err(Error::new(Kind::Settings, "something is to be read from an API, and [source] names no address"));
    };
    let profile = Profile::load(beside(config))?.unwrap_or_else(Profile::promox);
    let http = Http::new(clock.clone(), config.pipedrive.request_timeout, 4)?;
    let settings = api::Settings {
        base: address.clone(),
        credentials: credentials.clone(),
        profile,
        page_rows: SOURCE_PAGE_ROWS,
        period: std::time::Duration::from_secs(1) / *requests_per_second,
        overlap: *overlap,
        retries: SOURCE_RETRIES,
        pace_file: Some(beside(config).join(api::PACE_FILE)),
    };
    Ok(Source::api(api::Client::new(http, settings)?))
}

/// The migration's folder, where the source profile lies beside the mapping.
pub(super) fn beside(config: &Config) -> &Path {
    config.mapping.parent().unwrap_or(Path::new("."))
}

/// The source as settings and discovery say it.
pub(super) fn open_source(config: &Config, clock: &Clock, mapping: &Mapping) -> Result<Source> {
    let all: Vec<Object> = mapping.objects.iter().map(|rules| rules.object).collect();
    if config.extraction.is_plain() {
        return match &config.source {
            SourceConfig::Api { .. } => api_source(config, clock),
            SourceConfig::Csv { .. } => files_source(config, clock, mapping, &all),
        };
    }
    let by = |wanted: Method| -> Vec<Object> {
        all.iter().copied().filter(|object| config.extraction.method(*object, &config.source) == wanted).collect()
    };
    let mut shares = Vec::new();
    let (of_api, of_files, of_books) = (by(Method::Api), by(Method::Csv), by(Method::Workbook));
    if !of_api.is_empty() {
        let source = api_source(config, clock)?;
        let readable = source.objects();
        shares.push((of_api.into_iter().filter(|object| readable.contains(object)).collect(), source));
    }
    if !of_files.is_empty() {
        shares.push((of_files.clone(), files_source(config, clock, mapping, &of_files)?));
    }
    if !of_books.is_empty() {
        let sheets = of_books.iter().filter_map(|object| sheet_of(mapping, *object));
        let books = Books::new(config.extraction.workbooks.clone(), sheets.collect(), clock.clone())?;
        shares.push((of_books, Source::books(books)));
    }
    Ok(Source::shared(shares))
}

fn files_source(config: &Config, clock: &Clock, mapping: &Mapping, objects: &[Object]) -> Result<Source> {
    let missing = || Error::new(Kind::Settings, "something is to be read from files, and [source] names no folder");
    let folder = config.extraction.folder.clone().ok_or_else(missing)?;
    let column = |column: &Column| column.name.clone();
    let table = |rules: &ObjectRules| files::Table {
        object: rules.object,
        name: rules.table.clone(),
        id_columns: rules.id.iter().map(column).collect(),
        modified_column: rules.modified.as_ref().map(column),
    };
    let rules = mapping.objects.iter().filter(|rules| objects.contains(&rules.object));
    Ok(Source::csv(files::Folder::new(folder, rules.map(table).collect(), clock.clone())?))
}

/// The file of an object's workbook, and the sheet in it.
pub(super) fn book_of(rules: &SheetRules) -> (String, String) {
    let sheet = sheet_name(&rules.table, &[]);
    (format!("{}.xlsx", sheet.replace(['/', '\\'], " ")), sheet)
}

/// The sheet in which people type an object's records, with what is checked of each cell.
pub(super) fn sheet_of(mapping: &Mapping, object: Object) -> Option<Sheet> {
    let rules = mapping.sheet(object)?;
    let own: ObjectRules = mapping.object(object)?.clone();
    let (file, sheet) = book_of(&rules);
    let checks =
        rules.columns.iter().filter_map(|column| Some((column.name.clone(), check_of(column, &mapping.defaults)?)));
    Some(Sheet {
        object,
        file,
        sheet,
        ids: rules.ids.clone(),
        modified: rules.modified.clone(),
        checks: checks.collect(),
        needs: Arc::new(move |row: &Payload| own.lacks(row)),
        list: rules.list.clone().map(|(name, id)| List { name, id }),
    })
}

/// The workbooks that are there, each as a source of its own: its object, its sheet's name, and its reader. Their columns
/// are those of the first mapping that reads the object.
pub(super) fn filled_books(
    config: &Config,
    mappings: &[&Mapping],
    clock: &Clock,
) -> Result<Vec<(Object, String, Source)>> {
    let folder = &config.extraction.workbooks;
    let mut found = Vec::new();
    for object in Object::ALL {
        let sheet = mappings.iter().find_map(|mapping| sheet_of(mapping, *object));
        let Some(sheet) = sheet.filter(|sheet| folder.join(&sheet.file).exists()) else { continue };
        let name = sheet.sheet.clone();
        found.push((*object, name, Source::books(Books::new(folder, vec![sheet], clock.clone())?)));
    }
    Ok(found)
}

/// What is checked of a column's cells; `None` where anything can be right.
fn check_of(column: &SheetColumn, defaults: &Defaults) -> Option<Check> {
    if column.is_closed && !column.values.is_empty() {
        let known = column.values.clone();
        return Some(Arc::new(move |text: &str| {
            let is_known = known.iter().any(|value| fold_name(value) == fold_name(text));
            (!is_known).then(|| format!("is none of {}", known.join(", ")))
        }));
    }
    let defaults = defaults.clone();
    let sign = defaults.decimal_sign;
    Some(match column.kind {
        field::Kind::Number => reason(move |text| numbers::number(text, sign).map(drop)),
        field::Kind::Percent => reason(move |text| numbers::percent(text, sign).map(drop)),
        field::Kind::Money => reason(move |text| money::from_text(text, None, &defaults).map(drop)),
        field::Kind::Date => reason(move |text| dates::date(text, &defaults).map(drop)),
        field::Kind::Datetime => reason(move |text| dates::timestamp(text, &defaults).map(drop)),
        field::Kind::Due => reason(move |text| dates::due(text, None, &defaults).map(drop)),
        field::Kind::Time => reason(|text| dates::time_of_day(text).map(drop)),
        field::Kind::Bool => reason(|text| choices::flag(text).map(drop)),
        field::Kind::Email | field::Kind::Emails => {
            Arc::new(|text: &str| emails::emails(text).value.is_empty().then(|| "is no e-mail address".to_owned()))
        }
        _ => return None,
    })
}

fn reason(read: impl Fn(&str) -> std::result::Result<(), crate::clean::Unreadable> + Send + Sync + 'static) -> Check {
    Arc::new(move |text: &str| read(text).err().map(|unreadable| unreadable.reason))
}
