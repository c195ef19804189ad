//! Tests of the budget.

use super::*;
use crate::config::Plan;
use crate::stop;

fn budget(start: &str, reserve: u64, spent: u64) -> (Clock, Budget) {
    let clock = Clock::stepped(start.parse().expect("a valid instant"));
    let spending = Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: reserve };
    let budget = Budget::new(clock.clone(), spending, 64).expect("a budget");
    budget.already_spent(spent);
    (clock, budget)
}

fn run<F: Future>(clock: &Clock, work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(clock.track(work))
}

async fn take(budget: &Budget, cost: u32) -> Slot<'_> {
    budget.take(cost).await.expect("nobody stops it")
}

const HEARD: Reply = Reply::Heard { took: Duration::ZERO, window_left: None };

fn left(remaining: u64) -> Told {
    Told { day_remaining: Some(remaining), ..Told::default() }
}

#[test]
fn the_day_ends_at_the_reserve_and_begins_again_at_midnight() {
    let (clock, budget) = budget("2026-01-05T23:00:00Z", 1000, 28_985);
    run(&clock, async {
        take(&budget, 5).await.give_back(Told::default(), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(10));
        take(&budget, 5).await.give_back(Told::default(), HEARD);
        take(&budget, 5).await.give_back(Told::default(), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(0));
        // Two seconds for what an earlier run may have left in the window, and not a moment more.
        assert_eq!(clock.utc().to_string(), "2026-01-05T23:00:02Z");
        let slot = take(&budget, 5).await;
        assert_eq!(clock.utc().to_string(), "2026-01-06T00:00:00Z");
        slot.give_back(Told::default(), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(30_000 - 1000 - 5));
        assert_eq!(budget.day(), "2026-01-06");
    });
}

#[test]
fn what_others_spend_and_when_the_day_ends_is_learned() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
    run(&clock, async {
        budget.told(left(87), 0);
        take(&budget, 5).await.give_back(left(82), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(82));
        budget.day_refused(Some(Duration::from_secs(3600)));
        drop(take(&budget, 5).await);
        assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
    });
}

#[test]
fn an_answer_that_was_overtaken_does_not_give_tokens_back() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 29_000);
    run(&clock, async {
        // Pipedrive works on the first one, then on the second one, whose answer comes first.
        let (first, second) = (take(&budget, 5).await, take(&budget, 10).await);
        second.give_back(left(985), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(980), "the first one may not be in the figure");
        first.give_back(left(995), HEARD);
        assert_eq!(budget.tokens_left_today(), Some(985));
    });
}

#[test]
fn a_top_up_ends_the_wait() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 30_000);
    run(&clock, async {
        let topped_up = async {
            clock.sleep(Duration::from_secs(3_000)).await;
            let told = Told { day_limit: Some(35_000), day_remaining: Some(5_000), ..Told::default() };
            budget.told(told, 0);
        };
        let (slot, ()) = tokio::join!(take(&budget, 5), topped_up);
        drop(slot);
        assert!(clock.utc() < "2026-01-05T11:01:00Z".parse().expect("an instant"), "{}", clock.utc());
    });
}

#[test]
fn a_new_day_is_tried_by_one_call_alone() {
    let (clock, budget) = budget("2026-01-05T23:59:00Z", 0, 30_000);
    run(&clock, async {
        // Midnight UTC was a wrong guess: the answer tells that nothing is left.
        let scout = take(&budget, 5).await;
        let second = async {
            let slot = take(&budget, 5).await;
            (clock.utc(), slot)
        };
        let answered = async {
            clock.sleep(Duration::from_secs(2)).await;
            scout.give_back(left(0), HEARD);
            clock.sleep(Duration::from_secs(3_600)).await;
            budget.told(left(29_000), 0);
        };
        let ((at, slot), ()) = tokio::join!(second, answered);
        assert_eq!(at.to_string(), "2026-01-06T01:00:02Z");
        slot.give_back(Told::default(), HEARD);
    });
}

#[test]
fn a_block_stops_everything_for_a_long_time_and_over_a_restart() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
    let memory = run(&clock, async {
        let memory = budget.memory();
        let (first, second) = (take(&budget, 5).await, take(&budget, 5).await);
        budget.blocked();
        budget.blocked();
        first.give_back(Told::default(), Reply::Unheard);
        second.give_back(Told::default(), Reply::Unheard);
        let known = memory.borrow().expect("something to remember");
        let slot = take(&budget, 5).await;
        assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
        assert_eq!(budget.waiting().map(|waiting| waiting.reason), Some(Reason::Blocked), "until an answer is heard");
        budget.blocked();
        slot.give_back(Told::default(), Reply::Unheard);
        drop(take(&budget, 5).await);
        assert_eq!(clock.utc().to_string(), "2026-01-05T13:00:00Z", "twice as long");
        known
    });
    let (clock, budget) = self::budget("2026-01-05T10:30:00Z", 0, 0);
    budget.recall(memory);
    run(&clock, async {
        drop(take(&budget, 5).await);
        assert_eq!(clock.utc().to_string(), "2026-01-05T11:00:00Z");
    });
}

#[test]
fn refusals_that_name_no_time_are_waited_out_longer_and_longer() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 0);
    run(&clock, async {
        let mut waits = Vec::new();
        for _ in 0..6 {
            let began = clock.now();
            let slot = take(&budget, 5).await;
            waits.push(clock.now().since(began));
            slot.give_back(Told::default(), Reply::WindowFull);
            budget.window_refused(None);
            budget.window_refused(None);
        }
        assert!(waits[1..].iter().all(|wait| *wait >= WINDOW_WAIT), "{waits:?}");
        assert!(waits[5] > Duration::from_secs(6), "{waits:?}");
        let slot = take(&budget, 5).await;
        slot.give_back(Told::default(), HEARD);
        budget.window_refused(Some(Duration::from_secs(7)));
        let began = clock.now();
        drop(take(&budget, 5).await);
        assert_eq!(clock.now().since(began), Duration::from_secs(7), "as the answer says");
    });
}

#[test]
fn a_stop_ends_a_wait_of_hours() {
    let (clock, budget) = budget("2026-01-05T10:00:00Z", 0, 30_000);
    let (stopper, stop) = stop::switch();
    let progress = Progress::default();
    let budget = budget.of_run(stop, progress.clone());
    run(&clock, async {
        let stops = async {
            clock.sleep(Duration::from_secs(60)).await;
            assert_eq!(
                progress.snapshot().doing.waits,
                "until Pipedrive's tokens of the day are full again; goes on at 2026-01-06T00:00:00Z"
            );
            stopper.stop();
        };
        let (taken, ()) = tokio::join!(budget.take(5), stops);
        assert_eq!(taken.map(|_| ()).map_err(|error| error.kind()), Err(Kind::Stopped));
    });
}

#[test]
fn a_reserve_that_leaves_nothing_is_refused() {
    let clock = Clock::system();
    let spending = Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 0, reserve_tokens_day: 30_000 };
    assert_eq!(Budget::new(clock, spending, 64).map(|_| ()).map_err(|error| error.kind()), Err(Kind::Settings));
}
