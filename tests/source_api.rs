//! Reads the source's API from a small server that pages as the real one is known to, and misbehaves as real ones do.
//!
//! The server lives in the test, so that a case can say in a few lines what happens between two requests.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crossdock::clock::Clock;
use crossdock::config::{SourceCredentials, base_url};
use crossdock::error::{Error, Kind, Result};
use crossdock::http::Http;
use crossdock::record::Object;
use crossdock::source::api::{Client, Settings};
use crossdock::source::profile::Profile;
use crossdock::source::{Cursor, Page, Source};

const START: &str = "2026-01-05T00:00:00Z";

/// One request as the server sees it.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    page: usize,
    per_page: usize,
    since: Option<Timestamp>,
    authorization: String,
    /// From 1.
    number: usize,
}

impl Asked {
    fn new(request: &Request, number: usize) -> Self {
        let mut asked = Asked {
            path: request.uri().path().to_owned(),
            page: 1,
            per_page: 100,
            since: None,
            authorization: request
                .headers()
                .get(AUTHORIZATION)
                .map(|value| value.to_str().expect("text").to_owned())
                .unwrap_or_default(),
            number,
        };
        for (key, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
            match &*key {
                "page" => asked.page = value.parse().expect("a page"),
                "per_page" => asked.per_page = value.parse().expect("a page size"),
                "updated_since" => asked.since = Some(value.parse().expect("an instant")),
                other => panic!("unknown parameter {other}"),
            }
        }
        asked
    }
}

/// The rows of one object at the source.
#[derive(Default)]
struct Rows(Vec<Value>);

impl Rows {
    /// Rows with the ids 1 to `count`, each changed a minute after the one before.
    fn new(count: usize) -> Self {
        Self((1..=count).map(|id| row(id, at(60 * id as i64))).collect())
    }

    fn delete(&mut self, id: usize, when: Timestamp) {
        self.0.retain(|row| row["id"] != json!(id));
        self.0.push(json!({"id": id, "is_deleted": true, "updated_at": when}));
    }

    /// A page as the real one is known to give it.
    fn page(&self, asked: &Asked) -> Response {
        let stamp = |row: &Value| row["updated_at"].as_str().expect("a stamp").parse::<Timestamp>().expect("a stamp");
        let mut rows: Vec<&Value> = match asked.since {
            Some(since) => self.0.iter().filter(|row| stamp(row) >= since).collect(),
            None => self.0.iter().filter(|row| row["is_deleted"] != json!(true)).collect(),
        };
        rows.sort_by_key(|row| (asked.since.map(|_| stamp(row)), row["id"].as_u64()));
        let page: Vec<_> = rows.iter().skip((asked.page - 1) * asked.per_page).take(asked.per_page).collect();
        let body = json!({"data": page, "page": asked.page, "per_page": asked.per_page, "total": rows.len()});
        body.to_string().into_response()
    }
}

fn row(id: usize, updated: Timestamp) -> Value {
    json!({"id": id, "name": format!("row {id}"), "updated_at": updated})
}

/// An instant some seconds after [`START`], or before it.
fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().expect("a valid instant") + SignedDuration::from_secs(seconds)
}

/// A case: a server, a source that reads from it, and the stepped clock.
struct Case {
    clock: Clock,
    source: Source,
    client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Case {
    fn requests(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }

    async fn pages(&self, object: Object, from: Cursor) -> Result<Vec<Page>> {
        self.source.pages(object, from).try_collect().await
    }

    async fn fails(&self) -> Error {
        self.pages(Object::Client, Cursor::start()).await.map(|_| ()).expect_err("the walk fails")
    }
}

/// Runs a case against a server that answers with `answer`, on a clock that starts at [`START`].
fn run<F: Future<Output = ()>>(answer: impl FnMut(&Asked) -> Response + Send + 'static, case: impl FnOnce(Case) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let clock = Clock::stepped(at(0));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let answer = Arc::new(Mutex::new(answer));
        let handler = {
            let asked = Arc::clone(&asked);
            async move |request: Request| {
                let mut log = asked.lock().expect("no panic");
                let seen = Asked::new(&request, log.len() + 1);
                log.push(seen.clone());
                (answer.lock().expect("no panic"))(&seen)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = base_url(&format!("http://{}", listener.local_addr().expect("an address"))).expect("loopback");
        let server = tokio::spawn(axum::serve(listener, Router::new().fallback(handler)).into_future());
        let http = Http::new(clock.clone(), Duration::from_secs(30), 2).expect("a client");
        let settings = Settings {
            base,
            credentials: SourceCredentials::token("secret-token"),
            profile: Profile::promox(),
            page_rows: NonZeroU32::new(10).expect("not zero"),
            period: Duration::from_secs(2),
            overlap: Duration::from_secs(900),
            retries: 3,
            pace_file: None,
        };
        let client = Client::new(http, settings).expect("good settings");
        let source = Source::api(client.clone());
        clock.track(case(Case { clock: clock.clone(), source, client, asked })).await;
        server.abort();
    });
}

fn ids(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.records).map(|record| record.id.to_string()).collect()
}

fn numbers(range: impl IntoIterator<Item = usize>) -> Vec<String> {
    range.into_iter().map(|id| id.to_string()).collect()
}

#[test]
fn a_walk_reads_every_row_once_at_the_set_pace() {
    let rows = Rows::new(35);
    run(
        move |asked| rows.page(asked),
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            assert_eq!(ids(&pages), numbers(1..=35));
            assert_eq!(pages.iter().map(|page| page.last).collect::<Vec<_>>(), [false, false, false, true]);
            assert_eq!((pages[3].total, pages[3].counts.records), (Some(35), 35));
            assert_eq!(case.clock.now().elapsed().as_secs(), 6, "one request in two seconds");
            let first = &pages[0].records[0];
            assert_eq!(first.payload["name"], json!("row 1"));
            assert_eq!(first.modified, Some(at(60)));
            assert_eq!(first.place.to_string(), "/api/v1/clients?page=1&per_page=10 row 1");
            let asked = case.asked.lock().expect("no panic");
            assert!(asked.iter().all(|asked| asked.authorization == "Bearer secret-token"));
            assert!(asked.iter().all(|asked| asked.path == "/api/v1/clients" && asked.since.is_none()));
        },
    );
}

#[test]
fn a_walk_goes_on_from_any_page() {
    let rows = Rows::new(35);
    run(
        move |asked| rows.page(asked),
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            for (index, page) in pages.iter().enumerate().take(3) {
                let text = serde_json::to_string(&page.cursor).expect("a cursor is JSON");
                let cursor = serde_json::from_str(&text).expect("it reads back");
                let rest = case.pages(Object::Client, cursor).await.expect("the rest of the walk");
                assert_eq!(ids(&rest), numbers(10 * (index + 1) + 1..=35));
                assert_eq!(rest.last().map(|page| page.counts.records), Some(35));
            }
            assert!(!pages[2].cursor.is_at_changes() && pages[3].cursor.is_at_changes());
        },
    );
}

#[test]
fn a_row_deleted_behind_the_walk_lets_none_slip_through() {
    let mut rows = Rows::new(35);
    run(
        move |asked| {
            // Rows 11, 21 and 22 move to pages that were read already.
            match asked.number {
                2 => rows.delete(5, at(2)),
                4 => [6, 7].into_iter().for_each(|id| rows.delete(id, at(4))),
                _ => {}
            }
            rows.page(asked)
        },
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            let mut found = pages.iter().flat_map(|page| &page.records).map(|record| record.id.parse::<usize>());
            let found: std::collections::BTreeSet<usize> = found.by_ref().map(|id| id.expect("a number")).collect();
            assert_eq!(found, (1..=35).collect());
            assert!(pages.iter().all(|page| page.pass == 0), "two steps back, no walk from the start");
        },
    );
}

#[test]
fn a_row_inserted_behind_the_walk_makes_it_begin_again() {
    let mut rows = Rows::new(25);
    rows.0.remove(2);
    run(
        move |asked| {
            if asked.number == 2 {
                rows.0.push(row(3, at(0)));
            }
            rows.page(asked)
        },
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            let second: Vec<Page> = pages.into_iter().filter(|page| page.pass == 1).collect();
            assert_eq!(ids(&second), numbers(1..=25));
            assert_eq!(second.last().map(|page| page.last), Some(true));
        },
    );
}

#[test]
fn a_total_that_never_fits_is_an_error_with_both_numbers() {
    let rows = Rows::new(25);
    run(
        move |asked| {
            let page = if asked.page <= 3 { asked.clone() } else { Asked { page: 999, ..asked.clone() } };
            let text = json!({"data": rows.0.iter().skip((page.page - 1) * 10).take(10).collect::<Vec<_>>(),
                              "page": asked.page, "per_page": 10, "total": 38});
            text.to_string().into_response()
        },
        async |case| {
            let error = case.fails().await;
            assert_eq!(error.kind(), Kind::Source);
            assert_eq!(error.message(), "reading all of client twice gave 25 rows, but the source counts 38");
        },
    );
}

#[test]
fn a_source_that_ignores_page_numbers_does_not_loop() {
    let rows = Rows::new(25);
    run(
        move |asked| rows.page(&Asked { page: 1, ..asked.clone() }),
        async |case| {
            let error = case.fails().await;
            assert_eq!(error.kind(), Kind::Source);
            assert!(error.message().contains("repeats an earlier page"), "{error:?}");
            assert_eq!(case.requests(), 2);
        },
    );
}

/// The first request of each case gets `answer`, and the walk is whole all the same.
fn recovers(answer: fn() -> Response) {
    let rows = Rows::new(25);
    run(
        move |asked| if asked.number == 2 { answer() } else { rows.page(asked) },
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            assert_eq!(ids(&pages), numbers(1..=25));
            assert_eq!(case.requests(), 4);
        },
    );
}

#[test]
fn a_passing_failure_is_tried_again() {
    recovers(|| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    recovers(|| (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response());
    recovers(|| "<!doctype html><title>Sign in</title>".into_response());
    recovers(|| r#"{"data":[{"id":11,"na"#.into_response());
    recovers(|| "".into_response());
}

/// Every request gets `answer`; the error and how often it was tried.
fn gives_up(answer: fn() -> Response, kind: Kind, requests: usize) {
    run(
        move |_| answer(),
        async |case| {
            let error = case.fails().await;
            assert_eq!((error.kind(), case.requests()), (kind, requests), "{error:?}");
            assert!(error.message().contains("/api/v1/clients"), "{error:?}");
            assert!(!error.chain().contains("secret"), "{error:?}");
        },
    );
}

#[test]
fn a_lasting_failure_ends_after_bounded_tries() {
    gives_up(|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), Kind::Unreachable, 4);
    gives_up(|| "<html>secret</html>".into_response(), Kind::Unreachable, 4);
    gives_up(|| r#"{"data":[{"id":"secret"#.into_response(), Kind::Unreachable, 4);
    gives_up(|| StatusCode::UNAUTHORIZED.into_response(), Kind::Unauthorized, 1);
    gives_up(|| StatusCode::FORBIDDEN.into_response(), Kind::Unauthorized, 1);
    gives_up(|| (StatusCode::FOUND, [("location", "https://elsewhere.test")]).into_response(), Kind::Source, 1);
    gives_up(|| r#"{"rows":[]}"#.into_response(), Kind::Source, 1);
    gives_up(|| r#"{"error":"secret"}"#.into_response(), Kind::Source, 1);
    gives_up(|| StatusCode::TOO_MANY_REQUESTS.into_response(), Kind::RateLimited, 4);
}

#[test]
fn a_refusal_is_waited_out_and_slows_the_pace() {
    let rows = Rows::new(25);
    run(
        move |asked| match asked.number {
            1 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "120")]).into_response(),
            2 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "Mon, 05 Jan 2026 00:10:00 GMT")]).into_response(),
            _ => rows.page(asked),
        },
        async |case| {
            let pages = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            assert_eq!(ids(&pages), numbers(1..=25));
            // Two hints, then three pages at a quarter of the pace.
            assert_eq!(case.clock.now().elapsed().as_secs(), 600 + 2 * 8);
            assert_eq!(case.client.period(), Duration::from_secs(8));
        },
    );
}

#[test]
fn changes_follow_a_walk_and_show_deletions() {
    let mut rows = Rows::new(25);
    for row in &mut rows.0 {
        row["updated_at"] = json!(at(-86_400));
    }
    let rows = Arc::new(Mutex::new(rows));
    let served = Arc::clone(&rows);
    run(
        move |asked| served.lock().expect("no panic").page(asked),
        async |case| {
            let walk = case.pages(Object::Client, Cursor::start()).await.expect("a whole walk");
            let cursor = walk.last().expect("a page").cursor.clone();
            let none = case.pages(Object::Client, cursor).await.expect("no changes");
            assert_eq!((ids(&none).len(), none.len()), (0, 1));

            {
                let mut rows = rows.lock().expect("no panic");
                rows.0[6] = row(7, at(3600));
                rows.delete(9, at(3601));
            }
            case.clock.sleep(Duration::from_secs(7200)).await;
            let cursor = none[0].cursor.clone();
            let changes = case.pages(Object::Client, cursor).await.expect("changes");
            assert_eq!(ids(&changes), ["7", "9"]);
            let deleted: Vec<bool> = changes[0].records.iter().map(|record| record.deleted).collect();
            assert_eq!(deleted, [false, true]);

            // The next walk reaches back by the overlap only.
            let cursor = changes[0].cursor.clone();
            case.pages(Object::Client, cursor).await.expect("changes");
            let since = case.asked.lock().expect("no panic").last().and_then(|asked| asked.since);
            assert_eq!(since, Some(at(3601 - 900)));
        },
    );
}

#[test]
fn rows_that_change_while_changes_are_read_shift_nothing_away() {
    let mut rows = Rows::new(45);
    run(
        move |asked| {
            // Rows of the page just read move to the end, and later rows take their places.
            if (2..5).contains(&asked.number) {
                let id = asked.number;
                rows.0[id - 1] = row(id, at(3600 + id as i64));
            }
            rows.page(asked)
        },
        async |case| {
            let pages = case.pages(Object::Client, Cursor::changes_since(at(0))).await.expect("all changes");
            let found: std::collections::BTreeSet<String> = ids(&pages).into_iter().collect();
            assert_eq!(found, numbers(1..=45).into_iter().collect());
            let newest = pages.iter().flat_map(|page| &page.records).rfind(|record| &*record.id == "2");
            assert_eq!(newest.and_then(|record| record.modified), Some(at(3602)));
        },
    );
}

#[test]
fn many_changes_in_one_second_are_all_read() {
    let rows = Rows((1..=37).map(|id| row(id, at(if id < 33 { 100 } else { 200 }))).collect());
    run(
        move |asked| rows.page(asked),
        async |case| {
            let pages = case.pages(Object::Client, Cursor::changes_since(at(0))).await.expect("all changes");
            assert_eq!(ids(&pages), numbers(1..=37));
            for (index, page) in pages.iter().enumerate().take(pages.len() - 1) {
                let rest = case.pages(Object::Client, page.cursor.clone()).await.expect("the rest");
                let found: std::collections::BTreeSet<String> =
                    ids(&pages[..=index]).into_iter().chain(ids(&rest)).collect();
                assert_eq!(found, numbers(1..=37).into_iter().collect(), "from page {index}");
            }
        },
    );
}

#[test]
fn a_change_stamped_in_the_future_holds_nothing_back() {
    let rows = Rows(vec![row(1, at(86_400 * 365)), row(2, at(-60))]);
    run(
        move |asked| rows.page(asked),
        async |case| {
            let pages = case.pages(Object::Client, Cursor::changes_since(at(-3600))).await.expect("changes");
            assert_eq!(ids(&pages), ["2", "1"]);
            let cursor = pages[0].cursor.clone();
            assert_eq!(ids(&case.pages(Object::Client, cursor).await.expect("changes")), ["2", "1"]);
        },
    );
}

#[test]
fn a_source_that_ignores_updated_since_is_found_out() {
    let rows = Rows::new(25);
    run(
        move |asked| rows.page(&Asked { since: None, ..asked.clone() }),
        async |case| {
            let week = Cursor::changes_since(at(7 * 86_400));
            let error = case.pages(Object::Client, week).await.map(|_| ()).expect_err("the filter is ignored");
            assert_eq!(error.kind(), Kind::Source);
            assert!(error.message().contains("ignore 'updated_since'"), "{error:?}");
        },
    );
}

#[test]
fn rows_without_an_id_and_repeated_rows_are_counted() {
    let rows =
        [json!({"id": "u_1"}), json!({"name": "nobody"}), json!([1]), json!({"id": "u_1"}), json!({"id": "u_2"})];
    run(
        move |_| json!({"data": rows, "page": 1, "per_page": 10, "total": 4}).to_string().into_response(),
        async |case| {
            let pages = case.pages(Object::Owner, Cursor::start()).await.expect("a whole walk");
            let page = &pages[0];
            assert_eq!((page.counts.records, page.counts.rejected, page.counts.repeated), (2, 2, 1));
            let rejected: Vec<String> =
                page.rejected.iter().map(|row| format!("{}: {}", row.place, row.reason)).collect();
            assert_eq!(rejected[0], "/api/v1/owners?page=1&per_page=10 row 2: it has no id");
            assert_eq!(page.repeated[0].first.row, 1);
        },
    );
}

#[test]
fn the_account_is_read_and_unknown_objects_are_refused() {
    run(
        |_| json!({"name": "Northline", "timezone": "America/Chicago", "currency": "USD"}).to_string().into_response(),
        async |case| {
            let account = case.source.account().await.expect("an answer").expect("an API has an account");
            assert_eq!(
                (&*account.name, &*account.timezone, &*account.currency),
                ("Northline", "America/Chicago", "USD")
            );
            assert_eq!(case.asked.lock().expect("no panic")[0].path, "/api/v1/account");
            let error = case.pages(Object::File, Cursor::start()).await.map(|_| ()).expect_err("there is no such list");
            assert_eq!(error.kind(), Kind::Settings);
            assert!(!case.source.objects().contains(&Object::File));
        },
    );
}
