//! The simulated PromoXcrm as its clients see it: the account's size and mess, lists, changes, faults, the control API.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::http::{Answer, Http, Reached, Request, SendError};
use crossdock::record::{Object, fold_name};
use crossdock::standin::promox::edits::EditKind;
use crossdock::standin::promox::generate::generate;
use crossdock::standin::promox::mess::Mess;
use crossdock::standin::promox::server::{Fault, FaultKind};
use crossdock::standin::promox::{Account, OBJECTS, Promox, Running, Settings};
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};

const START: &str = "2026-03-02T15:00:00Z";

fn start_time() -> Timestamp {
    START.parse().expect("a valid instant")
}

fn account(records: usize) -> Account {
    generate(records, 42, start_time())
}

fn text<'row>(row: &'row Value, field: &str) -> &'row str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn ids(account: &Account, object: Object) -> BTreeSet<u64> {
    account.rows(object).iter().filter_map(|row| row.get("id")?.as_u64()).collect()
}

#[test]
fn an_account_has_exactly_the_records_asked_for() {
    for records in [30, 31, 57, 100, 199, 200, 500, 1_234, 5_000, 20_000] {
        let account = account(records);
        assert_eq!(account.records(), records);
        assert_eq!(account.counts().values().sum::<usize>(), records);
        assert!(account.counts().values().all(|count| *count > 0), "{records}: {:?}", account.counts());
        let listed: usize = OBJECTS.iter().map(|(object, _)| account.rows(*object).len()).sum();
        assert_eq!(listed, records);
    }
    let counts = account(5_000).counts();
    assert_eq!((counts["owners"], counts["pipelines"]), (12, 3));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let bytes = |records, seed| -> Vec<String> {
        let account = generate(records, seed, start_time());
        OBJECTS.iter().flat_map(|(object, _)| account.texts(*object).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    assert_eq!(bytes(2_000, 1), bytes(2_000, 1));
    assert_ne!(bytes(2_000, 1), bytes(2_000, 2));
}

#[test]
fn five_hundred_records_show_nearly_every_mess_and_five_thousand_every_one() {
    let missing = |records| -> Vec<&str> {
        let account = account(records);
        Mess::ALL.iter().filter(|mess| account.truth().count(**mess) == 0).map(|mess| mess.as_str()).collect()
    };
    assert_eq!(missing(5_000), Vec::<&str>::new());
    let few = missing(500);
    assert!(few.len() <= 3, "{few:?}");
}

/// Counts, for each kind of mess that shows in a row, the rows that show it, and holds them against what was planted.
#[test]
fn what_was_planted_is_what_the_rows_hold() {
    let account = account(5_000);
    let check = |mess: Mess, object: Object, shows: &dyn Fn(&Value) -> bool| {
        let rows = account.rows(object);
        let seen = rows.iter().filter(|row| shows(row)).count() as u64;
        assert_eq!(seen, account.truth().count(mess), "{mess}");
    };
    check(Mess::PersonOnly, Object::Client, &|row| text(row, "company").is_empty());
    check(Mess::CompanyOnly, Object::Client, &|row| {
        text(row, "first_name").is_empty() && text(row, "last_name").is_empty()
    });
    check(Mess::NameCompanyInLast, Object::Client, &|row| {
        !text(row, "last_name").is_empty() && fold_name(text(row, "last_name")) == fold_name(text(row, "company"))
    });
    check(Mess::NameLastFirst, Object::Client, &|row| text(row, "last_name").contains(", "));
    check(Mess::NameMojibake, Object::Client, &|row| text(row, "last_name").contains('Ã'));
    check(Mess::PhoneExtension, Object::Client, &|row| text(row, "phone").contains(" x"));
    check(Mess::PhoneGuard, Object::Client, &|row| text(row, "phone").starts_with('\''));
    check(Mess::PhoneTwo, Object::Client, &|row| text(row, "phone").contains(" / "));
    check(Mess::EmailMailto, Object::Client, &|row| text(row, "email").starts_with("mailto:"));
    check(Mess::EmailDisplayName, Object::Client, &|row| text(row, "email").contains('<'));
    check(Mess::EmailPlaceholder, Object::Client, &|row| text(row, "email") == "none@none.com");
    check(Mess::EmailMissing, Object::Client, &|row| text(row, "email").is_empty());
    check(Mess::EmailSeveral, Object::Client, &|row| text(row, "email").matches('@').count() == 2);
    check(Mess::LeadConverted, Object::Lead, &|row| row["converted"] == json!(true));
    check(Mess::LeadWithClient, Object::Lead, &|row| row["converted"] == json!(false) && row["client_id"].is_u64());
    check(Mess::LeadWithoutScore, Object::Lead, &|row| row["score"].is_null());
    check(Mess::LeadNameless, Object::Lead, &|row| text(row, "name").is_empty() && text(row, "company").is_empty());
    check(Mess::ValueMissing, Object::Project, &|row| row["value"].is_null());
    check(Mess::ValueToBeDone, Object::Project, &|row| text(row, "value") == "TBD");
    check(Mess::ValueParentheses, Object::Project, &|row| text(row, "value").starts_with('('));
    check(Mess::ValueZero, Object::Project, &|row| row["value"] == json!(0));
    check(Mess::CurrencySign, Object::Project, &|row| text(row, "currency") == "$");
    check(Mess::DateNotAvailable, Object::Project, &|row| text(row, "in_hands_date") == "N/A");
    check(Mess::StageRetired, Object::Project, &|row| text(row, "stage") == "Proof Hold");
    check(Mess::ProjectWithoutClient, Object::Project, &|row| row["client_id"].is_null());
    check(Mess::TestOrder, Object::Project, &|row| text(row, "name").starts_with("TEST ORDER"));
    for (mess, mark) in
        [(Mess::HtmlScript, "<script>"), (Mess::HtmlInlineImage, "data:image"), (Mess::HtmlEscaped, "&lt;b&gt;")]
    {
        let holds = |(object, field): (Object, &str)| {
            account.rows(object).iter().filter(|row| text(row, field).contains(mark)).count() as u64
        };
        let seen: u64 =
            [(Object::Client, "notes"), (Object::Task, "body"), (Object::Note, "body")].map(holds).iter().sum();
        assert_eq!(seen, account.truth().count(mess), "{mess}");
    }
}

#[test]
fn links_hold_except_where_orphans_were_planted() {
    let account = account(5_000);
    let known: BTreeMap<&str, BTreeSet<u64>> = [
        ("client", ids(&account, Object::Client)),
        ("lead", ids(&account, Object::Lead)),
        ("project", ids(&account, Object::Project)),
    ]
    .into();
    let broken = |object: Object, link: &dyn Fn(&Value) -> Option<(String, u64)>| -> u64 {
        let rows = account.rows(object);
        rows.iter().filter_map(link).filter(|(kind, id)| !known[kind.as_str()].contains(id)).count() as u64
    };
    let by = |kind: &'static str, field: &'static str| {
        move |row: &Value| row[field].as_u64().map(|id| (kind.to_owned(), id))
    };
    let related = |row: &Value| Some((text(row, "related_type").to_owned(), row["related_id"].as_u64()?));
    let truth = account.truth();
    assert_eq!(broken(Object::Project, &by("client", "client_id")), truth.count(Mess::OrphanProject));
    assert_eq!(broken(Object::Commission, &by("project", "project_id")), truth.count(Mess::OrphanCommission));
    assert_eq!(broken(Object::Task, &related), truth.count(Mess::OrphanTask));
    assert_eq!(broken(Object::Note, &related), truth.count(Mess::OrphanNote));
    assert_eq!(broken(Object::Lead, &by("client", "client_id")), 0);
    assert_eq!(broken(Object::Lead, &by("project", "project_id")), 0);
    let owners: BTreeSet<&str> = account.owners().iter().map(|owner| owner.id.as_str()).collect();
    for (object, field) in [
        (Object::Client, "owner_id"),
        (Object::Lead, "owner_id"),
        (Object::Project, "owner_id"),
        (Object::Commission, "rep_id"),
        (Object::Task, "assignee_id"),
        (Object::Note, "author_id"),
    ] {
        assert!(account.rows(object).iter().all(|row| owners.contains(text(row, field))), "{object}");
    }
}

#[test]
fn duplicates_and_companies_are_as_many_as_told() {
    let account = account(20_000);
    let mut identities: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut companies_of_email: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut companies = BTreeSet::new();
    for row in account.rows(Object::Client) {
        let company = fold_name(text(&row, "company"));
        let email = fold_name(text(&row, "email"));
        companies.insert(company.clone());
        if email.is_empty() || email == "none@none.com" {
            continue;
        }
        let name = fold_name(&format!("{} {}", text(&row, "first_name"), text(&row, "last_name")));
        *identities.entry((email.clone(), company.clone(), name)).or_default() += 1;
        companies_of_email.entry(email).or_default().insert(company);
    }
    companies.remove("");
    let doubles: u64 = identities.values().map(|count| count - 1).sum();
    let shared = companies_of_email.values().filter(|companies| companies.len() > 1).count() as u64;
    assert_eq!(doubles, account.truth().count(Mess::ExactDuplicate));
    assert_eq!(shared, account.truth().count(Mess::SharedEmail));
    assert_eq!(companies.len() as u64, account.truth().companies);
}

#[test]
fn times_are_in_order_and_before_the_account() {
    let account = account(2_000);
    for (object, _) in OBJECTS {
        for row in account.rows(*object) {
            let updated: Timestamp = text(&row, "updated_at").parse().expect("updated_at is RFC 3339");
            assert!(updated < start_time(), "{row}");
            if let Ok(created) = text(&row, "created_at").parse::<Timestamp>() {
                assert!(created <= updated, "{row}");
            }
        }
    }
}

#[test]
fn two_owners_have_no_user_at_first_and_one_of_them_gets_one() {
    for records in [30, 500, 5_000] {
        let account = account(records);
        let (users, late) = (account.expected_users(), account.late_user().expect("someone is late"));
        assert_eq!(users.len() + 2, account.owners().len());
        assert!(!users.contains(&late));
        let inactive = account.owners().iter().filter(|owner| !owner.active);
        assert!(inactive.clone().any(|owner| owner.email == late.1));
        assert!(
            account
                .owners()
                .iter()
                .filter(|owner| owner.active)
                .all(|owner| { users.iter().any(|(name, email)| *name == owner.name && *email == owner.email) })
        );
    }
}

/// A running stand-in in stepped time and a client for it.
struct Source {
    running: Running,
    clock: Clock,
    http: Http,
}

async fn source(settings: Settings) -> Source {
    let clock = Clock::stepped(start_time());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let running = Promox::start(settings, clock.clone(), listener).expect("the stand-in starts");
    let http = Http::new(clock.clone(), Duration::from_secs(30), 2).expect("a client");
    Source { running, clock, http }
}

impl Source {
    async fn send(&self, method: Method, path: &str, token: Option<&str>) -> Result<Answer, SendError> {
        let url = format!("http://{}{path}", self.running.address()).parse().expect("a valid address");
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a plain token");
            headers.insert(AUTHORIZATION, value);
        }
        let body = None;
        // Counted as a task, so that stepped time stands still between requests.
        self.clock.track(self.http.send(Request { method, url, headers, body })).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Some(self.running.token())).await.expect("an answer")
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).await.body).expect("JSON")
    }

    /// All rows of a list, page by page.
    async fn walk(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        for page in 1.. {
            let answer = self.json(&format!("{path}page={page}")).await;
            let mut data = answer["data"].as_array().cloned().expect("a list has data");
            if data.is_empty() {
                assert_eq!(answer["total"].as_u64(), Some(rows.len() as u64));
                break;
            }
            rows.append(&mut data);
        }
        rows
    }

    fn fault(&self, path: &str, skip: u32, kind: FaultKind) {
        self.running.fault(Fault { path: path.to_owned(), skip, count: 1, kind }).expect("a valid fault");
    }
}

fn row_ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(|row| row.get("id")?.as_u64()).collect()
}

#[tokio::test]
async fn pages_are_complete_and_do_not_overlap() {
    let source = source(Settings { records: 700, ..Settings::default() }).await;
    for (object, name) in OBJECTS {
        let rows = source.walk(&format!("/api/v1/{name}?per_page=7&")).await;
        assert_eq!(rows, source.running.rows(*object), "{name}");
    }
    let clients = row_ids(&source.running.rows(Object::Client));
    assert!(clients.is_sorted());
    let clamped = source.json("/api/v1/clients?per_page=100000").await;
    assert_eq!(clamped["per_page"], json!(200));
    assert_eq!(clamped["data"].as_array().map(Vec::len), Some(200));
    assert_eq!(source.json("/api/v1/clients").await["data"].as_array().map(Vec::len), Some(100));
    assert_eq!(source.json("/api/v1/account").await["timezone"], json!("America/Chicago"));
    source.running.shutdown().await;
}

#[tokio::test]
async fn changes_are_listed_from_their_very_second_with_deletions() {
    let source = source(Settings { records: 2_000, ..Settings::default() }).await;
    source.clock.track(source.clock.sleep(Duration::from_secs(600))).await;
    let before = source.clock.utc();
    let summary = source.running.edit(1).expect("not frozen");
    assert_eq!(summary.edits.len(), 10);
    let round_two = source.running.edit(2).expect("not frozen");
    let mut told: BTreeSet<(Object, u64)> =
        summary.edits.iter().chain(&round_two.edits).map(|edit| (edit.object, edit.id)).collect();
    for (object, name) in OBJECTS {
        for row in source.walk(&format!("/api/v1/{name}?updated_since={}&per_page=3&", summary.at)).await {
            let id = row["id"].as_u64().expect("edited rows have numbers");
            assert!(told.remove(&(*object, id)), "{object} {id} was not told");
            let deleted = row.get("is_deleted") == Some(&json!(true));
            let gone = !ids_of(&source, *object).contains(&id);
            assert_eq!(deleted, gone, "{row}");
        }
    }
    assert_eq!(told, BTreeSet::new());
    assert_eq!(summary.at, before.to_string());
    let later = "/api/v1/clients?updated_since=2026-03-02T15:10:01Z";
    assert_eq!(source.json(later).await["total"], json!(0));
    assert!(summary.count(EditKind::Created) > 0);
    source.running.shutdown().await;
}

fn ids_of(source: &Source, object: Object) -> BTreeSet<u64> {
    source.running.inspect(|account| ids(account, object))
}

#[tokio::test]
async fn lists_by_change_time_are_in_order_and_hold_what_was_deleted_before() {
    let source = source(Settings { records: 2_000, ..Settings::default() }).await;
    let mut graves = 0;
    for (object, name) in OBJECTS {
        let rows = source.walk(&format!("/api/v1/{name}?updated_since=1990-01-01T00:00:00Z&per_page=50&")).await;
        let order: Vec<(&str, u64)> =
            rows.iter().map(|row| (text(row, "updated_at"), row["id"].as_u64().unwrap_or_default())).collect();
        assert!(*object == Object::Owner || order.is_sorted(), "{name}");
        let deleted = rows.iter().filter(|row| row.get("is_deleted").is_some()).count();
        assert_eq!(rows.len() - deleted, source.running.rows(*object).len());
        graves += deleted as u64;
    }
    let planted = source.running.inspect(|account| account.truth().count(Mess::DeletedBefore));
    assert!(planted > 0);
    assert_eq!(graves, planted);
    source.running.shutdown().await;
}

#[tokio::test]
async fn strangers_and_wrong_questions_get_json() {
    let source = source(Settings { records: 30, ..Settings::default() }).await;
    let check = async |method: Method, path: &str, token: Option<&str>, status: u16| {
        let answer = source.send(method, path, token).await.expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(body["error"]["message"].is_string(), "{path}: {body}");
        assert!(answer.headers.contains_key("x-request-id"));
    };
    let token = Some(source.running.token());
    check(Method::GET, "/api/v1/clients", None, 401).await;
    check(Method::GET, "/api/v1/clients", Some("wrong"), 401).await;
    check(Method::GET, "/api/v1/nothing", None, 401).await;
    check(Method::GET, "/api/v1/presentations", token, 404).await;
    check(Method::GET, "/nothing", token, 404).await;
    check(Method::POST, "/api/v1/clients", token, 405).await;
    for query in ["page=0", "page=x", "per_page=0", "updated_since=yesterday", "updated_since=2026-03-02T15:00:00"] {
        check(Method::GET, &format!("/api/v1/clients?{query}"), token, 400).await;
    }
    let requests = source.running.requests();
    assert_eq!((requests.total, requests.by_status[&400], requests.by_path["other"]), (11, 5, 3));
    source.running.shutdown().await;
}

#[tokio::test]
async fn an_answer_takes_its_round_trip_on_the_clock() {
    let source = source(Settings { records: 30, rtt_ms: 250, ..Settings::default() }).await;
    let answer = source.get("/api/v1/owners").await;
    assert_eq!(answer.took, Duration::from_millis(250));
    source.fault("/api/v1/owners", 0, FaultKind::Hold(20));
    assert_eq!(source.get("/api/v1/owners").await.took, Duration::from_millis(20_250));
    source.running.shutdown().await;
}

#[tokio::test]
async fn too_many_requests_in_a_minute_wait_for_the_next() {
    let settings = Settings { records: 30, rtt_ms: 1_000, requests_per_minute: Some(3), ..Settings::default() };
    let source = source(settings).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(source.get("/api/v1/owners").await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let refused = source.get("/api/v1/owners").await;
    let wait: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert_eq!(wait, 55);
    source.clock.track(source.clock.sleep(Duration::from_secs(wait))).await;
    assert_eq!(source.get("/api/v1/owners").await.status, 200);
    source.running.shutdown().await;
}

#[tokio::test]
async fn faults_strike_as_told() {
    let source = source(Settings { records: 300, ..Settings::default() }).await;
    let (path, token) = ("/api/v1/clients", Some(source.running.token()));
    let right = source.get(path).await;
    source.fault(path, 1, FaultKind::Status(503));
    assert_eq!(source.get(path).await.body, right.body);
    assert_eq!(source.get(path).await.status, 503);
    source.fault(path, 0, FaultKind::Html);
    let page = source.get(path).await;
    assert_eq!((page.status, page.body.starts_with(b"<!doctype html>")), (200, true));
    source.fault(path, 0, FaultKind::TruncatedJson);
    let half = source.get(path).await;
    assert_eq!((half.status, &half.body), (200, &right.body.slice(..right.body.len() / 2)));
    source.fault(path, 0, FaultKind::Cut);
    let cut = source.send(Method::GET, path, token).await;
    assert_eq!(cut.map(|answer| answer.status).map_err(|error| error.reached), Err(Reached::Perhaps));
    source.fault(path, 0, FaultKind::RetryAfter(30));
    let later = source.get(path).await;
    assert_eq!((later.status, later.headers["retry-after"].as_bytes()), (429, b"30".as_slice()));
    assert_eq!(source.get(path).await.body, right.body);
    let faulty = source.running.requests().recent.iter().filter(|line| line.fault.is_some()).count();
    assert_eq!(faulty, 5);
    source.running.shutdown().await;
}

#[tokio::test]
async fn the_control_api_edits_tells_and_freezes() {
    let source = source(Settings { records: 500, ..Settings::default() }).await;
    let post = async |path: &str| source.send(Method::POST, path, None).await.expect("an answer");
    let summary: Value = serde_json::from_slice(&post("/standin/edits/1").await.body).expect("JSON");
    assert_eq!(summary["edits"].as_array().map(Vec::len), Some(6));
    let told = source.json("/standin/account").await;
    assert_eq!(told["counts"]["owners"], json!(12));
    assert_eq!(told["rounds"], json!([1]));
    assert!(told["truth"]["planted"]["exact_duplicate"].as_u64() > Some(0));
    assert_eq!(
        told["late_user"]["email"].as_str(),
        source.running.inspect(Account::late_user).map(|user| user.1).as_deref()
    );
    assert_eq!(post("/standin/freeze").await.status, 200);
    assert_eq!(post("/standin/edits/2").await.status, 409);
    assert!(source.running.edit(3).is_err());
    source.get("/api/v1/owners").await;
    assert_eq!(source.json("/standin/requests").await["total"], json!(1));
    let cleared = source.send(Method::DELETE, "/standin/faults", None).await.expect("an answer");
    assert_eq!(cleared.status, 200);
    source.running.shutdown().await;
}
