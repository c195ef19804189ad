//! The window in real time: how many requests of what is possible get through, at several round trips, alone and beside
//! others who use the same token.
//!
//! `cargo bench --bench pace`; `PACE_SECONDS=10` for a quick look. The bound is `limit / (2 + round trip)` requests a
//! second of what others leave, because a slot is safe to use again two seconds after its answer.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Credentials, Plan, Secret, Spending};
use crossdock::http::Http;
use crossdock::pipedrive::{Budget, Client};
use crossdock::standin::pipedrive::{self as standin, Pipedrive, Settings};
use tokio::net::TcpListener;

/// Requests of a Growth plan in two seconds.
const LIMIT: f64 = 40.0;

/// Calls that are always wanted.
const WORKERS: usize = 40;

/// Seconds before the count begins: the pace is found, and what is known of others becomes good.
const WARM_UP: Duration = Duration::from_secs(10);

fn main() {
    // Cargo gives the harness arguments of its own, which mean nothing here.
    let seconds = std::env::var("PACE_SECONDS").map_or(60, |text| text.parse().expect("PACE_SECONDS: seconds"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    println!("{seconds} s each, Growth, {LIMIT} requests in 2 s, seed 1");
    for others in [0.0, 0.3] {
        for round_trip_ms in [0, 50, 200] {
            runtime.block_on(measure(seconds, Duration::from_millis(round_trip_ms), others));
        }
    }
}

/// Requests of ours that passed, those that were refused, and those of all in the account's window.
async fn measure(seconds: u64, round_trip: Duration, others: f64) {
    let clock = Clock::system();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let settings = Settings {
        plan: standin::Plan::Growth,
        seats: 1_000,
        rtt: round_trip,
        rival_window_share: others,
        ..Settings::default()
    };
    let running = Pipedrive::start(settings, clock.clone(), listener).expect("an account");
    let spending = Spending::Planned { plan: Plan::Growth, seats: 1_000, top_up_tokens_day: 0, reserve_tokens_day: 0 };
    let http = Http::new(clock.clone(), Duration::from_secs(30), WORKERS).expect("a client");
    let base = format!("http://{}", running.address()).parse().expect("an address");
    let budget = Arc::new(Budget::new(clock.clone(), spending, WORKERS).expect("a budget"));
    let client = Client::new(http, base, Credentials::ApiToken(Secret::fixed(running.token().into())), budget);
    let passed = AtomicU64::new(0);
    let work = futures::future::join_all((0..WORKERS).map(async |_| {
        loop {
            client.me().await.expect("it passes at last");
            passed.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let count = async {
        clock.sleep(WARM_UP).await;
        let before = (passed.load(Ordering::Relaxed), running.ledger().rate_limited);
        clock.sleep(Duration::from_secs(seconds)).await;
        (passed.load(Ordering::Relaxed) - before.0, running.ledger().rate_limited - before.1)
    };
    let (ours, refused) = tokio::select! {
        _ = work => unreachable!("workers never end"),
        counted = count => counted,
    };
    let left = LIMIT * (1.0 - others);
    let bound = left * seconds as f64 / (2.0 + round_trip.as_secs_f64());
    println!(
        "round trip {:>3} ms, others {:>2.0} %: {ours} passed, {:.1} % of the bound, {refused} refused ({:.3} %)",
        round_trip.as_millis(),
        100.0 * others,
        100.0 * ours as f64 / bound,
        100.0 * refused as f64 / (ours + refused) as f64,
    );
    running.shutdown().await;
}
