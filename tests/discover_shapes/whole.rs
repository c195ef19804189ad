//! Lists that come all at once, with as many rows as sources are known to cut at.

use crossdock::clock::Clock;
use crossdock::standin::promox::generate::generate;

use crate::world::{Told, run_with};

/// A number of records with which the longest list has just so many rows, and no other one has as many.
fn records(rows: usize) -> usize {
    let clock = Clock::stepped("2026-03-02T15:00:00Z".parse().expect("an instant"));
    let fits = |records: &usize| {
        let account = generate(*records, 1, clock.utc());
        let mut all: Vec<usize> = account.counts().into_values().collect();
        all.sort_unstable();
        all.ends_with(&[rows]) && all[all.len() - 2] < rows
    };
    (60..1_200).find(fits).expect("such an account")
}

#[test]
fn a_whole_list_of_a_usual_length_is_proved_by_what_changed() {
    for rows in [30, 40] {
        let outcome = run_with("paging=none,total=none,files=none", true, records(rows));
        assert!(matches!(outcome.told, Told::Learned), "{rows} rows: {outcome}");
    }
}

#[test]
fn a_list_that_is_cut_is_not_taken_for_whole() {
    for shape in ["paging=none,total=none,files=none,cap=100", "paging=none,total=none,files=none,cap=100,order=name"] {
        let outcome = run_with(shape, true, 500);
        assert!(matches!(&outcome.told, Told::FellBack(why) if why[0].contains("exactly 100 rows")), "{outcome}");
    }
}

#[test]
fn what_nothing_proves_stays_in_doubt() {
    // A number at which many sources cut is never trusted; without a filter nothing is shown; and what a list hides that
    // begins with the newest is what a filter leaves out.
    let whole = run_with("paging=none,total=none,files=none", true, records(50));
    assert!(matches!(&whole.told, Told::FellBack(why) if why[0].contains("exactly 50 rows")), "{whole}");
    let records = records(40);
    for shape in
        ["paging=none,total=none,files=none,delta=none", "paging=none,total=none,files=none,order=updated-desc"]
    {
        let outcome = run_with(shape, true, records);
        assert!(matches!(&outcome.told, Told::FellBack(why) if why[0].contains("exactly 40 rows")), "{outcome}");
    }
}
