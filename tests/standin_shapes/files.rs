//! Files in every way that they are given.

use std::time::Duration;

use crossdock::record::Object;
use reqwest::Method;

use super::client::{Client, drive};

/// Number, id and content of the first file.
fn first(client: &Client) -> (u64, String, Vec<u8>) {
    let row = client.serving.truth(Object::File).into_iter().next().expect("a file");
    (row.key, row.id, client.serving.file(row.key))
}

fn with_file<F: Future<Output = ()>>(files: &str, test: impl FnOnce(Client, u64, String, Vec<u8>) -> F) {
    drive(&format!("files={files},single=bare"), 60, |client| async move {
        let (key, id, content) = first(&client);
        test(client, key, id, content).await;
    });
}

#[test]
fn files_are_given_in_every_way() {
    with_file("token", |client, _, id, content| async move {
        let record = client.get(&format!("files/{id}")).await;
        let url = record.body["download_url"].as_str().expect("an address").to_owned();
        assert_eq!(client.bare(&url).await.status, 401);
        let read = client.call(Method::GET, &url, &[], None).await;
        assert_eq!(read.bytes, content);
        assert!(read.headers["content-disposition"].to_str().is_ok_and(|text| text.contains("filename*=UTF-8''")));
        let part = client.call(Method::GET, &url, &[("range", "bytes=0-7")], None).await;
        assert_eq!((part.status, part.bytes.as_slice()), (206, &content[..8]));
    });
    with_file("cookie", |client, _, id, content| async move {
        let record = client.get(&format!("files/{id}")).await;
        let url = record.body["view_url"].as_str().expect("an address").to_owned();
        let page = client.bare(&url).await;
        assert_eq!((page.status, page.bytes.starts_with(b"<!doctype")), (200, true));
        let cookie =
            record.headers["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
        assert_eq!(client.send(Method::GET, &url, &[("cookie", &cookie)], None).await.bytes, content);
    });
    with_file("content", |client, _, id, content| async move {
        assert_eq!(client.get(&format!("files/{id}/content")).await.bytes, content);
    });
    with_file("base64", |client, _, id, content| async move {
        let record = client.get(&format!("files/{id}")).await;
        assert_eq!(record.body["content_base64"], super::markup::base64(&content));
    });
    with_file("name-only", |client, _, id, _| async move {
        let record = client.get(&format!("files/{id}")).await;
        assert!(record.body["file_name"].is_string());
        assert_eq!(client.get(&format!("files/{id}/content")).await.status, 404);
    });
    drive("files=none", 60, |client| async move {
        assert_eq!(client.get("files").await.status, 404);
    });
}

#[test]
fn signed_addresses_live_a_while_and_want_no_credentials() {
    with_file("signed", |client, _, id, content| async move {
        let record = client.get(&format!("files/{id}")).await;
        let url = record.body["download_url"].as_str().expect("an address").to_owned();
        assert_eq!(client.bare(&url).await.bytes, content);
        assert_eq!(client.call(Method::GET, &url, &[], None).await.status, 400, "an Authorization is refused");
        assert_eq!(client.bare(&url.replace("signature=", "signature=0")).await.status, 403);
        client.clock.sleep(Duration::from_secs(601)).await;
        assert_eq!(client.bare(&url).await.status, 403);
    });
    with_file("redirect", |client, _, id, content| async move {
        let sent = client.get(&format!("files/{id}/download")).await;
        let to = sent.headers["location"].to_str().expect("text").to_owned();
        assert_eq!((sent.status, to.starts_with(&client.serving.site())), (302, false), "another host");
        assert_eq!(client.bare(&to).await.bytes, content);
    });
}

#[test]
fn jobs_and_landing_pages_lead_to_files() {
    with_file("job", |client, _, id, content| async move {
        let url = format!("{}/files/{id}/render", client.serving.root());
        let begun = client.call(Method::POST, &url, &[], None).await;
        let status = begun.body["status_url"].as_str().expect("an address").to_owned();
        assert_eq!(
            (begun.status, client.call(Method::GET, &status, &[], None).await.body["status"].clone()),
            (202, "running".into())
        );
        client.clock.sleep(Duration::from_secs(6)).await;
        let done = client.call(Method::GET, &status, &[], None).await;
        assert_eq!(client.bare(done.body["url"].as_str().expect("an address")).await.bytes, content);
        assert_eq!(client.serving.ledger().writes, 0);
    });
    with_file("landing", |client, key, id, content| async move {
        let record = client.get(&format!("files/{id}")).await;
        let page = client.bare(record.body["files_pickup_url"].as_str().expect("an address")).await;
        let text = String::from_utf8(page.bytes).expect("text");
        let link = text.split('"').find(|part| part.starts_with("http")).expect("a link");
        assert!(client.serving.ledger().downloaded.is_empty());
        assert_eq!(client.bare(link).await.bytes, content);
        assert_eq!(client.serving.ledger().downloaded[&key], 1, "reading marks the file");
    });
}
