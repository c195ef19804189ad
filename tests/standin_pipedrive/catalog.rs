//! Products, their fields and prices, products on deals one by one and in bulk, and the persons who take part in deals.

use crossdock::standin::pipedrive::{Noun, Plan, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{drive, refuses, unlimited};

#[test]
fn products_have_prices_and_fields_of_their_own() {
    drive(unlimited(), |site| async move {
        let field = json!({"field_name": "Imprint", "field_type": "enum", "options": [{"label": "Laser"}]});
        let field = site.made("/api/v2/productFields", field).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        let body = json!({"name": "Mug", "code": "M-1", "unit": "pc", "tax": 7.5,
            "prices": [{"currency": "EUR", "price": 4.999, "cost": 2}], "custom_fields": {&code: field["options"][0]["id"]}});
        let reply = site.post("/api/v2/products", body).await;
        assert_eq!(reply.status, 201);
        let mug = reply.data().clone();
        assert_eq!(mug["prices"][0]["price"].to_string(), "5", "rounded to cents");
        assert_eq!((&mug["prices"][0]["product_id"], &mug["is_linkable"]), (&mug["id"], &json!(true)));
        assert_eq!(mug["custom_fields"][&code], field["options"][0]["id"]);
        let pen = site.made("/api/v2/products", json!({"name": "Bic"})).await;
        assert_eq!((&pen["prices"][0]["currency"], &pen["prices"][0]["price"]), (&json!("USD"), &json!(0)));
        let names: Vec<Value> =
            site.pages("/api/v2/products?sort_by=name&limit=1").await.iter().map(|row| row["name"].clone()).collect();
        assert_eq!(names, ["Bic", "Mug"]);
        let copy = site.post(&format!("/api/v2/products/{}/duplicate", mug["id"]), json!({})).await;
        assert_eq!((copy.status, &copy.data()["code"]), (201, &json!("M-1")));
        assert_ne!(copy.data()["id"], mug["id"]);
        for (key, value) in [
            ("prices", json!([{"currency": "EUR"}, {"currency": "EUR"}])),
            ("prices", json!([{"currency": "XXX", "price": 1}])),
            ("prices", json!([{"currency": "EUR", "amount": 1}])),
            ("billing_frequency", json!("daily")),
            ("billing_frequency_cycles", json!(209)),
            ("category", json!(999)),
            ("is_deleted", json!(false)),
        ] {
            refuses(&site.post("/api/v2/products", json!({"name": "P", key: value})).await, 400, key);
        }
        let weekly = json!({"name": "P", "billing_frequency": "weekly"});
        refuses(&site.post("/api/v2/products", weekly).await, 400, "billing_frequency_cycles");
    });
    drive(Settings { plan: Plan::Lite, ..unlimited() }, |site| async move {
        let monthly = json!({"name": "P", "billing_frequency": "monthly"});
        refuses(&site.post("/api/v2/products", monthly).await, 403, "plan");
    });
}

#[test]
fn products_go_on_deals_one_by_one_and_in_bulk() {
    drive(unlimited(), |site| async move {
        let mug = site.made("/api/v2/products", json!({"name": "Mug"})).await["id"].clone();
        let deal = site.made("/api/v2/deals", json!({"title": "D", "value": 1})).await["id"].clone();
        let path = format!("/api/v2/deals/{deal}/products");
        let line = json!({"product_id": mug, "item_price": 10, "quantity": 3, "discount": 10, "tax": 20});
        let reply = site.post(&path, line.clone()).await;
        assert_eq!(reply.status, 201);
        let first = reply.data().clone();
        assert_eq!((first["sum"].to_string(), &first["name"]), ("32.4".to_owned(), &json!("Mug")));
        let own = format!("/api/v2/deals/{deal}");
        assert_eq!(site.get(&own).await.data()["value"].to_string(), "32.4");
        let many: Vec<Value> = (0..100).map(|_| json!({"product_id": mug, "item_price": 1, "quantity": 1})).collect();
        let reply = site.post(&format!("{path}/bulk"), json!({"data": many})).await;
        assert_eq!((reply.status, reply.data().as_array().map(Vec::len)), (201, Some(100)));
        let ledger = site.running.ledger();
        assert_eq!(ledger.tokens_by_endpoint["POST /api/v2/deals/{id}/products/bulk"], 25);
        assert_eq!(ledger.minimum, 5 + 5 + 50, "a product, a deal, and 101 lines in two requests");

        let mut wrong = many.clone();
        wrong[99]["quantity"] = json!("1");
        refuses(&site.post(&format!("{path}/bulk"), json!({"data": wrong})).await, 400, "quantity");
        let more: Vec<Value> = many.iter().chain(&many[..1]).cloned().collect();
        refuses(&site.post(&format!("{path}/bulk"), json!({"data": more})).await, 400, "at most 100");
        assert_eq!(site.pages(&path).await.len(), 101, "all or none");
        let both = format!("/api/v2/deals/products?deal_ids={deal}&deal_ids=7&limit=30&sort_by=order_nr");
        assert_eq!(site.pages(&both).await.len(), 101);
        refuses(&site.get("/api/v2/deals/products").await, 400, "deal_ids");

        let line = format!("{path}/{}", first["id"]);
        assert_eq!(site.patch(&line, json!({"quantity": 1})).await.data()["sum"].to_string(), "10.8");
        assert_eq!(
            site.delete(&line).await.data(),
            &first["id"].as_u64().map(|id| json!({ "id": id })).expect("an id")
        );
        refuses(&site.delete(&line).await, 404, "Deal product");
        let gone = site.delete(&path).await;
        assert_eq!(gone.data()["ids"].as_array().map(Vec::len), Some(100));
        assert_eq!(site.get(&own).await.data()["value"], json!(0));
        for (key, value) in
            [("product_id", json!(5)), ("item_price", json!("1")), ("discount", json!(101)), ("foo", json!(1))]
        {
            let mut body = json!({"product_id": mug, "item_price": 1, "quantity": 1});
            body[key] = value;
            refuses(&site.post(&path, body).await, 400, key);
        }
        site.patch(&own, json!({"is_archived": true})).await.data();
        let line = json!({"product_id": mug, "item_price": 1, "quantity": 1});
        refuses(&site.post(&path, line).await, 403, "Archived");
    });
}

#[test]
fn persons_take_part_in_deals() {
    drive(unlimited(), |site| async move {
        let ada = site.made("/api/v2/persons", json!({"name": "Ada Muster"})).await["id"].clone();
        let deal = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        let path = format!("/v1/deals/{deal}/participants");
        let row = site.made(&path, json!({"person_id": ada})).await;
        assert_eq!((&row["person_id"]["value"], &row["related_item_data"]["deal_id"]), (&ada, &deal));
        refuses(&site.post(&path, json!({"person_id": ada})).await, 400, "already");
        refuses(&site.post(&path, json!({"person_id": 7})).await, 400, "person_id");
        assert_eq!(site.get(&path).await.data().as_array().map(Vec::len), Some(1));
        let own = format!("{path}/{}", row["id"]);
        assert_eq!(site.call(Method::DELETE, &own, None).await.data()["id"], row["id"]);
        assert_eq!(site.running.rows(Noun::Participant).len(), 1);
        refuses(&site.get("/v1/deals/7/participants").await, 404, "Deal");
    });
}
