//! Names, ids, links, custom fields, missing values, dates, money and texts of rows.

use crossdock::record::Object;
use serde_json::{Map, Value, json};

use super::client::{Client, drive};

/// Runs a test with the rows of an object, as lists show them.
fn with_rows(shape: &str, object: Object, test: impl FnOnce(Vec<Map<String, Value>>)) {
    drive(shape, 300, |client: Client| async move {
        let walked = client.walk(object).await;
        assert!(!walked.is_empty());
        test(walked.into_iter().filter_map(|(_, row)| row.as_object().cloned()).collect());
    });
}

#[test]
fn objects_have_the_words_of_the_shape() {
    for (words, paths, path) in [
        ("promox", "plural", "clients"),
        ("orders", "plural", "customers"),
        ("accounts", "plural", "opportunities"),
        ("contacts", "plural", "deals"),
        ("companies", "plural", "activities"),
        ("promox", "singular", "client"),
        ("promox", "json", "clients.json"),
        ("promox", "pascal", "Clients"),
        ("promox", "list", "clients/list"),
    ] {
        drive(&format!("words={words},paths={paths}"), 60, |client| async move {
            assert_eq!(client.get(path).await.status, 200, "{words} {paths}");
            assert_eq!(client.get("widgets").await.status, 404);
        });
    }
    drive("gated=commissions", 60, |client| async move {
        let read = client.get("commissions").await;
        assert_eq!((read.status, read.body["error"]["code"].clone()), (403, json!("forbidden")));
    });
}

#[test]
fn fields_are_spelled_and_ids_named() {
    for (shape, names) in [
        ("spelling=snake", ["id", "first_name", "owner_id"]),
        ("spelling=camel", ["id", "firstName", "ownerId"]),
        ("spelling=pascal,envelope=items", ["Id", "FirstName", "OwnerId"]),
        ("spelling=upper", ["ID", "FIRST_NAME", "OWNER_ID"]),
        ("spelling=title", ["ID", "First Name", "Owner ID"]),
        ("id-key=_id", ["_id", "first_name", "owner_id"]),
        ("id-key=object,words=contacts,spelling=upper", ["CONTACT_ID", "FIRST_NAME", "OWNER_ID"]),
        ("id-key=uuid", ["uuid", "first_name", "owner_id"]),
        ("id-key=guid", ["guid", "first_name", "owner_id"]),
        ("id-key=key", ["key", "first_name", "owner_id"]),
    ] {
        with_rows(shape, Object::Client, |rows| {
            for name in names {
                assert!(rows.iter().all(|row| row.contains_key(name)), "{shape}: {name} in {:?}", rows[0]);
            }
        });
    }
}

#[test]
fn ids_and_links_have_their_forms() {
    for (shape, is_right) in [
        ("ids=int", (|id: &Value| id.is_u64()) as fn(&Value) -> bool),
        ("ids=big", |id| id.as_u64() > Some(1 << 53)),
        ("ids=text", |id| id.as_str().is_some_and(|id| id.parse::<u64>().is_ok())),
        ("ids=hex", |id| id.as_str().is_some_and(|id| id.len() == 24)),
        ("ids=prefixed", |id| id.as_str().is_some_and(|id| id.contains('_'))),
        ("ids=suffixed", |id| id.as_str().is_some_and(|id| id.ends_with("-clients") || id.ends_with("-owners"))),
        ("ids=case18", |id| id.as_str().is_some_and(|id| id.len() == 18)),
        ("ids=uuid", |id| id.as_str().is_some_and(|id| id.len() == 36)),
        ("ids=composite", |id| id.as_str().is_some_and(|id| id.contains('x'))),
    ] {
        with_rows(shape, Object::Client, |rows| {
            assert!(
                rows.iter().all(|row| is_right(&row["id"]) && is_right(&row["owner_id"])),
                "{shape}: {:?}",
                rows[0]
            );
        });
    }
    with_rows("links=text", Object::Client, |rows| {
        assert!(rows.iter().all(|row| row["id"].is_u64() && row["owner_id"].is_string()));
    });
    with_rows("links=objects", Object::Client, |rows| {
        assert!(rows.iter().all(|row| row["owner"]["id"].is_u64() && row["owner"]["name"].is_string()));
    });
    with_rows("links=urls", Object::Client, |rows| {
        assert!(rows.iter().all(|row| row["owner"].as_str().is_some_and(|url| url.contains("/api/v1/users/"))));
    });
    with_rows("links=names", Object::Client, |rows| {
        assert!(rows.iter().all(|row| row["owner"].as_str().is_some_and(|name| name.contains(' '))));
    });
}

#[test]
fn custom_fields_stand_in_every_place() {
    let has = |shape: &str, test: fn(&Map<String, Value>) -> bool| {
        with_rows(shape, Object::Client, |rows| {
            assert!(rows.iter().any(test), "{shape}: {:?}", rows[0]);
        });
    };
    has("custom=inline", |row| row["supplier_tier"].is_string());
    has("custom=prefixed", |row| row.keys().any(|key| key.starts_with("cf_")));
    has("custom=hashed", |row| row.keys().any(|key| key.len() == 40));
    has("custom=suffixed", |row| row.contains_key("Supplier_Tier__c"));
    has("custom=map", |row| row["custom_fields"]["supplier_tier"].is_string());
    has("custom=array,spelling=upper", |row| row["CUSTOM_FIELDS"][0]["FIELD_NAME"].is_string());
    has("custom=typed", |row| row["first_name"]["value"].is_string() && row["id"].is_u64());
    has("custom=fields", |row| row["custom_fields"]["supplier_tier"].is_string());
    has("custom=expand", |row| row["custom_fields"]["supplier_tier"].is_string());
    for shape in ["custom=fields", "custom=expand"] {
        drive(shape, 60, |client| async move {
            let read = client.get("clients").await;
            assert!(read.body["data"][0].get("custom_fields").is_none(), "{shape}: unasked");
        });
    }
}

#[test]
fn definitions_lie_at_their_paths_and_name_options() {
    for (definitions, path) in [
        ("object-fields", "clients/fields"),
        ("object-definitions", "clients/fields/definitions"),
        ("fields", "fields"),
        ("custom_fields", "custom_fields"),
        ("metadata", "metadata"),
        ("describe", "describe"),
        ("settings-fields", "settings/fields"),
    ] {
        drive(&format!("definitions={definitions},options=ids"), 300, |client| async move {
            let read = client.get(path).await;
            let fields = read.body["fields"].as_array().cloned().unwrap_or_default();
            let tier = fields.iter().find(|field| field["key"] == "supplier_tier").expect("the field is there");
            let first = &tier["options"][0];
            assert!(first["id"].is_u64() && first["label"].is_string(), "{definitions}: {tier}");
            let rows = client.walk(Object::Client).await;
            let known: Vec<&Value> = tier["options"].as_array().into_iter().flatten().map(|one| &one["id"]).collect();
            let used = rows.iter().map(|(_, row)| &row["supplier_tier"]);
            assert!(used.filter(|value| !value.is_null()).all(|value| known.contains(&value)), "{definitions}");
        });
    }
}

#[test]
fn missing_values_have_their_forms() {
    for (nulls, expected) in [
        ("null", Some(json!(null))),
        ("missing", None),
        ("text", Some(json!(""))),
        ("zero", Some(json!(0))),
        ("n/a", Some(json!("N/A"))),
        ("dash", Some(json!("-"))),
        ("array", Some(json!([]))),
        ("object", Some(json!({}))),
        ("false", Some(json!(false))),
    ] {
        drive(&format!("nulls={nulls}"), 300, |client| async move {
            let truth = client.serving.listed(Object::Lead);
            let lead = truth.iter().find(|row| row.fields["score"].is_null()).expect("a lead without a score");
            let (_, row) =
                client.walk(Object::Lead).await.into_iter().find(|(id, _)| *id == lead.id).expect("it is listed");
            assert_eq!(row.get("score").cloned(), expected, "{nulls}");
        });
    }
}

#[test]
fn money_and_currency_have_their_forms() {
    let has = |shape: &str, test: fn(&Map<String, Value>) -> bool| {
        with_rows(shape, Object::Project, |rows| {
            assert!(rows.iter().any(test), "{shape}: {:?}", rows[0]);
        });
    };
    has("money=float", |row| row["value"].is_f64() && row["currency"] == "USD");
    has("money=text", |row| row["value"].as_str().is_some_and(|text| text.ends_with(".00")));
    has("money=cents", |row| row["value"].as_i64() > Some(10_000));
    has("money=object", |row| row["value"]["amount"].is_f64() && row["value"]["currency"] == "USD");
    has("money=dollar", |row| row["value"].as_str().is_some_and(|text| text.starts_with('$') && text.contains(',')));
    has("money=both", |row| row["value"].is_f64());
    has("money=both", |row| row["value"].is_string());
    with_rows("currency=account", Object::Project, |rows| {
        assert!(rows.iter().all(|row| !row.contains_key("currency")));
    });
}

#[test]
fn texts_have_their_forms() {
    let has = |shape: &str, test: fn(&Map<String, Value>) -> bool| {
        with_rows(shape, Object::Note, |rows| {
            assert!(rows.iter().any(test), "{shape}: {:?}", rows[0]);
        });
    };
    fn body(row: &Map<String, Value>) -> &str {
        row["body"].as_str().unwrap_or_default()
    }
    has("text=html", |row| body(row).starts_with("<p>"));
    has("text=escaped", |row| body(row).starts_with("&lt;p&gt;"));
    has("text=twins", |row| {
        !body(row).contains("<p>") && row["body_html"].as_str().is_some_and(|html| html.starts_with("<p>"))
    });
    has("text=crlf", |row| body(row).contains("\r\n"));
    has("text=markdown", |row| body(row).starts_with("**"));
    has("text=rtf", |row| body(row).starts_with("{\\rtf1"));
    has("text=nul", |row| body(row).ends_with("\u{0} 🎉"));
    with_rows("text=truncated", Object::Note, |rows| {
        assert!(rows.iter().all(|row| body(row).chars().count() <= 255));
    });
}

#[test]
fn dates_come_in_the_form_and_zone_of_the_shape() {
    let check = |shape: &str, is_right: fn(&Value) -> bool| {
        with_rows(shape, Object::Client, |rows| {
            assert!(rows.iter().all(|row| is_right(&row["updated_at"])), "{shape}: {}", rows[0]["updated_at"]);
        });
    };
    fn like(value: &Value, form: &str) -> bool {
        let text = value.as_str().unwrap_or_default();
        text.len() == form.len()
            && text
                .chars()
                .zip(form.chars())
                .all(|(own, form)| if form == '9' { own.is_ascii_digit() } else { own == form })
    }
    check("dates=iso-z", |value| like(value, "9999-99-99T99:99:99Z"));
    check("dates=iso-offset", |value| like(value, "9999-99-99T99:99:99+00:00"));
    check("dates=iso-compact", |value| like(value, "9999-99-99T99:99:99+0000"));
    check("dates=naive", |value| like(value, "9999-99-99T99:99:99"));
    check("dates=naive-space", |value| like(value, "9999-99-99 99:99:99"));
    check("dates=epoch", |value| value.as_i64().is_some_and(|at| at < 10_000_000_000));
    check("dates=epoch-ms", |value| value.as_i64().is_some_and(|at| at > 10_000_000_000));
    check("dates=epoch-text", |value| value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()));
    check("dates=json", |value| value.as_str().is_some_and(|text| text.starts_with("/Date(")));
    check("dates=us", |value| value.as_str().is_some_and(|text| text.ends_with('M')));
    check("dates=dmy", |value| like(value, "99/99/9999 99:99:99"));
    check("dates=month-name", |value| value.as_str().is_some_and(|text| text.contains(", 20")));
    with_rows("dates=mixed", Object::Client, |rows| {
        let row = &rows[0];
        assert!(like(&row["created_at"], "9999-99-99T99:99:99Z") && like(&row["updated_at"], "9999-99-99 99:99:99"));
    });
    for name in ["date_updated", "updated", "modified_time", "last_updated", "last_modified_date_time"] {
        with_rows(&format!("stamp-name={name}"), Object::Client, |rows| assert!(rows[0].contains_key(name)));
    }
}
