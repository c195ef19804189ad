//! The client against the account's limits: days that end, windows that others use too, tokens that are refused, and
//! gateways that block. Everything on a stepped clock, over loopback.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "seed and figures are printed, for running it again and for reading")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Credentials, OAuthApp, Plan, Secret, Spending};
use crossdock::error::Kind;
use crossdock::http::{Http, Request};
use crossdock::pipedrive::{Budget, Client, Listing, Memory, Reason};
use crossdock::progress::Progress;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{self as standin, FaultKind, FaultRule, Pipedrive, Running, Settings};
use crossdock::stop::{self, Stopper};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Calls that are always wanted at the same time.
const WORKERS: usize = 24;

/// The account, and what its customer has told us of it.
struct Site {
    clock: Clock,
    running: Running,
    spending: Spending,
}

/// One run of the daemon, as far as limits are concerned.
struct Run {
    client: Client,
    progress: Progress,
    stopper: Stopper,
}

/// What the journal keeps between two runs.
#[derive(Default)]
struct Kept {
    memory: Option<Memory>,
    tokens_by_day: HashMap<String, u64>,
}

fn drive<F: Future<Output = ()>>(settings: Settings, reserve: u64, test: impl FnOnce(Site) -> F) {
    println!("SEED={}", settings.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-03-02T10:20:00Z".parse().expect("an instant"));
    let spending =
        Spending::Planned { plan: Plan::Growth, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: reserve };
    runtime.block_on(clock.track(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let settings = Settings { plan: standin::Plan::Growth, seats: 1, ..settings };
        let running = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
        test(Site { clock: clock.clone(), running, spending }).await;
    }));
}

impl Site {
    fn token(&self) -> Credentials {
        Credentials::ApiToken(Secret::fixed(self.running.token().into()))
    }

    fn run(&self, credentials: Credentials, kept: &Kept) -> Run {
        let http = Http::new(self.clock.clone(), Duration::from_secs(30), WORKERS).expect("a client");
        let ((stopper, stop), progress) = (stop::switch(), Progress::default());
        let budget = Budget::new(self.clock.clone(), self.spending, WORKERS).expect("a budget");
        let budget = budget.of_run(stop, progress.clone());
        kept.memory.into_iter().for_each(|memory| budget.recall(memory));
        budget.already_spent(kept.tokens_by_day.get(&budget.day()).copied().unwrap_or_default());
        let base = format!("http://{}", self.running.address()).parse().expect("an address");
        Run { client: Client::new(http, base, credentials, Arc::new(budget)), progress, stopper }
    }

    fn since(&self, began: Timestamp) -> SignedDuration {
        self.clock.utc().duration_since(began)
    }

    /// Calls of a status, whatever their endpoint.
    fn answered_with(&self, status: u16) -> u64 {
        self.running.ledger().requests_by_endpoint.values().filter_map(|counts| counts.get(&status)).sum()
    }
}

impl Run {
    async fn page(&self) -> crossdock::error::Result<()> {
        self.client.page(Entity::Organization, &Listing::default(), None).await.map(|_| ())
    }

    /// Makes calls, as many as may be made, until a time; at most `calls`. Gives how many were made.
    async fn work(&self, clock: &Clock, until: Timestamp, calls: u64) -> u64 {
        let made = AtomicU64::new(0);
        let workers = (0..WORKERS).map(async |_| {
            while clock.utc() < until && made.fetch_add(1, Ordering::Relaxed) < calls {
                match self.page().await {
                    Ok(()) => {}
                    Err(error) if error.kind() == Kind::Stopped => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        let end = async {
            clock.sleep(Duration::try_from(until.duration_since(clock.utc())).unwrap_or_default()).await;
            self.stopper.stop();
        };
        tokio::select! {
            // Waits of hours end with the stop.
            _ = futures::future::join_all(workers) => {}
            () = async { end.await; std::future::pending().await } => {}
        }
        made.into_inner().min(calls)
    }

    /// What the journal keeps of it. A daemon that is killed has kept the same.
    fn keep(&self, kept: &mut Kept) {
        let budget = self.client.budget();
        kept.memory = budget.memory().borrow().or(kept.memory);
        let day = kept.tokens_by_day.entry(budget.day()).or_default();
        *day += budget.take_spent().iter().map(|(_, _, tokens)| tokens).sum::<u64>();
    }
}

/// Three days beside others who spend 30 % of each, with a reset at an hour that nobody named, and restarts at any time.
fn three_days(seed: u64, reserve: u64) {
    let settings = Settings { rival_day_share: 0.3, daily_reset_offset_hours: 9, seed, ..Settings::default() };
    drive(settings, reserve, |site| async move {
        let end: Timestamp = "2026-03-05T14:59:00Z".parse().expect("an instant");
        let mut kept = Kept::default();
        let (mut runs, mut calls) = (0, 40);
        while site.clock.utc() < end {
            let run = site.run(site.token(), &kept);
            // Restarts fall into busy times by the number of calls, and into waits by the time.
            let until = (site.clock.utc() + SignedDuration::from_mins(437)).min(end);
            run.work(&site.clock, until, calls).await;
            run.keep(&mut kept);
            (runs, calls) = (runs + 1, if calls > 5_000 { 40 } else { calls * 3 });
        }
        let ledger = site.running.ledger();
        // The running day, which began the day before, and three more. Others may use the reserve.
        let most = 4 * (60_000 - reserve);
        let share = ledger.tokens as f64 / (most - ledger.rival_tokens) as f64;
        println!(
            "{runs} runs, {} tokens of ours, {} of others: {:.2} %",
            ledger.tokens,
            ledger.rival_tokens,
            100.0 * share
        );
        assert_eq!(ledger.rate_limited, 0, "not one refusal: {:?}", ledger.requests_by_endpoint);
        assert!(share >= 0.99, "only {share:.4} of what others and the reserve leave was turned into progress");
        assert!(ledger.tokens <= most, "the reserve was spent: {} of {most}", ledger.tokens);
        assert!(runs > 10, "{runs}");
    });
}

#[test]
fn three_days_beside_others_are_used_up_without_one_refusal() {
    three_days(1, 0);
}

#[test]
fn three_days_with_a_reserve_leave_it_alone() {
    three_days(2, 6_000);
}

#[test]
fn a_daily_refusal_is_waited_out_until_the_time_it_names_over_a_restart() {
    drive(
        Settings { daily_reset_offset_hours: 9, daily_headers_missing: u64::MAX, ..Settings::default() },
        0,
        |site| async move {
            // Without headers only our own count and a refusal tell; somebody else has spent the day.
            let http = Http::new(site.clock.clone(), Duration::from_secs(30), 1).expect("a client");
            spend_by_hand(&site, &http).await;
            let run = site.run(site.token(), &Kept::default());
            let (mut kept, waited) = (Kept::default(), AtomicBool::new(false));
            let looks = async {
                site.clock.sleep(Duration::from_secs(60)).await;
                let waits = run.progress.snapshot().doing.waits;
                assert!(waits.contains("goes on at 2026-03-02T15:00:00Z"), "{waits}");
                assert_eq!(run.client.budget().waiting().map(|waiting| waiting.reason), Some(Reason::DayBudget));
                waited.store(true, Ordering::Relaxed);
                run.stopper.stop();
            };
            let (ended, ()) = tokio::join!(run.page(), looks);
            assert_eq!(ended.map_err(|error| error.kind()), Err(Kind::Stopped));
            assert!(waited.into_inner());
            run.keep(&mut kept);
            let refused = site.answered_with(429);
            site.run(site.token(), &kept).page().await.expect("a new day");
            assert_eq!(site.clock.utc().to_string(), "2026-03-02T15:00:00Z");
            assert_eq!(site.answered_with(429), refused, "the restart did not ask again");
        },
    );
}

/// Another program spends what is left of the day, in calls of 40.
async fn spend_by_hand(site: &Site, http: &Http) {
    let token = site.running.token();
    loop {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-token", token.parse().expect("a token"));
        let url = format!("http://{}/v1/users/find?term=nobody", site.running.address()).parse().expect("an address");
        let answer = http.send(Request { method: Method::GET, url, headers, body: None }).await.expect("an answer");
        match answer.status {
            429 if String::from_utf8_lossy(&answer.body).contains("daily") => return,
            429 => site.clock.sleep(Duration::from_secs(2)).await,
            status => assert_eq!(status, 200),
        }
    }
}

#[test]
fn a_token_that_is_renewed_in_its_file_goes_on_where_it_stopped() {
    drive(Settings::default(), 0, |site| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        std::fs::write(&file, site.running.token()).expect("written");
        let secret = Secret::from_file(file.clone()).expect("readable").expect("a token");
        let run = site.run(Credentials::ApiToken(secret), &Kept::default());
        run.page().await.expect("the token is good");
        let new = site.running.renew_token(site.running.users()[0].id).expect("a new token");
        let began = site.clock.utc();
        let renews = async {
            site.clock.sleep(Duration::from_secs(3_000)).await;
            let waits = run.progress.snapshot().doing.waits;
            assert!(waits.contains("renew it in its file"), "{waits}");
            std::fs::write(&file, new).expect("written");
        };
        let work = futures::future::join_all((0..WORKERS).map(async |_| run.page().await));
        let (done, ()) = tokio::join!(work, renews);
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert!((3_000..=3_020).contains(&site.since(began).as_secs()), "{}", site.since(began));
        assert_eq!(run.progress.snapshot().doing.waits, "");
        // All that were under way, and then one every five minutes.
        let refused = site.answered_with(401);
        assert!(refused <= WORKERS as u64 + 10, "{refused} calls with a refused token");
    });
}

#[test]
fn a_token_that_was_never_good_is_an_error_at_once() {
    drive(Settings::default(), 0, |site| async move {
        let run = site.run(Credentials::ApiToken(Secret::fixed("nonsense".into())), &Kept::default());
        let began = site.clock.utc();
        assert_eq!(run.page().await.map_err(|error| error.kind()), Err(Kind::Unauthorized));
        assert_eq!(site.since(began), SignedDuration::ZERO);
    });
}

#[test]
fn an_oauth_grant_is_refreshed_before_it_ends_and_after_it_is_revoked() {
    drive(Settings::default(), 0, |site| async move {
        let grant = granted(&site).await;
        let app = OAuthApp {
            client_id: "standin-app".to_owned(),
            client_secret: Secret::fixed("standin-secret".into()),
            refresh_token: Secret::fixed(grant["refresh_token"].as_str().expect("a token").into()),
            token_address: format!("http://{}/oauth/token", site.running.address()).parse().expect("an address"),
        };
        let run = site.run(Credentials::OAuth(app.clone()), &Kept::default());
        for _ in 0..30 {
            run.page().await.expect("an access token");
            site.clock.sleep(Duration::from_secs(600)).await;
        }
        assert_eq!(site.answered_with(401), 0, "five hours of one-hour tokens");
        let begun = site.clock.utc();
        site.running.set_faults(vec![FaultRule::new(FaultKind::RevokeToken).times(0, 1)]);
        run.page().await.expect("a fresh access token");
        assert_eq!((site.since(begun), site.answered_with(401)), (SignedDuration::ZERO, 1));
        let wrong = OAuthApp { client_secret: Secret::fixed("wrong".into()), ..app };
        let run = site.run(Credentials::OAuth(wrong), &Kept::default());
        let error = run.page().await.expect_err("the app is not known");
        assert_eq!(error.kind(), Kind::Unauthorized);
        assert!(!error.chain().contains("wrong") && error.chain().contains("invalid_client"), "{}", error.chain());
    });
}

#[test]
fn an_access_token_that_ends_during_a_wait_of_hours_is_renewed_before_it_is_shown() {
    drive(Settings { daily_reset_offset_hours: 9, ..Settings::default() }, 0, |site| async move {
        let grant = granted(&site).await;
        let app = OAuthApp {
            client_id: "standin-app".to_owned(),
            client_secret: Secret::fixed("standin-secret".into()),
            refresh_token: Secret::fixed(grant["refresh_token"].as_str().expect("a token").into()),
            token_address: format!("http://{}/oauth/token", site.running.address()).parse().expect("an address"),
        };
        let run = site.run(Credentials::OAuth(app), &Kept::default());
        run.page().await.expect("an access token");
        let http = Http::new(site.clock.clone(), Duration::from_secs(30), 1).expect("a client");
        spend_by_hand(&site, &http).await;
        let done = futures::future::join_all((0..WORKERS).map(async |_| run.page().await)).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert!(site.clock.utc() >= "2026-03-02T15:00:00Z".parse().expect("an instant"), "{}", site.clock.utc());
        assert_eq!(site.answered_with(401), 0);
    });
}

async fn granted(site: &Site) -> Value {
    let http = Http::new(site.clock.clone(), Duration::from_secs(30), 1).expect("a client");
    let url = format!("http://{}/standin/oauth", site.running.address());
    let body = json!({"user_id": site.running.users()[0].id}).to_string();
    let request = Request::post_json(&url, ("x-test", "1"), body.into_bytes()).expect("a request");
    serde_json::from_slice(&http.send(request).await.expect("an answer").body).expect("JSON")
}

#[test]
fn a_page_of_the_gateway_stops_everything_for_an_hour() {
    drive(Settings::default(), 0, |site| async move {
        let run = site.run(site.token(), &Kept::default());
        run.page().await.expect("all is well");
        let began = site.clock.utc();
        site.running.set_faults(vec![FaultRule::new(FaultKind::RefuseWithPage { status: 403 }).times(0, 1)]);
        let work = futures::future::join_all((0..WORKERS).map(async |_| run.page().await));
        let looks = async {
            site.clock.sleep(Duration::from_secs(1_800)).await;
            let before = site.running.ledger().requests;
            site.clock.sleep(Duration::from_secs(1_700)).await;
            assert_eq!(site.running.ledger().requests, before, "not one call");
            let waits = run.progress.snapshot().doing.waits;
            assert!(
                waits.contains("gateway blocks the token") && waits.contains("goes on at 2026-03-02T11:20:00Z"),
                "{waits}"
            );
        };
        let (done, ()) = tokio::join!(work, looks);
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert!(site.since(began) >= SignedDuration::from_hours(1));
    });
}

#[test]
fn a_call_that_the_gateway_dislikes_does_not_stop_the_others_for_ever() {
    drive(Settings::default(), 0, |site| async move {
        let run = site.run(site.token(), &Kept::default());
        let rule = FaultRule::new(FaultKind::RefuseWithPage { status: 403 }).at("GET /api/v2/organizations");
        site.running.set_faults(vec![rule]);
        let error = run.page().await.expect_err("refused for good");
        assert_eq!(error.kind(), Kind::Refused, "{error:?}");
        let began = site.clock.utc();
        run.client.users().await.expect("others pass");
        assert_eq!(site.since(began), SignedDuration::ZERO);
    });
}

#[test]
fn a_slow_down_that_nobody_announces_is_noticed_and_passes() {
    let slows = Settings {
        rtt: Duration::from_millis(50),
        slow_down_share: 0.5,
        slow_down: Duration::from_secs(4),
        ..Settings::default()
    };
    drive(slows, 0, |site| async move {
        let run = site.run(site.token(), &Kept::default());
        for _ in 0..10 {
            run.page().await.expect("an answer");
            site.clock.sleep(Duration::from_millis(400)).await;
        }
        assert!(!run.client.budget().is_slowed_down());
        let seen = AtomicBool::new(false);
        let until = site.clock.utc() + SignedDuration::from_secs(60);
        let looks = async {
            for _ in 0..59 {
                site.clock.sleep(Duration::from_secs(1)).await;
                seen.fetch_or(run.client.budget().is_slowed_down(), Ordering::Relaxed);
            }
        };
        let (calls, ()) = tokio::join!(run.work(&site.clock, until, 1_000), looks);
        println!("{calls} calls in a minute under a slow-down");
        assert!(seen.into_inner(), "it was not noticed");
        assert_eq!(site.answered_with(429), 0);
        assert!(calls > 300, "only {calls} calls in a minute");
    });
}
