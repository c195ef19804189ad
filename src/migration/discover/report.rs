//! What the report shows of tables, columns, relationships and fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::books::Choices;
use super::join::{self, Names, Naming, RECORDS_MAX};
use super::look::Seen;
use crate::error::Result;
use crate::mapping::Mapping;
use crate::mapping::column::Column;
use crate::mapping::defaults::DayOrder;
use crate::mapping::field::{Extra, Field, Kind};
use crate::mapping::object::ObjectRules;
use crate::mapping::shape::Format;
use crate::propose::plan::{Found, Planned};
use crate::propose::profile;
use crate::propose::shape::Shape;
use crate::record::{Entity, Object, Target};
use crate::report::discovery::{ColumnFound, Days, FieldToMake, FilesFound, LinkFound, TableFound};
use crate::report::page::number;
use crate::source::probe::FileWay;

/// Samples of a column.
const SAMPLES: usize = 3;

/// The rules of a table, where the mapping has some.
pub(super) fn rules_of<'m>(mapping: &'m Mapping, seen: &Seen, object: Option<Object>) -> Option<&'m ObjectRules> {
    mapping.object(object?).filter(|rules| super::is_table(&seen.name, &rules.table) || seen.object == object)
}

/// The tables with their columns.
pub(super) fn tables(
    seen: &[Seen],
    objects: &[Option<Object>],
    plans: &[Planned],
    mapping: &Mapping,
) -> Vec<TableFound> {
    let table = |((seen, object), planned): ((&Seen, &Option<Object>), &Planned)| {
        let rules = rules_of(mapping, seen, *object);
        let columns = seen.table.columns.iter().zip(&planned.columns);
        TableFound {
            name: seen.name.clone(),
            method: seen.method,
            object: *object,
            rows: seen.parsed + seen.rejected,
            parsed: seen.parsed,
            rejected: seen.rejected,
            is_whole: seen.table.is_whole,
            files: seen.files.clone(),
            rejected_rows: seen.rejected_rows.clone(),
            key: naming(seen, planned, rules).ids.iter().map(|id| id.name.as_str()).collect::<Vec<_>>().join("+"),
            columns: columns.map(|(column, found)| of_column(column, found, rules, mapping)).collect(),
        }
    };
    seen.iter().zip(objects).zip(plans).map(table).collect()
}

fn of_column(column: &profile::Column, found: &Found, rules: Option<&ObjectRules>, mapping: &Mapping) -> ColumnFound {
    let is_days = matches!(found.shape, Shape::Date | Shape::Datetime);
    let days = column.days;
    ColumnFound {
        name: column.name.clone(),
        holds: if column.filled > 1 && column.distinct() == 1 {
            "always the same".to_owned()
        } else {
            column.holds(found.shape)
        },
        shape: found.shape.to_string(),
        filled: column.filled,
        distinct: column.distinct(),
        has_more: column.distinct() >= profile::DISTINCT_MAX,
        samples: column.samples.iter().take(SAMPLES).cloned().collect(),
        days: (is_days && days.ambiguous > 0).then(|| Days {
            ambiguous: days.ambiguous,
            day_first: days.day_first,
            month_first: days.month_first,
            settled: settled(days, read_as(column, rules, mapping)),
        }),
    }
}

/// How the mapping reads the days of a column, and whether it says so for this column alone.
struct ReadAs {
    order: DayOrder,
    is_own: bool,
}

fn read_as(column: &profile::Column, rules: Option<&ObjectRules>, mapping: &Mapping) -> ReadAs {
    let fields = rules.into_iter().flat_map(|rules| &rules.to).flat_map(|to| &to.fields);
    let own =
        fields.filter(|field| field.columns().iter().any(|own| own.name == column.name)).find_map(|field| match &field
            .format
        {
            Some(Format::Moment(pattern)) => day_order_of(pattern),
            _ => None,
        });
    ReadAs { order: own.unwrap_or(mapping.defaults.day_order), is_own: own.is_some() }
}

/// The order of days that a format writes; `None` for one without a day and a month.
fn day_order_of(pattern: &str) -> Option<DayOrder> {
    let day = pattern.find("%d").or_else(|| pattern.find("%e"))?;
    let month = pattern.find("%m")?;
    Some(if day < month { DayOrder::DayFirst } else { DayOrder::MonthFirst })
}

fn settled(days: profile::Days, read: ReadAs) -> String {
    let words = |order: DayOrder| if order == DayOrder::DayFirst { "day first" } else { "month first" };
    let evidence = match (days.day_first, days.month_first) {
        (0, 0) => None,
        (count, 0) => Some((DayOrder::DayFirst, count)),
        (0, count) => Some((DayOrder::MonthFirst, count)),
        (day, month) => {
            return format!("not settled: {} have the day first and {} the month first", number(day), number(month));
        }
    };
    match evidence {
        _ if read.is_own => format!("read {}, as the mapping says for this field", words(read.order)),
        Some((order, count)) if order == read.order => {
            format!("read {}: {} can be read in no other way", words(order), number(count))
        }
        Some((order, count)) => format!(
            "not settled: {} can only be read {}, and the mapping reads {}",
            number(count),
            words(order),
            words(read.order)
        ),
        None => format!("not settled: no value tells; the mapping reads {}", words(read.order)),
    }
}

/// Which columns name a table's records.
fn naming(seen: &Seen, planned: &Planned, rules: Option<&ObjectRules>) -> Naming {
    let has = |column: &&Column| seen.table.columns.iter().any(|own| own.name == column.name);
    let mapped: Vec<Column> = rules.map(|rules| rules.id.clone()).unwrap_or_default();
    let ids = if !mapped.is_empty() && mapped.iter().all(|column| has(&column)) {
        mapped
    } else {
        planned.key.iter().map(|key| Column::new(key)).collect()
    };
    let of = |concepts: &[&str]| -> Vec<Column> {
        let found = planned.columns.iter().filter(|column| concepts.contains(&column.concept()));
        found.map(|column| Column::new(&column.name)).collect()
    };
    Naming {
        ids,
        emails: of(&["email"]),
        names: of(&["name", "full_name", "company_name", "deal_title", "deal_number"]),
        parts: [of(&["first_name"]), of(&["last_name"])].concat(),
    }
}

/// Every column that names records of other tables, with how its values were found there.
///
/// # Errors
/// Those of reading the rows that were kept.
pub(super) fn links(
    seen: &mut [Seen],
    objects: &[Option<Object>],
    plans: &[Planned],
    mapping: &Mapping,
) -> Result<Vec<LinkFound>> {
    let mut wanted: Vec<(usize, String, Vec<usize>)> = Vec::new();
    for (at, own) in seen.iter().enumerate() {
        let mut columns = mapped_links(mapping, rules_of(mapping, own, objects[at]), objects);
        for found in plans.iter().filter(|planned| planned.at == at).flat_map(|planned| &planned.columns) {
            let is_key = plans[at].key.as_deref() == Some(found.name.as_str());
            if !found.points_at.is_empty() && !is_key {
                columns.entry(found.name.clone()).or_insert_with(|| found.points_at.clone());
            }
        }
        columns.retain(|name, _| own.table.column(name).is_some_and(|column| column.filled > 0));
        wanted.extend(columns.into_iter().map(|(column, to)| (at, column, to)));
    }
    let mut names: BTreeMap<usize, Names> = BTreeMap::new();
    for target in wanted.iter().flat_map(|(_, _, to)| to.clone()) {
        // Of a table that was read in part nobody can say what it lacks.
        let is_joined = seen[target].table.is_whole && seen[target].parsed <= RECORDS_MAX;
        if names.contains_key(&target) || !is_joined {
            continue;
        }
        let naming = naming(&seen[target], &plans[target], rules_of(mapping, &seen[target], objects[target]));
        let mut own = Names::default();
        for row in seen[target].spool.rows()? {
            own.add(&row?, &naming);
        }
        own.close();
        names.insert(target, own);
    }
    let mut links = Vec::new();
    for (at, column, to) in wanted {
        let targets: Vec<&Names> = to.iter().filter_map(|target| names.get(target)).collect();
        if targets.is_empty() {
            continue;
        }
        let mut link = LinkFound {
            table: seen[at].name.clone(),
            column,
            to: to.iter().map(|target| seen[*target].name.clone()).collect(),
            filled: 0,
            by_id: 0,
            by_email: 0,
            by_name: 0,
            by_folded_name: 0,
            ambiguous: 0,
            missing: 0,
        };
        for row in seen[at].spool.rows()? {
            join::count(&mut link, &row?, &targets);
        }
        links.push(link);
    }
    Ok(links)
}

/// The columns that the mapping reads as links, with the tables of what they point at.
fn mapped_links(
    mapping: &Mapping,
    rules: Option<&ObjectRules>,
    objects: &[Option<Object>],
) -> BTreeMap<String, Vec<usize>> {
    let mut columns: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut add = |column: &Column, object: Object| {
        let tables = objects.iter().enumerate().filter(|(_, own)| **own == Some(object)).map(|(at, _)| at);
        let known = columns.entry(column.name.clone()).or_default();
        let new: Vec<usize> = tables.filter(|at| !known.contains(at)).collect();
        known.extend(new);
    };
    let Some(rules) = rules else { return columns };
    for field in rules.to.iter().filter(|to| to.each.is_none()).flat_map(|to| &to.fields) {
        match (&field.extra, field.kind) {
            (Extra::Link(link), _) => field.from.columns().into_iter().for_each(|column| add(column, link.object)),
            (_, Kind::Owner) => field.from.columns().into_iter().for_each(|column| add(column, Object::Owner)),
            (Extra::Pipeline(column), _) => add(column, Object::Pipeline),
            _ => {}
        }
    }
    if let Some(fold) = &rules.fold_into {
        add(&fold.from, fold.named());
    }
    mapping.ways_through(rules.object).for_each(|(column, named)| add(column, named));
    columns.retain(|_, tables| !tables.is_empty());
    columns
}

/// What drop-downs of workbooks offer.
///
/// # Errors
/// Those of reading the rows that were kept.
pub(super) fn choices(seen: &mut [Seen], objects: &[Option<Object>], plans: &[Planned]) -> Result<Choices> {
    let mut choices = Choices::default();
    for at in 0..seen.len() {
        let naming = naming(&seen[at], &plans[at], None);
        let columns = match objects[at] {
            Some(Object::Owner) if !naming.emails.is_empty() => naming.emails,
            Some(Object::Owner) => naming.ids,
            Some(Object::Pipeline) => vec![Column::new("name")],
            Some(Object::Project) => {
                let stage = plans[at].of_concept("stage").filter(|_| choices.stages.is_empty());
                choices.stages = stage.map(|stage| stage.values.clone()).unwrap_or_default();
                continue;
            }
            _ => continue,
        };
        let object = objects[at].unwrap_or(Object::Owner);
        let own = choices.names.entry(object).or_default();
        let mut stages: Vec<String> = Vec::new();
        for row in seen[at].spool.rows()? {
            let row = row?;
            for text in columns.iter().filter_map(|column| column.text(&row)) {
                push(own, &text);
            }
            for stage in row.get("stages").and_then(Value::as_array).into_iter().flatten() {
                if let Some(name) = stage.get("name").and_then(Value::as_str) {
                    push(&mut stages, name);
                }
            }
        }
        if !stages.is_empty() {
            choices.stages = stages;
        }
    }
    Ok(choices)
}

fn push(list: &mut Vec<String>, text: &str) {
    if !text.trim().is_empty() && !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

/// The custom fields that Pipedrive must have, each with the columns that fill it.
pub(super) fn fields(seen: &[Seen], objects: &[Option<Object>], mapping: &Mapping) -> Vec<FieldToMake> {
    let sample = |object: Object, column: &str| -> Option<(String, u64)> {
        let at = objects.iter().position(|own| *own == Some(object))?;
        let column = seen[at].table.column(column)?;
        Some((column.samples.first().cloned().unwrap_or_default(), column.filled))
    };
    let to_make = |field: crate::mapping::workspace::CustomField| {
        let mut why = Vec::new();
        let mut shown = String::new();
        for (object, destination) in mapping.destinations() {
            let is_own = |own: &&Field| {
                crate::mapping::field::custom_owner(destination.entity) == Some(field.entity)
                    && own.target == Target::Custom(field.name.clone())
            };
            for own in destination.fields.iter().filter(is_own) {
                let table = mapping.object(object).map_or("", |rules| rules.table.as_str());
                for column in own.columns() {
                    let found = sample(object, &column.name);
                    let filled =
                        found.as_ref().map_or(String::new(), |(_, filled)| format!(" ({} filled)", number(*filled)));
                    let line = format!("{table}.{}{filled}", column.name);
                    if !why.contains(&line) {
                        why.push(line);
                    }
                    if let Some((sample, _)) = found.filter(|(sample, _)| shown.is_empty() && !sample.is_empty()) {
                        shown = sample;
                    }
                }
                if own.fold.is_some() {
                    why.push(format!("folded into {table}"));
                }
            }
        }
        let why = match why.len() {
            0 if field.name == mapping.marker => "finds each record of ours again".to_owned(),
            0 => "keeps the name of an owner whose records are reassigned".to_owned(),
            _ => format!("no field of its own for {}", why.join(", ")),
        };
        FieldToMake {
            entity: field.entity,
            name: field.name,
            field_type: field.field_type.to_owned(),
            why,
            sample: shown,
        }
    };
    let mut fields: Vec<FieldToMake> = mapping.custom_fields().into_iter().map(to_make).collect();
    let becomes: Vec<Entity> = mapping.destinations().map(|(_, to)| to.entity).collect();
    fields.retain(|field| {
        becomes.contains(&field.entity) || (field.entity == Entity::Deal && becomes.contains(&Entity::Lead))
    });
    fields
}

/// How files come over: as the probe of the API tried it, and columns that name files by their names or values.
pub(super) fn files(seen: &[Seen], tried: &[FileWay]) -> Vec<FilesFound> {
    let of_probe = |way: &FileWay| {
        let column = Some(&way.column).filter(|column| !column.is_empty());
        FilesFound {
            place: column.map_or_else(|| way.list.clone(), |column| format!("{}.{column}", way.list)),
            count: way.rows,
            method: way.method.clone(),
            reason: way.reason.clone(),
            risk: way.risk.clone(),
        }
    };
    let mut found: Vec<FilesFound> = tried.iter().map(of_probe).collect();
    for table in seen {
        for column in table.table.columns.iter().filter(|column| column.filled > 0) {
            let name = column.name.to_lowercase();
            let says = ["file", "attachment", "presentation_url", "document", "proof_url", "artwork_url"];
            let is_named = says.iter().any(|word| name.contains(word)) && !name.contains("profile");
            let is_file = column.shape() == Shape::File || (is_named && column.shape() == Shape::Url);
            let names_files = is_named && column.samples.iter().any(|sample| sample.contains('.'));
            let place = format!("{}.{}", table.name, column.name);
            let is_tried = found.iter().any(|known| known.place == place || known.place == table.name);
            if !is_file && !names_files || is_tried {
                continue;
            }
            let is_address = column.shape() == Shape::Url;
            let method = if is_address {
                "They are addresses. Whether they open without signing in was not tried; if they do not, ask the vendor for the \
                 files as a folder"
            } else {
                "They are names only: the files themselves must be handed over as a folder"
            };
            found.push(FilesFound {
                place,
                count: column.filled,
                method: method.to_owned(),
                reason: if is_address { "its values are addresses" } else { "its values are names of files" }
                    .to_owned(),
                risk: if is_address { "an address may end with the account" } else { "" }.to_owned(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_settled_by_evidence_or_by_the_mapping_and_else_asked_about() {
        let days = |ambiguous, day_first, month_first| profile::Days { ambiguous, day_first, month_first };
        let read = |order, is_own| ReadAs { order, is_own };
        let check = |days, read, expected: &str| assert_eq!(settled(days, read), expected);
        let month = DayOrder::MonthFirst;
        check(days(5, 0, 3), read(month, false), "read month first: 3 can be read in no other way");
        check(
            days(5, 3, 0),
            read(month, false),
            "not settled: 3 can only be read day first, and the mapping reads month first",
        );
        check(days(5, 1, 2), read(month, true), "not settled: 1 have the day first and 2 the month first");
        check(days(5, 0, 0), read(month, false), "not settled: no value tells; the mapping reads month first");
        check(days(5, 0, 0), read(DayOrder::DayFirst, true), "read day first, as the mapping says for this field");
        assert_eq!(day_order_of("%d.%m.%Y"), Some(DayOrder::DayFirst));
        assert_eq!(day_order_of("%m/%d/%y"), Some(month));
        assert_eq!(day_order_of("%Y"), None);
    }
}
