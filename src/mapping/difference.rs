//! What changed between two mappings, line by line, in words a customer reads.
//!
//! It compares the TOML, not the checked mappings, so that it also tells what a check would refuse. Comments and layout
//! are no change. Whatever changes [`super::Mapping::digest`] gives at least one line.

use std::collections::BTreeSet;
use std::fmt::Display;

use toml::{Table, Value};

/// The changes from `old` to `new`, two mappings in TOML: one line each, in the new mapping's order; empty when nothing
/// changed. A text that is no TOML counts as an empty mapping.
#[must_use]
pub fn difference(old: &str, new: &str) -> Vec<String> {
    let read = |text: &str| text.parse::<Table>().unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let mut lines = Lines::default();
    lines.keys("", &old, &new, &["defaults", "owners", "pipelines", "placement", "object"]);
    lines.keys("defaults", table(&old, "defaults"), table(&new, "defaults"), &[]);
    lines.owners(table(&old, "owners"), table(&new, "owners"));
    lines.pipelines(table(&old, "pipelines"), table(&new, "pipelines"));
    lines.keys("placement", table(&old, "placement"), table(&new, "placement"), &[]);
    lines.objects(&tables(&old, "object"), &tables(&new, "object"));
    if lines.said.is_empty() && old != new {
        lines.say("the mapping", "its parts stand in another order");
    }
    lines.said
}

/// The lines so far.
#[derive(Default)]
struct Lines {
    said: Vec<String>,
}

impl Lines {
    fn say(&mut self, place: &str, what: impl Display) {
        self.said.push(if place.is_empty() { what.to_string() } else { format!("{place}: {what}") });
    }

    /// Keys that were added, removed or changed, but those told elsewhere.
    fn keys(&mut self, place: &str, old: &Table, new: &Table, elsewhere: &[&str]) {
        let names: BTreeSet<&String> = new.keys().chain(old.keys()).collect();
        for name in names.into_iter().filter(|name| !elsewhere.contains(&name.as_str())) {
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => {
                    self.say(place, format!("{name} is now {}; it was {}", shown(new), shown(old)));
                }
                (None, Some(new)) => self.say(place, format!("{name} is now {}; it was not set", shown(new))),
                (Some(old), None) => self.say(place, format!("{name} is no longer set; it was {}", shown(old))),
                (None, None) => {}
            }
        }
    }

    fn owners(&mut self, old: &Table, new: &Table) {
        self.keys("owners", old, new, &["aliases", "decision"]);
        self.keys("owners, aliases", table(old, "aliases"), table(new, "aliases"), &[]);
        let (old, new) = (tables(old, "decision"), tables(new, "decision"));
        self.named(("owner", "owner"), &old, &new, |lines, place, old, new| match (old, new) {
            (None, Some(new)) => lines.say(place, decision(new)),
            (Some(old), None) => lines.say(place, format!("is no longer decided; it was: {}", decision(old))),
            (Some(old), Some(new)) => lines.say(place, format!("{}; it was: {}", decision(new), decision(old))),
            (None, None) => {}
        });
    }

    fn pipelines(&mut self, old: &Table, new: &Table) {
        self.keys("pipelines", old, new, &["declare"]);
        let (old, new) = (tables(old, "declare"), tables(new, "declare"));
        self.named(("pipeline", "name"), &old, &new, |lines, place, old, new| match (old, new) {
            (None, Some(_)) => lines.say(place, "is declared"),
            (Some(_), None) => lines.say(place, "is no longer declared"),
            (Some(old), Some(new)) => {
                lines.keys(place, old, new, &["stages", "name"]);
                let (old, new) = (tables(old, "stages"), tables(new, "stages"));
                lines.named((&format!("{place}, stage"), "name"), &old, &new, |lines, place, old, new| {
                    match (old, new) {
                        (None, Some(_)) => lines.say(place, "is new"),
                        (Some(_), None) => lines.say(place, "is gone"),
                        (Some(old), Some(new)) => lines.keys(place, old, new, &[]),
                        (None, None) => {}
                    }
                });
            }
            (None, None) => {}
        });
    }

    /// Sections that have a name each, in the new order, those that are gone last; `tell` is asked about what changed.
    fn named(
        &mut self,
        (noun, key): (&str, &str),
        old: &[&Table],
        new: &[&Table],
        tell: impl Fn(&mut Self, &str, Option<&Table>, Option<&Table>),
    ) {
        let name = |section: &Table| section.get(key).and_then(Value::as_str).unwrap_or("without a name").to_owned();
        for (position, section) in new.iter().enumerate() {
            let own = name(section);
            // A name that stands twice is a mistake, but a change in it must still be told: pair them in their order.
            let nth = new[..position].iter().filter(|earlier| name(earlier) == own).count();
            let before = old.iter().copied().filter(|earlier| name(earlier) == own).nth(nth);
            if before != Some(*section) {
                tell(self, &format!("{noun} {own}"), before, Some(section));
            }
        }
        for (position, section) in old.iter().enumerate() {
            let own = name(section);
            let nth = old[..position].iter().filter(|earlier| name(earlier) == own).count();
            if nth >= new.iter().filter(|later| name(later) == own).count() {
                tell(self, &format!("{noun} {own}"), Some(section), None);
            }
        }
        let order = |sections: &[&Table]| sections.iter().map(|section| name(section)).collect::<Vec<_>>();
        let (before, after) = (order(old), order(new));
        if before != after && sorted(&before) == sorted(&after) {
            self.said.push(format!("{noun}: the order is now {}", after.join(", ")));
        }
    }

    fn objects(&mut self, old: &[&Table], new: &[&Table]) {
        self.named(("object", "kind"), old, new, |lines, place, old, new| match (old, new) {
            (None, Some(new)) => {
                lines.say(place, format!("is now migrated, from table {}", text(new, "table")));
            }
            (Some(old), None) => {
                lines.say(place, format!("is no longer migrated; it was, from table {}", text(old, "table")));
            }
            (Some(old), Some(new)) => {
                lines.keys(place, old, new, &["skip", "aliases", "to", "leave"]);
                lines.left(place, table(old, "leave"), table(new, "leave"));
                lines.skips(place, array(old, "skip"), array(new, "skip"));
                lines.aliases(place, table(old, "aliases"), table(new, "aliases"));
                lines.destinations(place, &tables(old, "to"), &tables(new, "to"));
            }
            (None, None) => {}
        });
    }

    fn left(&mut self, kind: &str, old: &Table, new: &Table) {
        let names: BTreeSet<&String> = new.keys().chain(old.keys()).collect();
        for name in names {
            match (old.get(name), new.get(name)) {
                (old, Some(new)) if old != Some(new) => {
                    self.say(kind, format!("column {name} is left out: {}", shown(new)));
                }
                (Some(_), None) => self.say(kind, format!("column {name} is no longer left out")),
                _ => {}
            }
        }
    }

    fn skips(&mut self, kind: &str, old: &[Value], new: &[Value]) {
        for rule in new.iter().filter(|rule| !old.contains(rule)) {
            self.say(kind, format!("rows are skipped by a new rule: {}", shown(rule)));
        }
        for rule in old.iter().filter(|rule| !new.contains(rule)) {
            self.say(kind, format!("rows are no longer skipped by the rule: {}", shown(rule)));
        }
        if sorted_values(old) == sorted_values(new) && old != new {
            self.say(kind, "the rules that skip rows stand in another order");
        }
    }

    fn aliases(&mut self, kind: &str, old: &Table, new: &Table) {
        let columns: BTreeSet<&String> = new.keys().chain(old.keys()).collect();
        for column in columns {
            self.keys(&format!("{kind}, corrected values of {column}"), table(old, column), table(new, column), &[]);
        }
    }

    fn destinations(&mut self, kind: &str, old: &[&Table], new: &[&Table]) {
        let with_role = |sections: &[&Table]| -> Vec<Table> {
            let named = |section: &Table| {
                let mut section = section.clone();
                let role = ["role", "entity"].iter().find_map(|key| section.get(*key)).cloned();
                section.insert("role".to_owned(), role.unwrap_or_else(|| Value::String("without a role".to_owned())));
                section
            };
            sections.iter().map(|section| named(section)).collect()
        };
        let (old, new) = (with_role(old), with_role(new));
        let (old, new): (Vec<&Table>, Vec<&Table>) = (old.iter().collect(), new.iter().collect());
        self.named((&format!("{kind},"), "role"), &old, &new, |lines, place, old, new| match (old, new) {
            (None, Some(new)) => lines.say(place, format!("a row now becomes a {} too", text(new, "entity"))),
            (Some(old), None) => lines.say(place, format!("a row no longer becomes a {}", text(old, "entity"))),
            (Some(old), Some(new)) => {
                lines.keys(place, old, new, &["fields"]);
                lines.fields(place, array(old, "fields"), array(new, "fields"));
            }
            (None, None) => {}
        });
    }

    /// Pairs the lines of two lists of fields: first those that are the same, then those with the same target and source,
    /// then those with the same target, then those with the same source; the rest was added or removed.
    fn fields(&mut self, place: &str, old: &[Value], new: &[Value]) {
        let empty = Table::new();
        let read = |values: &'_ [Value]| -> Vec<Table> {
            values.iter().map(|value| value.as_table().unwrap_or(&empty).clone()).collect()
        };
        let (old, new) = (read(old), read(new));
        let mut pair_of_new: Vec<Option<usize>> = vec![None; new.len()];
        let mut is_paired = vec![false; old.len()];
        let alike: [fn(&Table, &Table) -> bool; 4] = [
            |one, other| one == other,
            |one, other| one.get("to") == other.get("to") && sources(one) == sources(other),
            |one, other| one.get("to") == other.get("to"),
            |one, other| one.get("from").is_some() && sources(one) == sources(other),
        ];
        for is_alike in alike {
            for (position, field) in new.iter().enumerate().filter(|(_, field)| !field.is_empty()) {
                if pair_of_new[position].is_some() {
                    continue;
                }
                let found = (0..old.len()).find(|&other| !is_paired[other] && is_alike(&old[other], field));
                if let Some(other) = found {
                    is_paired[other] = true;
                    pair_of_new[position] = Some(other);
                }
            }
        }
        for (field, pair) in new.iter().zip(&pair_of_new) {
            match pair {
                None => self.say(place, format!("{} is now filled, {}", text(field, "to"), whence(field))),
                Some(before) => self.field(place, &old[*before], field),
            }
        }
        for (field, _) in old.iter().zip(&is_paired).filter(|(_, paired)| !**paired) {
            self.say(place, format!("{} is no longer filled, {}", text(field, "to"), whence(field)));
        }
        let kept: Vec<usize> = pair_of_new.into_iter().flatten().collect();
        if !kept.is_sorted() {
            self.say(place, "its fields stand in another order");
        }
    }

    fn field(&mut self, place: &str, old: &Table, new: &Table) {
        let (before, after) = (text(old, "to"), text(new, "to"));
        if before != after {
            self.say(place, format!("{} goes to {after}; it went to {before}", sources(new)));
        }
        self.keys(&format!("{place}, {after}"), old, new, &["to"]);
    }
}

/// The columns a field comes from, in words.
fn sources(field: &Table) -> String {
    match field.get("from") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().map(plain).collect::<Vec<_>>().join(" and "),
        _ => ["template", "constant", "own_role", "fold"]
            .iter()
            .find_map(|key| Some(format!("{key} {}", shown(field.get(*key)?))))
            .unwrap_or_else(|| "nothing".to_owned()),
    }
}

fn whence(field: &Table) -> String {
    format!("from {} as {}", sources(field), text(field, "kind"))
}

fn decision(decision: &Table) -> String {
    let user = |key: &str| decision.get(key).and_then(Value::as_str);
    if let Some(user) = user("match") {
        return format!("is the user {user}");
    }
    if let Some(user) = user("reassign") {
        return format!("its records go to {user}");
    }
    if let Some(user) = user("provision") {
        return format!("its records wait until the user {user} is made");
    }
    match decision.get("park").and_then(Value::as_bool) {
        Some(true) => "its records wait until a user appears".to_owned(),
        _ => shown(&Value::Table(decision.clone())),
    }
}

/// A value as the file writes it, in part where it is long.
fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 160;
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| shown(value), str::to_owned)
}

fn text<'t>(section: &'t Table, key: &str) -> &'t str {
    section.get(key).and_then(Value::as_str).unwrap_or("nothing")
}

/// A section that may be missing.
fn table<'t>(section: &'t Table, key: &str) -> &'t Table {
    static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);
    section.get(key).and_then(Value::as_table).unwrap_or(&EMPTY)
}

fn array<'t>(section: &'t Table, key: &str) -> &'t [Value] {
    section.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn tables<'t>(section: &'t Table, key: &str) -> Vec<&'t Table> {
    array(section, key).iter().filter_map(Value::as_table).collect()
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort();
    names
}

fn sorted_values(values: &[Value]) -> Vec<String> {
    let mut values: Vec<String> = values.iter().map(Value::to_string).collect();
    values.sort();
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PROMOX;

    #[track_caller]
    fn check(from: &str, to: &str, expected: &[&str]) {
        assert!(PROMOX.contains(from), "{from:?} is in the mapping");
        assert_eq!(difference(PROMOX, &PROMOX.replacen(from, to, 1)), expected);
    }

    #[test]
    fn the_same_is_no_difference() {
        assert!(difference(PROMOX, PROMOX).is_empty());
        assert!(difference(PROMOX, &format!("# a remark\n{PROMOX}\n\n")).is_empty());
        check("  { to = \"custom:Rush\", kind", "  # why\n  {   to = \"custom:Rush\", kind", &[]);
    }

    #[test]
    fn each_change_is_named_with_its_place() {
        check("currency = \"USD\"", "currency = \"EUR\"", &["defaults: currency is now \"EUR\"; it was \"USD\""]);
        check("version = 1", "version = 2", &["version is now 2; it was 1"]);
        check(
            "{ to = \"emails\", kind = \"emails\", from = \"email\" }",
            "{ to = \"custom:E-mail\", kind = \"emails\", from = \"email\" }",
            &["object client, person: email goes to custom:E-mail; it went to emails"],
        );
        check(
            "{ to = \"custom:Rush\", kind = \"bool\", from = \"rush\" }",
            "{ to = \"custom:Rush\", kind = \"text\", from = \"rush\" }",
            &["object project, deal, custom:Rush: kind is now \"text\"; it was \"bool\""],
        );
        check(
            "  { to = \"custom:Birthday\", kind = \"date\", from = \"birthday\" },\n",
            "",
            &["object client, person: custom:Birthday is no longer filled, from birthday as date"],
        );
        check(
            "  { to = \"custom:Birthday\"",
            "  { to = \"custom:Size\", kind = \"text\", from = \"size\" },\n  { to = \"custom:Birthday\"",
            &["object client, person: custom:Size is now filled, from size as text"],
        );
        check(
            "existing = { by = [\"name\"], then = \"fill\" }",
            "existing = { by = [\"name\"], then = \"keep\" }",
            &[
                "object client, organization: existing is now { by = [\"name\"], then = \"keep\" }; it was { by = [\"name\"], then = \"fill\" }",
            ],
        );
        check(
            "record_type = \"lead\" }",
            "record_type = \"x\" }",
            &[
                "object pipeline: rows are skipped by a new rule: { if = { record_type = \"x\" }, reason = \"a pipeline of leads: its stages become lead labels\" }",
                "object pipeline: rows are no longer skipped by the rule: { if = { record_type = \"lead\" }, reason = \"a pipeline of leads: its stages become lead labels\" }",
            ],
        );
        check("table = \"notes\"", "table = \"history\"", &["object note: table is now \"history\"; it was \"notes\""]);
        check(
            "kind = \"note\"\ntable = \"notes\"",
            "kind = \"call\"\ntable = \"calls\"",
            &[
                "object call: is now migrated, from table calls",
                "object note: is no longer migrated; it was, from table notes",
            ],
        );
    }

    #[test]
    fn decisions_and_left_columns_are_told() {
        let more = "[owners.aliases]\n\"a@x\" = \"b@x\"\n[[owners.decision]]\nowner = \"u_1\"\nreassign = \"c@x\"\n";
        check(
            "[owners.aliases]\n",
            more,
            &["owners, aliases: a@x is now \"b@x\"; it was not set", "owner u_1: its records go to c@x"],
        );
        check(
            "kind = \"client\"\n",
            "kind = \"client\"\nleave = { fax = \"nobody faxes\" }\n",
            &["object client: column fax is left out: \"nobody faxes\""],
        );
    }

    #[test]
    fn an_order_is_a_change() {
        let (one, other) = (
            "  { to = \"custom:Rush\", kind = \"bool\", from = \"rush\" },\n",
            "  { to = \"custom:Customer PO\", kind = \"text\", from = \"customer_po\" },\n",
        );
        check(
            &format!("{one}{other}"),
            &format!("{other}{one}"),
            &["object project, deal: its fields stand in another order"],
        );
    }

    #[test]
    fn what_the_digest_sees_is_told() {
        for (from, to) in [("by = [\"name\"]", "by = [\"address\"]"), ("id = \"id\"", "id = \"key\"")] {
            assert!(!difference(PROMOX, &PROMOX.replacen(from, to, 1)).is_empty(), "{from}");
        }
        assert_eq!(difference("", "object = [1]"), ["the mapping: its parts stand in another order"]);
    }
}
