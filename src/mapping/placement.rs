//! What the rows of a table become, in the words by which people choose it: `person and organization`, `deal: latest`,
//! `do not migrate`.
//!
//! The mapping's `[placement]` names them by table. They decide nothing by themselves: the objects do, which `crossdock
//! map` lays out as they say, and a mapping in which the two differ is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Mapping;
use super::field::FoldOf;
use super::object::ObjectRules;
use crate::record::{Entity, named_enum};

/// Placements by the name of their table.
pub type Placements = BTreeMap<String, Placement>;

/// The word for a table that stays behind.
const LEFT_OUT: &str = "do not migrate";

/// The word for deals that stand beside those of another table.
const OWN_PIPELINE: &str = "deal in a pipeline of its own";

named_enum! {
    /// What becomes of the rows that belong to another record.
    Rule {
        /// The sum of their amounts, how many there are, and a line for each.
        Sum = "sum",
        /// Fields with the values of the first of them, which is all where there is one.
        First = "first",
        /// Fields with the values of the latest of them.
        Latest = "latest",
        /// How many there are.
        Count = "count",
        /// How many there are, and a line for each.
        List = "list",
        /// Fields for each of the first three, the sum, how many there are, and a line for each.
        Split = "split",
        /// A note for each.
        Note = "note",
        /// An activity for each, of whoever it belongs to.
        Activity = "activity",
    }
}

impl Rule {
    /// Whether the parent's fields fold children by this rule. More fields than the rule makes are people's own; where there
    /// are none at all, the children have nothing to keep.
    fn is_of(self, child: &ObjectRules, parent: &ObjectRules) -> bool {
        let fields = parent.to.iter().flat_map(|to| &to.fields).filter_map(|field| field.fold.as_ref());
        let folds: Vec<&FoldOf> = fields.filter(|fold| fold.object == child.object).map(|fold| &fold.of).collect();
        let has = |is: &dyn Fn(&FoldOf) -> bool| folds.iter().any(|of| is(of));
        let (sum, list) = (has(&|of| matches!(of, FoldOf::Sum(_))), has(&|of| matches!(of, FoldOf::List(_))));
        let first = has(&|of| matches!(of, FoldOf::Pick(pick) if !pick.from_end && pick.nth == 1));
        let further = has(&|of| matches!(of, FoldOf::Pick(pick) if !pick.from_end && pick.nth > 1));
        let latest = has(&|of| matches!(of, FoldOf::Pick(pick) if pick.from_end));
        folds.is_empty()
            || match self {
                Self::Sum => sum && !further,
                Self::First => first && !further && !latest,
                Self::Latest => latest,
                Self::Count => has(&|of| *of == FoldOf::Count) && !(sum || list || first || latest),
                Self::List => list && !sum,
                Self::Split => further,
                Self::Note | Self::Activity => true,
            }
    }
}

/// What the rows of a table become.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    /// Records of these kinds.
    Records(Vec<Entity>),
    /// Deals in a pipeline of their own, beside those of another table.
    OwnPipeline,
    /// Part of the records of this kind that they belong to.
    Within(Entity, Rule),
    /// Nothing.
    LeftOut,
}

/// Kinds of record that hold what belongs to them, and kinds that a table can be laid out as.
const KINDS: [Entity; 8] = [
    Entity::User,
    Entity::Pipeline,
    Entity::Person,
    Entity::Organization,
    Entity::Lead,
    Entity::Deal,
    Entity::Activity,
    Entity::Note,
];

impl Placement {
    /// Reads the text form.
    ///
    /// # Errors
    /// What is wrong in words, as the end of the sentence `"deal: sun": …`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = crate::record::fold_name(text);
        if text == LEFT_OUT {
            return Ok(Self::LeftOut);
        }
        if text == OWN_PIPELINE {
            return Ok(Self::OwnPipeline);
        }
        let kind = |name: &str| {
            let known = KINDS.iter().copied().find(|entity| entity.as_str() == name.trim());
            let names: Vec<&str> = KINDS.iter().map(|entity| entity.as_str()).collect();
            known.ok_or_else(|| {
                format!("{:?} is no kind of record{}", name.trim(), super::clauses::hint(name.trim(), &names))
            })
        };
        if let Some((entity, rule)) = text.split_once(':') {
            let rules: Vec<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
            let known = Rule::parse(rule.trim());
            let rule = known
                .ok_or_else(|| format!("{:?} is no rule{}", rule.trim(), super::clauses::hint(rule.trim(), &rules)))?;
            return Ok(Self::Within(kind(entity)?, rule));
        }
        let mut kinds: Vec<Entity> = text.split(" and ").map(kind).collect::<Result<_, _>>()?;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Self::Records(kinds))
    }

    /// What it means, as the end of the sentence "Each row becomes …".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Records(kinds) => match kinds.as_slice() {
                [Entity::Organization, Entity::Person] => "a person, and an organization for its company".to_owned(),
                kinds => kinds.iter().map(|kind| article(*kind)).collect::<Vec<_>>().join(" and "),
            },
            Self::OwnPipeline => "a deal in a pipeline of its own".to_owned(),
            Self::LeftOut => "nothing: it is left out".to_owned(),
            Self::Within(kind, rule) => {
                let of = format!("of its {}", kind.as_str());
                match rule {
                    Rule::Sum => format!("fields {of}: a sum, a count and a line for each row"),
                    Rule::First => format!("fields {of}, with the values of the first row"),
                    Rule::Latest => format!("fields {of}, with the values of the latest row, and a count"),
                    Rule::Count => format!("a count {of}"),
                    Rule::List => format!("fields {of}: a count and a line for each row"),
                    Rule::Split => {
                        format!("fields {of} for each of the first three rows, a sum, a count and a line for each")
                    }
                    Rule::Note => format!("a note {of}"),
                    Rule::Activity => format!("an activity {of}, of whoever the row belongs to"),
                }
            }
        }
    }

    /// Whether its rows are folded into others.
    #[must_use]
    pub fn is_folded(&self) -> bool {
        matches!(self, Self::Within(_, rule) if !matches!(rule, Rule::Note | Rule::Activity))
    }

    /// Whether an object is laid out so.
    fn is_of(&self, rules: &ObjectRules, mapping: &Mapping) -> bool {
        let mut kinds: Vec<Entity> = rules.to.iter().map(|to| to.entity).collect();
        kinds.sort_unstable();
        kinds.dedup();
        match self {
            Self::LeftOut => false,
            Self::OwnPipeline => kinds.contains(&Entity::Deal),
            Self::Within(_, Rule::Note) => kinds == [Entity::Note],
            Self::Within(_, Rule::Activity) => kinds == [Entity::Activity],
            Self::Within(kind, rule) => {
                let parent = rules.fold_into.as_ref().and_then(|fold| mapping.object(fold.object));
                parent.is_some_and(|parent| parent.to.iter().any(|to| to.entity == *kind) && rule.is_of(rules, parent))
            }
            Self::Records(wanted) => {
                // A note of a record's own text is part of it, and so are the stages of a pipeline and the parties of a lead.
                let is_more = |kind: &Entity| {
                    let is_lead =
                        wanted.contains(&Entity::Lead) && matches!(kind, Entity::Person | Entity::Organization);
                    is_lead || matches!(kind, Entity::Note | Entity::Stage)
                };
                wanted.iter().all(|kind| kinds.contains(kind))
                    && kinds.iter().all(|kind| wanted.contains(kind) || is_more(kind))
            }
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut => f.write_str(LEFT_OUT),
            Self::OwnPipeline => f.write_str(OWN_PIPELINE),
            Self::Within(kind, rule) => write!(f, "{kind}: {rule}"),
            Self::Records(kinds) => {
                // As people say it: the person before the company it works for.
                let mut names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                if kinds.as_slice() == [Entity::Organization, Entity::Person] {
                    names.reverse();
                }
                f.write_str(&names.join(" and "))
            }
        }
    }
}

fn article(kind: Entity) -> String {
    let name = kind.as_str().replace('_', " ");
    if name.starts_with(['a', 'e', 'i', 'o']) { format!("an {name}") } else { format!("a {name}") }
}

/// Tables whose placement is another one than the mapping makes of it, with the reason.
pub(super) fn differing(mapping: &Mapping) -> Vec<(String, Placement, String)> {
    let wrong = |(table, placement): (&String, &Placement)| {
        let mut own = mapping.objects.iter().filter(|rules| rules.table == *table);
        let found = own.next();
        let is_so = match (found, placement) {
            (None, Placement::LeftOut) => true,
            (None, _) | (Some(_), Placement::LeftOut) => false,
            (Some(rules), placement) => placement.is_of(rules, mapping),
        };
        let is = match found {
            None => "is not migrated".to_owned(),
            Some(rules) => format!("is laid out otherwise, as object {}", rules.object),
        };
        let reason = format!("is chosen, and table {table} {is}; crossdock map lays it out anew");
        (!is_so).then(|| (table.clone(), placement.clone(), reason))
    };
    mapping.placements.iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements_read_back() {
        let texts = [
            "person",
            "person and organization",
            "deal",
            "deal in a pipeline of its own",
            "deal: sum",
            "person: latest",
            "organization: list",
            "deal: note",
            "do not migrate",
        ];
        for text in texts {
            assert_eq!(Placement::parse(text).map(|placement| placement.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Placement::parse(" Organization AND person ").map(|read| read.to_string()), Ok(texts[1].to_owned()));
        assert_eq!(Placement::parse("deal: sun"), Err("\"sun\" is no rule; did you mean sum?".to_owned()));
        assert_eq!(Placement::parse("persn"), Err("\"persn\" is no kind of record; did you mean person?".to_owned()));
    }
}
