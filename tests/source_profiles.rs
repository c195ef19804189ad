//! Reads small servers by profiles of many kinds: every way of paging, signing in and hinting at limits, and what real sources
//! get wrong. A walk must bring all rows, or end with the reason why it cannot.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crossdock::clock::Clock;
use crossdock::config::{Secret, SourceCredentials, base_url};
use crossdock::error::{Error, Kind, Result};
use crossdock::http::Http;
use crossdock::record::Object;
use crossdock::source::api::{Client, Settings};
use crossdock::source::profile::Profile;
use crossdock::source::{Cursor, Page, Source};

const START: &str = "2026-01-05T00:00:00Z";

/// One request as the server sees it.
#[derive(Debug, Clone, Default)]
struct Asked {
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Value,
    /// From 1.
    number: usize,
}

impl Asked {
    fn number_of(&self, name: &str, default: usize) -> usize {
        self.query.get(name).map_or(default, |text| text.parse().expect("a number"))
    }
}

/// A server, and a source that reads from it by a profile.
struct Case {
    clock: Clock,
    source: Source,
    client: Client,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Case {
    async fn pages(&self, from: Cursor) -> Result<Vec<Page>> {
        self.source.pages(Object::Client, from).try_collect().await
    }

    async fn all(&self) -> Vec<Page> {
        self.pages(Cursor::start()).await.expect("a whole walk")
    }

    async fn fails(&self) -> Error {
        self.pages(Cursor::start()).await.map(drop).expect_err("the walk fails")
    }

    fn requests(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }
}

fn secret(text: &str) -> Secret {
    Secret::fixed(text.into())
}

/// Runs a case with a profile of one list of clients; `rules` are the lines of that list.
fn run<F: Future<Output = ()>>(
    rules: &str,
    answer: impl FnMut(&Asked) -> Response + Send + 'static,
    case: impl FnOnce(Case) -> F,
) {
    let send = "[[auth.send]]\nat = \"header\"\nname = \"Authorization\"\nvalue = \"Bearer {token}\"\n";
    run_as(send, &SourceCredentials::token("t0"), rules, answer, case);
}

fn run_as<F: Future<Output = ()>>(
    auth: &str,
    credentials: &SourceCredentials,
    rules: &str,
    answer: impl FnMut(&Asked) -> Response + Send + 'static,
    case: impl FnOnce(Case) -> F,
) {
    let text = format!("version = 1\n{auth}\n[object.client]\npath = \"/clients\"\n{rules}\n");
    let profile = Profile::parse(&text).unwrap_or_else(|error| panic!("{}\n{text}", error.chain()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let clock = Clock::stepped(at(0));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let answer = Arc::new(Mutex::new(answer));
        let handler = {
            let asked = Arc::clone(&asked);
            async move |request: Request| {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
                let query = parts.uri.query().unwrap_or_default();
                let mut log = asked.lock().expect("no panic");
                let text = |value: &axum::http::HeaderValue| value.to_str().expect("text").to_owned();
                let seen = Asked {
                    path: parts.uri.path().to_owned(),
                    query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                    headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
                    body: serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))),
                    number: log.len() + 1,
                };
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
            credentials: credentials.clone(),
            profile,
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

/// An instant some seconds after [`START`], or before it.
fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().expect("a valid instant") + SignedDuration::from_secs(seconds)
}

fn row(id: usize) -> Value {
    json!({"id": id, "name": format!("row {id}"), "updated_at": at(-86_400 * 30 + 60 * id as i64)})
}

fn rows(ids: impl IntoIterator<Item = usize>) -> Vec<Value> {
    ids.into_iter().map(row).collect()
}

fn json(value: &Value) -> Response {
    value.to_string().into_response()
}

/// Distinct ids, in order of their numbers.
fn ids(pages: &[Page]) -> Vec<usize> {
    let ids = pages.iter().flat_map(|page| &page.records).map(|record| record.id.parse().expect("a number"));
    let ids: std::collections::BTreeSet<usize> = ids.collect();
    ids.into_iter().collect()
}

fn to(count: usize) -> Vec<usize> {
    (1..=count).collect()
}

/// Rows of a list from a place on.
fn part(count: usize, from: usize, size: usize) -> Vec<Value> {
    rows((1..=count).skip(from).take(size))
}

const PAGED: &str = "page = { style = \"page\", param = \"page\", first = 1, size = { param = \"n\" } }";

fn by_page(asked: &Asked, count: usize) -> Vec<Value> {
    let size = asked.number_of("n", 10);
    part(count, (asked.number_of("page", 1) - 1) * size, size)
}

/// All rows come, whatever counts them.
fn walked(rules: &str, answer: fn(&Asked) -> Response) {
    run(rules, answer, async |case| {
        assert_eq!(ids(&case.all().await), to(25), "{:?}", case.asked.lock().expect("no panic").first());
    });
}

/// Each way of paging brings all rows.
#[test]
fn every_way_of_paging_is_walked_to_its_end() {
    let check = walked;
    check(PAGED, |asked| json(&json!(by_page(asked, 25))));
    check("page = { style = \"page\", param = \"p\", first = 0, size = {} }", |asked| {
        json(&json!(part(25, asked.number_of("p", 0) * 7, 7)))
    });
    check("page = { style = \"offset\", param = \"skip\", size = { param = \"take\" } }", |asked| {
        // Quietly no more than six at once.
        json(&json!(part(25, asked.number_of("skip", 0), asked.number_of("take", 10).min(6))))
    });
    check(
        "page = { style = \"offset\", param = \"offset\", step = \"pages\", size = { param = \"limit\" } }",
        |asked| json(&json!(part(25, asked.number_of("offset", 0) * 10, 10))),
    );
    check(
        "rows = \"items\"\npage = { style = \"cursor\", param = \"cursor\", next = \"meta.next\", size = {} }",
        |asked| {
            let from =
                asked.query.get("cursor").map_or(0, |text| text.trim_start_matches('c').parse().expect("a cursor"));
            let next = if from + 10 < 25 { json!(format!("c{}", from + 10)) } else { Value::Null };
            json(&json!({"items": part(25, from, 10), "meta": {"next": next}}))
        },
    );
    check("rows = \"value\"\npage = { style = \"url\", next = \"@odata.nextLink\", size = {} }", |asked| {
        let from = asked.number_of("$skip", 0);
        let mut body = json!({"value": part(25, from, 10)});
        if from + 10 < 25 {
            body["@odata.nextLink"] = json!(format!("/clients?%24skip={}", from + 10));
        }
        json(&body)
    });
    check("page = { style = \"link\", size = {} }", |asked| {
        let page = asked.number_of("page", 1);
        let link = format!("<http://{}/clients?page={}>; rel=\"next\"", asked.headers["host"], page + 1);
        let rows = json!(part(25, (page - 1) * 10, 10)).to_string();
        if page < 3 { ([("link", link)], rows).into_response() } else { rows.into_response() }
    });
    check("page = { style = \"keyset\", param = \"since_id\", size = {} }", |asked| {
        json(&json!(part(25, asked.number_of("since_id", 0), 10)))
    });
    check("", |_| json(&json!(rows(1..=25))));
}

/// The same where the question is a text or a body.
#[test]
fn what_is_asked_in_texts_and_bodies_is_walked_to_its_end() {
    let check = walked;
    check(
        "query = { query = \"select * from clients{where} limit {skip},{size};\" }\n\
           page = { style = \"offset\", param = \"skip\", at = \"blank\", size = { param = \"size\" } }",
        |asked| {
            let limit = asked.query["query"].strip_prefix("select * from clients limit ").expect("a question");
            let (skip, size) = limit.trim_end_matches(';').split_once(',').expect("two numbers");
            json(&json!(part(25, skip.parse().expect("a number"), size.parse().expect("a number"))))
        },
    );
    // What reads by POST takes the parameters of an address from the body.
    check(
        "method = \"post\"\nrows = \"items\"\npage = { style = \"url\", next = \"next\", size = { param = \"n\" } }",
        |asked| {
            let from = asked.body["from"].as_u64().unwrap_or(0) as usize;
            let size = asked.body["n"].as_u64().expect("a size") as usize;
            let next = format!("/clients?from={}&n={size}", from + size);
            let next = if from + size < 25 { json!(next) } else { Value::Null };
            json(&json!({"items": part(25, from, size), "next": next}))
        },
    );
    check(
        "method = \"post\"\nbody = '{\"query\": \"q\"}'\nrows = \"data.clients\"\n\
           page = { style = \"cursor\", param = \"variables.after\", next = \"data.end\", at = \"body\", size = { param = \
           \"variables.first\" } }",
        |asked| {
            assert_eq!(asked.body["query"], "q");
            let from = asked.body["variables"]["after"].as_u64().unwrap_or(0) as usize;
            let size = asked.body["variables"]["first"].as_u64().expect("a size") as usize;
            let end = if from + size < 25 { json!(from + size) } else { Value::Null };
            json(&json!({"data": {"clients": part(25, from, size), "end": end}}))
        },
    );
}

#[test]
fn every_envelope_is_opened() {
    let check = |rules: &str, body: fn() -> Value| {
        run(rules, move |_| json(&body()), async |case| assert_eq!(ids(&case.all().await), to(3)));
    };
    check("rows = \"data.list\"", || json!({"data": {"list": rows(1..=3)}}));
    check("form = \"after_metadata\"", || json!([{"count": 3}, row(1), row(2), row(3)]));
    check("rows = \"d.results\"", || json!({"d": {"results": rows(1..=3)}}));
    check(
        "rows = \"edges\"\nrow = \"node\"",
        || json!({"edges": [{"node": row(1)}, {"node": row(2)}, {"node": row(3)}]}),
    );
    check("rows = \"data\"\nform = \"keyed\"", || json!({"data": {"1": {"name": "a"}, "2": {"name": "b"}, "3": {}}}));
    check("wrapped = true", || json!([{"id": {"value": 1}}, {"id": {"value": 2}}, {"id": {"value": 3}}]));
    run(
        "rows = \"data\"\nnull_when_empty = true",
        |_| json(&json!({"data": null})),
        async |case| {
            assert!(ids(&case.all().await).is_empty());
        },
    );
    run(
        "rows = \"data\"",
        |_| json(&json!({"data": null})),
        async |case| {
            assert_eq!(case.fails().await.kind(), Kind::Source, "null is no list unless the profile says so");
        },
    );
}

#[test]
fn rows_come_as_plain_values() {
    let rules = "custom = { how = \"pairs\", key = \"CF\", name = \"N\", value = \"V\" }\n\
                 times = { at = { style = \"space\", zone = \"-06:00\" } }\n\
                 links = { owner = { object = \"id\" }, company = \"url\" }\n\
                 money = { total = \"cents\", price = { object = { amount = \"amount\", currency = \"currency\" } } }\n\
                 stamp = { column = \"at\", style = \"space\", zone = \"-06:00\" }\n\
                 deleted = { how = \"word\", column = \"status\", word = \"Trashed\" }";
    let body = json!([{
        "id": 1, "CF": [{"N": "Color", "V": "red"}], "at": "2026-01-04 20:00:00", "owner": {"id": 7, "name": "Ada"},
        "company": "/api/companies/9", "total": 12550, "price": {"amount": 1.5, "currency": "USD"}, "status": "trashed"
    }]);
    run(
        rules,
        move |_| json(&body),
        async |case| {
            let pages = case.all().await;
            let record = &pages[0].records[0];
            let expected = json!({
                "id": 1, "Color": "red", "at": "2026-01-05T02:00:00Z", "owner": 7, "owner.name": "Ada", "company": "9",
                "total": "125.50", "price": "1.5", "price_currency": "USD", "status": "trashed"
            });
            assert_eq!(Value::Object(record.payload.clone()), expected);
            assert_eq!((record.modified, record.deleted), (Some(at(2 * 3600)), true));
        },
    );
}

/// Rows that move while nothing counts them: a row deleted behind the walk lets the next page begin one row later.
#[test]
fn moving_pages_without_a_total_are_read_until_two_readings_agree() {
    let mut live = to(35);
    run(
        PAGED,
        move |asked| {
            if asked.number == 3 {
                live.retain(|id| *id != 5);
            }
            let size = asked.number_of("n", 10);
            let from = (asked.number_of("page", 1) - 1) * size;
            json(&json!(rows(live.iter().copied().skip(from).take(size))))
        },
        async |case| {
            let pages = case.all().await;
            assert_eq!(ids(&pages), to(35), "the row that slipped through once is there");
            assert_eq!(pages.last().map(|page| page.pass), Some(2), "the third reading agrees with the second");
        },
    );
}

/// The size of the page is asked for by a name that the source does not know any more, from some request on, and nothing
/// counts the rows: pages of another size, and those that become shorter in the middle of a walk, are read to their end all
/// the same, of everything and of what changed.
#[test]
fn a_size_that_is_not_heard_any_more_costs_no_row() {
    let filter = "stamp = { column = \"updated_at\", style = \"rfc3339\" }\n\
                  changes = { how = \"filter\", param = \"since\", style = \"rfc3339\" }\n\
                  deleted = { how = \"flag\", column = \"gone\" }";
    for (from, default) in (1..=5).flat_map(|from| [3, 7, 16].map(|default| (from, default))) {
        let served = move |asked: &Asked| {
            let size = if asked.number < from { asked.number_of("n", default) } else { default };
            json(&json!(part(34, (asked.number_of("page", 1) - 1) * size, size)))
        };
        run(PAGED, served, async |case| {
            assert_eq!(ids(&case.all().await), to(34), "{default} rows from request {from} on");
        });
        // Pages that grow in the middle of a walk leave rows out between two numbers, which only a reading of everything
        // finds, as above.
        if from > 1 && default > 10 {
            continue;
        }
        // Rows in the order of their ids say nothing of those that are still to come, so pages are counted.
        let unsorted = move |asked: &Asked| {
            let size = if asked.number < from { asked.number_of("n", default) } else { default };
            let skip = (asked.number_of("page", 1) - 1) * size;
            let row = |id: usize| json!({"id": id, "name": "x", "updated_at": at(-60 * ((id * 7 % 34) as i64))});
            json(&json!((1..=34).map(row).skip(skip).take(size).collect::<Vec<_>>()))
        };
        run(&format!("{PAGED}\n{filter}"), unsorted, async |case| {
            let changed = case.pages(Cursor::changes_since(at(-3_600))).await.expect("changes");
            assert_eq!(ids(&changed), to(34), "changes, {default} rows from request {from} on");
        });
    }
}

#[test]
fn a_list_that_never_stands_still_is_refused() {
    run(
        PAGED,
        |asked| match asked.number_of("page", 1) {
            1 => json(&json!(rows((1..=5).map(|id| asked.number * 100 + id)))),
            _ => json(&json!([])),
        },
        async |case| {
            let error = case.fails().await;
            assert!(error.message().contains("never gave the same rows twice"), "{error:?}");
        },
    );
}

/// What is told of further pages may lead back to the first; taken for the end only where the profile says so, and never
/// where the way on may just be ignored.
#[test]
fn a_list_that_begins_again_has_ended() {
    let rules = "rows = \"items\"\npast_end = \"restarts\"\n\
                 page = { style = \"cursor\", param = \"c\", next = \"next\", size = { param = \"n\" } }";
    let around = |asked: &Asked| {
        let here = asked.number_of("c", 0);
        json(&json!({"items": part(75, here * 10, 10), "next": (here + 1) % 8}))
    };
    run(rules, around, async |case| {
        let pages = case.all().await;
        assert_eq!(ids(&pages), to(75));
        assert_eq!(
            pages.iter().flat_map(|page| &page.records).count(),
            2 * 75,
            "two readings, and nothing beside them"
        );
    });
    let ignored = |_: &Asked| json(&json!({"items": part(75, 0, 10), "next": "x"}));
    run(rules, ignored, async |case| assert_eq!(case.fails().await.kind(), Kind::Source));
    let short = |_: &Asked| json(&json!({"items": part(5, 0, 10), "next": "x"}));
    run(rules, short, async |case| assert_eq!(ids(&case.all().await), to(5)));
}

/// An address that the source gives is never a reason to post anywhere else.
#[test]
fn nothing_is_posted_but_to_the_list() {
    let rules = "method = \"post\"\nrows = \"items\"\npage = { style = \"url\", next = \"next\", size = {} }";
    let away = |_: &Asked| json(&json!({"items": part(25, 0, 10), "next": "/clients/delete?from=10"}));
    run(rules, away, async |case| {
        let error = case.fails().await;
        assert!(error.kind() == Kind::Source && error.message().contains("another path"), "{error:?}");
        assert!(case.asked.lock().expect("no panic").iter().all(|asked| asked.path == "/clients"));
    });
}

/// XML is read as the JSON that it stands for.
#[test]
fn xml_is_read_like_json() {
    let rules = "rows = \"clients\"\nnull_when_empty = true\ntotal = { body = \"total\" }\n\
                 page = { style = \"page\", param = \"page\", first = 1, size = { param = \"n\" } }";
    let xml = |asked: &Asked| {
        let from = (asked.number_of("page", 1) - 1) * 10;
        let rows: String = (1..=25)
            .skip(from)
            .take(10)
            .map(|id| format!("<item><id>{id}</id><name>A &amp; {id}</name></item>"))
            .collect();
        let body = format!("<?xml version=\"1.0\"?><r><clients>{rows}</clients><total>25</total></r>");
        ([("content-type", "application/xml")], body).into_response()
    };
    run(rules, xml, async |case| {
        let pages = case.all().await;
        assert_eq!(ids(&pages), to(25));
        assert_eq!(pages[0].records[0].payload["name"], "A & 1");
    });
    let cut = |_: &Asked| ([("content-type", "text/xml")], "<r><clients><item><id>1</id></it").into_response();
    run(rules, cut, async |case| assert_eq!(case.fails().await.kind(), Kind::Unreachable));
    let nothing = |_: &Asked| ([("content-type", "text/xml")], "<r><clients/><total>0</total></r>").into_response();
    run(rules, nothing, async |case| assert_eq!(ids(&case.all().await), to(0)));
}

#[test]
fn looping_cursors_are_noticed() {
    let cursor = "rows = \"items\"\npage = { style = \"cursor\", param = \"c\", next = \"next\", size = {} }";
    let check = |answer: fn(&Asked) -> Response, expected: &str| {
        run(cursor, answer, async |case| {
            let error = case.fails().await;
            assert!(error.kind() == Kind::Source && error.message().contains(expected), "{error:?}");
            assert!(case.requests() < 20);
        });
    };
    // The cursor leads back; the same page under ever new cursors; ever new cursors to nothing.
    check(
        |asked| {
            let here = asked.number_of("c", 0);
            json(&json!({"items": part(30, here * 10, 10), "next": (here + 1) % 3}))
        },
        "goes on at a place where it was before",
    );
    check(|asked| json(&json!({"items": part(30, 0, 10), "next": asked.number})), "repeats an earlier page");
    check(|asked| json(&json!({"items": [], "next": asked.number})), "brings no row");
    let same = |asked: &Asked| json(&json!({"items": [row(asked.number)], "next": "x"}));
    check(same, "goes on at a place where it was before");
}

/// What comes behind the last page differs; taken for the end only where the profile says so.
#[test]
fn the_end_is_recognized_as_the_profile_says() {
    let check = |past: &str, behind: fn() -> Response| {
        let answer = move |asked: &Asked| {
            if asked.number_of("page", 1) > 2 { behind() } else { json(&json!(by_page(asked, 20))) }
        };
        run(&format!("{PAGED}\npast_end = \"{past}\""), answer, async |case| {
            assert_eq!(ids(&case.all().await), to(20))
        });
    };
    check("empty", || json(&json!([])));
    check("not_found", || StatusCode::NOT_FOUND.into_response());
    check("refused", || StatusCode::BAD_REQUEST.into_response());
    check("repeats", || json(&json!(part(20, 10, 10))));
    check("failure", || json(&json!({"success": false, "message": "There is no such page."})));
    check("failure", || StatusCode::NO_CONTENT.into_response());
    for message in ["Something went wrong.", "Not found: try again later."] {
        let fails = move |asked: &Asked| match asked.number_of("page", 1) {
            1 => json(&json!(part(20, 0, 10))),
            _ => json(&json!({"success": false, "message": message})),
        };
        let rules = format!("{PAGED}\npast_end = \"failure\"");
        run(&rules, fails, async |case| drop(case.fails().await));
    }
    let refused = |asked: &Asked| match asked.number_of("page", 1) {
        1 => json(&json!(part(20, 0, 10))),
        _ => StatusCode::BAD_REQUEST.into_response(),
    };
    run(PAGED, refused, async |case| assert_eq!(case.fails().await.kind(), Kind::Source));
}

const CAPPED: &str = "rows = \"data\"\ntotal = { body = \"total\" }\n\
                      stamp = { column = \"updated_at\", style = \"rfc3339\" }";

/// A source that stops giving rows at a number.
fn capped(asked: &Asked, count: usize, cap: usize) -> Vec<Value> {
    let since: Option<Timestamp> = asked.query.get("since").map(|text| text.parse().expect("an instant"));
    let stamp = |id: usize| at(-86_400 * 30 + 60 * id as i64);
    let all = (1..=count).filter(|id| since.is_none_or(|since| stamp(*id) >= since));
    let size = asked.number_of("n", 1000);
    rows(all.take(cap).skip((asked.number_of("page", 1) - 1) * size).take(size))
}

#[test]
fn a_list_that_is_cut_is_read_on_by_time_of_change() {
    let paged = "page = { style = \"page\", param = \"page\", first = 1, size = { param = \"n\", rows = 1000 } }\n\
                 changes = { how = \"filter\", param = \"since\", style = \"rfc3339\" }";
    run(
        &format!("{CAPPED}\n{paged}"),
        |asked| json(&json!({"data": capped(asked, 12_345, 10_000), "total": 12_345})),
        async |case| {
            let pages = case.all().await;
            assert_eq!(ids(&pages).len(), 12_345);
            assert!(pages.last().is_some_and(|page| page.last && page.cursor.is_at_changes()));
        },
    );
}

#[test]
fn a_list_that_is_cut_and_cannot_be_read_on_is_refused() {
    let paged = "page = { style = \"page\", param = \"page\", first = 1, size = { param = \"n\", rows = 1000 } }";
    run(
        &format!("{CAPPED}\n{paged}"),
        |asked| json(&json!({"data": capped(asked, 105_000, 100_000), "total": 105_000})),
        async |case| {
            let error = case.fails().await;
            assert!(error.message().contains("exactly 100000 rows, a number at which sources cut"), "{error:?}");
        },
    );
    let uncounted = paged.to_owned();
    run(
        &uncounted,
        |asked| json(&json!(capped(asked, 15_000, 10_000))),
        async |case| {
            assert!(case.fails().await.message().contains("exactly 10000 rows"));
        },
    );
    run(
        "",
        |_| json(&json!(rows(1..=100))),
        async |case| {
            assert!(case.fails().await.message().contains("exactly 100 rows"));
        },
    );
    run(
        "page = { style = \"none\", cap = 200 }",
        |_| json(&json!(rows(1..=100))),
        async |case| {
            assert_eq!(ids(&case.all().await), to(100), "another list showed that a hundred is not where it cuts");
        },
    );
    run(
        "page = { style = \"none\", cap = 85 }",
        |_| json(&json!(rows(1..=100))),
        async |case| {
            assert!(case.fails().await.message().contains("exactly 100 rows"), "beyond what was seen it may be cut");
        },
    );
}

/// Each form of a hint at a limit, as a header or in the text.
#[test]
fn a_wait_is_kept_in_every_form() {
    let check = |refusal: fn() -> Response, seconds: u64| {
        let answer = move |asked: &Asked| if asked.number == 1 { refusal() } else { json(&json!(rows(1..=3))) };
        run("", answer, async |case| {
            assert_eq!(ids(&case.all().await), to(3));
            assert_eq!(case.clock.now().elapsed().as_secs(), seconds);
            assert_eq!(case.client.period(), Duration::from_secs(4), "and the pace is halved");
        });
    };
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response(), 120);
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "Mon, 05 Jan 2026 00:02:00 GMT")]).into_response(), 120);
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("x-ratelimit-reset", "120")]).into_response(), 120);
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("x-ratelimit-reset", "1767571320")]).into_response(), 120);
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("x-rate-limit-reset", "1767571320000")]).into_response(), 120);
    check(|| (StatusCode::TOO_MANY_REQUESTS, [("ratelimit-reset", "2026-01-05T00:02:00Z")]).into_response(), 120);
    check(|| (StatusCode::FORBIDDEN, r#"{"message":"rate limit, try again in 2 minutes"}"#).into_response(), 120);
    check(|| r#"{"success":false,"error":"Too many requests. Retry in 120 seconds"}"#.into_response(), 120);
    check(|| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "120")], "throttled").into_response(), 120);
}

/// A filter that reads times in a zone of its own, and knows whole days only.
#[test]
fn filters_are_asked_in_their_zone_and_granularity() {
    let rules = "stamp = { column = \"updated_at\", style = \"rfc3339\" }\n\
                 changes = { how = \"filter\", param = \"from\", style = \"space\", zone = \"-08:00\", edge = \"exclusive\" }\n\
                 deleted = { how = \"flag\", column = \"gone\" }";
    let served = |asked: &Asked| {
        // What was changed is judged by the clock of a zone eight hours behind UTC, and the very instant is left out.
        let since = asked.query.get("from").map(|text| {
            let local: jiff::civil::DateTime = text.parse().expect("a time");
            jiff::tz::Offset::constant(-8).to_timestamp(local).expect("an instant")
        });
        let stamp = |id: usize| at(-3600 * (30 - id as i64));
        let rows = (1..=29).filter(|id| since.is_none_or(|since| stamp(*id) > since));
        json(&json!(rows.map(|id| json!({"id": id, "updated_at": stamp(id)})).collect::<Vec<_>>()))
    };
    run(rules, served, async |case| {
        let changed = case.pages(Cursor::changes_since(at(-3600 * 5))).await.expect("changes");
        assert_eq!(ids(&changed), (25..=29).collect::<Vec<_>>());
    });
    let days = rules.replace("\"space\"", "\"date\"").replace("edge", "granularity_seconds = 86400, edge");
    let by_day = |asked: &Asked| {
        let since = asked.query.get("from").map(|text| {
            let local = text.parse::<jiff::civil::Date>().expect("a day").at(0, 0, 0, 0);
            jiff::tz::Offset::constant(-8).to_timestamp(local).expect("an instant")
        });
        let stamp = |id: usize| at(-3600 * (30 - id as i64));
        let rows = (1..=29).filter(|id| since.is_none_or(|since| stamp(*id) >= since));
        json(&json!(rows.map(|id| json!({"id": id, "updated_at": stamp(id)})).collect::<Vec<_>>()))
    };
    run(&days, by_day, async |case| {
        let changed = case.pages(Cursor::changes_since(at(-3600 * 5))).await.expect("changes");
        assert!((25..=29).all(|id| ids(&changed).contains(&id)), "{:?}", ids(&changed));
    });
}

#[test]
fn a_login_is_made_once_and_once_more_when_the_session_ends() {
    let auth = "[[auth.send]]\nat = \"header\"\nname = \"Authorization\"\nvalue = \"Bearer {token}\"\n\
                [auth.login]\npath = \"/login\"\nmethod = \"post\"\nform = \"json\"\ntoken = \"data.accessToken\"\n\
                fields = { username = \"{user}\", password = \"{password}\" }\n";
    let user = SourceCredentials::Password { user: "ada".to_owned(), password: secret("pw"), key: None };
    let mut logins = 0;
    run_as(
        auth,
        &user,
        PAGED,
        move |asked| {
            if asked.path == "/login" {
                assert_eq!(asked.body, json!({"username": "ada", "password": "pw"}));
                logins += 1;
                return json(&json!({"data": {"accessToken": format!("s{logins}")}}));
            }
            // The first session ends after two reads.
            let expected = format!("Bearer s{}", if asked.number > 3 { 2 } else { 1 });
            if asked.headers.get("authorization") != Some(&expected) {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            json(&json!(by_page(asked, 25)))
        },
        async |case| {
            assert_eq!(ids(&case.all().await), to(25));
            let logins = case.asked.lock().expect("no panic").iter().filter(|asked| asked.path == "/login").count();
            assert_eq!(logins, 2);
        },
    );
    let refuses = |asked: &Asked| match asked.path.as_str() {
        "/login" => json(&json!({"data": {"accessToken": "s1"}})),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    };
    run_as(auth, &user, PAGED, refuses, async |case| {
        assert_eq!(case.fails().await.kind(), Kind::Unauthorized);
        assert!(case.requests() <= 4, "one new login, and no more");
    });
}

/// Some sources refuse an old session in a way that nothing tells from another failure.
#[test]
fn a_session_whose_life_is_known_is_renewed_before_it_ends() {
    let auth = "[[auth.send]]\nat = \"header\"\nname = \"Authorization\"\nvalue = \"Bearer {token}\"\n\
                [[auth.send]]\nat = \"header\"\nname = \"api-version\"\nvalue = \"2020-01-31\"\n\
                [[auth.send]]\nat = \"query\"\nname = \"company\"\nvalue = \"{beside.company}\"\n\
                [auth.login]\npath = \"/login\"\nmethod = \"post\"\nform = \"json\"\ntoken = \"token\"\nlives_seconds = 300\n\
                fields = { username = \"{user}\", password = \"{password}\" }\n";
    let user = SourceCredentials::Password { user: "ada".to_owned(), password: secret("pw"), key: None };
    let others = std::collections::BTreeMap::from([("company".to_owned(), secret("acme"))]);
    let both = SourceCredentials::Beside { first: Box::new(user), others };
    let mut logins = 0;
    run_as(
        auth,
        &both,
        PAGED,
        move |asked| {
            let has_version = asked.headers.get("api-version").is_some_and(|version| version == "2020-01-31");
            assert!(has_version && asked.query.get("company").is_some_and(|company| company == "acme"), "{asked:?}");
            if asked.path == "/login" {
                logins += 1;
                return json(&json!({"token": format!("s{logins}")}));
            }
            assert_eq!(asked.headers.get("authorization"), Some(&format!("Bearer s{logins}")));
            json(&json!(by_page(asked, 25)))
        },
        async |case| {
            for expected in 1..=3 {
                assert_eq!(ids(&case.all().await), to(25));
                let logins = case.asked.lock().expect("no panic").iter().filter(|asked| asked.path == "/login").count();
                assert_eq!(logins, expected);
                case.clock.sleep(Duration::from_secs(280)).await;
            }
        },
    );
}

/// A limit of a minute that says nothing of itself is waited for.
#[test]
fn a_refusal_without_a_hint_is_waited_for_ever_longer() {
    let mut refused = 0;
    let answer = move |asked: &Asked| {
        if asked.number > 1 && refused < 4 {
            refused += 1;
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
        json(&json!(by_page(asked, 25)))
    };
    run(PAGED, answer, async |case| {
        assert_eq!(case.fails().await.kind(), Kind::RateLimited, "after four tries");
        // 2, 4 and 8 seconds beside the pace, where other failures are asked again after half a second.
        let waited = case.clock.now().elapsed();
        assert!(waited >= Duration::from_secs(14), "{waited:?}");
    });
}

const CONTRACT: &str = "rows = \"data\"\ncolumns = { id = \"number\", name = \"text\" }";

/// A page that is not what the profile says stops the reading, and nothing of it is given.
#[test]
fn a_page_that_has_changed_is_not_read() {
    let check = |body: fn() -> Value, expected: &str| {
        run(
            CONTRACT,
            move |_| json(&body()),
            async |case| {
                let error = case.fails().await;
                assert!(error.kind() == Kind::Drift && error.chain().contains(expected), "{error:?}");
            },
        );
    };
    check(|| json!({"data": [{"id": 1, "title": "x"}]}), "no row has 'name' any more");
    check(|| json!({"data": [{"id": 1, "name": {"first": "x"}}]}), "'name' was text and is an object");
    check(|| json!({"data": [{"id": "c1", "name": "x"}]}), "'id' was a number and is text");
    check(|| json!({"data": [{"key": 1, "name": "x"}]}), "no row has an id under 'id'");
    check(|| json!({"items": [{"id": 1, "name": "x"}]}), "no list under 'data'");
    run(
        CONTRACT,
        |_| json(&json!({"data": [{"id": 1, "name": "x"}, {"id": 2, "name": null}]})),
        async |case| {
            assert_eq!(ids(&case.all().await), to(2));
        },
    );
}

/// Where deleted rows just vanish, everything is read once a day, and each page says to which reading it belongs.
#[test]
fn lists_whose_rows_vanish_are_compared_once_a_day() {
    let rules = "stamp = { column = \"updated_at\", style = \"rfc3339\" }\n\
                 changes = { how = \"filter\", param = \"since\", style = \"rfc3339\" }";
    let served = |asked: &Asked| json(&json!(if asked.query.contains_key("since") { vec![] } else { rows(1..=3) }));
    run(rules, served, async |case| {
        let walk = case.all().await;
        let first = walk[0].whole.clone().expect("a reading of everything");
        let changes = case.pages(walk[0].cursor.clone()).await.expect("changes");
        assert_eq!(changes[0].whole.as_ref().map(|whole| (&whole.digest, whole.settled)), Some((&first.digest, false)));
        case.clock.sleep(Duration::from_secs(25 * 3600)).await;
        let again = case.pages(changes[0].cursor.clone()).await.expect("everything");
        assert_eq!(ids(&again), to(3));
        assert!(again[0].whole.as_ref().is_some_and(|whole| whole.digest != first.digest && whole.settled));
    });
}
