//! For every operation a request that is right: the ids of its path, the parameters it needs, and bodies that together have
//! every key of the document. Texts that begin with `$` are words of `account`.

use serde_json::{Value, json};

use crate::contract::Operation;

/// Keys of the documents that no request here has, and why.
pub(crate) const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("persons", "postal_address", "does not exist before contact sync is set up"),
    ("persons", "notes", "as postal_address"),
    ("persons", "im", "as postal_address"),
    ("persons", "birthday", "as postal_address"),
    ("persons", "job_title", "as postal_address"),
    ("persons", "marketing_status", "does not exist without the add-on Campaigns"),
    ("activities", "person_id", "read only, although the schema lists it (migration guide)"),
    ("activities", "project_id", "projects are an add-on that this account has not"),
    ("activities", "lead_id", "excludes deal_id, and has a request of its own"),
    ("files", "project_id", "projects are an add-on that this account has not"),
    ("notes", "project_id", "projects are an add-on that this account has not"),
    ("notes", "task_id", "tasks are an add-on that this account has not"),
    ("notes", "pinned_to_project_flag", "as project_id"),
    ("notes", "pinned_to_task_flag", "as task_id"),
    ("deals", "product_variation_id", "variations of products are not served"),
    ("deals", "is_deleted", "a deal can be neither made nor changed as deleted (migration guide)"),
    ("callLogs", "activity_id", "turns an activity into a call log, whose links are then passed over"),
    ("callLogs", "lead_id", "excludes deal_id"),
];

/// The words for the ids in a path, in their order.
pub(crate) fn path_words(operation: &Operation) -> Vec<&'static str> {
    let path = operation.path();
    let kind = path.trim_start_matches("/api/v2/").trim_start_matches("/v1/").split('/').next().unwrap_or_default();
    let first = match kind {
        "organizations" => "$organization",
        "persons" => "$person",
        "deals" if path.contains("convert/status") => "$ripe_deal",
        "deals" => "$deal",
        "leads" if path.contains("convert/status") => "$ripe_lead",
        "leads" => "$lead",
        "products" => "$product",
        "activities" => "$activity",
        "pipelines" => "$pipeline",
        "stages" => "$stage",
        "leadLabels" => "$lead_label",
        "notes" => "$note",
        "activityTypes" => "$activity_type",
        "users" => "$user",
        "files" => "$file",
        "callLogs" => "$call",
        "webhooks" => "$hook",
        "organizationFields" if operation.is_v2() => "$o_choice",
        "personFields" if operation.is_v2() => "$p_choice",
        "dealFields" if operation.is_v2() => "$d_choice",
        "productFields" if operation.is_v2() => "$x_choice",
        "organizationFields" => "$o_older",
        "personFields" => "$p_older",
        "dealFields" => "$d_older",
        "productFields" => "$x_older",
        _ => "$priority_code",
    };
    let second = match () {
        () if path.ends_with("{product_attachment_id}") => "$line",
        () if path.ends_with("{deal_participant_id}") => "$seat",
        () if kind == "notes" => "$comment",
        () if kind == "leads" => "$lead_conversion",
        () => "$conversion",
    };
    [first, second].into_iter().take(path.matches('{').count()).collect()
}

/// The parameters that a request cannot do without.
pub(crate) fn needed(operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let of = |key: &str| operation.parameters("query").get(key).is_some_and(|schema| schema["needed"] == true);
    let mut all = Vec::new();
    for (key, value) in [
        ("term", "Muster"),
        ("entity_type", "deal"),
        ("field", "$d_text"),
        ("deal_ids", "$deal"),
        ("since_timestamp", "2026-03-01 00:00:00"),
    ] {
        if of(key) {
            all.push((key, value));
        }
    }
    all
}

/// Bodies that are right; none for an operation without one.
pub(crate) fn bodies(operation: &Operation) -> Vec<Value> {
    if operation.body().is_none() {
        return Vec::new();
    }
    let path = operation.path().trim_start_matches("/api/v2/").trim_start_matches("/v1/");
    let fields = path.split('/').next().is_some_and(|kind| kind.ends_with("Fields"));
    if fields {
        return of_fields(operation, path);
    }
    if operation.is_v2() { of_v2(operation, path) } else { of_v1(operation, path) }
}

fn of_v2(operation: &Operation, path: &str) -> Vec<Value> {
    let update = operation.text("method") == "PATCH";
    let address = json!({"value": "1 Main St, Springfield", "country": "US", "admin_area_level_1": "IL",
        "admin_area_level_2": "Sangamon", "locality": "Springfield", "sublocality": "East", "route": "Main St",
        "street_number": "1", "subpremise": "2", "postal_code": "62701"});
    let custom = |kind: &str| {
        json!({format!("${kind}_text"): "SRC-1", format!("${kind}_choice"): format!("${kind}_gold"),
            format!("${kind}_number"): 1.5})
    };
    let add_time = |mut body: Value| {
        if !update {
            body["add_time"] = json!("2019-03-04T09:00:00Z");
        }
        body
    };
    match path.split('/').nth(2) {
        Some("products") if path.starts_with("deals/") => {
            let line = of_line();
            vec![if path.ends_with("bulk") { json!({"data": [line, line]}) } else { line }]
        }
        Some("convert") => vec![json!({"stage_id": "$stage", "pipeline_id": "$pipeline"})],
        _ => match path.split('/').next().unwrap_or_default() {
            "organizations" => vec![add_time(json!({
                "name": "Muster", "owner_id": "$user", "visible_to": 3, "label_ids": ["$organization_label"],
                "address": address, "website": "https://example.test", "linkedin": "https://example.test/in",
                "industry": "$industry", "annual_revenue": 100, "employee_count": 7, "custom_fields": custom("o")}))],
            "persons" => vec![add_time(json!({
                "name": "Ada Muster", "owner_id": "$user", "org_id": "$organization", "visible_to": 3,
                "emails": [{"value": "ada@example.test", "primary": true, "label": "work"}],
                "phones": [{"value": "+1 555 0100", "primary": true, "label": "work"}],
                "label_ids": ["$person_label"], "custom_fields": custom("p")}))],
            "deals" => of_deals(&custom("d")),
            "activities" => vec![
                json!({"subject": "Call", "type": "call", "owner_id": "$user", "deal_id": "$deal", "org_id": "$organization",
                    "due_date": "2020-01-10", "due_time": "09:30", "duration": "00:20", "busy": true, "done": true,
                    "location": address, "participants": [{"person_id": "$person", "primary": true}],
                    "attendees": [{"email": "x@example.test", "name": "X", "status": "accepted", "is_organizer": true,
                        "person_id": "$person", "user_id": "$user"}],
                    "public_description": "d", "priority": "$priority", "note": "<p>n</p>"}),
            ],
            "products" => vec![json!({"name": "Cap", "code": "C-1", "description": "d", "unit": "piece", "tax": 8,
                "category": "$category", "owner_id": "$user", "is_linkable": true, "visible_to": 3,
                "prices": [{"currency": "USD", "price": 4.5, "cost": 2}], "custom_fields": custom("x"),
                "billing_frequency": "monthly", "billing_frequency_cycles": 12})],
            "pipelines" => vec![json!({"name": "Third", "is_deal_probability_enabled": true})],
            "stages" => vec![json!({"name": "Next", "pipeline_id": "$pipeline", "deal_probability": 60,
                "is_deal_rot_enabled": true, "days_to_rotten": 9})],
            other => panic!("no request for {other}"),
        },
    }
}

/// Open, won, lost and archived, because the keys of each exclude those of the others.
fn of_deals(custom: &Value) -> Vec<Value> {
    vec![
        json!({"title": "Order", "value": 12.5, "currency": "EUR", "owner_id": "$user", "person_id": "$person",
            "org_id": "$organization", "pipeline_id": "$pipeline", "stage_id": "$stage", "status": "open",
            "probability": 50, "visible_to": 3, "expected_close_date": "2026-12-01", "label_ids": ["$deal_label"],
            "custom_fields": custom}),
        json!({"title": "Won", "status": "won", "won_time": "2020-01-31T10:00:00Z", "close_time": "2020-01-31T10:00:00Z"}),
        json!({"title": "Lost", "status": "lost", "lost_time": "2020-01-31T10:00:00Z", "lost_reason": "price"}),
        json!({"title": "Old", "is_archived": true, "archive_time": "2020-01-31 10:00:00"}),
    ]
}

fn of_line() -> Value {
    json!({"product_id": "$product", "item_price": 4.5, "quantity": 10, "tax": 8, "comments": "c",
        "discount": 5, "discount_type": "percentage", "is_enabled": true, "tax_method": "exclusive",
        "billing_frequency": "monthly", "billing_frequency_cycles": 3, "billing_start_date": "2026-05-01"})
}

fn of_fields(operation: &Operation, path: &str) -> Vec<Value> {
    let kind = path.split('/').next().unwrap_or_default();
    let gold = match kind {
        "organizationFields" => "$o_gold",
        "personFields" => "$p_gold",
        "dealFields" => "$d_gold",
        _ => "$x_gold",
    };
    let method = operation.text("method");
    if path.ends_with("/options") {
        return match method {
            "POST" => vec![json!([{"label": "Bronze"}])],
            "PATCH" => vec![json!([{"id": gold, "label": "Or"}])],
            _ => vec![json!([{ "id": gold }])],
        };
    }
    let known = |key: &str| operation.body().is_some_and(|schema| schema["properties"].get(key).is_some());
    if operation.is_v2() {
        let mut body = json!({"field_name": "Level"});
        for (key, value) in [
            ("field_type", json!("set")),
            ("options", json!([{"label": "One"}])),
            ("description", json!("d")),
            ("ui_visibility", json!({"add_visible_flag": false, "details_visible_flag": true})),
            ("important_fields", json!({"enabled": true, "stage_ids": ["$stage"]})),
            ("required_fields", json!({"enabled": true})),
        ] {
            if known(key) {
                body[key] = value;
            }
        }
        return vec![body];
    }
    let options = if method == "POST" { json!([{"label": "One"}]) } else { json!([{"id": gold, "label": "Or"}]) };
    let mut body = json!({"name": "Level", "options": options});
    for (key, value) in [("field_type", json!("enum")), ("add_visible_flag", json!(true))] {
        if known(key) {
            body[key] = value;
        }
    }
    vec![body]
}

fn of_v1(operation: &Operation, path: &str) -> Vec<Value> {
    let update = operation.text("method") != "POST";
    let without = |mut body: Value, keys: &[&str]| {
        if update && let Some(own) = body.as_object_mut() {
            own.retain(|key, _| !keys.contains(&key.as_str()));
        }
        body
    };
    if path.ends_with("/merge") {
        let other = match path.split('/').next() {
            Some("deals") => "$other_deal",
            Some("persons") => "$guest",
            _ => "$other_organization",
        };
        return vec![json!({ "merge_with_id": other })];
    }
    if path.ends_with("/participants") {
        return vec![json!({"person_id": "$more"})];
    }
    if path.contains("/comments") {
        return vec![json!({"content": "<p>x</p>"})];
    }
    match path.split('/').next().unwrap_or_default() {
        "leads" => {
            let lead = json!({"title": "Maybe", "owner_id": "$user", "label_ids": ["$lead_label"], "person_id": "$person",
                "organization_id": "$organization", "value": {"amount": 300, "currency": "EUR"},
                "expected_close_date": "2026-12-01", "visible_to": "3", "was_seen": true, "origin_id": "SRC-1",
                "channel": 52, "channel_id": "Spring"});
            let lead = without(lead, &["origin_id"]);
            if update { vec![lead, json!({"is_archived": true})] } else { vec![lead] }
        }
        "leadLabels" => vec![json!({"name": "Tepid", "color": "red"})],
        "notes" => vec![
            json!({"content": "<p>x</p>", "deal_id": "$deal", "person_id": "$person", "org_id": "$organization",
                "user_id": "$user", "add_time": "2018-05-06 07:08:09", "pinned_to_deal_flag": 1,
                "pinned_to_person_flag": 1, "pinned_to_organization_flag": 0}),
            json!({"content": "x", "lead_id": "$lead", "pinned_to_lead_flag": 1}),
        ],
        "activityTypes" => {
            let mut body = json!({"name": "Tour", "icon_key": "plane", "color": "AABBCC"});
            if update {
                body["order_nr"] = json!(2);
            }
            vec![body]
        }
        "files" => match path {
            "files/remote" => {
                vec![json!({"file_type": "gdoc", "title": "Plan", "item_type": "deal", "item_id": "$deal",
                "remote_location": "googledrive"})]
            }
            "files/remoteLink" => vec![json!({"item_type": "deal", "item_id": "$deal", "remote_id": "abc",
                "remote_location": "googledrive"})],
            "files" => {
                vec![json!({"file": "mugs", "deal_id": "$deal", "person_id": "$person", "org_id": "$organization",
                "product_id": "$product", "activity_id": "$activity", "lead_id": "$lead"})]
            }
            _ => vec![json!({"name": "New.txt", "description": "d"})],
        },
        "callLogs" if path.ends_with("recordings") => vec![json!({"file": "RIFF"})],
        "callLogs" => vec![json!({"outcome": "connected", "to_phone_number": "+15550100",
            "from_phone_number": "+15550101", "subject": "Call", "start_time": "2020-01-10 09:30:00",
            "end_time": "2020-01-10 09:50:00", "duration": "1200", "note": "<p>n</p>", "user_id": "$user",
            "person_id": "$person", "org_id": "$organization", "deal_id": "$deal"})],
        "webhooks" => vec![json!({"subscription_url": "http://127.0.0.1:9/hook", "event_action": "*",
            "event_object": "deal", "name": "Second", "user_id": "$user", "http_auth_user": "u",
            "http_auth_password": "p", "version": "2.0"})],
        other => panic!("no request for {other}"),
    }
}
