//! From the profiles of all tables to what becomes of each: objects, keys, references, and a place for every column.

use super::answer::{Answer, Place};
use super::context::Context;
use super::fields::{Ranked, rank};
use super::placement::{Placed, Tables, becomes};
use super::profile::{Column, Table, VALUES};
use super::score::Clue;
use super::shape::Shape;
use super::tables::{Guess, Reference, guesses, key_column, object_of, references};
use super::vocabulary::Vocabulary;
use crate::error::Result;
use crate::mapping::placement::{Placement, Placements};
use crate::mapping::proposal::Held;
use crate::record::{Entity, Object};

/// All that the proposal is made from.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// What the tables hold.
    pub tables: Vec<Table>,
    /// The source is an API that tells of deleted rows by `is_deleted`.
    pub is_api: bool,
    /// IANA zone of the account; empty when it does not say.
    pub time_zone: String,
    /// Currency of the account; empty when it does not say.
    pub currency: String,
    /// Fields that Pipedrive has already; empty when nobody could be asked.
    pub held: Vec<Held>,
}

/// A column with all that was found about it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What its values look like.
    pub shape: Shape,
    /// Its values while they are few, in the order of their first appearance.
    pub values: Vec<String>,
    /// Where it may go, the proposed place first, and how sure that is.
    pub ranked: Ranked,
    /// Tables that its values are keys of, the best first.
    pub points_at: Vec<usize>,
}

impl Found {
    /// The proposed answer.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.ranked.answers.first()
    }

    /// The concept it was taken for.
    #[must_use]
    pub fn concept(&self) -> &str {
        self.answer().map_or("", |answer| answer.concept.as_str())
    }

    /// The proposed place.
    #[must_use]
    pub fn place(&self) -> Place {
        self.answer().map_or(Place::Leave, |answer| answer.place.clone())
    }
}

/// A table with all that was found about it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Position in [`Known::tables`].
    pub at: usize,
    /// What it becomes; `None`: it is left out.
    pub object: Option<Object>,
    /// What it may be, the one it is taken for first.
    pub guesses: Vec<Guess>,
    /// What its rows may become, the proposed or chosen placement first; empty where it is left out.
    pub placed: Vec<Placed>,
    /// The records that a row becomes.
    pub becomes: Vec<Entity>,
    /// The column of its key.
    pub key: Option<String>,
    /// Its columns.
    pub columns: Vec<Found>,
}

impl Planned {
    /// The placement: the proposed or the chosen one.
    #[must_use]
    pub fn placement(&self) -> Option<&Placement> {
        self.placed.first().map(|option| &option.placement)
    }

    /// The column with a name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Found> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The first column taken for a concept.
    #[must_use]
    pub fn of_concept(&self, concept: &str) -> Option<&Found> {
        self.columns.iter().find(|column| column.concept() == concept)
    }

    /// Columns with a place.
    pub fn at_place<'p>(&'p self, entity: Entity, field: &'p str) -> impl Iterator<Item = &'p Found> {
        self.columns
            .iter()
            .filter(move |column| matches!(column.place(), Place::System(own, name) if own == entity && name == field))
    }
}

/// How much must speak for a kind for a table to be of it.
const KIND_MIN: f64 = 0.3;

/// Plans every table, with the placements that somebody chose.
///
/// # Errors
/// `Settings` naming every choice that cannot be.
pub fn plan(known: &Known, vocabulary: &Vocabulary, chosen: &Placements) -> Result<Vec<Planned>> {
    let guessed: Vec<Vec<Guess>> = known.tables.iter().map(|table| guesses(table, vocabulary)).collect();
    let (kinds, mut objects) = objects(&guessed, known);
    let references = references(&known.tables, &kinds, vocabulary);
    split_deals(&kinds, &guessed, &references, known, &mut objects);
    take_customs((&kinds, &guessed), &references, known, &mut objects);
    let tables = Tables { known, vocabulary, kinds: &kinds, objects: &objects, references: &references };
    let placed = tables.placed(chosen)?;
    let rows_become: Vec<Vec<Entity>> = placed
        .iter()
        .map(|placed| placed.first().map(|option| becomes(&option.placement)).unwrap_or_default())
        .collect();
    let mut plans = Vec::with_capacity(known.tables.len());
    for (at, (table, placed)) in known.tables.iter().zip(placed).enumerate() {
        let used: Vec<String> = references
            .iter()
            .enumerate()
            .filter(|(from, _)| *from != at)
            .flat_map(|(_, references)| references)
            .filter(|reference| reference.table == at)
            .map(|reference| reference.key.clone())
            .collect();
        let key = key_column(table, &kinds[at], &most_used(&used), vocabulary).map(|column| column.name.clone());
        let others = (0..rows_become.len()).filter(|other| *other != at);
        let others: Vec<(&str, &[Entity])> =
            others.map(|other| (known.tables[other].name.as_str(), rows_become[other].as_slice())).collect();
        let becomes = rows_become[at].clone();
        let columns = columns(table, (&becomes, &others), (&references[at], &kinds), vocabulary, key.as_deref());
        plans.push(Planned { at, object: objects[at], guesses: guessed[at].clone(), placed, becomes, key, columns });
    }
    Ok(plans)
}

/// A table of deals beside one of projects: where rows of one name rows of the other, those that are named are the deals.
fn split_deals(
    kinds: &[String],
    guessed: &[Vec<Guess>],
    references: &[Vec<Reference>],
    known: &Known,
    objects: &mut [Option<Object>],
) {
    let score = |at: usize| guessed[at].first().map_or(0.0, |guess| guess.score);
    let Some(first) = objects.iter().position(|object| *object == Some(Object::Project)) else { return };
    let names = |from: usize, to: usize| references[from].iter().any(|reference| reference.table == to);
    let second = (0..kinds.len()).find(|at| {
        let is_such = *at != first && objects[*at].is_none() && kinds[*at] == "project" && score(*at) >= KIND_MIN;
        is_such && known.tables[*at].rows > 0 && (names(*at, first) || names(first, *at))
    });
    let Some(second) = second else { return };
    let (deals, projects) = if names(second, first) { (first, second) } else { (second, first) };
    (objects[deals], objects[projects]) = (Some(Object::Deal), Some(Object::Project));
}

/// Tables of no kind that is known, or hardly of one, or of a kind that another table has already, whose rows name other
/// records: custom objects, while there are kinds for them.
fn take_customs(
    (kinds, guessed): (&[String], &[Vec<Guess>]),
    references: &[Vec<Reference>],
    known: &Known,
    objects: &mut [Option<Object>],
) {
    let mut free = Object::customs();
    let named: Vec<bool> = (0..kinds.len())
        .map(|at| {
            references[at].iter().any(|reference| {
                let object = objects.get(reference.table).copied().flatten();
                object.is_some_and(|object| !matches!(object, Object::Owner | Object::Pipeline))
            })
        })
        .collect();
    for at in 0..kinds.len() {
        let is_other = kinds[at] == "other" || guessed[at].first().is_none_or(|guess| guess.score < KIND_MIN);
        let is_second = object_of(&kinds[at], false).is_some_and(|object| {
            objects.contains(&Some(object)) && !matches!(object, Object::Owner | Object::Pipeline)
        });
        if objects[at].is_none() && (is_other || is_second) && known.tables[at].rows > 0 && named[at] {
            objects[at] = free.next();
        }
    }
}

/// The column that most references use.
fn most_used(used: &[String]) -> Vec<String> {
    let count = |name: &String| used.iter().filter(|other| *other == name).count();
    used.iter().max_by_key(|name| count(name)).cloned().into_iter().collect()
}

/// The kind and the object of each table. Each object has one table: the one for which most speaks, then the longest.
fn objects(guessed: &[Vec<Guess>], known: &Known) -> (Vec<String>, Vec<Option<Object>>) {
    let mut kinds: Vec<String> =
        guessed.iter().map(|guesses| guesses.first().map(|guess| guess.kind.clone()).unwrap_or_default()).collect();
    let score = |at: usize| guessed[at].first().map_or(0.0, |guess| guess.score);
    let has_companies = kinds.iter().any(|kind| kind == "company") || {
        // A table of clients beside one of contacts holds companies.
        kinds.iter().any(|kind| kind == "client") && kinds.iter().any(|kind| kind == "person")
    };
    for kind in &mut kinds {
        if kind == "client" && has_companies {
            *kind = "company".to_owned();
        }
    }
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    order.sort_by(|a, b| {
        score(*b).total_cmp(&score(*a)).then(known.tables[*b].rows.cmp(&known.tables[*a].rows)).then(a.cmp(b))
    });
    let mut objects: Vec<Option<Object>> = vec![None; kinds.len()];
    for at in order {
        let object =
            object_of(&kinds[at], has_companies).filter(|_| score(at) >= KIND_MIN && known.tables[at].rows > 0);
        if object.is_some_and(|object| !objects.contains(&Some(object))) {
            objects[at] = object;
        }
    }
    (kinds, objects)
}

fn columns(
    table: &Table,
    (becomes, others): (&[Entity], &[(&str, &[Entity])]),
    (references, kinds): (&[Reference], &[String]),
    vocabulary: &Vocabulary,
    key: Option<&str>,
) -> Vec<Found> {
    let points = |column: &Column| -> Vec<usize> {
        let mut own: Vec<&Reference> = references.iter().filter(|reference| reference.column == column.name).collect();
        own.sort_by(|a, b| b.share.total_cmp(&a.share));
        own.iter().map(|reference| reference.table).collect()
    };
    let mut clues: Vec<Clue> = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let points_at = points(column).first().map(|at| kinds[*at].clone());
        let shape = match points_at.as_deref() {
            Some("owner") => Shape::User,
            Some(_) => Shape::Reference,
            None => column.shape(),
        };
        clues.push(Clue {
            name: column.name.clone(),
            label: None,
            shape: Some(shape),
            options: if column.has_more_values { Vec::new() } else { names(column) },
            points_at,
            is_empty: column.filled == 0,
            is_key: key == Some(column.name.as_str()),
        });
    }
    let context = Context::new(&table.name, becomes, &clues, vocabulary).among(others.iter().copied(), vocabulary);
    let ranked = rank(&clues, &context, vocabulary);
    let found = |((column, clue), ranked): ((&Column, &Clue), Ranked)| Found {
        name: column.name.clone(),
        shape: clue.shape.unwrap_or(Shape::Unknown),
        values: if column.has_more_values || column.values.len() >= VALUES { Vec::new() } else { names(column) },
        ranked,
        points_at: points(column),
    };
    table.columns.iter().zip(&clues).zip(ranked).map(found).collect()
}

fn names(column: &Column) -> Vec<String> {
    column.values.iter().map(|(value, _)| value.clone()).collect()
}
