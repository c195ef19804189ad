//! What a Pipedrive plan allows, against what this data needs, and what to do where it does not fit.
//!
//! Source: Pipedrive Knowledge Base, "Usage limits", and the revisions of May and September 2025 for older plans; "Custom
//! fields" for options; OpenAPI v2 for lengths. Plans without a published limit have none here.

use serde::{Deserialize, Serialize};

use super::PlannedField;
use crate::config::Plan;
use crate::report::page::{counted, number, title_case};

/// Most active leads and deals of an account, however many seats it has ("Usage limits"); Enterprise has no such ceiling.
pub const ACTIVE_CEILING: u64 = 300_000;

/// Options of one field at the most (documentation, "Custom fields").
pub const OPTIONS_MAX: u64 = 10_000;

/// The plans that are sold today, smallest first ("Usage limits", November 2025).
pub const SOLD_TODAY: [Plan; 4] = [Plan::Lite, Plan::Growth, Plan::Premium, Plan::Ultimate];

/// Fields that an advice names: the reader finds the others in the table of fields.
const FIELDS_NAMED: usize = 6;

/// What the account has already, as the survey counted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Existing {
    /// Custom fields.
    pub custom_fields: u64,
    /// Active leads and deals.
    pub leads_and_deals: u64,
    /// Whether there are more leads and deals than that: counting them costs a page for each 500, so it ends where the
    /// plan's limit does.
    pub has_more: bool,
    /// Requests that the counting took.
    pub requests: u64,
    /// Tokens that it cost.
    pub tokens: u64,
}

impl Existing {
    /// Notes what a call of the counting cost.
    pub fn add_call(&mut self, tokens: u32) {
        self.requests += 1;
        self.tokens += u64::from(tokens);
    }
}

/// What is held against the limits.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// What the account has already; `None` when nobody counted.
    pub existing: Option<Existing>,
    /// Leads to create.
    pub leads: u64,
    /// Deals to create.
    pub deals: u64,
    /// Of these, deals that are won or lost.
    pub closed_deals: u64,
    /// Persons and organizations to create.
    pub contacts: u64,
    /// Activity types to create.
    pub activity_types: u64,
    /// Pipelines to create.
    pub pipelines: u64,
    /// Custom fields that must be there.
    pub fields: &'a [PlannedField],
    /// Values that are left out because their field takes no text of that length.
    pub too_long: u64,
    /// Values that are cut for the same reason, because the mapping says so.
    pub cut: u64,
}

/// One limit of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapLine {
    /// What is limited.
    pub what: String,
    /// What is there already; `None`: not counted.
    pub existing: Option<u64>,
    /// What the migration adds.
    pub added: u64,
    /// What the plan allows; `None`: no limit is known.
    pub allowed: Option<u64>,
    /// Whether it fits.
    pub fits: bool,
    /// Whether it does not fit and Pipedrive would refuse in the middle of the work, so that nothing may be made before.
    /// Leads and deals beyond their limit do not block: people may archive or buy seats while the load runs.
    pub blocks: bool,
    /// What to do where it does not fit, or what else must be known; may be empty.
    pub advice: String,
}

impl CapLine {
    /// Compares a need with what is allowed.
    #[must_use]
    pub fn new(what: impl Into<String>, existing: Option<u64>, added: u64, allowed: Option<u64>) -> Self {
        let all = existing.unwrap_or_default().saturating_add(added);
        let fits = allowed.is_none_or(|allowed| all <= allowed);
        Self { what: what.into(), existing, added, allowed, fits, blocks: false, advice: String::new() }
    }

    /// Adds what to do.
    #[must_use]
    pub fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }

    /// Says that nothing may be made while it does not fit.
    #[must_use]
    fn firm(self) -> Self {
        Self { blocks: !self.fits, ..self }
    }

    /// By how much it does not fit.
    fn over(&self) -> u64 {
        let all = self.existing.unwrap_or_default().saturating_add(self.added);
        self.allowed.map_or(0, |allowed| all.saturating_sub(allowed))
    }
}

impl Need<'_> {
    /// The limits of a plan against this need.
    #[must_use]
    pub fn lines(&self, plan: Plan, seats: u32) -> Vec<CapLine> {
        vec![
            self.active(plan, seats),
            self.custom_fields(plan),
            self.options(),
            self.lengths(),
            self.types(),
            self.pipelines(),
            {
                let what = "persons and organizations";
                CapLine::new(what, None, self.contacts, None).advice("No plan limits them.")
            },
        ]
    }

    /// Whether the data fits into the limits that depend on plan and seats.
    #[must_use]
    pub fn fits(&self, plan: Plan, seats: u32) -> bool {
        self.active(plan, seats).fits && self.custom_fields(plan).fits
    }

    fn active(&self, plan: Plan, seats: u32) -> CapLine {
        let existing = self.existing.map(|existing| existing.leads_and_deals);
        let allowed = active_leads_and_deals(plan, seats);
        let line = CapLine::new("active leads and deals", existing, self.leads + self.deals, allowed);
        if line.fits {
            let closed =
                if self.closed_deals == 1 { "1 is".to_owned() } else { format!("{} are", number(self.closed_deals)) };
            let all = counted(self.deals, "deal", "deals");
            return line
                .advice(format!("Of the {all} to create {closed} won or lost; such deals count like open ones."));
        }
        let at_least = if self.existing.is_some_and(|existing| existing.has_more) { "at least " } else { "" };
        let mut ways = Vec::new();
        if self.closed_deals > 0 {
            ways.push(format!(
                "{} of the {} deals to create are won or lost: leave the oldest out by a `skip` rule in the mapping \
                 (Crossdock does not load archived deals, because Pipedrive's lists, which every check reads, leave \
                 them out)",
                number(self.closed_deals),
                number(self.deals)
            ));
        }
        if existing.is_some_and(|existing| existing > 0) {
            ways.push(
                "archive closed leads and deals that are in Pipedrive already: archived ones do not count".into(),
            );
        }
        ways.extend(larger(existing.unwrap_or_default() + self.leads + self.deals, plan, seats));
        let over = format!("{at_least}{} too many", number(line.over()));
        line.advice(format!("{over}. {}.", sentence(&ways)))
    }

    fn custom_fields(&self, plan: Plan) -> CapLine {
        let existing = self.existing.map(|existing| existing.custom_fields);
        let added = self.fields.iter().filter(|field| !field.found.is_there()).count() as u64;
        let line = CapLine::new("custom fields", existing, added, custom_fields(plan)).firm();
        if line.fits {
            return line;
        }
        let mut rare: Vec<(&PlannedField, u64)> = self
            .fields
            .iter()
            .filter(|field| !field.found.is_there())
            .filter_map(|field| Some((field, field.filled?)))
            .collect();
        // Least filled first, in thousandths; names make the order the same every time.
        rare.sort_by_key(|(field, filled)| (filled * 1_000 / field.records.max(1), &field.name));
        let named: Vec<String> = rare
            .iter()
            .take(FIELDS_NAMED)
            .map(|(field, filled)| {
                let (entity, filled) = (title_case(field.entity.as_str()), number(*filled));
                format!("{} of {entity} ({filled} of {})", field.name, number(field.records))
            })
            .collect();
        let all = existing.unwrap_or_default() + added;
        let larger = SOLD_TODAY.into_iter().filter_map(|plan| Some((plan, custom_fields(plan)?)));
        let larger = larger.filter(|(_, allowed)| all <= *allowed).min_by_key(|(_, allowed)| *allowed);
        let larger = larger.map_or_else(String::new, |(plan, allowed)| {
            format!("; or {} allows {}", title_case(plan.as_str()), number(allowed))
        });
        let over = number(line.over());
        let names = named.join(", ");
        line.advice(format!(
            "{over} too many: Pipedrive would refuse them in the middle of the work. Rarely filled: {names}. Leave such fields out of the mapping \
             or write several of them into one large text{larger}."
        ))
    }

    fn options(&self) -> CapLine {
        let most = self.fields.iter().max_by_key(|field| field.options);
        let (name, options) = most.map_or(("", 0), |field| (field.name.as_str(), field.options));
        if options == 0 {
            return CapLine::new("options of one field", None, 0, Some(OPTIONS_MAX));
        }
        let line =
            CapLine::new(format!("options of one field (most: {name})"), None, options, Some(OPTIONS_MAX)).firm();
        if line.fits { line } else { line.advice(format!("Map '{name}' as text: so many values are no list.")) }
    }

    fn lengths(&self) -> CapLine {
        let line = CapLine::new("values too long for their field", None, self.too_long, Some(0));
        let cut = counted(self.cut, "value is", "values are");
        match (line.fits, self.cut) {
            (true, 0) => line,
            (true, _) => line.advice(format!("Another {cut} cut, where the mapping says `cut`.")),
            (false, _) => line.advice(format!(
                "A text takes 255 characters, a large text 65,000: these values are left out, each with a finding in the \
                 quality report. Map them as `long_text`, or say `cut`; {cut} cut already."
            )),
        }
    }

    fn pipelines(&self) -> CapLine {
        CapLine::new("pipelines", None, self.pipelines, None).advice("No limit is published.")
    }

    fn types(&self) -> CapLine {
        CapLine::new("activity types", None, self.activity_types, None)
            .advice("Pipedrive limits them and does not publish the number.")
    }
}

/// Plans and seats that hold so many active leads and deals: more seats of the same plan, and the next larger one.
fn larger(all: u64, plan: Plan, seats: u32) -> Option<String> {
    if all > ACTIVE_CEILING {
        let ceiling = number(ACTIVE_CEILING);
        return Some(format!("more than {ceiling} fit into no plan that is sold today, whatever its seats"));
    }
    let seats_of = |plan: Plan| active_leads_and_deals(plan, 1).map_or(1, |each| all.div_ceil(each));
    let own = format!("{} with {}", title_case(plan.as_str()), counted(seats_of(plan), "seat", "seats"));
    let mut others = SOLD_TODAY.into_iter().filter(|other| *other != plan);
    let other = others.find(|other| active_leads_and_deals(*other, seats).is_none_or(|cap| all <= cap));
    let other = other.map_or_else(String::new, |other| {
        format!(", or {} with {}", title_case(other.as_str()), counted(u64::from(seats), "seat", "seats"))
    });
    Some(format!("{own}{other} would hold them"))
}

/// Ways to go, as one sentence.
fn sentence(ways: &[String]) -> String {
    let text = ways.join("; or ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Active leads and deals (neither archived nor deleted; won and lost deals count) of an account.
#[must_use]
pub fn active_leads_and_deals(plan: Plan, seats: u32) -> Option<u64> {
    let each = match plan {
        Plan::Essential => 2_000,
        Plan::Lite => 2_500,
        Plan::Advanced => 4_000,
        Plan::Growth => 5_000,
        Plan::Professional => 10_000,
        Plan::Premium | Plan::Power => 15_000,
        Plan::Ultimate => 20_000,
        Plan::Enterprise => return None,
    };
    Some((each * u64::from(seats)).min(ACTIVE_CEILING))
}

/// Custom fields of an account.
#[must_use]
pub const fn custom_fields(plan: Plan) -> Option<u64> {
    match plan {
        Plan::Lite | Plan::Essential => Some(30),
        Plan::Growth | Plan::Advanced => Some(100),
        Plan::Premium | Plan::Professional => Some(300),
        Plan::Ultimate | Plan::Power => Some(500),
        Plan::Enterprise => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::conflicts::Found;
    use super::*;
    use crate::record::Entity;

    fn field(name: &str, is_there: bool, filled: Option<u64>) -> PlannedField {
        let found = if is_there { Found::There } else { Found::New };
        let (name, field_type) = (name.to_owned(), "varchar".to_owned());
        PlannedField {
            entity: Entity::Deal,
            name,
            field_type,
            options: 0,
            new_options: 0,
            found,
            filled,
            records: 1_000,
        }
    }

    fn need(fields: &[PlannedField]) -> Need<'_> {
        let existing = Existing { custom_fields: 29, leads_and_deals: 100, ..Existing::default() };
        Need {
            existing: Some(existing),
            leads: 400,
            deals: 2_600,
            closed_deals: 1_500,
            contacts: 9_000,
            activity_types: 1,
            pipelines: 1,
            fields,
            too_long: 0,
            cut: 0,
        }
    }

    #[test]
    fn limits_are_those_published() {
        assert_eq!(active_leads_and_deals(Plan::Growth, 5), Some(25_000));
        assert_eq!(active_leads_and_deals(Plan::Ultimate, 20), Some(300_000));
        assert_eq!(active_leads_and_deals(Plan::Enterprise, 1), None);
        assert_eq!(custom_fields(Plan::Lite), Some(30));
        let fits = |existing, added| CapLine::new("x", existing, added, Some(30)).fits;
        assert!(fits(Some(10), 20) && !fits(Some(11), 20) && fits(None, 30) && !fits(None, 31));
    }

    #[test]
    fn what_does_not_fit_says_what_to_do() {
        let fields = [field("Rush", false, Some(900)), field("Fax", false, Some(3)), field("Known", true, Some(0))];
        let lines = need(&fields).lines(Plan::Lite, 1);
        assert_eq!(
            lines.iter().map(|line| line.fits).collect::<Vec<_>>(),
            [false, false, true, true, true, true, true]
        );
        let active = &lines[0].advice;
        assert!(active.starts_with("600 too many. 1,500 of the 2,600 deals to create are won or lost"), "{active}");
        assert!(active.contains("; or archive closed"), "{active}");
        assert!(active.ends_with("Lite with 2 seats, or Growth with 1 seat would hold them."), "{active}");
        // The field that is there takes no further place.
        assert_eq!((lines[1].existing, lines[1].added), (Some(29), 2));
        let fields = &lines[1].advice;
        assert!(fields.contains("Rarely filled: Fax of Deal (3 of 1,000), Rush of Deal (900 of 1,000)."), "{fields}");
        assert!(fields.ends_with("; or Growth allows 100."), "{fields}");
    }

    #[test]
    fn a_need_that_no_plan_holds_is_said_so() {
        let need = Need { deals: 300_001, existing: None, ..need(&[]) };
        let line = &need.lines(Plan::Ultimate, 50)[0];
        assert!(!line.fits && line.advice.contains("more than 300,000 fit into no plan"), "{}", line.advice);
        assert!(need.fits(Plan::Enterprise, 1));
    }

    #[test]
    fn options_and_lengths_have_limits_of_their_own() {
        let many = [PlannedField { options: 10_001, ..field("Size", false, Some(1)) }];
        let lines = Need { too_long: 2, cut: 1, ..need(&many) }.lines(Plan::Growth, 5);
        assert!(!lines[2].fits && lines[2].advice.contains("'Size' as text"), "{:?}", lines[2]);
        assert!(!lines[3].fits && lines[3].advice.contains("1 value is cut already"), "{:?}", lines[3]);
    }
}
