//! The window, the day, the block, the caps of the plan and the round trip.

use std::time::Duration;

use crossdock::standin::pipedrive::{Pipedrive, Plan, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::site::{drive, refuses, unlimited};

#[test]
fn the_window_refuses_exactly_behind_its_limit() {
    drive(Settings { plan: Plan::Lite, ..Settings::default() }, |site| async move {
        for request in 0..20 {
            let reply = site.get("/v1/users/me").await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.number("x-ratelimit-limit"), Some(20));
            assert_eq!(reply.number("x-ratelimit-remaining"), Some(19 - request));
        }
        let refused = site.get("/v1/users/me").await;
        refuses(&refused, 429, "request over limit");
        assert_eq!((refused.number("x-ratelimit-reset"), refused.number("retry-after")), (Some(2), None));
        site.wait(2).await;
        assert_eq!(site.get("/v1/users/me").await.status, 200);
        let ledger = site.running.ledger();
        assert_eq!((ledger.requests, ledger.rate_limited, ledger.tokens), (22, 1, 42));
    });
}

#[test]
fn a_share_is_from_0_to_1() {
    drive(unlimited(), |site| async move {
        let start = async |settings: Settings| {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            Pipedrive::start(settings, site.clock.clone(), listener).map(drop)
        };
        for (key, settings) in [
            ("rival_day_share", Settings { rival_day_share: 1.5, ..unlimited() }),
            ("rival_window_share", Settings { rival_window_share: -0.1, ..unlimited() }),
            ("slow_down_share", Settings { slow_down_share: f64::NAN, ..unlimited() }),
        ] {
            let refused = start(settings).await.expect_err("a share out of bounds");
            assert!(refused.to_string().contains(key), "{refused}");
        }
        start(Settings { rival_day_share: 1.0, ..unlimited() }).await.expect("a whole is a share");
    });
}

#[test]
fn the_day_refuses_until_it_ends() {
    let settings = Settings { plan: Plan::Lite, seats: 1, daily_reset_offset_hours: -8, ..Settings::default() };
    drive(settings, |site| async move {
        let mut left = 30_000;
        loop {
            let reply = site.get("/v1/users/find?term=nobody").await;
            if reply.status == 429 && reply.number("x-daily-ratelimit-token-remaining") > Some(0) {
                site.wait(2).await;
                continue;
            }
            if reply.status == 429 {
                refuses(&reply, 429, "daily request budget exceeded");
                assert_eq!(left, 0);
                let now = site.clock.utc();
                let reset: jiff::Timestamp = "2026-03-03T08:00:00Z".parse().expect("an instant");
                let seconds = u64::try_from(reset.as_second() - now.as_second()).expect("the reset is ahead");
                assert_eq!(reply.number("retry-after"), Some(seconds));
                site.wait(seconds).await;
                break;
            }
            left -= 40;
            assert_eq!(reply.number("x-daily-ratelimit-token-remaining"), Some(left));
            assert_eq!(reply.number("x-daily-ratelimit-token-limit"), Some(30_000));
        }
        assert_eq!(site.get("/v1/users/me").await.status, 200);
    });
}

#[test]
fn going_on_through_429_ends_in_a_page_that_is_not_json() {
    let settings = Settings { plan: Plan::Lite, block_after_refusals: 5, ..Settings::default() };
    drive(settings, |site| async move {
        let mut last = site.get("/v1/users/me").await;
        for _ in 0..26 {
            last = site.get("/v1/users/me").await;
        }
        assert_eq!(last.status, 403);
        assert!(last.body.as_str().is_some_and(|page| page.contains("Access denied")));
    });
}

#[test]
fn caps_of_the_plan_hold() {
    let settings = Settings { plan: Plan::Lite, seats: 1, ..unlimited() };
    drive(settings, |site| async move {
        for number in 0..30 {
            site.made("/api/v2/personFields", json!({"field_name": format!("F{number}"), "field_type": "text"})).await;
        }
        let refused = site.post("/api/v2/dealFields", json!({"field_name": "F", "field_type": "text"})).await;
        refuses(&refused, 403, "limit reached");
        assert_eq!(refused.body["code"], "feature_capping_custom_fields_limit");
        let mut last = Value::Null;
        for _ in 0..2_500 {
            last = site.made("/api/v2/deals", json!({"title": "D"})).await["id"].clone();
        }
        let refused = site.post("/api/v2/deals", json!({"title": "D"})).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("feature_capping_deals_limit")));
        site.made("/api/v2/deals", json!({"title": "D", "is_archived": true})).await;
        site.delete(&format!("/api/v2/deals/{last}")).await.data();
        site.made("/api/v2/deals", json!({"title": "D"})).await;
    });
}

#[test]
fn the_round_trip_is_held_on_the_clock() {
    let settings = Settings { rtt: Duration::from_millis(80), ..Settings::default() };
    drive(settings, |site| async move {
        let started = site.clock.now();
        for _ in 0..10 {
            assert_eq!(site.get("/v1/users/me").await.status, 200);
        }
        assert_eq!(site.clock.now().since(started), Duration::from_millis(800));
    });
}

#[test]
fn others_spend_the_same_day_and_the_same_window() {
    let settings = Settings { plan: Plan::Lite, rival_day_share: 0.3, rival_window_share: 0.3, ..Settings::default() };
    drive(settings, |site| async move {
        let (mut passed, mut refused) = (0, 0);
        for _ in 0..2_000 {
            match site.get("/v1/users/me").await.status {
                200 => passed += 1,
                _ => refused += 1,
            }
            site.clock.sleep(Duration::from_millis(100)).await;
        }
        assert!((1_300..1_999).contains(&passed), "{passed} pass where 20 in 2 s would all");
        let ledger = site.running.ledger();
        assert_eq!((ledger.rate_limited, ledger.tokens), (refused, 2 * passed));
        assert!(
            (14_000..24_000).contains(&ledger.rival_tokens),
            "{} of 150,000 until ten o'clock",
            ledger.rival_tokens
        );
        let left = site.get("/v1/users/me").await.number("x-daily-ratelimit-token-remaining").expect("a header");
        assert!(left <= 150_000 - 2 * passed - ledger.rival_tokens, "{left}");
    });
}

#[test]
fn the_rule_of_2019_counts_posts_and_puts_of_a_day() {
    let settings = Settings {
        plan: Plan::Ultimate,
        seats: 50,
        write_limit_2019: true,
        rtt: Duration::from_millis(20),
        ..Settings::default()
    };
    drive(settings, |site| async move {
        for number in 0..10_000_u64 {
            let made = site.post("/v1/activityTypes", json!({"name": "", "icon_key": "car"})).await;
            assert_eq!((made.status, made.number("x-daily-requests-left")), (400, Some(9_999 - number)));
        }
        refuses(&site.post("/api/v2/deals", json!({"title": "D"})).await, 429, "daily request limit");
        let read = site.get("/v1/users/me").await;
        assert_eq!((read.status, read.number("x-daily-requests-left")), (200, None));
        site.wait(14 * 3_600).await;
        assert_eq!(site.post("/api/v2/deals", json!({"title": "D"})).await.status, 200);
    });
}

#[test]
fn answers_slow_down_in_silence_and_may_lack_headers() {
    let settings = Settings {
        slow_down_share: 0.5,
        slow_down: Duration::from_secs(1),
        daily_headers_missing: 3,
        burst_retry_after: true,
        plan: Plan::Lite,
        ..Settings::default()
    };
    drive(settings, |site| async move {
        let mut took = Vec::new();
        for request in 0..15 {
            let started = site.clock.now();
            let reply = site.get("/v1/users/me").await;
            assert_eq!(reply.number("x-daily-ratelimit-token-limit").is_some(), request >= 3);
            took.push(site.clock.now().since(started).as_millis());
        }
        assert_eq!(took[..11], [[0; 10].as_slice(), &[100]].concat());
        assert_eq!(took[11..], [200, 300, 400, 500]);
    });
}
