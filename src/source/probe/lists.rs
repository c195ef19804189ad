//! Which lists there are, found by what they are commonly called, and whose account it is.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use super::guard::Guard;
use super::look::{Look, Rows, find_rows, look};
use super::roots::Ground;
use super::words::{IDENTITY, LISTS, folded};
use super::{ColumnSeen, Ended, Found, Known, Stage, Verdict};
use super::{posts, select};
use crate::error::Kind;
use crate::http::Answer;
use crate::record::Object;
use crate::source::Account;
use crate::source::api::ask::{self, Ask, address};
use crate::source::api::auth::Draft;
use crate::source::api::path::{find, put};
use crate::source::api::rows::Reader;
use crate::source::api::soap;
use crate::source::api::time::zone;
use crate::source::profile::{AccountAt, At, Evidence, Method, RowsForm, Rules};

/// The objects that are looked for.
pub(super) const WANTED: &[(Object, &[&str])] = LISTS;

/// Misses in a row after which a way to write names is given up.
const MISSES_MAX: u32 = 8;

/// Misses in all once some lists were found.
pub(super) const MISSES_ALL_MAX: u32 = 22;

/// Requests that must be left for learning how the lists are paged.
pub(super) const KEPT_FOR_SHAPE: u32 = 60;

/// The same once the way is known that leads to the lists.
const KEPT_AT_LEAST: u32 = 45;

/// Writes the name of a list.
type Style = fn(&str) -> String;

/// A style of names, and the words to try in it.
type Scout = (usize, &'static [(Object, &'static str)]);

/// Words by which a base is recognized, by the style that they are written in. Users and leads are called so nearly
/// everywhere.
const SCOUTS: &[Scout] = &[
    (0, &[(Object::Owner, "users"), (Object::Lead, "leads")]),
    (1, &[(Object::Owner, "users")]),
    (2, &[(Object::Owner, "users")]),
    (4, &[(Object::Owner, "users")]),
    (3, &[(Object::Owner, "users")]),
    (0, &[(Object::Client, "clients"), (Object::Client, "contacts")]),
    (1, &[(Object::Lead, "leads")]),
    (2, &[(Object::Lead, "leads")]),
    (4, &[(Object::Lead, "leads")]),
    (3, &[(Object::Lead, "leads")]),
];

/// How the names of lists may be written.
const STYLES: &[Style] = &[
    |name| name.to_owned(),
    |name| format!("{name}.json"),
    |name| capitalized(name),
    |name| singular(name),
    |name| format!("{name}/list"),
    |name| camel(name),
];

/// Rows below what describes their list (Kinto, PocketBase).
const BELOW: Style = |name| format!("{name}/records");

/// A list, and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) object: Option<Object>,
    pub(super) name: String,
    /// Below the base.
    pub(super) path: String,
    pub(super) look: Rows,
    /// The first answer.
    pub(super) bare: Got,
    pub(super) rules: Rules,
    /// Where its parameters go.
    pub(super) at: At,
    /// The verb, the body and the parameters without which it is not this list.
    call: Call,
    /// Parameters that are always sent beside these.
    pub(super) always: Vec<(String, String)>,
    /// The only parameters that it takes, where a schema declares them.
    pub(super) takes: Option<Vec<String>>,
    /// How it is paged was told by a description of it, and is only to be confirmed.
    pub(super) is_told: bool,
    /// How it may be filtered by the time of the change, as its protocol has it.
    pub(super) filter: Option<Expression>,
    /// Why it cannot be read from the API.
    pub(super) refused: Option<String>,
    /// It was found out how all of its rows are read.
    pub(super) is_learned: bool,
    pub(super) rows: Option<u64>,
    pub(super) reasons: Vec<String>,
    pub(super) risks: Vec<String>,
}

/// How a list is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) body: Option<Value>,
    pub(super) query: BTreeMap<String, String>,
}

/// A filter by an expression.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) param: String,
    /// `{column}` and `{time}` stand for what they say.
    pub(super) form: &'static str,
}

/// What an answer held.
#[derive(Debug, Clone, Default)]
pub(super) struct Got {
    pub(super) is_good: bool,
    pub(super) status: u16,
    pub(super) ids: Vec<String>,
    /// Rows with their values taken out of wrappers.
    pub(super) rows: Vec<Map<String, Value>>,
    pub(super) body: Value,
    pub(super) headers: HeaderMap,
}

impl Listed {
    /// A list that was found, by its first answer. Its parameters go where `at` says.
    pub(super) fn new(
        (object, name, path): (Object, &str, String),
        (call, at): (Call, At),
        rows: Rows,
        (answer, body): (&Answer, Value),
    ) -> Self {
        let mut list = Self {
            object: Some(object),
            name: name.to_owned(),
            path,
            look: rows,
            bare: Got::default(),
            rules: Rules::default(),
            at,
            call,
            always: Vec::new(),
            takes: None,
            is_told: false,
            filter: None,
            refused: None,
            is_learned: false,
            rows: None,
            reasons: Vec::new(),
            risks: Vec::new(),
        };
        list.set_look();
        list.set_always(Vec::new());
        list.bare = list.got(answer.status, answer.headers.clone(), body);
        list
    }

    /// Writes what the rows look like into the rules.
    pub(super) fn set_look(&mut self) {
        self.rules.table = Some(self.name.clone());
        self.rules.path = Some(self.path.clone());
        self.rules.rows = Some(self.look.path.clone());
        self.rules.form = Some(self.look.form);
        self.rules.row = Some(self.look.row.clone()).filter(|row| !row.is_empty());
        self.rules.wrapped = Some(true).filter(|_| self.look.wrapped);
        self.rules.id = Some(self.look.id.clone());
        self.rules.null_when_empty = Some(true);
    }

    /// Writes into the rules how it is asked for, with parameters that are always sent.
    pub(super) fn set_always(&mut self, params: Vec<(String, String)>) {
        self.always = params;
        let (mut query, mut body) = (self.call.query.clone(), self.call.body.clone());
        for (name, value) in &self.always {
            match &mut body {
                Some(body) if self.at == At::Body => put(body, name, Value::String(value.clone())),
                _ => drop(query.insert(name.clone(), value.clone())),
            }
        }
        self.rules.method = Some(self.call.method).filter(|method| *method != Method::Get);
        self.rules.query = Some(query).filter(|query| !query.is_empty());
        self.rules.body = body.map(|body| body.to_string());
    }

    /// A request for it with parameters.
    pub(super) fn draft(&self, base: &Url, params: &[(String, String)]) -> Result<Draft, Ended> {
        let list = self.rules.clone().resolved(self.object.unwrap_or(Object::Custom));
        let is_taken = |name: &String| self.takes.as_ref().is_none_or(|takes| takes.contains(name));
        let params: Vec<(String, String)> = params.iter().filter(|(name, _)| is_taken(name)).cloned().collect();
        ask::with_params(base, &list, self.at, &params).map_err(Ended)
    }

    /// A request for its first rows, so many.
    pub(super) fn first(&self, base: &Url, rows: u32) -> Result<Draft, Ended> {
        let mut list = self.rules.clone().resolved(self.object.unwrap_or(Object::Custom));
        if let Some(size) = list.page.size_mut() {
            size.rows = Some(rows);
        }
        ask::request(base, &list, &Ask { page_rows: rows, ..Ask::default() }).map_err(Ended)
    }

    /// The rows of an answer.
    pub(super) fn got(&self, status: u16, headers: HeaderMap, body: Value) -> Got {
        let rules = Rules { columns: None, ..self.rules.clone() };
        let list = rules.resolved(self.object.unwrap_or(Object::Custom));
        let mut inner = body.clone();
        let rows = Reader::new(list, None).and_then(|reader| reader.rows(&mut inner, &"probe".into()));
        match rows {
            Err(_) => Got { is_good: false, status, headers, body, ..Got::default() },
            Ok(rows) => {
                let mut records: Vec<_> = rows.into_iter().flatten().collect();
                // An object has no order of its own; ids that are numbers show the one that was meant.
                if self.look.form == RowsForm::Keyed && records.iter().all(|record| record.id.parse::<u64>().is_ok()) {
                    records.sort_by_key(|record| record.id.parse::<u64>().unwrap_or_default());
                }
                let ids = records.iter().map(|record| record.id.as_ref().to_owned()).collect();
                let rows = records.into_iter().map(|record| record.payload).collect();
                Got { is_good: true, status, ids, rows, body, headers }
            }
        }
    }

    /// Asks for it with parameters.
    pub(super) async fn fetch(
        &self,
        guard: &mut Guard<'_>,
        base: &Url,
        params: &[(String, String)],
        (stage, purpose): (Stage, &str),
    ) -> Result<Got, Ended> {
        let draft = self.draft(base, params)?;
        self.fetch_draft(guard, draft, (stage, purpose)).await
    }

    /// Asks for something of it.
    pub(super) async fn fetch_draft(
        &self,
        guard: &mut Guard<'_>,
        draft: Draft,
        (stage, purpose): (Stage, &str),
    ) -> Result<Got, Ended> {
        let purpose = format!("{}: {purpose}", self.name);
        let Some(answer) = guard.read(stage, &purpose, draft).await? else { return Ok(Got::default()) };
        match look(&answer) {
            Look::Json(body) => {
                let got = self.got(answer.status, answer.headers, body);
                guard.saw_null |= got.is_good && find(&got.body, &self.look.path).is_some_and(Value::is_null);
                Ok(got)
            }
            // A fault says by its code whom it blames, not by its status.
            _ => Ok(Got { status: soap::status(&answer), headers: answer.headers, ..Got::default() }),
        }
    }

    /// Keeps the last request as evidence.
    pub(super) fn note(&mut self, guard: &Guard<'_>, finding: impl Into<String>) {
        let finding = finding.into();
        self.reasons.push(finding.clone());
        let evidence: Option<Evidence> = guard.last().map(|sent| sent.evidence(finding));
        self.rules.evidence.extend(evidence);
    }

    /// The verdict.
    pub(super) fn found(&self, stopped: Option<&str>) -> Found {
        let verdict = match (&self.refused, self.is_learned, stopped) {
            (Some(why), _, _) => Verdict::Fallback(why.clone()),
            (None, true, _) => Verdict::Api,
            (None, false, Some(why)) => {
                Verdict::Fallback(format!("the probe ended before this list was understood: {why}"))
            }
            (None, false, None) => Verdict::Fallback("it was not found out how all of its rows are read".to_owned()),
        };
        let mut columns: BTreeMap<String, ColumnSeen> = BTreeMap::new();
        for row in &self.bare.rows {
            for (name, value) in row {
                let seen = columns
                    .entry(name.clone())
                    .or_insert(ColumnSeen { filled: 0, kind: crate::source::profile::ValueKind::Any });
                if let Some(kind) = crate::source::profile::ValueKind::of(value) {
                    seen.kind = if seen.filled == 0 || seen.kind == kind {
                        kind
                    } else {
                        crate::source::profile::ValueKind::Any
                    };
                    seen.filled += 1;
                }
            }
        }
        Found {
            object: self.object,
            name: self.name.clone(),
            path: self.path.clone(),
            verdict,
            rows: self.rows,
            seen: self.bare.rows.len() as u64,
            columns,
            reasons: self.reasons.clone(),
            risks: self.risks.clone(),
        }
    }
}

/// An object that no list was found for.
pub(super) fn missing(object: Object, stopped: Option<&str>) -> Found {
    let names = LISTS.iter().find(|(own, _)| *own == object).map(|(_, names)| names.join(", ")).unwrap_or_default();
    let why = match stopped {
        None => format!("no list was found that is called one of {names}"),
        Some(why) => format!("no list was found before the probe ended: {why}"),
    };
    Found {
        object: Some(object),
        name: object.to_string(),
        path: String::new(),
        verdict: Verdict::Fallback(why),
        rows: None,
        seen: 0,
        columns: BTreeMap::new(),
        reasons: Vec::new(),
        risks: Vec::new(),
    }
}

/// Finds the lists.
pub(super) async fn discover(guard: &mut Guard<'_>, ground: &Ground, known: &mut Known) -> Result<(), Ended> {
    let mut bases = vec![known.base.clone()];
    bases.extend(ground.bases.iter().filter(|base| **base != known.base).cloned());
    if ground.is_certain {
        bases.truncate(3);
    }
    if posts::discover(guard, &bases, known).await? {
        return Ok(());
    }
    let (likely, others) = SCOUTS.split_at(1);
    let mut found = scout(guard, &bases, known, likely).await?;
    if found.is_none() {
        if select::discover(guard, &bases, known).await? {
            return Ok(());
        }
        found = scout(guard, &bases, known, others).await?;
    }
    if let Some((base, style)) = found {
        known.base = base;
        return try_style(guard, known, style).await;
    }
    bases.truncate(6);
    for style in STYLES {
        for base in &bases {
            known.base = base.clone();
            try_style(guard, known, *style).await?;
            if !known.lists.is_empty() {
                return Ok(());
            }
        }
    }
    Err(Ended::new(Kind::Source, "no list was found under any of the usual names"))
}

/// Tries every base and every style with a few words, so that the right ones are met before the requests are used up.
async fn scout(
    guard: &mut Guard<'_>,
    bases: &[Url],
    known: &mut Known,
    scouts: &[Scout],
) -> Result<Option<(Url, Style)>, Ended> {
    for (style, words) in scouts.iter().map(|(style, words)| (STYLES[*style], *words)) {
        for (object, name) in words {
            for base in bases {
                if guard.left() < KEPT_FOR_SHAPE {
                    return Ok(None);
                }
                known.base = base.clone();
                let mut found = try_list(guard, known, *object, name, style).await?.then_some(style);
                // Something is there that is no list itself.
                let is_there = || guard.last().is_some_and(|sent| sent.status == Some(200));
                if found.is_none() && bases.first() == Some(base) && is_there() {
                    found = try_list(guard, known, *object, name, BELOW).await?.then_some(BELOW);
                }
                if let Some(style) = found {
                    // The list is looked for again beside the others, among which there may be a better one.
                    known.lists.clear();
                    return Ok(Some((base.clone(), style)));
                }
            }
        }
    }
    Ok(None)
}

async fn try_style(guard: &mut Guard<'_>, known: &mut Known, style: Style) -> Result<(), Ended> {
    let rounds = LISTS.iter().map(|(_, names)| names.len()).max().unwrap_or_default();
    let (mut straight, mut all) = (0, 0);
    for round in 0..rounds {
        for (object, names) in LISTS {
            let Some(name) = names.get(round) else { continue };
            if known.lists.iter().any(|list| list.object == Some(*object)) {
                continue;
            }
            let is_over = if known.lists.is_empty() { straight >= MISSES_MAX } else { all >= MISSES_ALL_MAX };
            let kept = if known.lists.is_empty() { KEPT_FOR_SHAPE } else { KEPT_AT_LEAST };
            if is_over || guard.left() < kept {
                return Ok(());
            }
            if try_list(guard, known, *object, name, style).await? {
                straight = 0;
            } else {
                straight += 1;
                all += 1;
            }
        }
    }
    Ok(())
}

async fn try_list(
    guard: &mut Guard<'_>,
    known: &mut Known,
    object: Object,
    name: &str,
    style: Style,
) -> Result<bool, Ended> {
    let path = format!("/{}", style(name));
    let draft = Draft::new(Method::Get, address(&known.base, &path).map_err(Ended)?);
    let purpose = format!("whether there is a list of {name}");
    let Some(answer) = guard.read(Stage::Objects, &purpose, draft).await? else { return Ok(false) };
    let body = match look(&answer) {
        Look::Json(body) => body,
        _ => return Ok(false),
    };
    let Some(rows) = find_rows(&body, name) else { return Ok(false) };
    let plain = (Call::default(), At::Query);
    let mut list = Listed::new((object, name, path), plain, rows, (&answer, body));
    list.note(guard, format!("{} rows in the first answer, each with its own '{}'", list.bare.ids.len(), list.look.id));
    known.lists.push(list);
    Ok(true)
}

/// Finds out whose account it is.
pub(super) async fn identify(guard: &mut Guard<'_>, known: &mut Known) -> Result<(), Ended> {
    for word in IDENTITY.iter().take(5) {
        let path = format!("/{word}");
        let draft = Draft::new(Method::Get, address(&known.base, &path).map_err(Ended)?);
        let Some(answer) = guard.read(Stage::Identity, "whose account it is", draft).await? else { continue };
        let Look::Json(body) = look(&answer) else { continue };
        let leaf = |names: &[&str]| leaf(&body, "", names, 0);
        let Some(name) = leaf(&["name", "accountname", "companyname", "company", "organization", "fullname", "email"])
        else {
            continue;
        };
        let text = |path: &str| find(&body, path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let timezone = leaf(&["timezone", "tz", "timezoneid", "zone"]).filter(|path| zone(Some(&text(path))).is_some());
        let currency = leaf(&["currency", "currencycode", "defaultcurrency"]);
        let account = Account {
            name: text(&name),
            timezone: timezone.as_deref().map(text).unwrap_or_default(),
            currency: currency.as_deref().map(text).unwrap_or_default(),
        };
        let has_zone = timezone.is_some();
        known.evidence.extend(guard.last().map(|sent| sent.evidence("the account")));
        if has_zone || known.account.is_none() {
            known.account = Some((AccountAt { path, name, timezone, currency }, account));
        }
        if has_zone {
            return Ok(());
        }
    }
    Ok(())
}

/// The path of the first text with one of some names.
fn leaf(value: &Value, path: &str, names: &[&str], depth: usize) -> Option<String> {
    let map = value.as_object()?;
    let join = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    names
        .iter()
        .find_map(|name| {
            map.iter().find(|(key, value)| folded(key) == *name && is_text(value)).map(|(key, _)| join(key))
        })
        .or_else(|| {
            let inner = map.iter().filter(|_| depth < 2);
            inner.into_iter().find_map(|(key, value)| leaf(value, &join(key), names, depth + 1))
        })
}

fn capitalized(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut signs = word.chars();
            signs.next().map_or(String::new(), |first| first.to_uppercase().chain(signs).collect::<String>())
        })
        .collect()
}

fn camel(name: &str) -> String {
    let whole = capitalized(name);
    let mut signs = whole.chars();
    signs.next().map_or(String::new(), |first| first.to_lowercase().chain(signs).collect())
}

fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}
