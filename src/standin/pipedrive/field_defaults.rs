//! The fields that every account has: a selection of those that the real lists name, and the options of the labels.

use std::borrow::Cow;

use super::field_set::{FieldKind, FieldOption};
use super::fields::Owner;
use super::state::State;

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
