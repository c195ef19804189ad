//! One source in one shape: probed, read by what was found, and held against what is really there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Secret, SourceCredentials, base_url};
use crossdock::http::Http;
use crossdock::record::{Object, SourceRecord};
use crossdock::source::api::{Client, Settings};
use crossdock::source::probe::{Allowance, Failed, Found, Probed, Target, Verdict, probe};
use crossdock::source::profile::{Changes, Custom, List, Profile};
use crossdock::source::{Cursor, Source};
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::shapes::choices::Protocol;
use crossdock::standin::promox::shapes::{self, Edit, Serving, Shape};
use crossdock::stop;
use futures::TryStreamExt as _;
use serde_json::{Map, Value};

/// Records of the account.
const RECORDS: usize = 300;

/// How a shape ended.
#[derive(Debug)]
pub(crate) enum Told {
    /// Every list was learned and read row for row.
    Learned,
    /// Some lists, or all, fell back; each for a reason that was told.
    FellBack(Vec<String>),
    /// Rows were missing, too many or wrong, and nothing was said.
    Wrong(Vec<String>),
}

/// What became of a shape.
pub(crate) struct Outcome {
    shape: String,
    pub(crate) told: Told,
    pub(crate) requests: u32,
    pub(crate) writes: u64,
    pub(crate) posts: u64,
    pub(crate) locked: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match &self.told {
            Told::Learned => "learned".to_owned(),
            Told::FellBack(reasons) => format!("fell back: {}", reasons.join(" | ")),
            Told::Wrong(what) => format!("WRONG: {}", what.join(" | ")),
        };
        let locked = if self.locked { ", LOCKED" } else { "" };
        write!(f, "{} requests, {} writes{locked}, {told}, shape {}", self.requests, self.writes, self.shape)
    }
}

/// Probes and reads a source in one shape.
pub(crate) fn run(shape: &str) -> Outcome {
    run_as(shape, true)
}

/// The same; what the operator approves of reads by POST is approved, or is not.
pub(crate) fn run_as(shape: &str, approves: bool) -> Outcome {
    run_with(shape, approves, RECORDS)
}

/// The same with so many records.
pub(crate) fn run_with(shape: &str, approves: bool, records: usize) -> Outcome {
    serve(shape, records, async |serving, clock| look(shape, approves, serving, clock).await)
}

/// What a probe finds in a source in one shape.
pub(crate) fn found(shape: &str) -> Vec<Found> {
    serve(shape, RECORDS, async |serving, clock| {
        let (_, probed) = probed(true, serving, clock).await;
        probed.map_err(|failed| failed.error).expect("something is found").objects
    })
}

/// Serves a source in one shape, with so many records, to whoever looks at it.
fn serve<T>(shape: &str, records: usize, look: impl AsyncFnOnce(&Serving, &Clock) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T15:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let account = generate(records, 1, clock.utc());
        let parsed: Shape = shape.parse().unwrap_or_else(|error| panic!("shape {shape}: {error:?}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = shapes::Settings::default();
        let serving = shapes::serve(account, parsed, settings, clock.clone(), listener).await.expect("a source");
        let seen = look(&serving, &clock).await;
        serving.shutdown().await;
        seen
    }))
}

/// A source in one shape that is being served, and what a probe found out about it.
pub(crate) struct Learned {
    pub(crate) serving: Serving,
    pub(crate) clock: Clock,
    pub(crate) http: Http,
    pub(crate) probed: Probed,
}

impl Learned {
    /// A source that is read by a profile.
    pub(crate) fn source(&self, profile: &Profile) -> Source {
        source(&self.serving, profile, &self.probed.credentials, &self.http)
    }

    /// The requests of one stage.
    pub(crate) fn asked(&self, stage: &str) -> usize {
        self.probed.requests.iter().filter(|sent| sent.stage.as_str() == stage).count()
    }
}

/// Probes a source in one shape, whose storage of files the operator named or did not, and goes on with what was found.
pub(crate) fn with<F: Future<Output = ()>>(shape: &str, names_storage: bool, test: impl FnOnce(Learned) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T15:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let account = generate(RECORDS, 1, clock.utc());
        let parsed: Shape = shape.parse().unwrap_or_else(|error| panic!("shape {shape}: {error:?}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = shapes::Settings::default();
        let serving = shapes::serve(account, parsed, settings, clock.clone(), listener).await.expect("a source");
        // Of each kind but users something was deleted, and somebody tried how orders are made.
        for object in
            shapes::SERVED.iter().copied().filter(|object| serving.serves(*object) && *object != Object::Owner)
        {
            let rows = serving.truth(object);
            let living: Vec<u64> = rows.iter().filter(|row| row.deleted.is_none()).map(|row| row.key).collect();
            if let [_, _, third, .., last] = living.as_slice() {
                serving.edit(Edit::Delete { object, key: *third }).expect("a living row");
                if object == Object::Project {
                    let fields = [("name".to_owned(), Value::from("TEST ORDER - do not ship"))].into_iter().collect();
                    serving.edit(Edit::Change { object, key: *last, fields }).expect("a living row");
                }
            }
        }
        let hosts = if names_storage { vec![serving.control_address().to_string()] } else { Vec::new() };
        let (http, probed) = Box::pin(probed_with((true, hosts), &serving, &clock)).await;
        let probed = probed.map_err(|failed| failed.error.chain()).expect("it is learned");
        log(shape, &probed.requests);
        if std::env::var("SHAPE").is_ok() {
            println!("{}", probed.profile.to_text());
        }
        test(Learned { serving, clock: clock.clone(), http, probed }).await;
    }));
}

/// Probes a source as an operator would who knows it.
async fn probed(approves: bool, serving: &Serving, clock: &Clock) -> (Http, Result<Probed, Failed>) {
    probed_with((approves, Vec::new()), serving, clock).await
}

/// The same, with further hosts that the operator named.
async fn probed_with(
    (approves, hosts): (bool, Vec<String>),
    serving: &Serving,
    clock: &Clock,
) -> (Http, Result<Probed, Failed>) {
    let http = Http::new(clock.clone(), Duration::from_secs(30), 2).expect("a client");
    let own = serving.credentials();
    let credentials = credentials(&own);
    let versions = own.version.iter().flat_map(|version| {
        ["api-version", "x-api-version", "version", "accept-version"].map(|name| (name.to_owned(), version.clone()))
    });
    let target = Target {
        address: base_url(&serving.site()).expect("loopback"),
        hosts,
        logins: own.token_url.iter().chain(&own.login_url).cloned().collect(),
        headers: versions.collect(),
        posts: if approves { approved(serving) } else { Vec::new() },
    };
    let (_stopper, stop) = stop::switch();
    let probed = Box::pin(probe(&http, target, &credentials, Allowance::default(), stop)).await;
    (http, probed)
}

async fn look(shape: &str, approves: bool, serving: &Serving, clock: &Clock) -> Outcome {
    let (http, probed) = probed(approves, serving, clock).await;
    let name = format!("{shape} [{}]", serving.shape());
    let (told, requests) = match probed {
        Err(Failed { error, requests }) => {
            log(shape, &requests);
            (Told::FellBack(vec![error.chain()]), requests.len())
        }
        Ok(probed) => {
            log(shape, &probed.requests);
            let requests = probed.requests.len();
            (compare(&probed, &probed.credentials, serving, &http).await, requests)
        }
    };
    let ledger = serving.ledger();
    Outcome {
        shape: name,
        told,
        requests: u32::try_from(requests).expect("few"),
        writes: ledger.writes,
        posts: ledger.by_endpoint.iter().filter(|(name, _)| name.starts_with("POST ")).map(|(_, count)| count).sum(),
        locked: ledger.locked,
    }
}

/// One shape by itself is told in full.
fn log(_shape: &str, requests: &[crossdock::source::probe::Sent]) {
    if std::env::var("SHAPE").is_ok() {
        for sent in requests {
            println!(
                "{:3} {:9} {:?} {} ({})",
                sent.number,
                sent.stage.as_str(),
                sent.status,
                sent.request,
                sent.purpose
            );
        }
    }
}

/// What an operator would write into the settings: the kind of credentials, and beside it, by what it is, whatever else was
/// handed out. Where any of it goes in a request is not said.
fn credentials(own: &shapes::Credentials) -> SourceCredentials {
    let secret = |text: &String| Secret::fixed(text.as_str().into());
    let named = [
        ("app_key", &own.app_key),
        ("email", &own.email),
        ("api_secret", &own.api_secret),
        ("company", &own.company),
        ("client_id", &own.client_id),
        ("client_secret", &own.client_secret),
    ];
    let others = |without: &[&str]| -> BTreeMap<String, Secret> {
        let named = named.iter().filter(|(name, _)| !without.contains(name));
        named.filter_map(|(name, text)| text.as_ref().map(|text| ((*name).to_owned(), secret(text)))).collect()
    };
    let client = ["client_id", "client_secret"];
    let (first, others) = if let Some(token) = &own.refresh_token {
        let client_secret = own.client_secret.as_ref().map(secret);
        let client_id = own.client_id.clone();
        (SourceCredentials::Refresh { client_id, client_secret, token: secret(token) }, others(&client))
    } else if let (Some(user), Some(password)) = (&own.user, &own.password) {
        let key = own.token.as_ref().map(secret);
        (SourceCredentials::Password { user: user.clone(), password: secret(password), key }, others(&[]))
    } else if let Some(token) = &own.token {
        let first = match &own.user {
            Some(user) => SourceCredentials::Password { user: user.clone(), password: secret(token), key: None },
            None => SourceCredentials::Token(secret(token)),
        };
        (first, others(&[]))
    } else {
        let (Some(id), Some(client_secret)) = (&own.client_id, &own.client_secret) else { panic!("some credential") };
        (SourceCredentials::Client { id: id.clone(), secret: secret(client_secret) }, others(&client))
    };
    if others.is_empty() { first } else { SourceCredentials::Beside { first: Box::new(first), others } }
}

/// The reads by POST that an operator approves who knows what kind of API it is.
fn approved(serving: &Serving) -> Vec<String> {
    let root = serving.root();
    let base = root.strip_prefix(&serving.site()).unwrap_or_default();
    match serving.shape().protocol {
        Protocol::Rpc => vec!["*/list".to_owned()],
        Protocol::RpcSingle => vec![format!("{base}/")],
        Protocol::Graphql => vec![format!("{base}/graphql")],
        Protocol::Soap => vec![format!("{base}/soap")],
        _ => Vec::new(),
    }
}

fn source(serving: &Serving, profile: &Profile, credentials: &SourceCredentials, http: &Http) -> Source {
    let settings = Settings {
        base: base_url(&serving.site()).expect("loopback"),
        credentials: credentials.clone(),
        profile: profile.clone(),
        page_rows: NonZeroU32::new(100).expect("not zero"),
        period: Duration::from_millis(200),
        overlap: Duration::from_secs(900),
        retries: 5,
        pace_file: None,
    };
    Source::api(Client::new(http.clone(), settings).expect("a profile that can be followed"))
}

async fn compare(probed: &Probed, credentials: &SourceCredentials, serving: &Serving, http: &Http) -> Told {
    // What is written and read back is what is used.
    let profile = Profile::parse(&probed.profile.to_text()).expect("a written profile reads back");
    if std::env::var("SHAPE").is_ok() {
        println!("{}", profile.to_text());
    }
    let source = source(serving, &profile, credentials, http);
    let (mut reasons, mut wrong) = (Vec::new(), Vec::new());
    for object in shapes::SERVED.iter().copied().filter(|object| serving.serves(*object)) {
        let found = probed.objects.iter().find(|found| found.object == Some(object));
        match found.map(|found| &found.verdict) {
            Some(Verdict::Api) => {}
            // Told for what it is: the source refuses it to these credentials, whoever asks.
            Some(Verdict::Refused(why)) if serving.refuses(object) && why.contains("may not read it") => continue,
            Some(Verdict::Refused(why)) => {
                reasons.push(format!("{object}: it can be read, and is told as refused: {why}"));
                continue;
            }
            Some(Verdict::Fallback(why)) => {
                assert!(!why.is_empty(), "{object} falls back for no reason");
                reasons.push(format!("{object}: {why}"));
                continue;
            }
            None => {
                reasons.push(format!("{object}: nothing is said about it"));
                continue;
            }
        }
        let list = profile.list(object).expect("a list with a verdict is in the profile");
        let pages: Result<Vec<_>, _> = source.pages(object, Cursor::start()).try_collect().await;
        match pages {
            Err(error) => reasons.push(format!("{object}: {}", error.chain())),
            Ok(pages) => {
                let last = pages.last().map(|page| page.cursor.clone());
                let records = pages.into_iter().flat_map(|page| page.records);
                let records: BTreeMap<String, SourceRecord> =
                    records.map(|record| (record.id.as_ref().to_owned(), record)).collect();
                wrong.extend(differences(object, &records, &list, serving));
                if let (Changes::Filter { .. }, Some(last)) = (&list.changes, last) {
                    match change_is_seen(object, last, &source, serving, http.clock()).await {
                        Ok(true) => {}
                        Ok(false) => wrong.push(format!("{object}: a change is not seen")),
                        Err(error) => reasons.push(format!("{object}: {}", error.chain())),
                    }
                }
            }
        }
    }
    match (wrong.is_empty(), reasons.is_empty()) {
        (false, _) => Told::Wrong(wrong),
        (true, false) => Told::FellBack(reasons),
        (true, true) => Told::Learned,
    }
}

/// Whether the reading of changes after a walk brings a row that was changed since.
async fn change_is_seen(
    object: Object,
    after: Cursor,
    source: &Source,
    serving: &Serving,
    clock: &Clock,
) -> crossdock::error::Result<bool> {
    let listed = serving.listed(object);
    let Some(row) = listed.iter().rfind(|row| row.deleted.is_none()) else { return Ok(true) };
    clock.sleep(Duration::from_secs(60)).await;
    serving.edit(Edit::Change { object, key: row.key, fields: Map::new() }).expect("a live row");
    // Some show a change minutes later.
    clock.sleep(Duration::from_secs(600)).await;
    let pages: Vec<_> = source.pages(object, after).try_collect().await?;
    Ok(pages.iter().flat_map(|page| &page.records).any(|record| *record.id == *row.id))
}

fn differences(
    object: Object,
    records: &BTreeMap<String, SourceRecord>,
    list: &List,
    serving: &Serving,
) -> Vec<String> {
    let truth = serving.listed(object);
    let expected: BTreeSet<&str> = truth.iter().map(|row| row.id.as_str()).collect();
    let got: BTreeSet<&str> = records.keys().map(String::as_str).collect();
    let is_xml = matches!(serving.shape().protocol, Protocol::Xml | Protocol::Soap);
    let mut wrong = Vec::new();
    if expected != got {
        let missing: Vec<_> = expected.difference(&got).take(3).collect();
        let more: Vec<_> = got.difference(&expected).take(3).collect();
        wrong.push(format!(
            "{object}: {} rows read, {} there; missing {missing:?}, too many {more:?}",
            got.len(),
            expected.len()
        ));
        return wrong;
    }
    for row in &truth {
        if let Some(record) = records.get(&row.id)
            && let Some(what) = row_difference(&row.wire, record, list, (&serving.site(), is_xml))
        {
            wrong.push(format!("{object} {}: {what}", row.id));
            break;
        }
    }
    wrong
}

/// The first value of a row that was lost or changed. Columns that the profile reads as times, links or money are other
/// text by design, so that only their presence is looked at.
fn row_difference(
    wire: &Map<String, Value>,
    record: &SourceRecord,
    list: &List,
    (site, is_xml): (&str, bool),
) -> Option<String> {
    let custom = match &list.custom {
        Custom::Inline => None,
        Custom::Map { key } | Custom::Pairs { key, .. } => Some(key.as_str()),
    };
    for (name, value) in wire {
        let value = match value {
            Value::Object(map) if list.wrapped && map.contains_key("value") => &map["value"],
            other => other,
        };
        if Some(name.as_str()) == custom {
            let held: BTreeSet<String> = record.payload.values().flat_map(leaves).collect();
            let inner: Vec<&Value> = match (value, &list.custom) {
                (Value::Object(map), _) => map.values().collect(),
                (Value::Array(pairs), Custom::Pairs { value, .. }) => {
                    pairs.iter().filter_map(|pair| pair.get(value)).collect()
                }
                _ => Vec::new(),
            };
            let is_held = |leaf: &String| {
                held.contains(leaf) || is_xml && (leaf == "\"\"" || held.contains(&format!("\"{leaf}\"")))
            };
            if let Some(lost) = inner.into_iter().flat_map(leaves).find(|leaf| !is_held(leaf)) {
                return Some(format!("the custom value {lost} is lost"));
            }
            continue;
        }
        // A name in XML begins with no digit.
        let xml_name = format!("_{name}");
        let name = if is_xml && name.starts_with(|first: char| first.is_ascii_digit()) { &xml_name } else { name };
        let Some(read) = record.payload.get(name) else { return Some(format!("'{name}' is lost")) };
        let is_address =
            |value: &Value| value.as_str().is_some_and(|text| text.starts_with(site)) && !names_itself(name);
        let is_read = is_address(value)
            || list.times.contains_key(name)
            || list.links.contains_key(name)
            || list.money.contains_key(name);
        let is_same = read == value || is_xml && as_text(read) == as_text(value);
        if !is_read && !is_same {
            return Some(format!("'{name}' is {read} and was {value}"));
        }
        // A record's own address is no link.
        if let Some(address) = value.as_str().filter(|_| is_address(value)) {
            let id = read.as_str().unwrap_or_default();
            let is_its_id = |end: String| !id.is_empty() && !id.contains('/') && address.ends_with(&end);
            if !is_its_id(format!("/{id}")) && !is_its_id(format!("/{id}.json")) {
                return Some(format!("'{name}' is {read}, and not the id that the address {address} ends with"));
            }
        }
    }
    None
}

/// Columns that hold the address of the row itself, or of what is downloaded.
fn names_itself(column: &str) -> bool {
    let column = column.to_lowercase();
    ["self", "href", "link", "url", "download"].iter().any(|word| column.contains(word))
}

/// XML knows texts only, and nothing is an empty one.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Null => Value::from(""),
        Value::Array(list) if list.is_empty() => Value::from(""),
        Value::Object(map) if map.is_empty() => Value::from(""),
        Value::Array(list) => list.iter().map(as_text).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (name.clone(), as_text(value))).collect()),
        Value::String(text) => Value::from(text.as_str()),
        plain => Value::from(plain.to_string()),
    }
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        Value::Object(map) => map.values().flat_map(leaves).collect(),
        plain => vec![plain.to_string()],
    }
}
