//! A list that was found: how it is asked for, what its answers hold, and what was learned about it.

use std::collections::BTreeMap;

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use super::guard::Guard;
use super::look::{Look, Rows, look};
use super::{ColumnSeen, Ended, Found, Hidden, Stage, Verdict};
use crate::http::Answer;
use crate::record::Object;
use crate::source::api::answer::says_nothing;
use crate::source::api::ask::{self, Ask};
use crate::source::api::auth::Draft;
use crate::source::api::path::{find, put};
use crate::source::api::rows::Reader;
use crate::source::api::soap;
use crate::source::profile::{At, Evidence, Method, RowsForm, Rules, ValueKind};

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
    /// Where its rows have no order in an answer: their ids, which are numbers, show it.
    pub(super) is_sorted: bool,
    /// It came at once, and nothing yet shows that these are all of its rows.
    pub(super) is_doubted: bool,
    /// It was found out how all of its rows are read.
    pub(super) is_learned: bool,
    pub(super) rows: Option<u64>,
    /// Rows that only a parameter shows.
    pub(super) hidden: Vec<Hidden>,
    /// The id of one that was deleted.
    pub(super) gone: Option<String>,
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
    /// Whatever its status, it says that there is nothing.
    pub(super) is_nothing: bool,
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
            is_sorted: false,
            is_doubted: false,
            is_learned: false,
            rows: None,
            hidden: Vec::new(),
            gone: None,
            reasons: Vec::new(),
            risks: Vec::new(),
        };
        list.set_look();
        list.set_always(Vec::new());
        list.bare = list.got(answer.status, answer.headers.clone(), body);
        list.is_sorted = list.bare.ids.iter().all(|id| id.parse::<u64>().is_ok());
        list
    }

    /// Whether its rows come in the order that the source has them in. An object has none, unless its keys show it.
    pub(super) fn is_ordered(&self) -> bool {
        self.look.form != RowsForm::Keyed || self.is_sorted
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
                Got { is_good: true, status, ids, rows, body, headers, is_nothing: false }
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
            _ => {
                let is_nothing = says_nothing(&answer.body) || answer.status == 204;
                // A fault says by its code whom it blames, not by its status.
                Ok(Got { status: soap::status(&answer), is_nothing, headers: answer.headers, ..Got::default() })
            }
        }
    }

    /// The path below which its records are.
    pub(super) fn stem(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default().trim_end_matches('/');
        path.strip_suffix(".json").or_else(|| path.strip_suffix("/list")).unwrap_or(path)
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
                let seen = columns.entry(name.clone()).or_insert(ColumnSeen { filled: 0, kind: ValueKind::Any });
                if let Some(kind) = ValueKind::of(value) {
                    seen.kind = if seen.filled == 0 || seen.kind == kind { kind } else { ValueKind::Any };
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
            hidden: self.hidden.clone(),
            reasons: self.reasons.clone(),
            risks: self.risks.clone(),
        }
    }
}
