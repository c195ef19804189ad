//! Drawn shapes: their texts, their weights, and whole walks through them.

use std::collections::BTreeMap;

use crossdock::record::Object;
use crossdock::standin::promox::shapes::choices::*;
use crossdock::standin::promox::shapes::{SERVED, Shape};
use proptest::prelude::*;
use serde_json::Value;

use super::client::{Client, drive};
use super::pages::SIZE;

/// Draws that weights are counted over.
const DRAWS: u64 = 8_000;

/// How far a share may lie from its weight before rules, and after them.
const NEAR: f64 = 0.02;
const NEAR_AFTER_RULES: f64 = 0.03;

/// Shapes that are walked through.
const WALKED: std::ops::RangeInclusive<u64> = 1..=200;

#[test]
fn draws_follow_the_weights() {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let choices = Shape::choices();
    for seed in 0..DRAWS {
        let shape = Shape::draw_loose(seed);
        for choice in &choices {
            *counts.entry((choice.key, shape.get(choice.key).expect("a known key"))).or_default() += 1;
        }
    }
    for choice in choices {
        let all: u32 = choice.values.iter().map(|(_, weight)| weight).sum();
        for (text, weight) in choice.values {
            let share = counts.get(&(choice.key, text)).copied().unwrap_or_default() as f64 / DRAWS as f64;
            let expected = f64::from(weight) / f64::from(all);
            assert!((share - expected).abs() < NEAR, "{}={text}: {share:.3}, not {expected:.3}", choice.key);
        }
    }
}

/// Section 17 of the reference, in per cent, added up over our finer values; rules may move it a little.
#[test]
fn settled_draws_follow_section_17() {
    type Part<'a> = (&'a str, &'a [&'a str], f64);
    let parts: &[Part] = &[
        ("auth", &["bearer"], 35.0),
        ("auth", &["x-api-key"], 15.0),
        ("auth", &["basic"], 10.0),
        ("auth", &["query"], 8.0),
        ("auth", &["two-step"], 12.0),
        ("auth", &["oauth-client"], 8.0),
        ("auth", &["oauth-refresh"], 8.0),
        ("auth", &["odd"], 4.0),
        ("paging", &["page"], 25.0),
        ("paging", &["offset"], 22.0),
        ("paging", &["cursor"], 20.0),
        ("paging", &["next-url"], 10.0),
        ("paging", &["link"], 6.0),
        ("paging", &["keyset"], 4.0),
        ("paging", &["none"], 13.0),
        ("envelope", &["bare"], 25.0),
        ("envelope", &["resource"], 20.0),
        ("envelope", &["data"], 20.0),
        ("envelope", &["items"], 8.0),
        ("envelope", &["results"], 8.0),
        ("envelope", &["nested"], 12.0),
        ("envelope", &["keyed"], 7.0),
        ("ids", &["int", "big"], 50.0),
        ("ids", &["text", "hex", "prefixed", "suffixed", "case18"], 25.0),
        ("ids", &["uuid"], 20.0),
        ("ids", &["composite"], 5.0),
        ("dates", &["iso-z", "iso-offset", "iso-compact"], 50.0),
        ("dates", &["naive", "naive-space"], 15.0),
        ("dates", &["epoch", "epoch-ms", "epoch-text", "json"], 10.0),
        ("dates", &["us", "dmy", "month-name"], 20.0),
        ("dates", &["mixed"], 5.0),
        ("limits", &["silent"], 40.0),
        ("limits", &["retry-after"], 25.0),
        ("limits", &["retry-date"], 5.0),
        ("limits", &["x-ratelimit"], 15.0),
        ("limits", &["503"], 8.0),
        ("limits", &["200-body"], 7.0),
        ("errors", &["object", "text", "list", "message", "problem"], 70.0),
        ("errors", &["success-false", "success-0", "ok-false", "false", "204"], 20.0),
        ("errors", &["html", "empty"], 10.0),
    ];
    let shapes: Vec<Shape> = (0..DRAWS).map(Shape::draw).collect();
    for (key, texts, percent) in parts {
        let count = shapes.iter().filter(|shape| shape.get(key).is_some_and(|text| texts.contains(&text))).count();
        let share = count as f64 / DRAWS as f64;
        assert!((share - percent / 100.0).abs() < NEAR_AFTER_RULES, "{key} {texts:?}: {share:.3}, not {percent} %");
    }
}

proptest! {
    #[test]
    fn a_shape_reads_back_from_its_text(seed in any::<u64>()) {
        let shape = Shape::draw(seed);
        let text = shape.to_string();
        prop_assert_eq!(text.parse::<Shape>().map_err(|error| error.chain()), Ok(shape), "{}", text);
    }
}

#[test]
fn shapes_are_spelled_by_hand_and_refused_when_they_contradict_themselves() {
    assert_eq!("default".parse::<Shape>().ok(), Some(Shape::default()));
    assert_eq!("17".parse::<Shape>().ok(), Some(Shape::draw(17)));
    let refused = |text: &str, why: &str| {
        let error = text.parse::<Shape>().map(|shape| shape.to_string()).expect_err(text);
        assert!(error.message().contains(why), "{text}: {error}");
    };
    refused("auth", "is not KEY=VALUE");
    refused("colour=red", "there is no colour");
    refused("auth=magic", "it is one of bearer, x-api-key");
    refused("envelope=bare,paging=cursor", "a bare array has no place");
    let by_hand: Shape = "auth=basic,paging=cursor,envelope=nested".parse().expect("a shape");
    assert_eq!((by_hand.auth, by_hand.paging, by_hand.envelope), (Auth::Basic, Paging::Cursor, Envelope::Nested));
}

/// Every object of every drawn shape, walked as the shape says: each row once, exactly as the truth has it, and nothing
/// written.
#[test]
fn two_hundred_shapes_are_served_whole() {
    for seed in WALKED {
        drive(&seed.to_string(), 60, |client| async move {
            println!("SEED={seed} {}", client.shape);
            for object in SERVED {
                if *object == Object::File && client.shape.files == Files::None {
                    continue;
                }
                if *object == Object::Commission && client.shape.gated == Gated::Commissions {
                    continue;
                }
                walked_whole(&client, *object).await;
            }
            let ledger = client.serving.ledger();
            assert_eq!((ledger.writes, ledger.failed_logins), (0, 0), "seed {seed}");
            client.serving.shutdown().await;
        });
    }
}

/// Walks one list and holds it against the truth. Where the shape hides rows behind a cap or ignores pages, what comes must
/// be as many as it lets through.
async fn walked_whole(client: &Client, object: Object) {
    let shape = &client.shape;
    let truth: BTreeMap<String, Value> =
        client.serving.listed(object).into_iter().map(|row| (row.id, Value::Object(row.wire))).collect();
    let walked = client.walk(object).await;
    let reach = reach(shape, truth.len());
    assert_eq!(walked.len(), reach, "{shape} {object}: of {}", truth.len());
    let repeats = shape.past_end == PastEnd::Repeat || shape.paging_flaw != PagingFlaw::None;
    assert!(repeats || client.repeated.get() == 0, "{shape} {object}: rows came twice");
    for (id, row) in walked {
        let expected = truth.get(&id).unwrap_or_else(|| panic!("{shape} {object}: {id} is nobody's"));
        if shape.protocol != Protocol::Xml && shape.protocol != Protocol::Graphql {
            assert_eq!(row, *expected, "{shape} {object}");
        }
    }
}

/// How many of so many rows a walk reaches.
fn reach(shape: &Shape, rows: usize) -> usize {
    let cap = match shape.cap {
        Cap::C40 => 40,
        Cap::C100 => 100,
        Cap::C250 => 250,
        Cap::C1000 => 1_000,
        Cap::None | Cap::C100000 => usize::MAX,
    };
    let has_own_lists = !matches!(shape.protocol, Protocol::Rest | Protocol::Rpc | Protocol::RpcSingle | Protocol::Xml);
    let first = match (shape.paging_flaw, shape.size_param) {
        _ if has_own_lists => usize::MAX,
        (PagingFlaw::Ignored, SizeParam::None) => match shape.page_default {
            PageDefault::P20 => 20,
            PageDefault::P25 => 25,
            PageDefault::P50 => 50,
            PageDefault::P100 => 100,
        },
        (PagingFlaw::Ignored, _) => SIZE,
        _ => usize::MAX,
    };
    rows.min(cap).min(first)
}

/// What seeds spell is written down in figures and in other tests: a new value of a dimension must not move them.
#[test]
fn seeds_keep_what_they_spell() {
    let mut all = blake3::Hasher::new();
    for seed in 0..600 {
        all.update(Shape::draw(seed).to_string().as_bytes()).update(b"\n");
    }
    assert_eq!(all.finalize().to_hex()[..16], *"48e4543a1953c0f9");
}
