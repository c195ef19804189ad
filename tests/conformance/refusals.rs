//! Requests generated from the official documents with one thing wrong each are refused, and change nothing; the same
//! requests without it are accepted, for else a refusal would prove nothing.

use std::collections::BTreeMap;

use crossdock::standin::pipedrive::{Plan, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::account::Account;
use crate::contract::{Contract, Operation};
use crate::mutations::{self, Mutation, NO_UUID, NOBODY, Wrong};
use crate::requests;
use crate::site::{Reply, Site, drive, unlimited};

/// What the service passes over instead of refusing it: which API, what is wrong, the key ("" for any), and why.
const PASSED_OVER: &[(&str, Wrong, &str, &str)] = &[
    ("v1", Wrong::UnknownKey, "", "API v1 ignores keys that it does not know (document \"Custom fields\")"),
    ("v1", Wrong::UnknownParameter, "", "API v1 ignores parameters that it does not know, as it does keys"),
    ("v1", Wrong::ParameterBounds, "limit", "API v1 gives its largest page instead (seen on live accounts)"),
];

/// Counts by what is wrong: refused, and passed over.
type Counts = BTreeMap<Wrong, (u64, u64)>;

/// What was tried, and what went otherwise than it should.
#[derive(Default)]
struct Findings {
    counts: Counts,
    accepted: u64,
    problems: Vec<String>,
}

impl Findings {
    fn add(&mut self, other: Self) {
        for (wrong, (refused, passed)) in other.counts {
            let own = self.counts.entry(wrong).or_default();
            *own = (own.0 + refused, own.1 + passed);
        }
        self.accepted += other.accepted;
        self.problems.extend(other.problems);
    }

    /// Takes the answer to a request that is right.
    fn accept(&mut self, operation: &Operation, reply: &Reply) {
        self.accepted += 1;
        if !(200..300).contains(&reply.status) {
            self.problems.push(format!(
                "{}: a right request: {} {}",
                operation.name(),
                reply.status,
                short(&reply.body)
            ));
        }
    }

    /// Says what was found; panics if there are problems.
    #[expect(clippy::print_stdout, reason = "the counts are what `make conformance` shows")]
    fn close(self, what: &str) {
        let (mut refused, mut passed) = (0, 0);
        for (wrong, (own, over)) in &self.counts {
            println!("refusals: {what}: {wrong:?}: {own} refused, {over} passed over as documented");
            (refused, passed) = (refused + own, passed + over);
        }
        println!("refusals: {what}: {refused} refused, {passed} passed over, {} right ones accepted", self.accepted);
        assert!(self.problems.is_empty(), "{} problems:\n{}", self.problems.len(), self.problems.join("\n"));
        assert!(refused > 0 && self.accepted > 0, "nothing was tried");
    }

    /// Judges the answer to a request with one thing wrong.
    fn judge(&mut self, operation: &Operation, wrong: Wrong, at: &str, reply: &Reply) {
        let place = format!("{} {wrong:?} {at}", operation.name());
        let key = at.rsplit(['.', ']']).next().unwrap_or_default();
        // Changelogs have a cursor, as lists of API v2 do.
        let by_cursor = operation.parameters("query").contains_key("cursor");
        let passes = !(by_cursor && wrong == Wrong::ParameterBounds)
            && PASSED_OVER.iter().any(|(api, own, name, _)| {
                *api == operation.text("api") && *own == wrong && (name.is_empty() || *name == key)
            });
        let counts = self.counts.entry(wrong).or_default();
        if passes {
            counts.1 += 1;
            if !(200..300).contains(&reply.status) {
                self.problems.push(format!("{place}: {} {}", reply.status, reply.body));
            }
            return;
        }
        counts.0 += 1;
        let expected: &[u16] = if wrong == Wrong::PathId { &[404] } else { &[400] };
        if !expected.contains(&reply.status) {
            self.problems.push(format!("{place}: {} {}", reply.status, short(&reply.body)));
        } else if let Some(problem) = envelope(operation, reply, at) {
            self.problems.push(format!("{place}: {problem} {}", short(&reply.body)));
        }
    }
}

fn short(body: &Value) -> String {
    body.to_string().chars().take(200).collect()
}

/// What is wrong with the envelope of a refusal (OpenAPI documents; code of v2: seen on live accounts).
fn envelope(operation: &Operation, reply: &Reply, at: &str) -> Option<&'static str> {
    let body = &reply.body;
    // Of items of a list the real texts are in no document: naming either is enough.
    let ends = [at.split(['.', '[']).next().unwrap_or_default(), at.rsplit(['.', ']']).next().unwrap_or_default()];
    let text = body["error"].as_str().unwrap_or_default();
    match () {
        () if body["success"] != json!(false) => Some("success is not false"),
        () if operation.path().contains("/webhooks") && body["errors"].is_object() => None,
        () if text.is_empty() => Some("no error text"),
        () if reply.status == 400 && !ends.iter().any(|key| text.contains(key)) => {
            Some("the text does not name the key")
        }
        () if operation.path().contains("/convert/") && reply.status == 404 => None,
        () if !operation.is_v2() && !body["error_info"].is_string() => Some("no error_info"),
        () if !operation.is_v2() && body["data"] != Value::Null => Some("data"),
        () if operation.is_v2() && !body["code"].is_string() => Some("no code"),
        () if operation.is_v2() && reply.status == 400 && body["code"] != "ERR_SCHEMA_VALIDATION_FAILED" => {
            Some("code")
        }
        () => None,
    }
}

fn settings() -> Settings {
    // A plan with visibility groups, an account with every feature, and jobs that end when they are asked about.
    Settings { plan: Plan::Premium, google_drive: true, organization_profile: true, ..unlimited() }
}

/// An operation with the ids of its path.
struct Target<'all> {
    operation: &'all Operation,
    path: String,
}

impl<'all> Target<'all> {
    fn new(operation: &'all Operation, account: &Account) -> Self {
        let ids: Vec<String> = requests::path_words(operation).into_iter().map(|word| account.text(word)).collect();
        Self { operation, path: Self::path(operation, &ids) }
    }

    fn path(operation: &Operation, ids: &[String]) -> String {
        let mut ids = ids.iter();
        let parts = operation.path().split('/').map(|part| match part.starts_with('{') {
            true => ids.next().map_or("", String::as_str),
            false => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    async fn send(&self, site: &Site, body: Option<&Value>) -> Reply {
        self.send_to(site, &self.path, body).await
    }

    async fn send_to(&self, site: &Site, path: &str, body: Option<&Value>) -> Reply {
        let method: Method = self.operation.text("method").parse().expect("a method");
        let Some(body) = body else { return site.call(method, path, None).await };
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs = || body.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), plain(value)));
        match self.operation.text("bodyType") {
            "multipart/form-data" => {
                let parts: Vec<(String, String)> = pairs().collect();
                let file = parts.iter().find(|(key, _)| key == "file");
                let rest: Vec<(&str, String)> = parts
                    .iter()
                    .filter(|(key, _)| key != "file")
                    .map(|(key, value)| (key.as_str(), value.clone()))
                    .collect();
                match file {
                    Some((_, content)) => site.upload(path, "list.txt", content.as_bytes(), &rest).await,
                    None => site.send(method, path, "multipart/form-data; boundary=limit", "--limit--\r\n").await,
                }
            }
            "application/x-www-form-urlencoded" => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs()).finish();
                site.send(method, path, "application/x-www-form-urlencoded", text).await
            }
            _ => site.call(method, path, Some(body.clone())).await,
        }
    }
}

/// Everything that can be wrong with a body, custom values too.
fn of_body(operation: &Operation, account: &Account, body: &Value) -> Vec<Mutation> {
    let schema = operation.body().expect("a body");
    let mut all = mutations::of_body(schema, body);
    if !operation.is_v2() {
        // No document says how strict API v1 is about types that mean the same.
        all.retain(|own| own.wrong != Wrong::LooseType);
    }
    if operation.text("bodyType") != "application/json" {
        // In a form everything is text.
        all.retain(|own| own.wrong != Wrong::Type || is_numeric(schema, &own.at));
        return all;
    }
    let Some(custom) = body["custom_fields"].as_object() else { return all };
    let mut add = |wrong, code: &str, value: Value| {
        let mut body = body.clone();
        body["custom_fields"][code] = value;
        all.push(Mutation { wrong, at: format!("custom_fields.{code}"), body });
    };
    add(Wrong::UnknownKey, &"f".repeat(40), json!("x"));
    let kind = operation.path().trim_start_matches("/api/v2/").chars().next().map_or("", |first| match first {
        'o' => "o",
        'd' => "d",
        _ if operation.path().contains("persons") => "p",
        _ => "x",
    });
    for code in custom.keys() {
        if *code == account.text(&format!("${kind}_text")) {
            add(Wrong::Type, code, json!(7));
            add(Wrong::Length, code, json!("x".repeat(256)));
        } else if *code == account.text(&format!("${kind}_choice")) {
            add(Wrong::Option, code, json!(NOBODY));
            add(Wrong::Type, code, json!("Gold"));
        } else {
            add(Wrong::Type, code, json!("many"));
        }
    }
    add(Wrong::Bounds, &account.text(&format!("${kind}_choices")), json!([]));
    all
}

fn is_numeric(schema: &Value, at: &str) -> bool {
    matches!(schema["properties"][at]["type"].as_str(), Some("integer" | "number"))
}

/// Sends everything wrong with one body, then the body itself, to a fresh account; and to another one what is passed over.
fn try_body(operation: &Operation, template: &Value) -> Findings {
    let mut findings = Findings::default();
    let found = &mut findings;
    let mut passed = None;
    let passed_over = &mut passed;
    drive(settings(), |site| async move {
        let account = Account::fill(&site).await;
        let (target, body) = (Target::new(operation, &account), account.read(template));
        let written = || (site.running.ledger().created, site.running.ledger().updated, site.running.ledger().deleted);
        let before = written();
        for own in of_body(operation, &account, &body) {
            if own.wrong == Wrong::UnknownKey && !operation.is_v2() {
                // Within an object of a body no document says what API v1 does.
                *passed_over = passed_over.take().or((own.at == "no_such_key").then_some(()));
                continue;
            }
            let reply = target.send(&site, Some(&own.body)).await;
            found.judge(operation, own.wrong, &own.at, &reply);
        }
        if written() != before {
            found.problems.push(format!("{}: a refused request left something behind", operation.name()));
        }
        let reply = target.send(&site, Some(&body)).await;
        found.accept(operation, &reply);
    });
    if passed.is_some() {
        let found = &mut findings;
        drive(settings(), |site| async move {
            let account = Account::fill(&site).await;
            let (target, mut body) = (Target::new(operation, &account), account.read(template));
            body["no_such_key"] = json!("no_such_value");
            let reply = target.send(&site, Some(&body)).await;
            found.judge(operation, Wrong::UnknownKey, "no_such_key", &reply);
            if reply.body.to_string().contains("no_such") {
                found.problems.push(format!("{}: the unknown key comes back", operation.name()));
            }
        });
    }
    findings
}

/// Sends everything wrong with path and query, after the request as it should be.
fn try_address(operation: &Operation) -> Findings {
    let mut findings = Findings::default();
    let found = &mut findings;
    drive(settings(), |site| async move {
        let account = Account::fill(&site).await;
        let target = Target::new(operation, &account);
        let bodies = requests::bodies(operation);
        let body = bodies.first().map(|body| account.read(body));
        let needed: Vec<(String, String)> =
            requests::needed(operation).into_iter().map(|(key, value)| (key.to_owned(), account.text(value))).collect();
        let address = |pairs: &[(String, String)]| {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            if query.is_empty() { target.path.clone() } else { format!("{}?{query}", target.path) }
        };
        for (wrong, at, path) in wrong_paths(operation, &account) {
            let reply = target.send_to(&site, &path, body.as_ref()).await;
            found.judge(operation, wrong, &at, &reply);
        }
        if !operation.is_write() {
            found.accept(operation, &site.get(&address(&needed)).await);
            for (wrong, at, pairs) in mutations::of_query(operation.parameters("query"), &needed) {
                let reply = site.get(&address(&pairs)).await;
                found.judge(operation, wrong, &at, &reply);
            }
            for (key, schema) in operation.parameters("query") {
                for value in schema["enum"].as_array().into_iter().flatten() {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let mut pairs: Vec<_> = needed.iter().filter(|(own, _)| own != key).cloned().collect();
                    let Some(field) = searched(key, &value) else { continue };
                    if let Some(pair) = pairs.iter_mut().find(|(own, _)| own == "field") {
                        pair.1 = account.text(field);
                    }
                    pairs.push((key.clone(), value));
                    found.accept(operation, &site.get(&address(&pairs)).await);
                }
            }
        }
    });
    findings
}

/// The field by which records of an entity are searched; `None` for projects, an add-on that this account has not.
fn searched(key: &str, value: &str) -> Option<&'static str> {
    match (key, value) {
        ("entity_type", "project") => None,
        ("entity_type", "organization") => Some("$o_text"),
        ("entity_type", "person") => Some("$p_text"),
        ("entity_type", "product") => Some("$x_text"),
        _ => Some("$d_text"),
    }
}

/// The path with one id that nothing has.
fn wrong_paths(operation: &Operation, account: &Account) -> Vec<(Wrong, String, String)> {
    let ids: Vec<String> = requests::path_words(operation).into_iter().map(|word| account.text(word)).collect();
    let schemas: Vec<&Value> = operation.parameters("ids").values().collect();
    let mut found = Vec::new();
    for place in 0..ids.len() {
        let foreign = match schemas.get(place) {
            Some(schema) if schema["format"] == "uuid" => NO_UUID.to_owned(),
            Some(schema) if schema["type"] == "integer" => NOBODY.to_string(),
            _ => "f".repeat(40),
        };
        for value in [foreign, "no-such-id".to_owned()] {
            let mut wrong = ids.clone();
            wrong[place] = value;
            found.push((Wrong::PathId, String::new(), Target::path(operation, &wrong)));
        }
    }
    found
}

#[test]
fn requests_with_one_thing_wrong_in_the_body_are_refused() {
    let contract = Contract::read();
    let mut found = Findings::default();
    for operation in contract.served.iter().filter(|operation| operation.is_write()) {
        let bodies = requests::bodies(operation);
        found.problems.extend(uncovered(operation, &bodies));
        for body in &bodies {
            found.add(try_body(operation, body));
        }
    }
    found.close("bodies");
}

#[test]
fn requests_with_one_thing_wrong_in_path_or_query_are_refused() {
    let contract = Contract::read();
    let mut found = Findings::default();
    for operation in &contract.served {
        found.add(try_address(operation));
    }
    found.close("paths and queries");
}

/// Keys of the document that no body of the table has, unless that is stated.
fn uncovered(operation: &Operation, bodies: &[Value]) -> Vec<String> {
    let known = operation.body().and_then(|schema| schema["properties"].as_object()).into_iter().flatten();
    let missing = known.map(|(key, _)| key).filter(|key| {
        let stated = |(part, own, _): &&(&str, &str, &str)| operation.path().contains(part) && own == key;
        !bodies.iter().any(|body| body.get(key).is_some()) && !requests::LEFT_OUT.iter().any(|row| stated(&row))
    });
    missing.map(|key| format!("{}: no request has {key}, and that is not stated", operation.name())).collect()
}
