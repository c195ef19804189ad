//! The simulated team: by the seed, in time, and in no book.

use std::time::Duration;

use crossdock::standin::pipedrive::{Noun, PeopleAction, Settings, Team};
use serde_json::{Value, json};

use crate::site::{Site, drive, refuses, unlimited};

async fn fill(site: &Site) {
    for number in 0..5 {
        let person = site.made("/api/v2/persons", json!({"name": format!("Person {number}")})).await["id"].clone();
        let deal = json!({"title": format!("Deal {number}"), "person_id": person});
        let deal = site.made("/api/v2/deals", deal).await["id"].clone();
        site.made("/v1/leads", json!({"title": format!("Lead {number}"), "person_id": person})).await;
        site.made("/v1/notes", json!({"content": "x", "deal_id": deal})).await;
    }
}

#[test]
fn a_team_does_the_same_by_the_same_seed() {
    let acts = |seed: u64| {
        let mut done = Value::Null;
        drive(unlimited(), |site| {
            let done = &mut done;
            async move {
                fill(&site).await;
                let before = site.running.ledger();
                *done = site.running.act_as_team(&Team { acts: 150, seed, ..Team::default() });
                assert_eq!(site.running.ledger().tokens, before.tokens);
                assert_eq!(site.running.ledger().created, before.created);
                assert_eq!(&site.get("/standin/team").await.body, done);
            }
        });
        done
    };
    let first = acts(3);
    assert_eq!(first, acts(3));
    assert_ne!(first, acts(4));
    let kinds: std::collections::BTreeSet<&str> =
        first.as_array().expect("acts").iter().filter_map(|act| act["action"].as_str()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["convert", "create", "delete", "duplicate", "merge", "update"]);
}

#[test]
fn a_team_works_while_time_passes() {
    let team = Team { acts: 10, every: Duration::from_secs(60), actions: vec![PeopleAction::Create], seed: 0 };
    drive(Settings { team: Some(team), ..unlimited() }, |site| async move {
        let made = || {
            [Noun::Person, Noun::Deal, Noun::Activity].map(|noun| site.running.rows(noun).len()).iter().sum::<usize>()
        };
        assert_eq!(made(), 0);
        site.wait(300).await;
        assert!((1..10).contains(&made()), "{}", made());
        site.wait(1_200).await;
        assert_eq!(made(), 10, "then they go home");
        assert_eq!(site.running.ledger().minimum, 0);
        refuses(&site.post("/standin/team", json!({"acts": 1, "hurry": 1})).await, 400, "hurry");
    });
}

#[test]
fn a_copy_by_people_has_the_custom_fields() {
    drive(unlimited(), |site| async move {
        let field = site.made("/api/v2/dealFields", json!({"field_name": "Mark", "field_type": "varchar"})).await;
        let code = field["field_code"].as_str().expect("a code").to_owned();
        site.made("/api/v2/deals", json!({"title": "D", "custom_fields": {&code: "SRC-1"}})).await;
        let team = json!({"acts": 2, "actions": ["duplicate"]});
        assert_eq!(site.post("/standin/team", team).await.body.as_array().map(Vec::len), Some(2));
        let deals = site.pages("/api/v2/deals").await;
        assert_eq!(deals.len(), 3);
        assert!(deals.iter().all(|deal| deal["custom_fields"][&code] == "SRC-1"));
    });
}
