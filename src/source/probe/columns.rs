//! What the columns of rows hold: times and how they are written, custom fields, links, money, and how deleted rows show.

use reqwest::Url;
use serde_json::{Map, Value};

use super::lists::Listed;
use super::words::folded;
use crate::source::api::rows::{id_text, is_own_address, is_true};
use crate::source::api::time::{self, zone};
use crate::source::profile::{Custom, Deleted, LinkForm, MoneyForm, Stamp, TimeForm, TimeStyle};

/// The risk of lists whose times name no zone, where nothing tells which one is meant.
pub const ZONE_UNKNOWN: &str =
    "its times name no zone, and the account does not say which one it is in; UTC is assumed";

/// Names of the column that says when a row was changed, the best first.
const STAMPS: &[&str] = &[
    "updatedat",
    "dateupdated",
    "lastupdateddatetime",
    "modifiedtime",
    "lastupdated",
    "lastmodifieddatetime",
    "lastmodified",
    "updated",
    "modified",
    "modifiedat",
    "datemodified",
    "dateupdatedutc",
    "modifieddate",
    "changedat",
    "updatedtime",
    "updatetime",
    "lastmodifiedat",
    "updatedon",
    "modifiedon",
    "lastchanged",
    "systemmodstamp",
];

/// Names of columns with custom fields.
const CUSTOM: &[&str] =
    &["customfields", "custom", "customfield", "cf", "fields", "properties", "attributes", "customdata", "userfields"];

/// Which figure of a day like `03/04/2026` is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayOrder {
    MonthFirst,
    DayFirst,
    Unknown,
}

/// The order of days in figures, by the days that can only be read one way.
pub(super) fn day_order<'r>(tables: impl Iterator<Item = &'r [Map<String, Value>]>) -> DayOrder {
    let (mut month_first, mut day_first) = (0, 0);
    for value in tables.flatten().flat_map(Map::values).filter_map(Value::as_str) {
        if let Some((first, second)) = figures(value) {
            day_first += u32::from(first > 12 && second <= 12);
            month_first += u32::from(second > 12 && first <= 12);
        }
    }
    match (month_first, day_first) {
        (0, 0) => DayOrder::Unknown,
        (_, 0) => DayOrder::MonthFirst,
        (0, _) => DayOrder::DayFirst,
        _ => DayOrder::Unknown,
    }
}

/// The first two figures of `03/04/2026` or `03.04.2026`.
fn figures(text: &str) -> Option<(u8, u8)> {
    let day = text.trim().split([' ', 'T']).next()?;
    let sign = ['/', '.', '-'].into_iter().find(|sign| day.matches(*sign).count() == 2)?;
    let mut parts = day.split(sign);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let is_figure = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    (is_figure(first) && is_figure(second) && is_year).then(|| Some((first.parse().ok()?, second.parse().ok()?)))?
}

/// The style of one value, if it is a time at all.
fn style_of(name: &str, value: &Value) -> Option<TimeStyle> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let digits = text.split('.').next().unwrap_or_default().len();
            match digits {
                9 | 10 if is_time_name(name) => Some(TimeStyle::Epoch),
                12 | 13 if is_time_name(name) => Some(TimeStyle::EpochMs),
                _ => None,
            }
        }
        Value::String(text) => style_of_text(name, text.trim()),
        _ => None,
    }
}

fn style_of_text(name: &str, text: &str) -> Option<TimeStyle> {
    if text.len() < 8 || text.len() > 40 {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.len() {
            9 | 10 if is_time_name(name) => Some(TimeStyle::Epoch),
            12 | 13 if is_time_name(name) => Some(TimeStyle::EpochMs),
            _ => None,
        };
    }
    if text.starts_with("/Date(") {
        return Some(TimeStyle::Net);
    }
    if figures(text).is_some() {
        return Some(TimeStyle::MonthFirst);
    }
    let utc = jiff::tz::TimeZone::UTC;
    let value = Value::String(text.to_owned());
    if time::read(&value, TimeStyle::Rfc3339, &utc).is_some() {
        let has_zone = text.ends_with('Z') || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
        return Some(match text.len() {
            10 => TimeStyle::Date,
            _ if has_zone => TimeStyle::Rfc3339,
            _ if text.contains('T') => TimeStyle::Naive,
            _ => TimeStyle::Space,
        });
    }
    if text.ends_with("GMT") && time::read(&value, TimeStyle::Http, &utc).is_some() {
        return Some(TimeStyle::Http);
    }
    time::read(&value, TimeStyle::MixedMonthFirst, &utc).map(|_| TimeStyle::MixedMonthFirst)
}

fn is_time_name(name: &str) -> bool {
    let name = folded(name);
    ["date", "time", "created", "updated", "modified", "deleted", "changed", "due", "stamp"]
        .iter()
        .any(|word| name.contains(word))
        || name.ends_with("at")
        || name.ends_with("on")
}

/// The style of a column.
pub(super) fn style(name: &str, rows: &[Map<String, Value>], order: DayOrder) -> Option<TimeStyle> {
    let mut styles = Vec::new();
    let (mut read, mut all) = (0, 0);
    for value in rows.iter().filter_map(|row| row.get(name)) {
        let is_nothing = match value {
            Value::Null => true,
            Value::String(text) => matches!(text.trim(), "" | "-" | "N/A" | "0000-00-00" | "0000-00-00 00:00:00" | "0"),
            Value::Number(number) => number.to_string() == "0",
            _ => false,
        };
        if is_nothing {
            continue;
        }
        all += 1;
        if let Some(style) = style_of(name, value) {
            read += 1;
            if !styles.contains(&style) {
                styles.push(style);
            }
        }
    }
    // A free text may hold a day by chance.
    if read == 0 || read * 10 < all * 9 {
        return None;
    }
    let has_figures = styles.contains(&TimeStyle::MonthFirst) || styles.contains(&TimeStyle::MixedMonthFirst);
    if has_figures && styles.contains(&TimeStyle::MonthFirst) && order == DayOrder::Unknown {
        return None;
    }
    Some(match (styles.as_slice(), order) {
        ([TimeStyle::MonthFirst], DayOrder::DayFirst) => TimeStyle::DayFirst,
        ([only], _) => *only,
        (_, DayOrder::DayFirst) => TimeStyle::MixedDayFirst,
        _ => TimeStyle::MixedMonthFirst,
    })
}

/// What addresses of records look like in an API.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The base, with a slash at its end.
    base: String,
    /// The host alone, with a slash at its end.
    host: String,
    /// Beginnings of them, each up to the id: with the host, and from the root on.
    stems: Vec<String>,
}

impl Addresses {
    /// Those of the records of some lists below a base.
    pub(super) fn new<'a>(base: &Url, paths: impl Iterator<Item = &'a str>) -> Self {
        let host = base.as_str().strip_suffix(base.path()).unwrap_or_default();
        let root = base.path().trim_end_matches('/');
        let stem = |path: &'a str| {
            let path = path.split('?').next().unwrap_or_default().trim_matches('/').trim_end_matches(".json");
            // `users/list` has its records at `users/7`.
            let parent = path.rsplit_once('/').map(|(parent, _)| parent);
            [Some(path), parent].into_iter().flatten().flat_map(|path| {
                let from_root = format!("{root}/{path}/");
                [format!("{host}{from_root}"), from_root]
            })
        };
        Self { base: format!("{host}{root}/"), host: format!("{host}/"), stems: paths.flat_map(stem).collect() }
    }

    /// What addresses with the host begin with, if one of these rows holds the address of a record.
    pub(super) fn shown(&self, rows: &[Map<String, Value>]) -> Option<&str> {
        let is_one = |text: &str| text.starts_with(&self.base) && self.is_record(text);
        let mut values = rows.iter().flatten().filter(|(name, _)| !is_own_address(name));
        values.any(|(_, value)| value.as_str().is_some_and(is_one)).then_some(self.base.as_str())
    }

    /// Whether a text is the address of one record: of a list that is known, or what clearly is one of an API's.
    fn is_record(&self, text: &str) -> bool {
        let is_id = |rest: &str| !rest.is_empty() && !rest.contains('/');
        let text = text.trim_end_matches('/');
        if self.stems.iter().any(|stem| text.strip_prefix(stem.as_str()).is_some_and(is_id)) {
            return true;
        }
        // Where all lists have one address, theirs tell nothing; a word and an id at the API's own host still do.
        if text.strip_prefix(&self.host).is_some_and(ends_with_word_and_id) {
            return true;
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        (text.starts_with('/') || text.contains("://"))
            && last.bytes().any(|byte| byte.is_ascii_digit())
            && (!text.contains('.') || text.contains("/api/") || text.contains("/rest"))
    }
}

/// `v1/users/7`: the last two parts of a path are a word and something with a digit that is no file.
fn ends_with_word_and_id(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (Some(id), Some(word)) = (parts.next(), parts.next()) else { return false };
    let is_word =
        word.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')) && !word.is_empty();
    is_word && id.bytes().any(|byte| byte.is_ascii_digit()) && !id.contains(['.', '?', '#'])
}

/// Learns the columns of a list.
pub(super) fn learn(list: &mut Listed, order: DayOrder, account_zone: Option<&str>, addresses: &Addresses) {
    let rows = list.bare.rows.clone();
    let names: std::collections::BTreeSet<String> = rows.iter().flat_map(Map::keys).cloned().collect();
    let mut times = std::collections::BTreeMap::new();
    let mut links = std::collections::BTreeMap::new();
    let mut money = std::collections::BTreeMap::new();
    for name in names.iter().filter(|name| **name != list.look.id) {
        let values: Vec<&Value> =
            rows.iter().filter_map(|row| row.get(name)).filter(|value| !value.is_null()).collect();
        if values.is_empty() {
            continue;
        }
        if let Some(style) = style(name, &rows, order) {
            if !matches!(style, TimeStyle::Rfc3339 | TimeStyle::Date) {
                times.insert(name.clone(), TimeForm { style, zone: None });
            }
        } else if values.iter().any(|value| value.as_str().is_some_and(|text| figures(text).is_some()))
            && is_time_name(name)
        {
            list.risks.push(format!(
                "'{name}' has days in figures, and no value shows whether the day or the month comes first"
            ));
        } else if let Some(form) = link(name, &values, addresses) {
            links.insert(name.clone(), form);
        } else if let Some(form) = amount(&values) {
            money.insert(name.clone(), form);
        }
    }
    let needs_zone = times.values().any(|form: &TimeForm| {
        !matches!(form.style, TimeStyle::Epoch | TimeStyle::EpochMs | TimeStyle::Net | TimeStyle::Http)
    });
    if needs_zone && account_zone.and_then(|name| zone(Some(name))).is_none() {
        list.risks.push(ZONE_UNKNOWN.to_owned());
    }
    list.rules.stamp = stamp(&names, &rows, order);
    list.rules.deleted = Some(deleted(&names, &rows));
    list.rules.custom = Some(custom(&names, &rows));
    list.rules.times = Some(times).filter(|times| !times.is_empty());
    list.rules.links = Some(links).filter(|links| !links.is_empty());
    list.rules.money = Some(money).filter(|money| !money.is_empty());
}

fn stamp(names: &std::collections::BTreeSet<String>, rows: &[Map<String, Value>], order: DayOrder) -> Option<Stamp> {
    let ranked = STAMPS.iter().filter_map(|known| names.iter().find(|name| folded(name) == *known));
    let others = names.iter().filter(|name| {
        let name = folded(name);
        name.contains("updat") || name.contains("modif") || name.contains("chang")
    });
    ranked.chain(others).find_map(|name| {
        let style = style(name, rows, order)?;
        let filled = rows.iter().filter(|row| row.get(name).is_some_and(|value| !value.is_null())).count();
        (filled * 10 >= rows.len() * 9 && style != TimeStyle::Date).then(|| Stamp {
            column: name.clone(),
            style,
            zone: None,
        })
    })
}

/// How deleted rows show among some.
pub(super) fn deleted(names: &std::collections::BTreeSet<String>, rows: &[Map<String, Value>]) -> Deleted {
    let named = |wanted: &[&str]| names.iter().find(|name| wanted.contains(&folded(name).as_str())).cloned();
    if let Some(column) = named(&["isdeleted", "deleted", "isdelete", "deletedflag", "removed"]) {
        let marked = rows.iter().filter(|row| row.get(&column).is_some_and(is_true)).count();
        // Seen once: a flag that is set on the rows that are there.
        return if marked * 2 > rows.len() { Deleted::ActiveFlag { column } } else { Deleted::Flag { column } };
    }
    if let Some(column) =
        named(&["deletedat", "deletedtime", "datedeleted", "deletedon", "trashedat", "deletedate", "removedat"])
    {
        return Deleted::Stamp { column };
    }
    for column in
        names.iter().filter(|name| matches!(folded(name).as_str(), "status" | "state" | "recordstatus" | "recordstate"))
    {
        let mut words = rows.iter().filter_map(|row| row.get(column)?.as_str());
        let found = words.find(|text| matches!(text.to_lowercase().as_str(), "trashed" | "deleted" | "removed"));
        if let Some(word) = found {
            return Deleted::Word { column: column.clone(), word: word.to_owned() };
        }
    }
    Deleted::Vanishes
}

fn custom(names: &std::collections::BTreeSet<String>, rows: &[Map<String, Value>]) -> Custom {
    for key in names.iter().filter(|name| CUSTOM.contains(&folded(name).as_str())) {
        let values: Vec<&Value> = rows.iter().filter_map(|row| row.get(key)).filter(|value| !value.is_null()).collect();
        let is_nothing = |value: &&Value| value.as_array().is_some_and(Vec::is_empty);
        if values.iter().all(|value| value.is_object() || is_nothing(value))
            && values.iter().any(|value| value.is_object())
        {
            return Custom::Map { key: key.clone() };
        }
        let pair = values.iter().filter_map(|value| value.as_array()?.first()?.as_object()).next();
        if let Some(pair) = pair.filter(|_| values.iter().all(|value| value.is_array())) {
            let part =
                |wanted: &[&str]| wanted.iter().find_map(|word| pair.keys().find(|key| folded(key) == *word)).cloned();
            let name = part(&["fieldname", "name", "key", "label", "field", "code", "fieldid", "id", "customfieldid"]);
            let value = part(&["fieldvalue", "value", "val", "content", "data"]);
            if let (Some(name), Some(value)) = (name, value) {
                return Custom::Pairs { key: key.clone(), name, value };
            }
        }
    }
    Custom::Inline
}

/// How a column points at records, if it does so in another way than by plain ids.
fn link(name: &str, values: &[&Value], addresses: &Addresses) -> Option<LinkForm> {
    if values.iter().all(|value| value.is_object()) {
        let first = values.first()?.as_object()?;
        let key = first.keys().find(|key| folded(key) == "id" || folded(key) == "uuid")?;
        let is_small = values.iter().all(|value| {
            value.as_object().is_some_and(|map| map.len() <= 6 && map.get(key).and_then(id_text).is_some())
        });
        return is_small.then(|| LinkForm::Object(key.clone()));
    }
    let is_address = |value: &&Value| value.as_str().is_some_and(|text| addresses.is_record(text));
    (!is_own_address(name) && values.iter().all(is_address)).then_some(LinkForm::Url)
}

/// Money in an object of its own; some values may be plain numbers or words all the same.
fn amount(values: &[&Value]) -> Option<MoneyForm> {
    let objects: Vec<_> = values.iter().filter_map(|value| value.as_object()).collect();
    let first = objects.first()?;
    let part = |wanted: &[&str]| first.keys().find(|key| wanted.contains(&folded(key).as_str())).cloned();
    let amount = part(&["amount", "value", "total"])?;
    let currency = part(&["currency", "currencycode"])?;
    objects
        .iter()
        .all(|object| object.contains_key(&amount))
        .then_some(MoneyForm::Object { amount, currency: Some(currency) })
}
