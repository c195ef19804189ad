//! Files and call logs.

use crossdock::standin::pipedrive::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{drive, refuses, unlimited};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn files_are_uploaded_listed_described_downloaded_and_deleted() {
    let settings = Settings { file_bytes_max: 2 << 20, ..unlimited() };
    drive(settings, |site| async move {
        let deal = site.made("/api/v2/deals", json!({"title": "Mugs"})).await["id"].to_string();
        let content: Vec<u8> = (0..1_500_000_u32).map(|byte| byte as u8).collect();
        let reply = site.upload("/v1/files", "proof one.pdf", &content, &[("deal_id", deal.clone())]).await;
        let file = reply.data().clone();
        assert_eq!((&file["name"], &file["file_type"]), (&json!("proof one.pdf"), &json!("pdf")));
        assert_eq!((&file["file_size"], &file["deal_name"]), (&json!(1_500_000), &json!("Mugs")));
        let path = format!("/v1/files/{}", file["id"]);
        assert_eq!(site.get(&path).await.data(), &file);
        let download = site.download(&format!("{path}/download")).await;
        assert!(download == content, "the same bytes come back");
        let renamed = site.send(Method::PUT, &path, FORM, "name=final.pdf&description=by+hand").await;
        assert_eq!((&renamed.data()["name"], &renamed.data()["description"]), (&json!("final.pdf"), &json!("by hand")));
        for place in ["/v1/files".to_owned(), format!("/v1/deals/{deal}/files")] {
            let page = site.get(&place).await;
            assert_eq!(page.data()[0]["id"], file["id"], "{place}");
            assert_eq!(page.body["additional_data"]["pagination"]["limit"], json!(100));
        }
        assert_eq!(site.delete(&path).await.data(), &json!({"id": file["id"]}));
        refuses(&site.get(&format!("{path}/download")).await, 404, "File");
        assert_eq!(site.get("/v1/files").await.data(), &Value::Null);
        refuses(&site.get("/v1/deals/7/files").await, 404, "not found");

        refuses(&site.upload("/v1/files", "a.txt", b"x", &[("deal_id", "7".into())]).await, 400, "deal_id");
        refuses(&site.upload("/v1/files", "a.txt", b"x", &[("person_id", "Ada".into())]).await, 400, "person_id");
        refuses(&site.upload("/v1/files", "a.txt", &vec![0; (2 << 20) + 1], &[]).await, 413, "at most");
        refuses(&site.post("/v1/files", json!({"file": "x"})).await, 400, "content-type");
        let torn = "--a\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf";
        refuses(&site.send(Method::POST, "/v1/files", "multipart/form-data; boundary=a", torn).await, 400, "boundary");
    });
}

#[test]
fn remote_files_need_a_connected_account() {
    drive(unlimited(), |site| async move {
        refuses(&site.send(Method::POST, "/v1/files/remoteLink", FORM, "item_type=deal").await, 400, "item_id");
        let deal = site.made("/api/v2/deals", json!({"title": "Mugs"})).await["id"].to_string();
        let link = format!("item_type=deal&item_id={deal}&remote_id=abc&remote_location=googledrive");
        refuses(&site.send(Method::POST, "/v1/files/remoteLink", FORM, link).await, 403, "Google");
    });
    drive(Settings { google_drive: true, ..unlimited() }, |site| async move {
        let deal = site.made("/api/v2/deals", json!({"title": "Mugs"})).await["id"].to_string();
        let link = format!("item_type=deal&item_id={deal}&remote_id=abc&remote_location=googledrive");
        let file = site.send(Method::POST, "/v1/files/remoteLink", FORM, link.clone()).await.data().clone();
        assert_eq!((&file["remote_id"], &file["remote_location"]), (&json!("abc"), &json!("googledocs")));
        refuses(&site.get(&format!("/v1/files/{}/download", file["id"])).await, 404, "remote");
        let other = link.replace("googledrive", "dropbox");
        refuses(&site.send(Method::POST, "/v1/files/remoteLink", FORM, other).await, 400, "remote_location");
        let new = format!("item_type=deal&item_id={deal}&remote_location=googledrive&file_type=gsheet&title=Sheet");
        assert_eq!(site.send(Method::POST, "/v1/files/remote", FORM, new).await.data()["file_type"], "gsheet");
    });
}

#[test]
fn calls_are_logged_with_their_activity() {
    drive(unlimited(), |site| async move {
        let ada = site.made("/api/v2/persons", json!({"name": "Ada Muster"})).await["id"].clone();
        let call = json!({"outcome": "connected", "to_phone_number": "+1", "start_time": "2019-03-04 09:00:00",
            "end_time": "2019-03-04 09:20:00", "person_id": ada, "subject": "Reorder", "note": "<p>yes<script>1</script></p>"});
        let log = site.made("/v1/callLogs", call.clone()).await;
        assert_eq!((&log["start_time"], &log["note"]), (&json!("2019-03-04T09:00:00.000Z"), &json!("<p>yes</p>")));
        let activity = site.get(&format!("/api/v2/activities/{}", log["activity_id"])).await.data().clone();
        assert_eq!((&activity["subject"], &activity["done"]), (&json!("Reorder"), &json!(true)));
        assert_eq!((&activity["due_date"], &activity["person_id"]), (&json!("2019-03-04"), &ada));
        assert_eq!(
            activity["marked_as_done_time"], "2026-03-02T10:00:00Z",
            "marked as done now, whenever the call was"
        );
        assert_eq!(site.running.ledger().minimum, 5 + 10, "the activity comes for nothing");

        let own = format!("/v1/callLogs/{}", log["id"].as_str().expect("a text"));
        assert_eq!(site.get(&own).await.data(), &log);
        assert_eq!(site.upload(&format!("{own}/recordings"), "a.mp3", b"x", &[]).await.status, 200);
        refuses(&site.upload(&format!("{own}/recordings"), "a.mp3", b"x", &[]).await, 409, "recording");
        for number in 0..60 {
            let mut call = call.clone();
            call["subject"] = json!(format!("Call {number}"));
            site.made("/v1/callLogs", call).await;
        }
        let page = site.get("/v1/callLogs?limit=500").await;
        assert_eq!(page.data().as_array().map(Vec::len), Some(50));
        assert_eq!(page.body["additional_data"]["pagination"]["next_start"], json!(50));
        let gone = site.delete(&own).await;
        assert_eq!((gone.status, &gone.body), (200, &json!({"success": true})));
        assert_eq!(
            site.get(&format!("/api/v2/activities/{}", log["activity_id"])).await.data()["is_deleted"],
            json!(false)
        );
        refuses(&site.get(&own).await, 404, "Call log");

        let planned = site.made("/api/v2/activities", json!({"subject": "Plan", "type": "call", "org_id": null})).await;
        let mut converted = call.clone();
        converted["activity_id"] = planned["id"].clone();
        let log = site.made("/v1/callLogs", converted).await;
        assert_eq!((&log["activity_id"], &log["person_id"]), (&planned["id"], &Value::Null), "its own links count");
        for (key, value) in [
            ("outcome", json!("fine")),
            ("to_phone_number", Value::Null),
            ("start_time", json!("2019-03-04T09:00:00Z")),
            ("end_time", json!("2019-03-04 08:00:00")),
            ("duration", json!("long")),
            ("person_id", json!(7)),
            ("activity_id", json!(7)),
        ] {
            let mut body = call.clone();
            body[key] = value;
            refuses(&site.post("/v1/callLogs", body).await, 400, key);
        }
    });
}
