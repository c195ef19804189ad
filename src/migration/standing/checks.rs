//! Whether the account is ready: what our user may see, what the web application asks people for, what hears of our writes.

use super::super::inventory::Inventory;
use super::super::survey::option_key;
use super::{Wanted, names};
use crate::pipedrive::Field;
use crate::record::{Entity, fold_name};
use crate::report::page::{counted, number};
use crate::report::preflight::{CURRENCIES, Check, Outcome};

/// Every check that reading can make.
pub(super) fn of(inventory: &Inventory, wanted: &Wanted<'_>) -> Vec<Check> {
    vec![
        access(inventory),
        visibility(wanted),
        currencies(inventory, wanted),
        fields(inventory, wanted),
        owners(wanted),
        webhooks(inventory),
        Check::new("Invitations", Outcome::Good, "Nobody is invited: activities are written without attendees, ever."),
    ]
}

/// What only a person can confirm, in words.
pub(in super::super) fn to_confirm(inventory: &Inventory) -> Vec<String> {
    let mut items = vec![
        "Automations of the account are paused. Pipedrive's API does not show them, and every record that is written could \
         set them off."
            .to_owned(),
    ];
    let hooks = inventory.webhooks.as_ref().map_or(0, Vec::len) as u64;
    if hooks > 0 {
        items.push(format!(
            "The receivers of {} may be called once for every write, or the webhooks are switched off.",
            counted(hooks, "webhook", "webhooks")
        ));
    }
    items
}

fn access(inventory: &Inventory) -> Check {
    const ABOUT: &str = "What our user may see and do";
    let Some(lacks) = &inventory.lacks else {
        let says = "Pipedrive does not say whether our user is an administrator. The throw-away record will show what it may do.";
        return Check::new(ABOUT, Outcome::Unknown, says);
    };
    if lacks.is_empty() {
        let says = "Our user administers contacts, deals and the account's settings: it sees what everybody owns.";
        return Check::new(ABOUT, Outcome::Good, says);
    }
    let part = |part: &String| match part.as_str() {
        "global" => "contacts and activities",
        "sales" => "deals and leads",
        _ => "the account's settings",
    };
    let parts: Vec<&str> = lacks.iter().map(part).collect();
    let admins: Vec<&str> =
        inventory.users.iter().filter(|user| user.admin && user.active).map(|user| user.name.as_str()).collect();
    let ask = match admins.as_slice() {
        [] => "Use the token of an administrator.".to_owned(),
        admins => format!("Use the token of an administrator: {}.", names(admins)),
    };
    let says = format!(
        "Our user does not administer {}. What others own would stay unseen and be made a second time. {ask}",
        parts.join(", nor ")
    );
    Check::new(ABOUT, Outcome::Blocks, says)
}

fn visibility(wanted: &Wanted<'_>) -> Check {
    // Values of `visible_to` by plan: OpenAPI v1 and v2.
    let values = if wanted.has_groups {
        "their owner, the owner's visibility group, that and its sub-groups, or the whole company (1, 3, 5, 7)"
    } else {
        "their owner and followers, or the whole company (1, 3)"
    };
    let says = format!(
        "On this plan records can be seen by {values}. The migration sets nothing, so the default of our user's settings \
         applies; the throw-away record shows which it is."
    );
    Check::new("Who sees new records", Outcome::Good, says)
}

fn currencies(inventory: &Inventory, wanted: &Wanted<'_>) -> Check {
    const ABOUT: &str = CURRENCIES;
    if inventory.currencies.is_empty() {
        return Check::new(ABOUT, Outcome::Unknown, "Pipedrive does not show the account's currencies to our user.");
    }
    let is_on =
        |code: &&String| inventory.currencies.iter().any(|currency| currency.code == **code && currency.active_flag);
    let missing: Vec<&str> = wanted.needs.currencies.keys().filter(|code| !is_on(code)).map(String::as_str).collect();
    if missing.is_empty() {
        let needed = wanted.needs.currencies.len() as u64;
        let says = format!("The data is in {}, switched on in the account.", counted(needed, "currency", "currencies"));
        return Check::new(ABOUT, Outcome::Good, says);
    }
    let says =
        format!("Needed and not switched on in the account: {}. The plan says for how many amounts.", names(&missing));
    Check::new(ABOUT, Outcome::Blocks, says)
}

/// Fields that people must fill, and how many records come without them.
fn fields(inventory: &Inventory, wanted: &Wanted<'_>) -> Check {
    const ABOUT: &str = "Fields that people must fill";
    let mut lines = Vec::new();
    for (owner, fields) in &inventory.fields {
        let drafts = wanted.needs.drafts.get(owner.as_str()).copied().unwrap_or_default();
        for field in fields.iter().filter(|field| field.required || field.important) {
            let without = drafts.saturating_sub(filled(*owner, field, wanted));
            if without > 0 {
                let word = if field.required { "required" } else { "important" };
                let of = counted(drafts, &format!("new {owner}"), &format!("new {owner}s"));
                lines.push(format!(
                    "'{}' of {owner}s is {word}: {} of {of} come without it",
                    field.name,
                    number(without)
                ));
            }
        }
    }
    if lines.is_empty() {
        return Check::new(ABOUT, Outcome::Good, "None, or every record has a value for them.");
    }
    // OpenAPI v2: `required_fields` is of the web application only.
    let says =
        format!("{}. The API does not ask for them; people will, when they next save such a record.", lines.join(". "));
    Check::new(ABOUT, Outcome::Look, says)
}

/// Drafts that have a value for a field of the account.
fn filled(owner: Entity, field: &Field, wanted: &Wanted<'_>) -> u64 {
    if !field.custom {
        let key = option_key(owner, &field.code);
        return wanted.needs.filled_system.get(&key).copied().unwrap_or_default();
    }
    let ours = wanted.mapping.custom_fields();
    let own = ours.iter().find(|own| own.entity == owner && fold_name(&own.name) == fold_name(&field.name));
    let filled = own.and_then(|own| wanted.needs.filled.get(&option_key(owner, &own.name)));
    filled.copied().unwrap_or_default()
}

fn owners(wanted: &Wanted<'_>) -> Check {
    const ABOUT: &str = "Owners with a deactivated user";
    let switched_off = &wanted.needs.deactivated;
    if switched_off.is_empty() {
        return Check::new(ABOUT, Outcome::Good, "None.");
    }
    let records: u64 = switched_off.values().sum();
    let called: Vec<&str> = switched_off.keys().map(String::as_str).collect();
    let says = format!(
        "{}; {} for them. Activate the users, or decide in the mapping who takes over.",
        names(&called),
        counted(records, "record waits", "records wait")
    );
    Check::new(ABOUT, Outcome::Look, says)
}

fn webhooks(inventory: &Inventory) -> Check {
    const ABOUT: &str = "Webhooks";
    match inventory.webhooks.as_deref() {
        None => Check::new(ABOUT, Outcome::Unknown, "Pipedrive does not show the account's webhooks to our user."),
        Some([]) => Check::new(ABOUT, Outcome::Good, "The account has none that our user sees."),
        Some(hooks) => {
            let told = |hook: &crate::pipedrive::Webhook| {
                // What follows a question mark may be a secret.
                let url = hook.subscription_url.split('?').next().unwrap_or_default();
                format!("{url} ({} {})", hook.event_action, hook.event_object)
            };
            let told: Vec<String> = hooks.iter().map(told).collect();
            let says = format!(
                "{} for each write: {}.",
                counted(hooks.len() as u64, "webhook is called", "webhooks are called"),
                names(&told.iter().map(String::as_str).collect::<Vec<_>>())
            );
            Check::new(ABOUT, Outcome::Look, says)
        }
    }
}
