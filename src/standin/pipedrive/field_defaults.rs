//! The fields that every account has: a selection of those that the real lists name, and the options of the labels.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::field_set::{FieldKind, FieldOption, FieldSet, Looks};
use super::fields::Owner;
use super::state::State;

/// The fields of activities (API v2), which the API only reads; the options of the priority are `priorities`.
pub(super) fn of_activities(priorities: [u64; 3]) -> FieldSet {
    use FieldKind::{Address, Date, Double, Enum, Org, People, Text, Time, User, Varchar};
    let display = [json!({"add_visible_flag": true, "details_visible_flag": true}), Value::Null, Value::Null];
    let looks = Looks { display, is_described: false };
    let mut set = FieldSet { looks, ..FieldSet::default() };
    for (name, code, kind) in [
        ("Subject", "subject", Varchar),
        ("Type", "type", Varchar),
        ("Owner", "owner_id", User),
        ("Deal", "deal_id", Double),
        ("Lead", "lead_id", Varchar),
        ("Contact person", "person_id", People),
        ("Organization", "org_id", Org),
        ("Due date", "due_date", Date),
        ("Due time", "due_time", Time),
        ("Duration", "duration", Time),
        ("Location", "location", Address),
        ("Public description", "public_description", Text),
        ("Note", "note", Text),
        ("Priority", "priority", Enum),
        ("Add time", "add_time", Date),
        ("Update time", "update_time", Date),
    ] {
        let labels = if code == "priority" { &["High", "Medium", "Low"][..] } else { &[] };
        let option = |(id, label): (u64, &&str)| (id, FieldOption { label: (*label).to_owned(), color: None });
        set.add_system((name, code, kind), priorities.into_iter().zip(labels).map(option).collect());
    }
    set
}

/// The label options of a fresh account, and the fields that every account has.
pub(super) fn add(state: &mut State, owner: Owner) {
    use FieldKind::{Address, Date, Double, Enum, Monetary, Org, People, Phone, Set, Text, User, Varchar};
    let labels: &[(&str, &'static str)] = match owner {
        Owner::Deal => &[("Hot", "red"), ("Warm", "yellow"), ("Cold", "blue")],
        _ => &[("Customer", "green"), ("Hot lead", "red"), ("Warm lead", "yellow"), ("Cold lead", "blue")],
    };
    let common = [
        ("Labels", "label_ids", Set),
        ("Owner", "owner_id", User),
        ("Created", "add_time", Date),
        ("Updated", "update_time", Date),
        ("Visible to", "visible_to", Double),
    ];
    let own: &[(&str, &str, FieldKind)] = match owner {
        Owner::Organization => &[("Name", "name", Varchar), ("Address", "address", Address)],
        Owner::Product => &[
            ("Name", "name", Varchar),
            ("Product code", "code", Varchar),
            ("Category", "category", Enum),
            ("Unit", "unit", Varchar),
            ("Description", "description", Text),
            ("Tax", "tax", Double),
        ],
        Owner::Person => &[
            ("Name", "name", Varchar),
            ("First name", "first_name", Varchar),
            ("Last name", "last_name", Varchar),
            ("Phone", "phone", Phone),
            ("Email", "email", Varchar),
            ("Organization", "org_id", Org),
        ],
        Owner::Deal => &[
            ("Title", "title", Varchar),
            ("Value", "value", Monetary),
            ("Contact person", "person_id", People),
            ("Organization", "org_id", Org),
            ("Pipeline", "pipeline_id", Double),
            ("Stage", "stage_id", Double),
            ("Status", "status", Varchar),
            ("Probability", "probability", Double),
            ("Lost reason", "lost_reason", Varchar),
            ("Expected close date", "expected_close_date", Date),
            ("Won time", "won_time", Date),
            ("Lost time", "lost_time", Date),
            ("Close time", "close_time", Date),
        ],
    };
    let profile = [
        ("Website", "website", Varchar),
        ("LinkedIn profile", "linkedin", Varchar),
        ("Industry", "industry", Enum),
        ("Annual revenue", "annual_revenue", Double),
        ("Number of employees", "employee_count", Double),
    ];
    let profile = if owner == Owner::Organization && state.settings.organization_profile { &profile[..] } else { &[] };
    state.fields_mut(owner).looks = owner.looks();
    for (name, code, kind) in own.iter().chain(&common).chain(profile) {
        let labels = match *code {
            "label_ids" => labels,
            "category" => &[("Apparel", "gray"), ("Drinkware", "gray"), ("Writing", "gray")],
            "industry" => &[("Advertising", "gray"), ("Manufacturing", "gray"), ("Retail", "gray")],
            _ => &[],
        };
        let option = |(label, color): &(&str, &'static str)| {
            (state.option_id(), FieldOption { label: (*label).to_owned(), color: Some(Cow::Borrowed(*color)) })
        };
        let options = labels.iter().map(option).collect();
        state.fields_mut(owner).add_system((name, code, *kind), options);
    }
}
