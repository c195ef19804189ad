//! What the rows of each table may become, best first: by its columns, by what it points at, and by how many of its rows
//! belong to one record. What somebody chose goes first.

use std::collections::BTreeSet;

use super::plan::Known;
use super::profile::{Column, Table};
use super::shape::Shape;
use super::tables::{Reference, concept_of};
use super::vocabulary::Vocabulary;
use crate::clean::money;
use crate::error::{Error, Kind, Result};
use crate::mapping::defaults::Defaults;
use crate::mapping::placement::{Placement, Placements, Rule};
use crate::record::{Entity, Object};

/// A placement with what speaks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// What the rows become.
    pub placement: Placement,
    /// How sure it is, 0 to 1. A choice that only people can make is never sure.
    pub confidence: f64,
    /// Why, in words.
    pub why: String,
}

impl Placed {
    fn new(placement: Placement, confidence: f64, why: impl Into<String>) -> Self {
        Self { placement, confidence, why: why.into() }
    }
}

/// All tables, while it is decided what becomes of them.
pub(super) struct Tables<'a> {
    pub(super) known: &'a Known,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) kinds: &'a [String],
    pub(super) objects: &'a [Option<Object>],
    pub(super) references: &'a [Vec<Reference>],
}

/// Records that may lie between a row and what holds it: an order and its project.
pub(super) const BETWEEN: usize = 2;

/// Records that hold what belongs to them, the one that is asked first.
const HOLDERS: [Entity; 4] = [Entity::Deal, Entity::Person, Entity::Organization, Entity::Lead];

impl Tables<'_> {
    /// The placements of every table, the chosen one first.
    ///
    /// # Errors
    /// `Settings` naming every choice that cannot be.
    pub(super) fn placed(&self, chosen: &Placements) -> Result<Vec<Vec<Placed>>> {
        let mut placed: Vec<Vec<Placed>> = vec![Vec::new(); self.objects.len()];
        let mut wrong = Vec::new();
        // What belongs to others is placed when it is known what those become.
        let passes: [fn(Object) -> bool; 3] = [
            |object| !is_child(object) && !matches!(object, Object::Project | Object::Contact),
            |object| matches!(object, Object::Project | Object::Contact),
            is_child,
        ];
        for pass in passes {
            for at in (0..placed.len()).filter(|at| self.objects[*at].is_some_and(pass)) {
                let mut options = self.options(at, &placed);
                let table = &self.known.tables[at].name;
                if let Some(choice) = chosen.get(table) {
                    match options.iter().position(|option| option.placement == *choice) {
                        Some(position) => {
                            let own = options.remove(position);
                            options.insert(0, own);
                        }
                        None => wrong.push(refusal(table, choice, &options)),
                    }
                }
                placed[at] = options;
            }
        }
        let names = self.known.tables.iter().map(|table| &table.name);
        let unknown = chosen.iter().filter(|(table, choice)| {
            let at = names.clone().position(|name| name == *table);
            at.is_none_or(|at| self.objects[at].is_none() && **choice != Placement::LeftOut)
        });
        wrong.extend(unknown.map(|(table, choice)| {
            format!("  placement, {table}: \"{choice}\" cannot be: the source has no such table, or nothing to tell its rows by")
        }));
        if wrong.is_empty() {
            return Ok(placed);
        }
        Err(Error::new(Kind::Settings, format!("these placements cannot be:\n{}", wrong.join("\n"))))
    }

    fn options(&self, at: usize, placed: &[Vec<Placed>]) -> Vec<Placed> {
        let table = &self.known.tables[at];
        let Some(object) = self.objects[at] else { return Vec::new() };
        let one = |kind: Entity| vec![Placed::new(Placement::Records(vec![kind]), 0.95, "that is what such rows are")];
        let mut options = match object {
            Object::Owner => return one(Entity::User),
            Object::Pipeline => return one(Entity::Pipeline),
            Object::Client => self.client(at),
            Object::Contact => self.contact(at, placed),
            Object::Lead => one(Entity::Lead),
            Object::Deal => one(Entity::Deal),
            Object::Project => self.project(at, placed),
            Object::Task | Object::Call | Object::Email | Object::Meeting => one(Entity::Activity),
            Object::Note => one(Entity::Note),
            _ => self.child(at, object, table, placed),
        };
        if !options.iter().any(|option| option.placement == Placement::LeftOut) {
            options.push(Placed::new(Placement::LeftOut, 0.02, "its rows stay in the source"));
        }
        options
    }

    /// Share of a table's rows that have a value for any of these concepts, in percent.
    fn share(&self, table: &Table, concepts: &[&str]) -> u64 {
        let of =
            |column: &&Column| concept_of(column, self.vocabulary).is_some_and(|concept| concepts.contains(&concept));
        let filled = table.columns.iter().filter(of).map(|column| column.filled).max().unwrap_or_default();
        filled * 100 / table.rows.max(1)
    }

    /// A client is a person, a company, or both.
    fn client(&self, at: usize) -> Vec<Placed> {
        let table = &self.known.tables[at];
        let (persons, companies) =
            (self.share(table, &["first_name", "last_name", "full_name"]), self.share(table, &["company_name"]));
        let several = table.columns.iter().any(|column| {
            concept_of(column, self.vocabulary) == Some("email") && column.tests.several * 20 > column.tests.tested
        });
        let mut why = format!("{persons} % of its rows name a person, {companies} % a company");
        if several {
            why.push_str("; several e-mail addresses in one cell speak for a company");
        }
        let has_contacts = self.objects.contains(&Some(Object::Contact));
        if has_contacts {
            why.push_str("; its people stand in a table of their own");
        }
        let kinds = |kinds: &[Entity]| Placement::Records(kinds.to_vec());
        let both = kinds(&[Entity::Organization, Entity::Person]);
        let (person, company) = (kinds(&[Entity::Person]), kinds(&[Entity::Organization]));
        let named_person = persons > 5;
        let order: Vec<(Placement, f64)> = match (self.kinds[at].as_str(), named_person, companies > 5) {
            ("company", false, _) => vec![(company, 0.95), (both, 0.02)],
            ("company", true, _) => vec![(company, 0.75), (both, 0.2), (person, 0.03)],
            (_, true, true) => {
                let sure = if several { 0.7 } else { 0.9 };
                vec![(both, sure), (person, 0.6 * (1.0 - sure)), (company, 0.4 * (1.0 - sure))]
            }
            ("person", ..) | (_, true, false) => vec![(person, 0.92), (company, 0.04)],
            _ => vec![(company, 0.85), (person, 0.1)],
        };
        // Both need both names.
        let possible = order.into_iter().filter(|(kinds, _)| {
            matches!(kinds, Placement::Records(kinds) if kinds.len() < 2) || (named_person && companies > 5)
        });
        possible.map(|(placement, sure)| Placed::new(placement, sure, why.clone())).collect()
    }

    /// The people of clients that are companies: persons, or a list on the company.
    fn contact(&self, at: usize, placed: &[Vec<Placed>]) -> Vec<Placed> {
        let mut options = vec![Placed::new(
            Placement::Records(vec![Entity::Person]),
            0.93,
            "its rows name persons, and the companies stand in another table",
        )];
        if self.holders(at, placed).contains(&Entity::Organization) {
            let within = Placement::Within(Entity::Organization, Rule::List);
            options.push(Placed::new(within, 0.04, "each row names the company it belongs to"));
        }
        options
    }

    /// Projects: deals, and beside a table of deals what belongs to those.
    fn project(&self, at: usize, placed: &[Vec<Placed>]) -> Vec<Placed> {
        let deal = Placement::Records(vec![Entity::Deal]);
        let beside =
            (0..placed.len()).find(|other| self.objects[*other] == Some(Object::Deal) && !is_left_out(&placed[*other]));
        let Some(deals) = beside else {
            return vec![Placed::new(
                deal,
                0.93,
                "its rows have what deals have, and no other table is to become deals",
            )];
        };
        let (mut own, mut folded) = (0.3, 0.55);
        let pointing = self
            .references
            .iter()
            .enumerate()
            .filter(|(from, references)| *from != at && references.iter().any(|reference| reference.table == at));
        let names: Vec<&str> = pointing.map(|(from, _)| self.known.tables[from].name.as_str()).collect();
        let mut why = format!("{} holds the deals that they belong to", self.known.tables[deals].name);
        if !names.is_empty() {
            (own, folded) = (0.6, 0.25);
            why.push_str(&format!("; {} belong to them, and need a record to belong to", names.join(" and ")));
        }
        let mut options = vec![
            Placed::new(Placement::Within(Entity::Deal, Rule::List), folded, why.clone()),
            Placed::new(
                Placement::OwnPipeline,
                own,
                format!("{why}; a deal for each counts its value beside the deal's own"),
            ),
            Placed::new(Placement::Within(Entity::Deal, Rule::Latest), 0.08, why),
        ];
        options.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        options
    }

    /// The kinds of record that a table's rows name, as they are placed.
    fn holders(&self, at: usize, placed: &[Vec<Placed>]) -> Vec<Entity> {
        let named = |entity: &Entity| {
            self.references[at].iter().any(|reference| {
                let options = placed.get(reference.table).and_then(|options| options.first());
                reference.table != at && options.is_some_and(|option| becomes(&option.placement).contains(entity))
            })
        };
        HOLDERS.into_iter().filter(named).collect()
    }

    /// Commissions, presentations and custom objects: part of what they belong to.
    fn child(&self, at: usize, object: Object, table: &Table, placed: &[Vec<Placed>]) -> Vec<Placed> {
        let holders = self.holders(at, placed);
        let far = self.far_holders(at, &holders, placed);
        if holders.is_empty() && far.is_empty() {
            let why = "no column names a record that it could belong to";
            return vec![Placed::new(Placement::LeftOut, 0.7, why)];
        }
        let has_amount = super::layout::has_amount(table);
        let mut options = Vec::new();
        for (position, holder) in holders.iter().enumerate() {
            let rows = self.rows_of_one(at, *holder, placed);
            let why = match (object, rows) {
                (Object::Commission, _) if *holder == Entity::Deal => {
                    "each row names a deal; by which rule is yours to choose".to_owned()
                }
                (_, true) => format!("each row names another {holder}, so that one row is all there is of it"),
                (_, false) => format!("several rows name one {holder}"),
            };
            let rules: &[(Rule, f64)] = match object {
                Object::Commission if has_amount => &[
                    (Rule::Sum, 0.6),
                    (Rule::Split, 0.1),
                    (Rule::Latest, 0.08),
                    (Rule::First, 0.04),
                    (Rule::List, 0.05),
                    (Rule::Count, 0.02),
                    (Rule::Note, 0.04),
                    (Rule::Activity, 0.04),
                ],
                Object::Presentation | Object::File => &[
                    (Rule::List, 0.5),
                    (Rule::Note, 0.3),
                    (Rule::Latest, 0.08),
                    (Rule::First, 0.04),
                    (Rule::Count, 0.02),
                ],
                _ if rows => &[
                    (Rule::First, 0.75),
                    (Rule::List, 0.06),
                    (Rule::Note, 0.1),
                    (Rule::Latest, 0.05),
                    (Rule::Count, 0.02),
                ],
                _ => &[
                    (Rule::List, 0.5),
                    (Rule::Latest, 0.2),
                    (Rule::Note, 0.15),
                    (Rule::First, 0.04),
                    (Rule::Count, 0.05),
                ],
            };
            // Another record than the first is an alternative to the rule that is best there.
            let weight = if position == 0 { 1.0 } else { 0.3_f64.powi(i32::try_from(position).unwrap_or(1)) };
            options.extend(
                rules
                    .iter()
                    .map(|(rule, sure)| Placed::new(Placement::Within(*holder, *rule), sure * weight, why.clone())),
            );
        }
        let weight = if holders.is_empty() { 1.0 } else { 0.1 };
        for (position, (holder, by)) in far.iter().enumerate() {
            options.extend(self.within_far((at, object), (*holder, by), weight * 0.3_f64.powf(position as f64)));
        }
        options.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        options
    }

    /// Part of a record that another one names. A note or an activity would need a link of its own, so rows are folded.
    fn within_far(&self, (at, object): (usize, Object), (holder, by): (Entity, &[usize]), weight: f64) -> Vec<Placed> {
        let names: Vec<&str> = by.iter().map(|table| self.known.tables[*table].name.as_str()).collect();
        let mut why = format!("its rows name one of {}, which names its {holder}", names.join(", which name one of "));
        let table = &self.known.tables[at];
        let currency = |table: &'_ Table| {
            let of = |column: &&Column| concept_of(column, self.vocabulary) == Some("currency");
            table.columns.iter().find(of).cloned()
        };
        // Amounts without a currency of their own are in that of what lies between: a sum for each, where these are few.
        let of_between = by.iter().find_map(|table| currency(&self.known.tables[*table]));
        let of_between = of_between.filter(|_| currency(table).is_none());
        let codes = of_between.as_ref().map(currency_codes);
        let has_amount = super::layout::has_amount(table);
        let is_one = of_between.as_ref().is_none_or(|column| column.distinct() <= 1);
        let is_known = codes.as_ref().is_none_or(Option::is_some);
        match codes.flatten() {
            Some(codes) if has_amount && !is_one => why.push_str(&format!(
                "; their amounts are in the currencies of those, {}, and are added up for each by itself",
                codes.join(", ")
            )),
            None if has_amount && !is_one => {
                why.push_str(
                    "; their amounts are in the currencies of those, of which too many are seen to add them up",
                );
            }
            _ => {}
        }
        let rules: &[(Rule, f64)] = match object {
            // Fields for each of the first rows say each amount with its own currency, but their total would mix them.
            Object::Commission if has_amount && !is_one && is_known => {
                &[(Rule::Sum, 0.6), (Rule::List, 0.1), (Rule::Latest, 0.08), (Rule::Count, 0.02)]
            }
            Object::Commission if has_amount && is_one => {
                &[(Rule::Sum, 0.6), (Rule::List, 0.1), (Rule::Split, 0.08), (Rule::Latest, 0.08), (Rule::Count, 0.02)]
            }
            _ => &[(Rule::List, 0.5), (Rule::Latest, 0.2), (Rule::First, 0.04), (Rule::Count, 0.05)],
        };
        let placed =
            |(rule, sure): &(Rule, f64)| Placed::new(Placement::Within(holder, *rule), sure * weight, why.clone());
        rules.iter().map(placed).collect()
    }

    /// The kinds of record that a table's rows reach by way of others, none of which they name themselves, with the tables
    /// that lie between.
    fn far_holders(&self, at: usize, near: &[Entity], placed: &[Vec<Placed>]) -> Vec<(Entity, Vec<usize>)> {
        let mut found: Vec<(Entity, Vec<usize>)> = Vec::new();
        let mut ways: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..BETWEEN {
            let longer = |way: &Vec<usize>| {
                let from = way.last().copied().unwrap_or(at);
                let next = self.references[from].iter().map(|reference| reference.table);
                let is_new = |next: &usize| *next != at && !way.contains(next);
                let lies = |next: &usize| {
                    let placement = placed.get(*next).and_then(|options| options.first());
                    lies_between(self.objects[*next], placement.map(|option| &option.placement))
                };
                next.filter(is_new).filter(lies).map(|next| [way.as_slice(), &[next]].concat()).collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(longer).collect();
            for way in &ways {
                for holder in way.last().map(|last| self.holders(*last, placed)).unwrap_or_default() {
                    if !near.contains(&holder) && !found.iter().any(|(known, _)| *known == holder) {
                        found.push((holder, way.clone()));
                    }
                }
            }
        }
        found
    }

    /// Whether each of a table's rows names another record of a kind.
    fn rows_of_one(&self, at: usize, holder: Entity, placed: &[Vec<Placed>]) -> bool {
        let table = &self.known.tables[at];
        self.references[at].iter().any(|reference| {
            let options = placed.get(reference.table).and_then(|options| options.first());
            let names = options.is_some_and(|option| becomes(&option.placement).contains(&holder));
            let column = table.column(&reference.column);
            names && column.is_some_and(|column| column.shape() != Shape::Unknown && column.distinct() >= column.filled)
        })
    }
}

/// Currencies that each have a sum of their own: more make no record that people can read.
const CURRENCIES: usize = 8;

/// The currencies of a column, as codes in their order; `None` where they are too many, or one of them is none.
pub(super) fn currency_codes(column: &Column) -> Option<Vec<String>> {
    if column.has_more_values || column.values.is_empty() {
        return None;
    }
    // Whose dollar a bare sign means is for the mapping to say.
    let code = |value: &String| money::currency(value, &Defaults::promox()).filter(|_| value.trim() != "$");
    let codes: Option<BTreeSet<String>> = column.values.iter().map(|(value, _)| code(value)).collect();
    codes.filter(|codes| codes.len() <= CURRENCIES).map(|codes| codes.into_iter().collect())
}

/// Whether a table's rows can lie between others and what holds these: they are read, and are no part of others
/// themselves but of deals.
pub(super) fn lies_between(object: Option<Object>, placement: Option<&Placement>) -> bool {
    let is_of_kind =
        matches!(object, Some(Object::Client | Object::Contact | Object::Lead | Object::Deal | Object::Project));
    is_of_kind && placement.is_some_and(|placement| *placement != Placement::LeftOut)
}

fn is_left_out(options: &[Placed]) -> bool {
    options.first().is_none_or(|option| option.placement == Placement::LeftOut)
}

/// Objects whose rows are part of other records.
pub(super) fn is_child(object: Object) -> bool {
    matches!(object, Object::Commission | Object::Presentation | Object::File) || object.is_custom()
}

/// The records that rows become where they are placed so.
#[must_use]
pub fn becomes(placement: &Placement) -> Vec<Entity> {
    match placement {
        Placement::Records(kinds) if kinds.contains(&Entity::Lead) => {
            vec![Entity::Lead, Entity::Person, Entity::Organization]
        }
        Placement::Records(kinds) => kinds.clone(),
        Placement::OwnPipeline => vec![Entity::Deal],
        Placement::Within(_, Rule::Note) => vec![Entity::Note],
        Placement::Within(_, Rule::Activity) => vec![Entity::Activity],
        Placement::Within(..) | Placement::LeftOut => Vec::new(),
    }
}

fn refusal(table: &str, choice: &Placement, options: &[Placed]) -> String {
    let known: Vec<String> = options.iter().map(|option| format!("\"{}\"", option.placement)).collect();
    format!("  placement, {table}: \"{choice}\" cannot be; possible: {}", known.join(", "))
}
