//! The verification's second layer: source against Pipedrive without the promises and without normalize.
//!
//! The source is read again from its first row. Its records are counted, the amounts of its deals added up by stage and by
//! owner, and their names compared as multisets, straight from the raw columns; Pipedrive's side comes from the rows that
//! the first layer reads. What this layer must take from the mapping is only which column is which.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;

use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Migration;
use crate::error::Result;
use crate::mapping::Mapping;
use crate::mapping::column::Column;
use crate::mapping::field::Origin;
use crate::mapping::object::Destination;
use crate::pipedrive::Row;
use crate::record::{BindingKey, Entity, Object, Target, fold_name};
use crate::report::page::counted;
use crate::report::verification::{IdentityLine, SumLine, Verification};
use crate::source::Cursor;
use crate::stage::resolve::{Assignment, OwnerBook, Workspace};

/// The longest title that Pipedrive keeps of ours; longer ones are cut by the mapping, and found by the first layer.
const TITLE_CHARS: usize = 255;

/// A deal as Pipedrive shows it. At most 300,000 of them fit into an account (Pipedrive help centre, "Usage limits"), so
/// keeping all of them is bounded.
struct Seen {
    stage: i64,
    owner: i64,
    value: Decimal,
    currency: String,
    title: String,
}

/// The columns of an object that becomes deals.
struct Columns {
    object: Object,
    role: String,
    value: Option<Column>,
    stage: Option<Column>,
    owner: Option<Column>,
    title: Vec<Column>,
}

/// What was added up so far.
pub(super) struct Independent {
    columns: Vec<Columns>,
    stage_names: HashMap<i64, String>,
    known_stages: Vec<String>,
    owners: OwnerBook,
    deals: HashMap<BindingKey, Seen>,
    counts: Vec<SumLine>,
    stages: BTreeMap<(String, String), (Decimal, Decimal)>,
    by_owner: BTreeMap<(i64, String), (Decimal, Decimal)>,
    titles: HashMap<String, i64>,
}

impl Independent {
    pub(super) fn new(mapping: &Mapping, workspace: &Workspace, owners: OwnerBook) -> Self {
        Self {
            columns: columns(mapping),
            stage_names: workspace.stages.values().map(|key| (key.stage_id, key.name.clone())).collect(),
            known_stages: workspace.stages.keys().map(|(_, stage)| stage.clone()).collect(),
            owners,
            deals: HashMap::new(),
            counts: Vec::new(),
            stages: BTreeMap::new(),
            by_owner: BTreeMap::new(),
            titles: HashMap::new(),
        }
    }

    /// A live record of ours in Pipedrive.
    pub(super) fn see(&mut self, entity: Entity, key: &BindingKey, row: &Row) {
        let is_ours = self.columns.iter().any(|columns| columns.object == key.object && *columns.role == *key.role);
        if entity != Entity::Deal || !is_ours {
            return;
        }
        let number = |name: &str| row.body.get(name).and_then(Value::as_i64).unwrap_or_default();
        let value = row.body.get("value").and_then(amount_of).unwrap_or_default();
        let currency = row.text("currency").unwrap_or_default().to_owned();
        let title = squeeze(row.text("title").unwrap_or_default());
        let seen = Seen { stage: number("stage_id"), owner: number("owner_id"), value, currency, title };
        self.deals.insert(key.clone(), seen);
    }

    /// A row of the source, as it is now.
    fn read(&mut self, object: Object, id: &str, payload: &Map<String, Value>) {
        let Some(columns) = self.columns.iter().find(|columns| columns.object == object) else { return };
        let key = BindingKey::new(object, id, columns.role.as_str());
        // Once each: a walk that begins again brings every row a second time.
        let Some(deal) = self.deals.remove(&key) else { return };
        let raw_value =
            columns.value.as_ref().and_then(|column| column.value(payload)).and_then(amount_of).unwrap_or_default();
        let stage = deal_stage(cell(&columns.stage, payload).as_deref(), &deal, &self.known_stages, &self.stage_names);
        let currency = deal.currency.clone();
        self.stages.entry((stage, currency.clone())).or_default().0 += raw_value;
        let there = self.stage_names.get(&deal.stage).cloned().unwrap_or_else(|| format!("stage {}", deal.stage));
        self.stages.entry((there, currency.clone())).or_default().1 += deal.value;
        let owner = match cell(&columns.owner, payload).map(|owner| self.owners.assignment(&owner)) {
            Some(Assignment::User(user) | Assignment::Reassigned(user, _)) => user,
            // A deal without an owner belongs to the token's user, whoever that is.
            Some(Assignment::Waits(_)) | None => deal.owner,
        };
        self.by_owner.entry((owner, currency.clone())).or_default().0 += raw_value;
        self.by_owner.entry((deal.owner, currency)).or_default().1 += deal.value;
        if let Some(title) = columns.title.iter().find_map(|column| column.text(payload)) {
            let title = squeeze(&title);
            if title.chars().count() <= TITLE_CHARS {
                *self.titles.entry(title).or_default() += 1;
                *self.titles.entry(deal.title.clone()).or_default() -= 1;
            }
        }
    }

    /// Writes everything into the report.
    pub(super) fn tell(self, report: &mut Verification) {
        report.counts = self.counts;
        let sum = |what: String, currency: String, (source, pipedrive): (Decimal, Decimal)| SumLine {
            what,
            currency,
            source: source.normalize(),
            pipedrive: pipedrive.normalize(),
            allowed: String::new(),
        };
        report.stages = self
            .stages
            .into_iter()
            .map(|((stage, currency), sums)| sum(format!("value of deals in stage {stage}"), currency, sums))
            .collect();
        report.owners = self
            .by_owner
            .into_iter()
            .map(|((owner, currency), sums)| sum(format!("value of deals of user {owner}"), currency, sums))
            .collect();
        let mut identity = IdentityLine::new(Entity::Deal, "title");
        for (title, difference) in self.titles {
            identity.values += 1;
            identity.add_difference(&title, difference);
        }
        if identity.values > 0 {
            report.identities.push(identity);
        }
    }
}

impl Migration {
    /// Reads an object at the source again, from its first row.
    ///
    /// # Errors
    /// Those of reads; an object whose answers are not what they were is paused as well.
    pub(super) async fn read_again(&self, object: Object, independent: &mut Independent) -> Result<()> {
        let read = self.read_all(object, independent).await;
        if let Err(error) = &read
            && self.is_drift(object, error).await?
        {
            self.pause_object(object, error).await?;
        }
        read
    }

    async fn read_all(&self, object: Object, independent: &mut Independent) -> Result<()> {
        self.border().await?;
        self.progress.begin("verify", &format!("{object} again"), 0);
        let mut pages = self.source.pages(object, Cursor::start());
        let (mut rows, mut whole) = (0, None);
        while let Some(page) = pages.try_next().await? {
            rows = page.counts.records + page.counts.rejected;
            whole = page.whole;
            self.progress.add_done(page.records.len() as u64);
            for record in &page.records {
                independent.read(object, &record.id, &record.payload);
            }
            if page.last {
                break;
            }
        }
        let landed = self.journal.live_records(object).await?;
        let mut line = SumLine::count(object.to_string(), rows, landed);
        if let Some(whole) = whole.filter(|_| landed > rows) {
            let unreadable = self.journal.count_vanished(object, whole.digest).await?.unreadable;
            if landed - rows == unreadable {
                let those = counted(unreadable, "row", "rows");
                line.allowed = format!("{those} cannot be read any more: counted as such, and as what was read before");
            }
        }
        independent.counts.push(line);
        Ok(())
    }
}

/// Which column is which, for each object that becomes deals.
fn columns(mapping: &Mapping) -> Vec<Columns> {
    let deals = mapping.destinations().filter(|(_, to)| to.entity == Entity::Deal && to.each.is_none());
    deals.map(|(object, to)| columns_of(object, to)).collect()
}

fn columns_of(object: Object, to: &Destination) -> Columns {
    let field = |name: &str| to.fields.iter().find(|field| field.target == Target::System(name.to_owned()));
    let first = |name: &str| match &field(name).filter(|field| field.fold.is_none())?.from {
        Origin::First(columns) => columns.first().cloned(),
        _ => None,
    };
    let title = match field("title").map(|field| &field.from) {
        Some(Origin::First(columns)) => columns.clone(),
        _ => Vec::new(),
    };
    let scaled = field("value").is_some_and(|field| field.scale.is_some());
    let value = if scaled { None } else { first("value") };
    Columns { object, role: to.role.to_string(), value, stage: first("stage_id"), owner: first("owner_id"), title }
}

/// The stage a raw row names; for names that no pipeline has any more, the stage that stands in for it.
fn deal_stage(raw: Option<&str>, deal: &Seen, known: &[String], names: &HashMap<i64, String>) -> String {
    let there = names.get(&deal.stage).cloned().unwrap_or_else(|| format!("stage {}", deal.stage));
    let Some(raw) = raw.map(fold_name) else { return there };
    if !known.contains(&raw) {
        return there;
    }
    names.values().find(|name| fold_name(name) == raw).cloned().unwrap_or(there)
}

/// An amount as a person reads it: digits, one point; commas and currency signs passed over, parentheses are minus. A
/// comma before the last one or two digits is the decimal sign, and then points are passed over.
fn amount_of(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        // An amount beside its currency.
        Value::Object(parts) => return parts.get("amount").or_else(|| parts.get("value")).and_then(amount_of),
        _ => return None,
    };
    // A currency code is part of an amount; other words make it something else.
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let is_code = letters.len() == 3 && letters.iter().all(char::is_ascii_uppercase);
    if !letters.is_empty() && !is_code {
        return None;
    }
    let after_comma = text.rsplit_once(',').map_or(0, |(_, end)| end.chars().filter(char::is_ascii_digit).count());
    let has_decimal_comma = (1..=2).contains(&after_comma) && text.rfind('.') < text.rfind(',');
    let text = if has_decimal_comma { text.replace('.', "").replace(',', ".") } else { text };
    let plain: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.' || *c == '-').collect();
    let amount = Decimal::from_str(&plain).ok()?;
    Some(if text.trim().starts_with('(') { -amount } else { amount })
}

fn cell<'a>(column: &'a Option<Column>, payload: &'a Map<String, Value>) -> Option<Cow<'a, str>> {
    column.as_ref().and_then(|column| column.text(payload))
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_read_as_people_read_them() {
        let check = |raw: Value, expected: &str| assert_eq!(amount_of(&raw), Decimal::from_str(expected).ok(), "{raw}");
        check(json!(1250), "1250");
        check(json!("$1,250.00"), "1250.00");
        check(json!("(120.50)"), "-120.50");
        check(json!("1.250,07"), "1250.07");
        check(json!("12,5 €"), "12.5");
        check(json!("1,250"), "1250");
        check(json!({"amount": "770.10", "currency": "USD"}), "770.10");
        check(json!({"value": 5}), "5");
        assert_eq!(amount_of(&json!({"total": 5})), None);
        assert_eq!(amount_of(&json!("TBD")), None);
        assert_eq!(amount_of(&json!("12 or so")), None);
        assert_eq!(amount_of(&json!(null)), None);
    }
}
