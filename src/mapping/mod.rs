//! The mapping: which source object becomes which Pipedrive record, field by field, as `mapping.toml` says.
//!
//! `raw` is the file as written; `check` makes the [`Mapping`] of it or tells everything that is wrong. A checked mapping
//! is ready to use: columns are split, values folded, templates read. It does no I/O and cleans no values.
//!
//! The customer approves a mapping by its [`Mapping::digest`], which comments and layout do not change.

pub mod accepted;
pub mod called;
mod check;
mod check_field;
mod check_links;
pub mod clauses;
pub mod column;
pub mod coverage;
pub mod defaults;
pub mod difference;
pub mod edit;
pub mod edit_note;
pub mod existing;
pub mod field;
pub mod object;
pub mod owners;
pub mod pipelines;
pub mod placement;
pub mod problems;
pub mod proposal;
mod raw;
pub mod relay;
pub mod shape;
pub mod sheet;
pub mod template;
#[cfg(test)]
mod tests;
pub mod workspace;
pub mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::record::Object;

use called::{Called, LinkBy};
use column::Column;
use defaults::Defaults;
use field::{Extra, LinkRule};
use object::{Destination, ObjectRules};
use owners::Owners;
use pipelines::Pipelines;
use placement::Placements;
use problems::Problem;

/// The default mapping, for an account as `crossdock standin promox` generates it.
pub const PROMOX: &str = include_str!("promox.toml");

/// What becomes of calls, e-mails and meetings, which [`PROMOX`] does not know.
const HISTORY: &str = include_str!("history.toml");

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// What the source leaves unsaid.
    pub defaults: Defaults,
    /// How owners become users.
    pub owners: Owners,
    /// Where pipelines and stages come from.
    pub pipelines: Pipelines,
    /// What was chosen for whole tables, for people: the objects say the same.
    pub placements: Placements,
    /// Name of the custom field that holds the source id in organizations, persons and deals.
    pub marker: String,
    /// The rules of each object, in the file's order; each object at most once.
    pub objects: Vec<ObjectRules>,
    /// What records are called, for links by name. Not part of the mapping file.
    pub called: Arc<Called>,
    digest: String,
}

impl Mapping {
    /// Reads and checks a mapping. `name` is how messages call it.
    ///
    /// # Errors
    /// [`crate::error::Kind::Settings`] with every problem found, each with its place, value and reason.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        check::mapping(text, name)
    }

    /// Everything wrong with a mapping, one by one; empty when [`Mapping::parse`] takes it.
    #[must_use]
    pub fn problems(text: &str) -> Vec<Problem> {
        check::problems(text)
    }

    /// Takes in the tables that values are looked up in; `read` gives the text of a file beside the mapping, or says why it
    /// cannot be had. What they hold is approved with the mapping: it becomes part of its digest. Gives the texts by file.
    ///
    /// # Errors
    /// `Settings` naming every file that cannot be read or used, with its row where that matters, and who needs it.
    pub fn take_lookups(
        &mut self,
        mut read: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut wrong: Vec<String> = Vec::new();
        for rules in &mut self.objects {
            let object = rules.object;
            let fields = rules.to.iter_mut().flat_map(|to| &mut to.fields);
            for (target, lookup) in fields.filter_map(|field| Some((&field.target, field.lookup.as_mut()?))) {
                let text = match texts.get(&lookup.file) {
                    Some(text) => Ok(text.clone()),
                    None => read(&lookup.file),
                };
                let filled = text.and_then(|text| {
                    lookup.fill(&text)?;
                    texts.insert(lookup.file.clone(), text);
                    Ok(())
                });
                if let Err(reason) = filled {
                    wrong.push(format!("  {} {reason} (object {object}, {target})", lookup.file));
                }
            }
        }
        if !wrong.is_empty() {
            let what = format!("the tables that the mapping looks values up in are wrong:\n{}", wrong.join("\n"));
            return Err(Error::new(Kind::Settings, what));
        }
        if !texts.is_empty() {
            let mut hasher = blake3::Hasher::new();
            hasher.update(self.digest.as_bytes());
            for (name, text) in &texts {
                // The lengths keep two different sets of files from being the same bytes.
                hasher.update(format!("\n{name} {}\n", text.len()).as_bytes());
                hasher.update(text.as_bytes());
            }
            self.digest = hasher.finalize().to_hex().to_string();
        }
        Ok(texts)
    }

    /// The default mapping of a generated PromoXcrm account.
    #[must_use]
    pub fn promox() -> Self {
        Self::parse(PROMOX, "the default mapping").expect("the default mapping is tested")
    }

    /// The default mapping with the whole history: calls, e-mails and meetings too.
    #[must_use]
    pub fn with_history() -> Self {
        Self::parse(&format!("{PROMOX}\n{HISTORY}"), "the default mapping").expect("the default mapping is tested")
    }

    /// BLAKE3 of the content, in hex: what an approval names. Comments, layout and the order of keys do not change it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rules of an object; `None` when the mapping leaves the object out.
    #[must_use]
    pub fn object(&self, object: Object) -> Option<&ObjectRules> {
        self.objects.iter().find(|rules| rules.object == object)
    }

    /// The destination that an object's role names.
    #[must_use]
    pub fn destination(&self, object: Object, role: &str) -> Option<&Destination> {
        self.object(object)?.destination(role)
    }

    /// The links whose column holds names or e-mail addresses.
    pub fn links_by_name(&self) -> impl Iterator<Item = &LinkRule> {
        let fields = self.objects.iter().flat_map(|rules| &rules.to).flat_map(|to| &to.fields);
        fields.filter_map(|field| match &field.extra {
            Extra::Link(link) if link.by != LinkBy::Id => Some(link),
            _ => None,
        })
    }

    /// The columns by which children go on from a record of an object to their parents, with what each names.
    pub fn ways_through(&self, object: Object) -> impl Iterator<Item = (&Column, Object)> {
        let ways = self.objects.iter().filter_map(|rules| Some((rules.object, rules.fold_into.as_ref()?)));
        ways.flat_map(|(child, fold)| fold.way(child).skip(1))
            .filter(move |(on, ..)| *on == object)
            .map(|(_, column, named)| (column, named))
    }

    /// The objects folded into this one, in the file's order.
    pub fn children_of(&self, parent: Object) -> impl Iterator<Item = &ObjectRules> {
        self.objects.iter().filter(move |rules| rules.fold_into.as_ref().is_some_and(|fold| fold.object == parent))
    }
}
