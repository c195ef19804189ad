//! Probes the source in many shapes that the prober does not know, reads all of it by what it found, and counts: how many
//! shapes were fully learned, how many fell back with a reason, how many requests it took. Nothing may be read in part
//! without saying so, and nothing but reads may be sent.
//!
//! `SHAPES=FIRST..LAST` chooses the seeds (`make shapes` runs 300), with `/odd` or `/even` behind it one half of them;
//! `SHAPE=…` one shape, spelled out or by its seed.

#![expect(clippy::print_stdout, reason = "the counts, and what one shape was asked, are what it is run for")]

mod deleted;
mod files;
mod hosts;
mod paging;
mod record;
mod refused;
mod soap;
mod whole;
mod world;

use world::{Outcome, Told, run, run_as};

/// Shapes of a quick look: enough to meet each kind of paging and signing in a few times.
const QUICK: std::ops::Range<u64> = 1..61;

/// Shapes that were once read in part or wrongly: parameters that make rows whole are refused beside unknown ones; a cut
/// list; links that are addresses where all lists have one address.
const ONCE_WRONG: [u64; 5] = [83, 184, 243, 734, 824];

/// The share of shapes, in percent, that must be fully learned and read row for row.
const LEARNED_MIN: usize = 95;

fn seeds() -> Vec<String> {
    if let Ok(shape) = std::env::var("SHAPE") {
        return vec![shape];
    }
    match std::env::var("SHAPES") {
        Err(_) => QUICK.chain(ONCE_WRONG).map(|seed| seed.to_string()).collect(),
        Ok(text) => {
            let (range, half) = text.split_once('/').unwrap_or((&text, ""));
            let (first, last) = range.split_once("..").expect("SHAPES is FIRST..LAST");
            let seeds = first.parse().expect("a number")..last.parse().expect("a number");
            let wanted = |seed: &u64| half.is_empty() || (seed % 2 == 1) == (half == "odd");
            seeds.filter(wanted).map(|seed| seed.to_string()).collect()
        }
    }
}

#[test]
fn unknown_shapes_are_learned_or_refused_and_never_read_in_part() {
    let outcomes: Vec<Outcome> = seeds().iter().map(|shape| run(shape)).collect();
    let mut requests: Vec<u32> = outcomes.iter().map(|outcome| outcome.requests).collect();
    requests.sort_unstable();
    let count = |wanted: fn(&Told) -> bool| outcomes.iter().filter(|outcome| wanted(&outcome.told)).count();
    let learned = count(|told| matches!(told, Told::Learned));
    let fell_back = count(|told| matches!(told, Told::FellBack(_)));
    for outcome in &outcomes {
        println!("{outcome}");
    }
    println!(
        "{} shapes: {learned} fully learned and read row for row, {fell_back} fell back with a reason; requests: median {}, \
         most {}",
        outcomes.len(),
        requests[requests.len() / 2],
        requests.last().expect("at least one shape")
    );
    let wrong: Vec<String> =
        outcomes.iter().filter(|outcome| matches!(outcome.told, Told::Wrong(_))).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "read in part or wrongly, without saying so:\n{}", wrong.join("\n"));
    assert!(outcomes.iter().all(|outcome| outcome.writes == 0), "something but reads was sent");
    assert!(outcomes.iter().all(|outcome| !outcome.locked), "an account was locked");
    assert!(requests.last().is_some_and(|most| *most <= 150), "too many requests");
    if outcomes.len() > 1 {
        assert!(learned * 100 >= outcomes.len() * LEARNED_MIN, "only {learned} of {} were learned", outcomes.len());
    }
}

#[test]
fn nothing_is_read_by_post_that_was_not_approved() {
    for shape in ["protocol=rpc", "protocol=rpc-single", "protocol=graphql"] {
        let outcome = run_as(shape, false);
        assert!(matches!(outcome.told, Told::FellBack(_)), "{outcome}");
        assert_eq!(outcome.posts, 0, "{outcome}");
        let approved = run(shape);
        assert!(matches!(approved.told, Told::Learned) && approved.posts > 0, "{approved}");
        assert_eq!(approved.writes, 0, "{approved}");
    }
}
