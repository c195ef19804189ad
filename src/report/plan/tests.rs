//! Tests of the plan, and the input that tests of its neighbours plan from.

use super::*;
use crate::config::Plan as Tariff;

pub(in crate::report) fn input() -> PlanInput {
    let at = |text: &str| text.parse().expect("a time");
    let stage = |name: &str, percent| PlannedStage {
        name: name.to_owned(),
        found: Found::New,
        probability: Some(Decimal::from(percent)),
    };
    PlanInput {
        fields: vec![PlannedField {
            entity: Entity::Deal,
            name: "Customer PO".into(),
            field_type: "varchar".into(),
            options: 0,
            new_options: 0,
            found: Found::New,
            filled: Some(40),
            records: 26_000,
        }],
        pipelines: vec![PlannedPipeline {
            name: "Orders".into(),
            found: Found::New,
            stages: vec![stage("Quote", 10), stage("Proof", 60)],
        }],
        lead_labels: vec!["New".into()],
        activity_types: vec!["Proof".into()],
        records: BTreeMap::from([(Entity::Organization, 1_000), (Entity::Lead, 2_000), (Entity::Deal, 24_000)]),
        waiting: 120,
        further: vec![Cost {
            what: "Follow changes for a week".into(),
            minimum: false,
            effort: Effort { requests: 100, tokens: 1_000, seconds: 60 },
        }],
        conflicts: Vec::new(),
        preflight: Preflight::default(),
        existing: Some(Existing { custom_fields: 3, leads_and_deals: 10, ..Existing::default() }),
        closed_deals: 9_000,
        too_long: (0, 0),
        following: Following {
            poll_seconds: 60,
            tries_seconds: 900,
            waits: true,
            changed: BTreeMap::from([(Entity::Deal, 300)]),
            over_days: 30,
        },
        spending: Spending::Planned { plan: Tariff::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 0 },
        start: Start {
            at: at("2026-11-23T08:00:00Z"),
            budget_resets_at: at("2026-11-24T00:00:00Z"),
            tokens_left: None,
            round_trip_ms: 0,
            tokens_day: None,
            others_tokens_day: 0,
        },
        side_effects: vec!["Webhooks of the account fire for every record.".into()],
    }
}

#[test]
fn costs_are_creates_and_pages() {
    let plan = Plan::build(input());
    // 1 field, 1 pipeline and 2 stages at 5; 1 label and 1 type at 10; 25,000 records at 5 and 2,000 leads at 10.
    assert_eq!(plan.minimum, Effort { requests: 27_006, tokens: 20 + 20 + 125_000 + 20_000, seconds: 0 });
    // 2 pages of organizations and 48 of deals at 10, 4 of leads at 20: once to count, once to verify.
    assert_eq!(plan.verification, Effort { requests: 54, tokens: 500 + 80, seconds: 0 });
    let further = Effort { requests: 100, tokens: 1_000, seconds: 60 };
    assert_eq!(plan.forecast, plan.minimum.plus(plan.verification).plus(plan.verification).plus(further));
    assert_eq!((plan.schedule.days, plan.comparison.len()), (Some(1), Tariff::ALL.len()));
    let fits: Vec<bool> = plan.caps.iter().map(|cap| cap.fits).collect();
    assert_eq!(fits, [false, true, true, true, true, true, true]);
}

#[test]
fn a_field_that_is_there_is_not_paid_again() {
    let mut known = input();
    known.fields[0].found = Found::There;
    assert_eq!(Plan::build(known.clone()).minimum.tokens + 5, Plan::build(input()).minimum.tokens);
    // Options that it lacks are one call; a pipeline that is there costs only its new stages.
    known.fields[0].new_options = 3;
    known.pipelines[0].found = Found::There;
    known.pipelines[0].stages[1].found = Found::Ours;
    assert_eq!(Plan::build(known).minimum.tokens + 10, Plan::build(input()).minimum.tokens);
}

#[test]
fn what_stands_in_the_way_is_said_and_what_does_not_is_not() {
    let mut input = input();
    input.conflicts = vec![
        Conflict::notice("Pipeline", "Orders", "It is there already."),
        Conflict::block("Custom field of deals", "Rush", "It is a text there.").way("rename theirs"),
    ];
    input.fields =
        (0..100).map(|number| PlannedField { name: format!("F{number}"), ..input.fields[0].clone() }).collect();
    let blockers = Plan::build(input).blockers();
    assert_eq!(blockers.len(), 2, "{blockers:?}");
    assert!(
        blockers[0].contains("'Rush'") && blockers[1].starts_with("custom fields: 3 there, 100 added, 100 allowed")
    );
}

#[test]
fn the_own_line_of_the_comparison_is_the_schedule_and_the_reserve_has_a_price() {
    let mut input = input();
    input.spending =
        Spending::Planned { plan: Tariff::Growth, seats: 5, top_up_tokens_day: 0, reserve_tokens_day: 200_000 };
    // 20,000 were spent today, by us or by others.
    input.start.tokens_left = Some(80_000);
    let plan = Plan::build(input);
    let of = |tariff: Tariff| plan.comparison.iter().find(|line| line.plan == tariff).expect("compared");
    let own = of(Tariff::Growth).seats[&5];
    assert_eq!((own.seconds, own.finishes_at), (plan.schedule.seconds, plan.schedule.finishes_at));
    assert_eq!((own.fits, of(Tariff::Premium).seats[&5].fits), (false, true));
    // 100,000 a day: today's 80,000, and the rest tomorrow. Without the reserve today is enough.
    assert_eq!((plan.schedule.days, plan.reserve.and_then(|reserve| reserve.without.days)), (Some(2), Some(1)));
    // On Lite the reserve takes more than there is.
    assert_eq!((of(Tariff::Lite).seats[&5].seconds, of(Tariff::Ultimate).seats[&1].days), (None, Some(16)));
    let curve = plan.curves.last().expect("the own curve");
    assert!(curve.own, "{curve:?}");
    assert_eq!(curve.points.last(), plan.schedule.seconds.map(|end| (end, plan.forecast.tokens - 580)).as_ref());
}

#[test]
fn the_digest_does_not_depend_on_the_moment() {
    let plan = Plan::build(input());
    let mut later = input();
    later.start.tokens_left = Some(5);
    later.start.at = "2026-11-23T09:00:00Z".parse().expect("a time");
    later.start.others_tokens_day = 9_000;
    assert_eq!(plan.digest().expect("a digest"), Plan::build(later).digest().expect("a digest"));
    let mut other = input();
    other.lead_labels.push("Old".into());
    assert_ne!(plan.digest().expect("a digest"), Plan::build(other).digest().expect("a digest"));
}
