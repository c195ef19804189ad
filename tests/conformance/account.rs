//! An account with one record of every kind, and the words by which requests name them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::Site;

/// What was made, by the word that requests have for it.
pub(crate) struct Account(BTreeMap<&'static str, Value>);

impl Account {
    /// Makes a record of every kind.
    pub(crate) async fn fill(site: &Site) -> Self {
        let mut made = BTreeMap::new();
        let user = site.running.users().first().expect("an administrator").id;
        made.insert("user", json!(user));
        for (kind, word) in [("organization", "o"), ("person", "p"), ("deal", "d"), ("product", "x")] {
            Self::add_fields(site, &mut made, kind, word).await;
        }
        let organization = site.made("/api/v2/organizations", json!({"name": "Muster Ltd"})).await["id"].clone();
        let person = site.made("/api/v2/persons", json!({"name": "Ada Muster", "org_id": organization})).await;
        let deal = site.made("/api/v2/deals", json!({"title": "Mugs", "person_id": person["id"]})).await;
        let lead = site.made("/v1/leads", json!({"title": "Later", "person_id": person["id"]})).await;
        let product = site.made("/api/v2/products", json!({"name": "Mug"})).await["id"].clone();
        let line = json!({"product_id": product, "item_price": 4, "quantity": 2});
        let line = site.made(&format!("/api/v2/deals/{}/products", deal["id"]), line).await["id"].clone();
        let guest = site.made("/api/v2/persons", json!({"name": "Bo Guest"})).await["id"].clone();
        let more = site.made("/api/v2/persons", json!({"name": "Cy More"})).await["id"].clone();
        let seat = json!({ "person_id": guest });
        let seat = site.made(&format!("/v1/deals/{}/participants", deal["id"]), seat).await["id"].clone();
        let activity = site.made("/api/v2/activities", json!({"subject": "Call", "type": "call"})).await["id"].clone();
        let note = site.made("/v1/notes", json!({"content": "x", "deal_id": deal["id"]})).await["id"].clone();
        let comment = json!({"content": "y"});
        let comment = site.made(&format!("/v1/notes/{note}/comments"), comment).await["uuid"].clone();
        let file = [("deal_id", deal["id"].to_string())];
        let file = site.upload("/v1/files", "list.txt", b"mugs", &file).await.data()["id"].clone();
        let labels = site.get("/api/v2/dealFields").await;
        let labels = labels.data().as_array().into_iter().flatten().find(|own| own["field_code"] == "label_ids");
        let pipeline = site.made("/api/v2/pipelines", json!({"name": "Second"})).await["id"].clone();
        let stage = site.made("/api/v2/stages", json!({"name": "Only", "pipeline_id": pipeline})).await["id"].clone();
        let other_deal = site.made("/api/v2/deals", json!({"title": "Pens"})).await["id"].clone();
        let other_organization = site.made("/api/v2/organizations", json!({"name": "Other"})).await["id"].clone();
        let ripe = site.made("/api/v2/deals", json!({"title": "Caps", "person_id": person["id"]})).await["id"].clone();
        let conversion = site.post(&format!("/api/v2/deals/{ripe}/convert/lead"), json!({})).await;
        let lead_job = json!({"title": "Soon", "person_id": person["id"]});
        let ripe_lead = site.made("/v1/leads", lead_job).await["id"].clone();
        let text = ripe_lead.as_str().expect("a uuid");
        let lead_job = site.post(&format!("/api/v2/leads/{text}/convert/deal"), json!({})).await;
        made.extend([
            ("organization", organization),
            ("person", person["id"].clone()),
            ("deal", deal["id"].clone()),
            ("lead", lead["id"].clone()),
            ("product", product),
            ("line", line),
            ("guest", guest),
            ("more", more),
            ("seat", seat),
            ("activity", activity),
            ("note", note),
            ("comment", comment),
            ("file", file),
            ("deal_label", labels.expect("labels")["options"][0]["id"].clone()),
            ("pipeline", pipeline),
            ("stage", stage),
            ("other_deal", other_deal),
            ("other_organization", other_organization),
            ("priority_code", json!("priority")),
            ("ripe_deal", ripe),
            ("ripe_lead", ripe_lead),
            ("lead_conversion", lead_job.data()["conversion_id"].clone()),
            ("conversion", conversion.data()["conversion_id"].clone()),
        ]);
        Self::add_settings(site, &mut made).await;
        Self::add_lists(site, &mut made).await;
        Self(made)
    }

    /// What hangs on no record.
    async fn add_settings(site: &Site, made: &mut BTreeMap<&'static str, Value>) {
        let label = site.made("/v1/leadLabels", json!({"name": "Mild", "color": "blue"})).await["id"].clone();
        let kind = site.made("/v1/activityTypes", json!({"name": "Visit", "icon_key": "car"})).await["id"].clone();
        let call = json!({"outcome": "busy", "to_phone_number": "+1 555 0100", "start_time": "2020-01-10 09:30:00",
            "end_time": "2020-01-10 09:31:00"});
        let call = site.made("/v1/callLogs", call).await["id"].clone();
        let hook = json!({"subscription_url": "http://127.0.0.1:9/hook", "event_action": "*", "event_object": "deal",
            "name": "Watch"});
        let hook = site.made("/v1/webhooks", hook).await["id"].clone();
        made.extend([("lead_label", label), ("activity_type", kind), ("call", call), ("hook", hook)]);
    }

    /// A field of every type that values are tried with, for one kind of record.
    async fn add_fields(site: &Site, made: &mut BTreeMap<&'static str, Value>, kind: &str, word: &str) {
        let path = format!("/api/v2/{kind}Fields");
        for (end, field_type) in [("text", "varchar"), ("choice", "enum"), ("choices", "set"), ("number", "double")] {
            let mut body = json!({"field_name": end, "field_type": field_type});
            if matches!(field_type, "enum" | "set") {
                body["options"] = json!([{"label": "Gold"}, {"label": "Silver"}]);
            }
            let field = site.made(&path, body).await;
            made.insert(Self::word(word, end), field["field_code"].clone());
            if field_type == "enum" {
                made.insert(Self::word(word, "gold"), field["options"][0]["id"].clone());
            }
        }
        let all = site.call(Method::GET, &format!("/v1/{kind}Fields?limit=500"), None).await;
        let code = &made[Self::word(word, "choice")];
        let older = all.data().as_array().into_iter().flatten().find(|own| own["key"] == *code);
        made.insert(Self::word(word, "older"), older.expect("the field in API v1")["id"].clone());
    }

    /// Options of the fields that come with the account.
    async fn add_lists(site: &Site, made: &mut BTreeMap<&'static str, Value>) {
        for (word, path) in [
            ("priority", "/api/v2/activityFields/priority"),
            ("category", "/api/v2/productFields/category"),
            ("industry", "/api/v2/organizationFields/industry"),
            ("organization_label", "/api/v2/organizationFields/label_ids"),
            ("person_label", "/api/v2/personFields/label_ids"),
        ] {
            made.insert(word, site.get(path).await.data()["options"][0]["id"].clone());
        }
    }

    /// The word of a field: kind and type.
    fn word(kind: &str, end: &str) -> &'static str {
        const WORDS: &[&str] = &[
            "o_text",
            "o_choice",
            "o_choices",
            "o_number",
            "o_gold",
            "o_older",
            "p_text",
            "p_choice",
            "p_choices",
            "p_number",
            "p_gold",
            "p_older",
            "d_text",
            "d_choice",
            "d_choices",
            "d_number",
            "d_gold",
            "d_older",
            "x_text",
            "x_choice",
            "x_choices",
            "x_number",
            "x_gold",
            "x_older",
        ];
        let word = format!("{kind}_{end}");
        WORDS.iter().find(|own| **own == word).expect("a word for the field")
    }

    /// Words in place of what they stand for: texts and keys that begin with `$`.
    pub(crate) fn read(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(word) => self.0.get(word).unwrap_or_else(|| panic!("nothing is called {word}")).clone(),
                None => value.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.read(item)).collect(),
            Value::Object(keys) => keys
                .iter()
                .map(|(key, value)| (self.read(&json!(key)).as_str().unwrap_or_default().to_owned(), self.read(value)))
                .collect(),
            _ => value.clone(),
        }
    }

    /// What a word stands for, as it stands in a path.
    pub(crate) fn text(&self, word: &str) -> String {
        let value = self.read(&json!(word));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
}
