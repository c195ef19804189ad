//! Creates under faults: each kind of fault on each kind of record ends as one live record for each source record.

use std::time::Duration;

use crossdock::config::Conflict;
use crossdock::record::{Entity, Fate};
use crossdock::standin::pipedrive::{FaultKind, FaultRule, Settings};

use crate::bench::{Bench, drive, key, unlimited};

/// Records of each case.
const RECORDS: usize = 30;

/// What a fault may bring about, besides one live record for each source record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brings {
    /// Nothing: no record is ever made twice, and none is refused.
    Nothing,
    /// Doubles, which are removed again.
    Doubles,
    /// Refusals for good.
    Refusals,
}

/// One kind of fault, at one spacing.
struct Case {
    name: &'static str,
    kind: FaultKind,
    /// The share of creates that it strikes.
    share: f64,
    /// How many creates it strikes at the most.
    count: Option<u64>,
    /// How late lists show writes; the load is told [`crate::bench::LIST_LAG`].
    list_lag_seconds: u64,
    /// Time between the end of settling and the sweep.
    before_sweep_seconds: u64,
    brings: Brings,
}

impl Case {
    fn new(name: &'static str, kind: FaultKind, brings: Brings) -> Self {
        Self { name, kind, share: 0.3, count: None, list_lag_seconds: 2, before_sweep_seconds: 0, brings }
    }

    fn times(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    fn lagging(self, seconds: u64) -> Self {
        Self { list_lag_seconds: seconds, ..self }
    }

    fn swept_after(self, seconds: u64) -> Self {
        Self { before_sweep_seconds: seconds, ..self }
    }
}

/// The calls may take 30 s and lists lag 2 s, so the quiet time is 32.5 s and a second one ends at 65 s.
fn cases() -> Vec<Case> {
    use Brings::{Doubles, Nothing, Refusals};
    use FaultKind::{
        AnswerLate, CommitThenCut, CommitThenError, CutThenCommit, Hold, HtmlAnswer, Lag, Refuse, TruncatedJson,
    };
    let span = Duration::from_secs;
    let refuse = |status, body: &str| Refuse { status, body: body.to_owned() };
    vec![
        Case::new("done, then cut", CommitThenCut, Nothing),
        Case::new("cut, done after 5 s", CutThenCommit { after: span(5) }, Nothing),
        Case::new("cut, done after 29 s", CutThenCommit { after: span(29) }, Nothing),
        Case::new("cut, done after 50 s", CutThenCommit { after: span(50) }, Nothing),
        Case::new("cut, done after 100 s", CutThenCommit { after: span(100) }, Doubles).times(3),
        Case::new("cut, done after 400 s", CutThenCommit { after: span(400) }, Doubles).times(8).swept_after(3000),
        Case::new("refused", refuse(400, r#"{"success":false,"error":"Planned refusal"}"#), Refusals),
        Case::new("done, then 500", CommitThenError { status: 500 }, Nothing),
        Case::new("503, not done", refuse(503, "{}"), Nothing).times(8),
        Case::new("answered after 40 s", AnswerLate { wait: span(40) }, Nothing),
        Case::new("held for 59 s", Hold { wait: span(59) }, Nothing),
        Case::new("half an answer", TruncatedJson, Nothing),
        Case::new("a web page as answer", HtmlAnswer, Nothing),
        Case::new("listed after 600 s", Lag { lag: span(600) }, Nothing),
        Case {
            share: 0.6,
            ..Case::new("burst of 429", refuse(429, r#"{"success":false,"error":"request over limit"}"#), Nothing)
        },
        Case::new("done, then cut, listed late", CommitThenCut, Nothing).lagging(60),
        Case::new("done, then cut, listed much later", CommitThenCut, Doubles).times(8).lagging(500),
    ]
}

/// Runs the cases of each lag one after the other in an account of their own.
fn every_fault(entity: Entity) {
    let cases = cases();
    let mut lags: Vec<u64> = cases.iter().map(|case| case.list_lag_seconds).collect();
    lags.dedup();
    for lag in lags {
        let seed = 100 * lag + entity as u64;
        let settings = Settings { seed, list_lag: Duration::from_secs(lag), caps: false, ..unlimited() };
        let cases = cases.iter().filter(|case| case.list_lag_seconds == lag);
        drive(settings, |bench| async move {
            for (number, case) in cases.enumerate() {
                one(&bench, entity, number, case).await;
            }
        });
    }
}

async fn one(bench: &Bench, entity: Entity, number: usize, case: &Case) {
    let numbers = number * RECORDS..(number + 1) * RECORDS;
    let what = format!("{entity}: {}, lists lag {} s", case.name, case.list_lag_seconds);
    let loader = bench.loader(Conflict::Ask);
    let before = (bench.created(entity), bench.journal.questions().await.expect("read").len());
    loader.begin(entity).await.expect("begun");
    bench.running.set_faults(vec![FaultRule {
        method: Some("POST".into()),
        probability: case.share,
        count: case.count,
        ..FaultRule::new(case.kind.clone())
    }]);
    bench.run(&loader, entity, numbers.clone(), "first").await;
    let doubtful = bench.in_doubt().await;
    loader.settle(entity).await.expect("settled");
    bench.clock.sleep(Duration::from_secs(case.before_sweep_seconds)).await;
    let swept = loader.sweep(entity).await.expect("swept");
    bench.running.set_faults(Vec::new());

    let leaves_doubt = match case.kind {
        FaultKind::Refuse { status, .. } => status >= 500,
        FaultKind::Lag { .. } => false,
        _ => true,
    };
    assert_eq!(doubtful > 0, leaves_doubt, "{what}: {doubtful} in doubt");
    assert_eq!(bench.in_doubt().await, 0, "{what}");
    let mut refused = 0;
    let live = bench.live(entity);
    for number in numbers.clone() {
        let bound = bench.bound(&key(entity, number)).await.expect("an end");
        if bound.fate == Fate::Parked {
            refused += 1;
            assert!(bound.waits_for_people(), "{what}: {bound:?}");
            assert!(bound.reason.as_deref().is_some_and(|why| why.contains("Planned refusal")), "{what}: {bound:?}");
            assert_eq!(live.get(&bench.markers.text(&bound.key)), None, "{what}");
        } else {
            bench.the_record(&live, entity, number).await;
        }
    }
    let doubles = bench.created(entity) - before.0 - (RECORDS - refused) as u64;
    let brought = format!("{what}: {refused} refused, {doubles} doubles");
    match case.brings {
        Brings::Nothing => assert!(refused == 0 && doubles == 0, "{brought}"),
        Brings::Doubles => assert!(refused == 0 && doubles > 0, "{brought}"),
        Brings::Refusals => assert!(refused > 0 && doubles == 0, "{brought}"),
    }
    assert_eq!((swept.removed, swept.adopted, swept.questions), (doubles, 0, 0), "{what}");
    assert_eq!(bench.journal.questions().await.expect("read").len(), before.1, "{what}");
    let fates = bench.journal.fates().await.expect("counted");
    let sum: u64 = fates.iter().map(|count| count.records).sum();
    assert!(fates.iter().all(|count| count.fate.is_some()) && sum == numbers.end as u64, "{what}: {fates:?}");
}

#[test]
fn organizations() {
    every_fault(Entity::Organization);
}

#[test]
fn persons() {
    every_fault(Entity::Person);
}

#[test]
fn leads() {
    every_fault(Entity::Lead);
}

#[test]
fn deals() {
    every_fault(Entity::Deal);
}

#[test]
fn activities() {
    every_fault(Entity::Activity);
}

#[test]
fn notes() {
    every_fault(Entity::Note);
}
