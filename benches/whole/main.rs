//! Whole migrations, process by process: how fast, at what CPU time and in how much memory, beside a bare loop that posts
//! the same bodies.
//!
//! `cargo bench --bench whole`. Each round starts a fresh simulated Pipedrive, migrates a generated account into it with
//! `crossdock run` (journal, HTTP and all gates, no limits), then starts another one and posts the same bodies by a bare
//! `reqwest` loop. Medians over the rounds. The stand-ins are processes of their own, so CPU time and memory are those of
//! the daemon alone. Nothing is asserted about time.
//!
//! Environment: `BENCH_RECORDS` (100000), `BENCH_SMALL_RECORDS` (20000: one more migration, which shows whether memory
//! depends on the number of records; 0 leaves it out), `BENCH_ROUNDS` (3), `BENCH_SEED` (1), `BENCH_PROGRAM` (another
//! build of `crossdock` to measure, for before and after).

#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod bare;
mod daemon;
mod process;

use std::time::Duration;

use bare::Account;
use daemon::{Migrated, Part};
use process::Standin;

/// Calls in flight, of the daemon and of the bare loop alike.
const CALLS_IN_FLIGHT: usize = 64;

/// One round.
struct Round {
    records: usize,
    writes: usize,
    migrated: Migrated,
    bare: Option<Part>,
}

/// Whether a round ends with the bare loop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yardstick {
    With,
    Without,
}

fn main() {
    // The runtime serves the bare loop; the daemon is another process.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let setting = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (records, small) = (setting("BENCH_RECORDS", 100_000), setting("BENCH_SMALL_RECORDS", 20_000));
    let (rounds, seed) = (setting("BENCH_ROUNDS", 3), setting("BENCH_SEED", 1));
    let promox = promox(records, seed);
    let rounds: Vec<Round> = (0..rounds)
        .map(|number| {
            let round = runtime.block_on(round(&promox, seed, Yardstick::With));
            println!("round {}: {}", number + 1, line(&round));
            round
        })
        .collect();
    drop(promox);
    if (1..records).contains(&small) {
        let round = runtime.block_on(round(&self::promox(small, seed), seed, Yardstick::Without));
        println!("small:   {}", line(&round));
        println!();
        println!("peak memory at {} records: {}", round.records, megabytes(round.migrated.load.used.peak_bytes));
    }
    report(&rounds);
}

fn promox(records: usize, seed: usize) -> Standin {
    Standin::start("promox", &[format!("records={records}"), format!("seed={seed}"), "rtt_ms=0".to_owned()])
}

async fn round(promox: &Standin, seed: usize, yardstick: Yardstick) -> Round {
    let pipedrive =
        || Standin::start("pipedrive", &["unlimited=true", "caps=false", &format!("seed={seed}")].map(str::to_owned));
    let folder = tempfile::tempdir().expect("a folder");
    let described = Account::new(promox).get("standin/account").await;
    let first = pipedrive();
    let account = Account::new(&first);
    account.invite(&described["expected_users"]).await;
    daemon::set_up(folder.path(), promox, &first);
    let migrated = tokio::task::block_in_place(|| daemon::migrate(folder.path(), promox, &first));
    let bodies = bare::bodies(folder.path());
    let bare = if yardstick == Yardstick::With {
        let second = pipedrive();
        let other = Account::new(&second);
        other.invite(&described["expected_users"]).await;
        other.copy_workspace(&account).await;
        drop(first);
        Some(other.post_all(&bodies).await)
    } else {
        None
    };
    let records = described["records"].as_u64().map_or(0, |records| usize::try_from(records).unwrap_or(usize::MAX));
    Round { records, writes: bare::count(&bodies), migrated, bare }
}

fn line(round: &Round) -> String {
    let Migrated { landing, survey, load, verify } = &round.migrated;
    let part = |name: &str, part: &Part| {
        format!("{name} {:.1} s, {:.1} CPU µs/record", part.wall.as_secs_f64(), micros(part, round.records))
    };
    let mut words = vec![
        part("landing", landing),
        part("survey", survey),
        part("load", load),
        part("verify", verify),
        megabytes(load.used.peak_bytes),
    ];
    if let Some(bare) = &round.bare {
        let micros = micros(bare, round.writes);
        words.push(format!("bare loop {:.1} s, {micros:.1} CPU µs/call", bare.wall.as_secs_f64()));
    }
    words.join("; ")
}

fn report(rounds: &[Round]) {
    let Some(first) = rounds.first() else { return };
    println!();
    println!("{} records, {} Pipedrive records, medians of {} rounds", first.records, first.writes, rounds.len());
    println!("{:<10} {:>10} {:>12} {:>14}", "part", "wall s", "records/s", "CPU µs/record");
    for (index, name) in ["landing", "survey", "load", "verify"].into_iter().enumerate() {
        let wall = median(rounds.iter().map(|round| round.migrated.parts()[index].wall.as_secs_f64()));
        let cpu = median(rounds.iter().map(|round| micros(round.migrated.parts()[index], round.records)));
        println!("{name:<10} {wall:>10.2} {:>12.0} {cpu:>14.1}", first.records as f64 / wall);
    }
    let of_load = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
    println!();
    println!("load, CPU µs per Pipedrive record: {:.1}", of_load(|round| micros(&round.migrated.load, round.writes)));
    println!("load, Pipedrive records/s: {:.0}", of_load(|round| rate(&round.migrated.load, round.writes)));
    println!(
        "bare loop, calls/s: {:.0}",
        of_load(|round| round.bare.as_ref().map_or(0.0, |bare| rate(bare, round.writes)))
    );
    println!(
        "bare loop, CPU µs/call: {:.1}",
        of_load(|round| round.bare.as_ref().map_or(0.0, |bare| micros(bare, round.writes)))
    );
    let ratio = |round: &Round| {
        round.bare.as_ref().map_or(0.0, |bare| bare.wall.as_secs_f64() / round.migrated.load.wall.as_secs_f64())
    };
    println!("load / bare loop: {:.3}", of_load(ratio));
    let peak = median(rounds.iter().map(|round| round.migrated.load.used.peak_bytes as f64));
    println!("peak memory at {} records: {:.1} MB", first.records, peak / 1e6);
    println!();
    println!("load, CPU µs/record by thread (last round):");
    if let Some(last) = rounds.last() {
        for (name, cpu) in &last.migrated.load.used.threads {
            let micros = cpu.as_secs_f64() * 1e6 / last.records as f64;
            if micros >= 0.1 {
                println!("  {name:<18} {micros:>8.1}");
            }
        }
    }
}

fn micros(part: &Part, count: usize) -> f64 {
    Duration::as_secs_f64(&part.used.cpu) * 1e6 / count.max(1) as f64
}

fn rate(part: &Part, count: usize) -> f64 {
    count as f64 / part.wall.as_secs_f64()
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
