//! Answers of the stand-in have the shape of recorded answers of the real service: keys, types and nesting.
//!
//! The recordings are those of May 2026 under the folder that `CROSSDOCK_DATA` names; their licence keeps them out of this
//! repository. Most are of endpoints of API v1 that have since been retired. What is left of those shapes in API v1 (rows of
//! recents, of the archived list and of participants) is compared with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crossdock::standin::pipedrive::{Plan, Settings};
use serde_json::{Value, json};

use crate::site::{Site, drive, unlimited};

/// Differences that stay: endpoint of the recording, a part of the key's path, and why.
const KNOWN: &[(&str, &str, &str)] = &[
    ("/v1/persons", ".im", "contact sync was set up in the recorded account"),
    ("/v1/persons", ".birthday", "contact sync was set up in the recorded account"),
    ("/v1/persons", ".job_title", "contact sync was set up in the recorded account"),
    ("/v1/persons", ".notes", "contact sync was set up in the recorded account"),
    ("/v1/persons", ".postal_address", "contact sync was set up in the recorded account"),
    ("/v1/activities", ".file", "the document of recents has it, and the recorded endpoint had not"),
    ("/v1/activities", ".gcal_event_id", "the document of recents has it, and the recorded endpoint had not"),
    ("/v1/activities", ".google_calendar_", "the document of recents has it, and the recorded endpoint had not"),
    ("/v1/activities", ".project_id", "projects were not switched on in the recorded account"),
    ("/v1/deals", ".acv", "the recorded plan has no recurring revenue"),
    ("/v1/deals", ".arr", "the recorded plan has no recurring revenue"),
    ("/v1/deals", ".mrr", "the recorded plan has no recurring revenue"),
    ("/v1/deals", ".has_pic", "the document of the archived list says boolean, in schema and example"),
    ("/v1/notes", ".project", "projects were not switched on in the recorded account"),
    ("/v1/notes", ".task", "projects were not switched on in the recorded account"),
    ("/v1/notes", ".pinned_to_project_flag", "projects were not switched on in the recorded account"),
    ("/v1/notes", ".pinned_to_task_flag", "projects were not switched on in the recorded account"),
    ("post /v1/persons", ".phone[].label", "the recorded person has no phone number, and an empty one has no label"),
    ("post /v1/products", ".price_formatted", "only in the answer to a create, which is retired"),
    ("post /v1/organizations", ".edit_name", "only in the answer to a create, which is retired"),
    ("get /v1/pipelines", ".selected", "of the caller's own view, in the retired list only"),
    ("/v1/products", ".owner_id", "the document of recents says number"),
    ("/v1/products", ".visible_to", "the document of recents says number"),
    ("get /v1/stages", ".pipeline_", "beside archived deals, and in the retired list, not in recents"),
];

/// Statuses of recordings that differ from the document of August 2026, which the stand-in follows: the recorded endpoint,
/// what was recorded, what the document says. Clients must take any 2xx.
const STATUSES: &[(&str, u16, u16)] = &[("post /v1/leads", 200, 201), ("post /v1/notes", 201, 200)];

/// Keys and types of a value; lists are one with all their elements, ids that are keys are `*`.
#[derive(Debug, Default)]
struct Shape {
    types: BTreeSet<&'static str>,
    keys: BTreeMap<String, Shape>,
    items: Option<Box<Shape>>,
}

impl Shape {
    fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.take(value);
        shape
    }

    fn take(&mut self, value: &Value) {
        match value {
            // Null can stand for anything.
            Value::Null => {}
            Value::Bool(_) => drop(self.types.insert("boolean")),
            Value::Number(_) => drop(self.types.insert("number")),
            Value::String(_) => drop(self.types.insert("string")),
            Value::Array(items) => {
                self.types.insert("array");
                for item in items {
                    self.items.get_or_insert_default().take(item);
                }
            }
            Value::Object(keys) => {
                self.types.insert("object");
                for (key, value) in keys {
                    let is_id = key.bytes().all(|byte| byte.is_ascii_digit());
                    let name = if is_id { "*".to_owned() } else { key.clone() };
                    // Custom fields differ by account.
                    if key.len() < 40 {
                        self.keys.entry(name).or_default().take(value);
                    }
                }
            }
        }
    }

    /// Appends where the other shape differs.
    fn compare(&self, other: &Self, at: &str, found: &mut Vec<String>) {
        if !self.types.is_empty() && !other.types.is_empty() && self.types.is_disjoint(&other.types) {
            found.push(format!("{at}: recorded {:?}, ours {:?}", self.types, other.types));
        }
        if !self.keys.is_empty() && !other.keys.is_empty() {
            for (key, own) in &self.keys {
                match other.keys.get(key) {
                    Some(other) => own.compare(other, &format!("{at}.{key}"), found),
                    None => found.push(format!("{at}.{key}: recorded, not ours")),
                }
            }
            let more = other.keys.keys().filter(|key| !self.keys.contains_key(*key));
            found.extend(more.map(|key| format!("{at}.{key}: ours, not recorded")));
        }
        if let (Some(own), Some(other)) = (&self.items, &other.items) {
            own.compare(other, &format!("{at}[]"), found);
        }
    }
}

/// One recorded exchange.
struct Recording {
    file: String,
    /// Method and path, as recorded.
    endpoint: String,
    status: u16,
    answer: Value,
}

fn recordings(folder: &Path) -> Vec<Recording> {
    let mut found = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let text = std::fs::read_to_string(path).expect("a file");
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for (method, paths) in whole["api"].as_object().into_iter().flatten() {
            for (path, exchange) in paths.as_object().into_iter().flatten() {
                let status = exchange["status"].as_u64().and_then(|status| u16::try_from(status).ok());
                let (endpoint, answer) = (format!("{method} {path}"), exchange["response"].clone());
                found.push(Recording { file: file.clone(), endpoint, status: status.expect("a status"), answer });
            }
        }
    }
    found
}

/// Our answers, by the endpoint of the recording: status (0 where the endpoint is retired) and the part that is compared.
struct Answers(BTreeMap<&'static str, (u16, Value)>);

impl Answers {
    async fn collect(site: &Site) -> Self {
        let mut all = BTreeMap::new();
        let person = json!({"name": "Ada Muster", "emails": [{"value": "ada@example.test", "label": "work"}],
            "phones": [{"value": "+1 555 0100", "label": "work"}]});
        let organization = site
            .made(
                "/api/v2/organizations",
                json!({"name": "Muster Ltd",
            "address": {"value": "1 Main St"}}),
            )
            .await["id"]
            .clone();
        let person = site.made("/api/v2/persons", with(person, "org_id", &organization)).await["id"].clone();
        let links = json!({"title": "Mugs", "person_id": person, "org_id": organization});
        let deal = site.made("/api/v2/deals", links.clone()).await["id"].clone();
        site.made("/api/v2/deals", with(links, "is_archived", &json!(true))).await;
        site.made(
            "/api/v2/activities",
            json!({"subject": "Call", "type": "call", "deal_id": deal, "org_id": organization,
            "due_date": "2026-05-20", "due_time": "10:00", "duration": "00:30", "busy": true, "note": "n",
            "participants": [{"person_id": person, "primary": true}]}),
        )
        .await;
        site.made("/api/v2/products", json!({"name": "Mug", "code": "M-1", "description": "d", "unit": "piece"})).await;
        site.made(&format!("/v1/deals/{deal}/participants"), json!({ "person_id": person })).await;

        let lead = json!({"title": "Later", "person_id": person, "organization_id": organization, "origin_id": "x",
            "value": {"amount": 15_000, "currency": "USD"}, "channel": 8, "channel_id": "c"});
        let lead = site.post("/v1/leads", lead).await;
        all.insert("post /v1/leads", (lead.status, lead.body));
        let note = json!({"content": "x", "deal_id": deal, "person_id": person, "org_id": organization});
        let note = site.post("/v1/notes", note).await;
        all.insert("post /v1/notes", (note.status, note.body));
        let stage = site.post("/api/v2/stages", json!({"name": "Test", "pipeline_id": 1})).await;
        all.insert("post /v2/stages", (stage.status, stage.body));
        for (endpoint, path) in [
            ("get /v1/leads", "/v1/leads"),
            ("get /v1/notes", "/v1/notes"),
            ("get /v1/users", "/v1/users"),
            ("get /v2/stages", "/api/v2/stages?limit=500"),
        ] {
            let page = site.get(path).await;
            all.insert(endpoint, (page.status, page.body));
        }
        for (endpoint, made, kind) in [
            ("get /v1/activities", "post /v1/activities", "activity"),
            ("get /v1/organizations", "post /v1/organizations", "organization"),
            ("get /v1/products", "post /v1/products", "product"),
            ("get /v1/pipelines", "post /v1/pipelines", "pipeline"),
            ("get /v1/stages", "post /v1/stages", "stage"),
        ] {
            let path = format!("/v1/recents?since_timestamp=2026-03-01%2000:00:00&items={kind}");
            let rows = site.get(&path).await;
            let rows: Vec<Value> =
                rows.data().as_array().into_iter().flatten().map(|row| row["data"].clone()).collect();
            all.insert(made, (0, json!({"data": rows.last()})));
            all.insert(endpoint, (0, json!({ "data": rows })));
        }
        let archived = site.get("/v1/deals/archived").await.body;
        all.insert("post /v1/deals", (0, json!({"data": archived["data"][0]})));
        // The archived list is the one list of deals that API v1 still has: compared whole.
        all.insert("get /v1/deals", (200, archived));
        let guests = site.get(&format!("/v1/deals/{deal}/participants")).await.body;
        all.insert("post /v1/persons", (0, json!({"data": guests["data"][0]["person"]})));
        all.insert("get /v1/persons", (0, json!({"data": [guests["data"][0]["person"]]})));
        Self(all)
    }
}

fn with(mut body: Value, key: &str, value: &Value) -> Value {
    body[key] = value.clone();
    body
}

#[test]
fn answers_have_the_shape_of_recorded_ones() {
    let Ok(data) = std::env::var("CROSSDOCK_DATA") else {
        println!("CROSSDOCK_DATA is not set; recorded answers are not compared");
        return;
    };
    let recordings = recordings(&Path::new(&data).join("nango-pipedrive-recordings"));
    assert!(!recordings.is_empty(), "no recordings");
    let settings = Settings { plan: Plan::Premium, organization_profile: true, ..unlimited() };
    drive(settings, |site| async move {
        let ours = Answers::collect(&site).await;
        let (mut problems, mut used) = (Vec::new(), BTreeSet::new());
        let mut shapes = 0;
        for recording in &recordings {
            let endpoint = recording.endpoint.as_str();
            let Some((status, answer)) = ours.0.get(endpoint) else {
                problems.push(format!("{endpoint} of {} is compared with nothing", recording.file));
                continue;
            };
            let expected = STATUSES.iter().find(|(own, recorded, _)| *own == endpoint && *recorded == recording.status);
            if *status != 0 && *status != expected.map_or(recording.status, |(.., document)| *document) {
                problems.push(format!("{endpoint}: recorded {}, ours {status}", recording.status));
            }
            let mut found = Vec::new();
            let recorded = match status {
                // Of a retired endpoint the rows are compared, not what was around them.
                0 => &json!({"data": recording.answer["data"]}),
                _ => &recording.answer,
            };
            Shape::of(recorded).compare(&Shape::of(answer), "", &mut found);
            shapes += 1;
            for difference in found {
                let known = KNOWN.iter().position(|(own, key, _)| {
                    endpoint.contains(own) && difference.split(':').next().is_some_and(|at| at.contains(key))
                });
                match known {
                    Some(place) => drop(used.insert(place)),
                    None => problems.push(format!("{endpoint} ({}) {difference}", recording.file)),
                }
            }
        }
        for (place, (endpoint, key, _)) in KNOWN.iter().enumerate() {
            if !used.contains(&place) {
                problems.push(format!("{endpoint} {key}: stated as different, and is not"));
            }
        }
        println!("recordings: {shapes} shapes compared, {} differences stated", KNOWN.len());
        problems.sort();
        problems.dedup();
        assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
    });
}
