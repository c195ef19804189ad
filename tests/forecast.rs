//! The forecast against what comes, under a plan's limits and in virtual time: when the load is over, what load and
//! verification cost, and what a day of following costs. Once with the account to ourselves, once with other tools that
//! spend a fifth of the same tokens.

#![cfg(feature = "standin")]
#![expect(clippy::print_stdout, reason = "the figures belong into the test's output")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, Status, keep};
use crossdock::journal::{GateVerdict, Journal};
use crossdock::mapping::PROMOX;
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::standin::{pipedrive, promox};
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::Value;
use tokio::net::TcpListener;

/// Records of the account at the source, over all objects.
const RECORDS: usize = 1_200;

/// Tokens of Growth with one seat, and the part of them that the migration leaves alone: what remains for it is spent by
/// the load on several days.
const TOKENS_DAY: u64 = 60_000;
const RESERVE: u64 = 56_000;

/// Time between two polls, and the polls of the day that is followed.
const POLL_SECONDS: u64 = 600;
const POLLS: u32 = 144;

/// Parts of the actual by which a forecast may miss: 2 % of the time, 1 % of the tokens.
const TIME_WITHIN: f64 = 0.02;
const TOKENS_WITHIN: f64 = 0.01;

/// The day of following begins and ends between two tries, so one more or less of 72 may fall into it.
const FOLLOWING_WITHIN: f64 = 0.03;

#[test]
fn the_forecast_holds_when_the_account_is_ours() {
    drive(0.0, |_, forecast| assert_eq!(forecast["reserve"]["others_tokens_day"], 0));
}

#[test]
fn the_forecast_holds_when_others_spend_a_fifth() {
    drive(0.2, |rival_tokens, forecast| {
        let others = forecast["reserve"]["others_tokens_day"].as_f64().expect("a number");
        near("what others spend on a day", others, 0.2 * TOKENS_DAY as f64, 0.1);
        assert!(rival_tokens > 12_000, "they spent {rival_tokens} and nothing was shown");
    });
}

/// Moves an account, and compares what came with what was forecast.
fn drive(rival_share: f64, check: impl FnOnce(u64, &Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let ends = Ends::start(clock.clone(), rival_share).await;
        let spent = Arc::new(Mutex::new(Vec::new()));
        let migration = ends.open(Arc::clone(&spent)).await;
        let approver = tokio::spawn(clock.track(approve_all(migration.journal().clone(), clock.clone())));
        assert_eq!(migration.run().await.expect("it runs to its end"), Ending::Done);
        approver.abort();

        let plan = std::fs::read(ends.folder().join("reports/plan.json")).expect("the plan is written");
        let plan: Value = serde_json::from_slice(&plan).expect("JSON");
        compare_load(&migration).await;
        compare_following(&plan, &spent.lock().expect("nobody panicked"));
        check(ends.pipedrive.ledger().rival_tokens, &plan);
    }));
}

async fn compare_load(migration: &Migration) {
    let forecast = migration.forecast().await.expect("the journal reads").expect("a forecast");
    let actual = migration.actual().await.expect("the journal reads").expect("an end");
    assert!(forecast.schedule.days.is_some_and(|days| days > 1), "a day's border lies in it: {forecast:?}");
    let seconds = forecast.schedule.seconds.expect("limits") as f64;
    near("seconds of the load", seconds, actual.took.as_secs_f64(), TIME_WITHIN);
    near("tokens of load and verification", forecast.effort.tokens as f64, actual.tokens as f64, TOKENS_WITHIN);

    let status = Status::read(migration.journal(), None, None).await.expect("the journal reads");
    let course = status.forecast.expect("the course is kept");
    assert!(course.is_over && course.percent() == 100, "{course:?}");
    assert_eq!((course.tokens_spent, course.finish_forecast), (actual.load_tokens, forecast.schedule.finishes_at));
    near("records", course.records_forecast as f64, course.records_done as f64, TOKENS_WITHIN);
    assert!(status.text().contains("100 %: "), "{}", status.text());
}

/// A day in which nothing changes costs what looking for users costs.
fn compare_following(plan: &Value, spent: &[u64]) {
    let mut lines = plan["daily"].as_array().expect("lines").iter();
    let is_it = |line: &&Value| line["what"].as_str().is_some_and(|what| what.starts_with("Looking whether users"));
    let forecast = lines.find(is_it).expect("the line")["tokens"].as_f64().expect("a number");
    let (first, last) = (spent[0], spent[POLLS as usize]);
    assert!(forecast > 0.0, "somebody waits for a user in this account");
    near("tokens of a day of following", forecast, (last - first) as f64, FOLLOWING_WITHIN);
}

fn near(what: &str, forecast: f64, actual: f64, within: f64) {
    println!("{what}: forecast {forecast}, actual {actual}");
    assert!((forecast - actual).abs() <= within * actual, "{what}: forecast {forecast}, actual {actual}");
}

/// Both ends, and the folder of the migration between them.
struct Ends {
    clock: Clock,
    pipedrive: Arc<pipedrive::Running>,
    promox: promox::Running,
    folder: tempfile::TempDir,
}

impl Ends {
    async fn start(clock: Clock, rival_share: f64) -> Self {
        let settings = promox::Settings { records: RECORDS, seed: 7, rtt_ms: 0, ..promox::Settings::default() };
        let promox = promox::Promox::start(settings, clock.clone(), listener().await).expect("a source");
        let settings = pipedrive::Settings {
            plan: pipedrive::Plan::Growth,
            seats: 1,
            rtt: Duration::from_millis(80),
            rival_day_share: rival_share,
            ..pipedrive::Settings::default()
        };
        let account = pipedrive::Pipedrive::start(settings, clock.clone(), listener().await).expect("an account");
        for (name, email) in promox.inspect(promox::Account::expected_users) {
            drop(account.add_user(&name, &email));
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("mapping.toml"), PROMOX).expect("written");
        Self { clock, pipedrive: Arc::new(account), promox, folder }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the migration. The source is frozen after a day of following; `spent` gets the tokens after each round.
    async fn open(&self, spent: Arc<Mutex<Vec<u64>>>) -> Migration {
        let text = format!(
            "name = \"forecast\"\n[source]\naddress = \"http://{}\"\nrequests_per_second = 1000\n\
             poll_seconds = {POLL_SECONDS}\n[pipedrive]\naddress = \"http://{}\"\nplan = \"growth\"\nseats = 1\n\
             reserve_tokens_day = {RESERVE}\nlist_lag_seconds = 1\n",
            self.promox.address(),
            self.pipedrive.address()
        );
        let environment = |name: &str| match name {
            "CROSSDOCK_SOURCE_TOKEN" => Some(self.promox.token().to_owned()),
            _ => Some(self.pipedrive.token()),
        };
        let surroundings = Surroundings { folder: self.folder(), environment: &environment };
        let config = Config::parse(&text, &surroundings).expect("settings");
        let (signals, (_stopper, stop)) = (Signals::default(), stop::switch());
        let (account, frozen) = (Arc::clone(&self.pipedrive), signals.clone());
        let checkpoint = move |point| {
            if let Point::Followed(round) = point {
                spent.lock().expect("nobody panicked").push(account.ledger().tokens);
                if round > POLLS {
                    frozen.freeze();
                }
            }
            async { Ok(()) }.boxed()
        };
        let opening = Opening {
            signals,
            checkpoint: Some(Arc::new(checkpoint)),
            ..Opening::new(self.folder(), self.clock.clone(), stop)
        };
        Migration::open(config, opening).await.expect("it opens")
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

async fn approve_all(journal: Journal, clock: Clock) {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                let saying = Saying { gate: *gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
                keep(&journal, &clock, saying).await.expect("kept");
            }
        }
        // Rarely: days go by, and each look reads the journal.
        clock.sleep(Duration::from_secs(60)).await;
    }
}
