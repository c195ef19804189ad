//! The client's typed calls beside those on whole kinds of records, each against the simulated account: what is sent is
//! accepted by its strict reading, what comes back is understood, and what it cost is what the account charged.

#![cfg(feature = "standin")]

#[path = "support/bench.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod bench;

use std::time::Duration;

use crossdock::error::Kind;
use crossdock::pipedrive::{
    BULK_PRODUCTS_MAX, NewCallLog, NewDealProduct, NewFile, NewProduct, NewWebhook, Price, Product,
};
use crossdock::record::Entity;
use crossdock::standin::pipedrive::Settings;
use rust_decimal::Decimal;
use serde_json::json;

use bench::{Bench, body_of, drive, unlimited};

/// Runs a test, and holds what the client says it spent against what the account charged.
fn priced<F: Future<Output = Bench>>(settings: Settings, test: impl FnOnce(Bench) -> F) {
    drive(settings, |bench| async move {
        let bench = test(bench).await;
        let spent: u64 = bench.client.budget().take_spent().iter().map(|(_, _, tokens)| tokens).sum();
        assert_eq!(spent, bench.running.ledger().tokens);
    });
}

fn charging() -> Settings {
    // What the account charges for refused calls is in no document; the client counts all it sends.
    Settings { charge_refused: true, google_drive: true, list_lag: Duration::ZERO, ..unlimited() }
}

async fn made(bench: &Bench, entity: Entity, body: serde_json::Value) -> (String, i64) {
    let row = bench.client.create(entity, &body_of(body), &bench.permit).await.expect("made");
    (row.id.to_string(), row.id.parse().unwrap_or_default())
}

#[test]
fn nobody_is_ever_invited() {
    priced(charging(), |bench| async move {
        let attendees = json!({"subject": "Call", "attendees": [{"email": "ada@x.test"}]});
        let refused = bench.client.create(Entity::Activity, &body_of(attendees.clone()), &bench.permit).await;
        assert_eq!(refused.expect_err("refused").kind(), Kind::Bug);
        let (id, _) = made(&bench, Entity::Activity, json!({"subject": "\"attendees\": none"})).await;
        let body = attendees.to_string().into_bytes();
        let refused = bench.client.update_encoded(Entity::Activity, &id, body.into(), &bench.permit).await;
        assert_eq!(refused.expect_err("refused").kind(), Kind::Bug);
        let rows = bench.running.rows(Entity::Activity);
        assert_eq!((rows.len(), &rows[0]["attendees"]), (1, &json!([])));
        bench
    });
}

#[test]
fn products_and_participants_of_a_deal() {
    priced(charging(), |bench| async move {
        let (client, permit) = (&bench.client, &bench.permit);
        let (deal, _) = made(&bench, Entity::Deal, json!({"title": "Order", "currency": "USD"})).await;
        let (_, person) = made(&bench, Entity::Person, json!({"name": "Ada"})).await;
        let new = NewProduct {
            name: "Mug, 11 oz".to_owned(),
            code: Some("MUG-11".to_owned()),
            prices: vec![Price { currency: "USD".to_owned(), price: Decimal::new(1_299, 2) }],
        };
        let product = client.create_product(&new, permit).await.expect("made");
        assert_eq!((product.name.as_str(), product.code.as_deref()), ("Mug, 11 oz", Some("MUG-11")));
        let listed = client.products(None).await.expect("listed");
        assert_eq!((listed.rows.as_slice(), listed.next), ([product.clone()].as_slice(), None));
        let line = |quantity: i64| NewDealProduct {
            product_id: product.id.parse().expect("a number"),
            item_price: Decimal::new(1_250, 2),
            quantity: quantity.into(),
            comments: None,
        };
        let lines: Vec<NewDealProduct> = (1..=BULK_PRODUCTS_MAX as i64).map(line).collect();
        let put = client.add_products(&deal, &lines, permit).await.expect("put on the deal");
        assert_eq!(put.len(), BULK_PRODUCTS_MAX);
        let none = client.add_products(&deal, &[], permit).await.map_err(|error| error.kind());
        assert_eq!(none, Err(Kind::Bug));
        let on_deal = client.products_of(&deal, None).await.expect("listed").rows;
        assert_eq!(on_deal.len(), BULK_PRODUCTS_MAX);
        let sum: Decimal = on_deal.iter().map(|line| line.item_price * line.quantity).sum();
        assert_eq!(sum, Decimal::new(6_312_500, 2));
        let joined = client.add_participant(&deal, person, permit).await.expect("takes part");
        let people = client.participants(&deal, None).await.expect("listed").rows;
        assert_eq!(people.iter().map(|one| &one.id).collect::<Vec<_>>(), [&joined.id]);
        assert_eq!(people[0].person_id.as_deref(), Some(person.to_string().as_str()));
        client.delete_product(&product.id, permit).await.expect("deleted");
        client.delete_product(&product.id, permit).await.expect("as good as deleted");
        let left: Vec<Product> = client.products(None).await.expect("listed").rows;
        assert_eq!(left, []);
        bench
    });
}

#[test]
fn merges_and_conversions() {
    priced(charging(), |bench| async move {
        let (client, permit) = (&bench.client, &bench.permit);
        let (first, _) = made(&bench, Entity::Person, json!({"name": "Ada", "phones": [{"value": "1"}]})).await;
        let (second, number) = made(&bench, Entity::Person, json!({"name": "Ada L."})).await;
        let left = client.merge(Entity::Person, &first, number, permit).await.expect("merged");
        assert_eq!(*left, *second);
        assert_eq!(client.get(Entity::Person, &first).await.expect("read"), None);
        let unknown = client.merge(Entity::Note, "1", 2, permit).await.map_err(|error| error.kind());
        assert_eq!(unknown, Err(Kind::Bug));
        let (lead, _) = made(&bench, Entity::Lead, json!({"title": "Caps", "person_id": number})).await;
        let conversion = client.convert_lead(&lead, permit).await.expect("begun");
        bench.clock.sleep(Duration::from_secs(30)).await;
        let done = client.conversion_of_lead(&lead, &conversion).await.expect("read");
        let deal = done.deal_id.expect("a deal");
        assert_eq!((done.status.as_str(), done.lead_id), ("completed", None));
        assert!(client.get(Entity::Deal, &deal).await.expect("read").is_some());
        let conversion = client.convert_deal(&deal, permit).await.expect("begun");
        bench.clock.sleep(Duration::from_secs(30)).await;
        let back = client.conversion_of_deal(&deal, &conversion).await.expect("read");
        assert!(back.lead_id.is_some(), "{back:?}");
        bench
    });
}

#[test]
fn files_go_up_and_come_down_byte_by_byte() {
    priced(charging(), |bench| async move {
        let (client, permit) = (&bench.client, &bench.permit);
        let (deal, _) = made(&bench, Entity::Deal, json!({"title": "Order"})).await;
        let content: bytes::Bytes = (0..=255_u8).cycle().take(70_000).collect::<Vec<u8>>().into();
        let name = "Präsentation, final (2).pdf".to_owned();
        let new = NewFile { name: name.clone(), content: content.clone(), parent: ("deal_id", deal.clone()) };
        let file = client.upload(new, permit).await.expect("uploaded");
        assert_eq!((file.name.as_str(), file.file_size), (name.as_str(), 70_000));
        assert_eq!(file.deal_id.as_deref(), Some(deal.as_str()));
        assert_eq!(client.download(&file.id).await.expect("downloaded"), content);
        let linked = client.link_file(("deal", &deal), "drive-id", permit).await.expect("linked");
        let of_deal = client.files_of(&deal, None).await.expect("listed").rows;
        assert_eq!(of_deal.len(), 2);
        assert_eq!(client.files(None).await.expect("listed").rows[0].id, linked.id, "newest first");
        client.delete_file(&file.id, permit).await.expect("deleted");
        let gone = client.download(&file.id).await.map_err(|error| error.kind());
        assert_eq!(gone, Err(Kind::Gone));
        bench
    });
}

#[test]
fn calls_are_logged_with_their_times() {
    priced(charging(), |bench| async move {
        let (client, permit) = (&bench.client, &bench.permit);
        let new = NewCallLog {
            outcome: "connected".to_owned(),
            to_phone_number: "+1 555 0100".to_owned(),
            start_time: "2019-03-04 09:00:00".to_owned(),
            end_time: "2019-03-04 09:07:00".to_owned(),
            subject: Some("Reorder".to_owned()),
            note: None,
            person_id: None,
            deal_id: None,
        };
        let call = client.log_call(&new, permit).await.expect("logged");
        assert_eq!(call.outcome, "connected");
        assert!(call.activity_id.is_some(), "a call log makes an activity");
        assert_eq!(client.call_logs(None).await.expect("listed").rows, std::slice::from_ref(&call));
        client.delete_call_log(&call.id, permit).await.expect("deleted");
        let wrong = NewCallLog { outcome: "splendid".to_owned(), ..new };
        let refused = client.log_call(&wrong, permit).await.map_err(|error| error.kind());
        assert_eq!(refused, Err(Kind::Refused));
        bench
    });
}

#[test]
fn what_happens_in_the_account_is_told() {
    priced(charging(), |bench| async move {
        let (client, permit) = (&bench.client, &bench.permit);
        let hook = NewWebhook {
            name: "follow".to_owned(),
            subscription_url: "http://127.0.0.1:9/hook".to_owned(),
            event_action: "change".to_owned(),
            event_object: "person".to_owned(),
        };
        let webhook = client.create_webhook(&hook, permit).await.expect("made");
        assert_eq!(client.webhooks().await.expect("listed"), std::slice::from_ref(&webhook));
        client.delete_webhook(&webhook.id, permit).await.expect("deleted");
        assert_eq!(client.webhooks().await.expect("listed"), []);
        let began = bench.clock.utc();
        bench.clock.sleep(Duration::from_secs(60)).await;
        let (deal, _) = made(&bench, Entity::Deal, json!({"title": "First"})).await;
        let change = body_of(json!({"title": "Second"}));
        let change = serde_json::to_vec(&change).expect("JSON").into();
        client.update_encoded(Entity::Deal, &deal, change, permit).await.expect("changed");
        bench.clock.sleep(Duration::from_secs(60)).await;
        let recent = client.recents(began, None).await.expect("listed").rows;
        assert!(recent.iter().any(|recent| recent.item == "deal" && *recent.id == *deal), "{recent:?}");
        let changes = client.changelog(Entity::Deal, &deal, None).await.expect("listed").rows;
        let title = changes.iter().find(|change| change.field_key == "title").expect("the title changed");
        assert_eq!((&title.old_value, &title.new_value), (&json!("First"), &json!("Second")));
        assert_eq!(client.changelog(Entity::Note, "1", None).await.map_err(|error| error.kind()), Err(Kind::Bug));
        let found = client.find_by_field(Entity::Deal, "title", "Second").await.expect("searched");
        assert_eq!(found.iter().map(|id| &**id).collect::<Vec<_>>(), [deal.as_str()]);
        let archive = serde_json::to_vec(&json!({"is_archived": true})).expect("JSON").into();
        client.update_encoded(Entity::Deal, &deal, archive, permit).await.expect("archived");
        bench.clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(client.archived(Entity::Deal, None).await.expect("listed").rows.len(), 1);
        assert_eq!(client.archived(Entity::Lead, None).await.expect("listed").rows.len(), 0);
        assert!(client.currencies().await.expect("listed").iter().any(|currency| currency.code == "USD"));
        assert!(!client.lead_sources().await.expect("listed").is_empty());
        bench
    });
}
