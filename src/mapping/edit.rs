//! Edits of a mapping as it is written: what is not edited stays byte for byte, comments and order too.

use toml::{Table, Value};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, TableLike};

use super::edit_note::{NOTE, destination, drop_empty};
use super::owners::OwnerDecision;
use crate::error::{Error, Kind, Result};
use crate::record::{Entity, Object};

/// Where a field stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPlace {
    /// Kind of the source records.
    pub object: Object,
    /// Role of the destination.
    pub role: String,
    /// Its line among the destination's fields, from 0.
    pub position: usize,
}

/// One edit. Places are those before any edit of the same list.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Sets keys of a field, or removes those with `None`.
    Set(FieldPlace, Vec<(String, Option<Value>)>),
    /// Removes a field.
    Remove(FieldPlace),
    /// Adds a field at the end of a destination.
    Add(Object, String, Table),
    /// Leaves a column out, for this reason; `None`: it is no longer left out.
    Leave(Object, String, Option<String>),
    /// Looks for another user instead of an owner's own address or name; `None`: no longer.
    Alias(String, Option<String>),
    /// Decides about an owner, by its id; `None`: nothing is decided.
    Decide(String, Option<OwnerDecision>),
}

/// A mapping under edit.
#[derive(Debug, Clone)]
pub struct Editor {
    document: DocumentMut,
}

impl Editor {
    /// Takes a mapping as it is written.
    ///
    /// # Errors
    /// `Settings` when it is no TOML.
    pub fn new(text: &str) -> Result<Self> {
        let failed = |error| Error::new(Kind::Settings, "the mapping is not TOML").because(error);
        Ok(Self { document: text.parse().map_err(failed)? })
    }

    /// The mapping as it is written now.
    #[must_use]
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// Makes the edits. For each, the place of the field that it set or added afterwards.
    ///
    /// # Errors
    /// `Settings` for a place that is not there, or a part of the file in a form that cannot be edited here; nothing may be
    /// kept of the editor then.
    pub fn apply(&mut self, edits: &[Edit]) -> Result<Vec<Option<FieldPlace>>> {
        let mut places: Vec<Option<FieldPlace>> = vec![None; edits.len()];
        for (edit, place) in edits.iter().zip(&mut places) {
            match edit {
                Edit::Set(at, keys) => {
                    let table = inline(self.fields(at.object, &at.role)?, at)?;
                    for (key, value) in keys {
                        set(table, key, value.as_ref())?;
                    }
                    *place = Some(at.clone());
                }
                Edit::Leave(object, column, reason) => leave(self.object(*object)?, column, reason.as_deref()),
                Edit::Alias(written, meant) => self.alias(written, meant.as_deref())?,
                Edit::Decide(owner, decision) => self.decide(owner, decision.as_ref())?,
                Edit::Add(..) | Edit::Remove(_) => {}
            }
        }
        let mut removed: Vec<&FieldPlace> =
            edits.iter().filter_map(|edit| if let Edit::Remove(at) = edit { Some(at) } else { None }).collect();
        removed.sort_unstable_by(|one, other| other.cmp(one));
        for at in removed {
            let fields = self.fields(at.object, &at.role)?;
            inline(fields, at)?;
            remove(fields, at.position);
            for place in places.iter_mut().flatten() {
                if place.object == at.object && place.role == at.role && place.position > at.position {
                    place.position -= 1;
                }
            }
        }
        for (edit, place) in edits.iter().zip(&mut places) {
            let Edit::Add(object, role, field) = edit else { continue };
            self.make_note(*object, role, field)?;
            let fields = self.fields(*object, role)?;
            add(fields, field)?;
            *place = Some(FieldPlace { object: *object, role: role.clone(), position: fields.len() - 1 });
        }
        // Whoever takes the last text out of a note means that there shall be none.
        let touched = edits.iter().filter_map(|edit| if let Edit::Remove(at) = edit { Some(at) } else { None });
        for at in touched.filter(|at| at.role == NOTE.0 && at.object != Object::Note) {
            drop_empty(self.object(at.object)?);
        }
        Ok(places)
    }

    /// Makes the destination of a note of the row's own text, where the first text goes into it.
    fn make_note(&mut self, object: Object, role: &str, field: &Table) -> Result<()> {
        if role != NOTE.0 || self.fields(object, role).is_ok() {
            return Ok(());
        }
        let missing = || unfit(&format!("object {object}"));
        let to = self.object(object)?.get_mut("to").and_then(Item::as_array_of_tables_mut).ok_or_else(missing)?;
        let entities: Vec<Entity> = to.iter().filter_map(|table| Entity::parse(named(table, "entity")?)).collect();
        to.push(destination(&entities, field));
        Ok(())
    }

    fn object(&mut self, object: Object) -> Result<&mut toml_edit::Table> {
        let missing = || unfit(&format!("object {object}"));
        let objects = self.document.get_mut("object").and_then(Item::as_array_of_tables_mut).ok_or_else(missing)?;
        let is_meant = |table: &&mut toml_edit::Table| named(*table, "kind") == Some(object.as_str());
        objects.iter_mut().find(is_meant).ok_or_else(missing)
    }

    fn fields(&mut self, object: Object, role: &str) -> Result<&mut Array> {
        let missing = || unfit(&format!("object {object}, {role}"));
        let roles = self.object(object)?.get_mut("to").and_then(Item::as_array_of_tables_mut).ok_or_else(missing)?;
        let is_meant =
            |table: &&mut toml_edit::Table| named(*table, "role").or_else(|| named(*table, "entity")) == Some(role);
        let destination = roles.iter_mut().find(is_meant).ok_or_else(missing)?;
        destination.get_mut("fields").and_then(Item::as_array_mut).ok_or_else(missing)
    }

    fn owners(&mut self) -> Result<&mut toml_edit::Table> {
        self.document.get_mut("owners").and_then(Item::as_table_mut).ok_or_else(|| unfit("[owners]"))
    }

    fn alias(&mut self, written: &str, meant: Option<&str>) -> Result<()> {
        let owners = self.owners()?;
        let aliases = owners.entry("aliases").or_insert_with(toml_edit::table);
        let aliases = aliases.as_table_like_mut().ok_or_else(|| unfit("[owners.aliases]"))?;
        match meant {
            Some(meant) => {
                aliases.insert(written, toml_edit::value(meant));
            }
            None => {
                aliases.remove(written);
            }
        }
        Ok(())
    }

    fn decide(&mut self, owner: &str, decision: Option<&OwnerDecision>) -> Result<()> {
        let owners = self.owners()?;
        let decisions = owners.entry("decision").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let decisions = decisions.as_array_of_tables_mut().ok_or_else(|| unfit("[[owners.decision]]"))?;
        let position = decisions.iter().position(|table| named(table, "owner") == Some(owner));
        let Some(decision) = decision else {
            if let Some(position) = position {
                decisions.remove(position);
            }
            return Ok(());
        };
        let mut made = toml_edit::Table::new();
        made.insert("owner", toml_edit::value(owner));
        let table = match position.and_then(|position| decisions.get_mut(position)) {
            Some(table) => table,
            None => &mut made,
        };
        for key in ["match", "reassign", "park", "provision"] {
            table.remove(key);
        }
        match decision {
            OwnerDecision::Match(user) => table.insert("match", toml_edit::value(user)),
            OwnerDecision::Reassign(user) => table.insert("reassign", toml_edit::value(user)),
            OwnerDecision::Provision(user) => table.insert("provision", toml_edit::value(user)),
            OwnerDecision::Park => table.insert("park", toml_edit::value(true)),
        };
        if position.is_none() {
            decisions.push(made);
        }
        Ok(())
    }
}

fn unfit(what: &str) -> Error {
    Error::new(Kind::Settings, format!("the mapping has no {what} in the form that a workbook can edit"))
}

fn named<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Item::as_str)
}

fn inline<'a>(fields: &'a mut Array, at: &FieldPlace) -> Result<&'a mut InlineTable> {
    let missing = || unfit(&format!("field {} of object {}, {}", at.position + 1, at.object, at.role));
    fields.get_mut(at.position).and_then(toml_edit::Value::as_inline_table_mut).ok_or_else(missing)
}

/// A key keeps its place and the space around its value.
fn set(table: &mut InlineTable, key: &str, value: Option<&Value>) -> Result<()> {
    let Some(value) = value else {
        table.remove(key);
        return Ok(());
    };
    let mut value = edited(value)?;
    match table.get_mut(key) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            // The last value holds the space before the closing brace.
            if let Some((_, last)) = table.iter_mut().last() {
                last.decor_mut().set_suffix("");
            }
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix(" ");
            table.insert(key, value);
        }
    }
    Ok(())
}

/// A value as `toml_edit` writes it.
fn edited(value: &Value) -> Result<toml_edit::Value> {
    value.to_string().parse().map_err(|error| Error::new(Kind::Bug, "a value of the mapping as TOML").because(error))
}

/// Removes an element with the comment behind it, which `toml_edit` holds before the next one. Those on lines of their own
/// stay, and so does the one behind the element before it.
fn remove(fields: &mut Array, position: usize) {
    let text = |decor: Option<&toml_edit::RawString>| {
        decor.and_then(toml_edit::RawString::as_str).unwrap_or_default().to_owned()
    };
    let own = |text: String| text.find('\n').map(|end| text[end..].to_owned()).unwrap_or(text);
    let prefix = fields.get(position).map(|value| text(value.decor().prefix())).unwrap_or_default();
    fields.remove(position);
    let kept = if prefix.contains('#') { prefix.trim_end_matches([' ', '\t', '\n']) } else { "" };
    match fields.get_mut(position) {
        Some(next) => {
            let rest = own(text(next.decor().prefix()));
            next.decor_mut().set_prefix(format!("{kept}{rest}"));
        }
        None => {
            let rest = own(fields.trailing().as_str().unwrap_or_default().to_owned());
            fields.set_trailing(format!("{kept}{rest}"));
            fields.set_trailing_comma(true);
        }
    }
}

fn add(fields: &mut Array, field: &Table) -> Result<()> {
    let mut table = InlineTable::new();
    // The order in which people write them.
    let first = ["to", "kind", "from"].iter().filter_map(|key| field.get_key_value(*key));
    let rest = field.iter().filter(|(key, _)| !["to", "kind", "from"].contains(&key.as_str()));
    for (key, value) in first.chain(rest) {
        table.insert(key, edited(value)?);
    }
    let mut value = toml_edit::Value::InlineTable(table);
    let trailing = fields.trailing().as_str().unwrap_or_default().to_owned();
    let in_lines = trailing.contains('\n') || fields.is_empty();
    if in_lines {
        // A comment behind the last field stays behind it.
        value.decor_mut().set_prefix(format!("{}\n  ", trailing.trim_end()));
        fields.set_trailing("\n");
        fields.set_trailing_comma(true);
    } else {
        value.decor_mut().set_prefix(" ");
    }
    fields.push_formatted(value);
    Ok(())
}

fn leave(object: &mut toml_edit::Table, column: &str, reason: Option<&str>) {
    let Some(reason) = reason else {
        if let Some(left) = object.get_mut("leave").and_then(Item::as_table_like_mut) {
            left.remove(column);
            if left.is_empty() {
                object.remove("leave");
            }
        }
        return;
    };
    let left = object.entry("leave").or_insert_with(|| toml_edit::value(InlineTable::new()));
    if let Some(left) = left.as_inline_table_mut() {
        let mut value = toml_edit::Value::from(reason);
        if let Some((_, last)) = left.iter_mut().last() {
            last.decor_mut().set_suffix("");
        }
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(" ");
        left.insert(column, value);
    } else if let Some(left) = left.as_table_like_mut() {
        left.insert(column, toml_edit::value(reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::difference::difference;
    use crate::mapping::{Mapping, PROMOX};

    fn at(role: &str, target: &str) -> FieldPlace {
        let mapping = Mapping::promox();
        let to = mapping.destination(Object::Client, role).expect("the role");
        let position = to.fields.iter().position(|field| field.target.to_string() == target).expect("the field");
        FieldPlace { object: Object::Client, role: role.to_owned(), position }
    }

    /// The lines that an edit removed and added.
    fn changed(edits: &[Edit]) -> (Vec<String>, Vec<String>) {
        let mut editor = Editor::new(PROMOX).expect("TOML");
        editor.apply(edits).expect("applied");
        let after = editor.text();
        Mapping::parse(&after, "edited").expect("still a mapping");
        let only = |one: &str, other: &str| {
            let other: Vec<&str> = other.lines().collect();
            one.lines().filter(|line| !other.contains(line)).map(str::to_owned).collect::<Vec<_>>()
        };
        (only(PROMOX, &after), only(&after, PROMOX))
    }

    #[test]
    fn nothing_changes_without_an_edit() {
        let mut editor = Editor::new(PROMOX).expect("TOML");
        editor.apply(&[]).expect("applied");
        assert_eq!(editor.text(), PROMOX);
    }

    #[test]
    fn only_the_edited_line_changes() {
        let text = |text: &str| Some(Value::String(text.to_owned()));
        let keys = vec![("to".to_owned(), text("custom:Born")), ("format".to_owned(), text("%d.%m.%Y"))];
        let (gone, new) = changed(&[Edit::Set(at("person", "custom:Birthday"), keys)]);
        assert_eq!(gone, ["  { to = \"custom:Birthday\", kind = \"date\", from = \"birthday\" },"]);
        assert_eq!(new, ["  { to = \"custom:Born\", kind = \"date\", from = \"birthday\", format = \"%d.%m.%Y\" },"]);
    }

    #[test]
    fn comments_stay_when_their_field_goes() {
        let (gone, new) = changed(&[
            Edit::Remove(at("organization", "custom:Company e-mail")),
            Edit::Leave(Object::Client, "fax".to_owned(), Some("nobody faxes".to_owned())),
            Edit::Leave(Object::Client, "telex".to_owned(), Some("nor that".to_owned())),
        ]);
        assert_eq!(gone.len(), 1, "{gone:?}");
        assert!(gone[0].contains("custom:Company e-mail"));
        assert_eq!(new, ["leave = { fax = \"nobody faxes\", telex = \"nor that\" }"]);
    }

    #[test]
    fn the_comment_behind_a_field_goes_with_it() {
        let commented = |text: &str, comment: &str| {
            let lines = text
                .lines()
                .map(|line| if line.starts_with("  { to") { format!("{line}{comment}") } else { line.to_owned() });
            lines.collect::<Vec<_>>().join("\n") + "\n"
        };
        let before = commented(PROMOX, "  # 92 %: why");
        for (role, target) in
            [("organization", "custom:Industry"), ("person", "name"), ("person", "custom:Client notes")]
        {
            let mut editor = Editor::new(&before).expect("TOML");
            editor.apply(&[Edit::Remove(at(role, target))]).expect("applied");
            let after = editor.text();
            let count = |text: &str| text.matches("# 92 %: why").count();
            assert_eq!(
                (after.lines().count(), count(&after)),
                (before.lines().count() - 1, count(&before) - 1),
                "{target}"
            );
            assert!(!after.lines().any(|line| line.matches("92 %").count() > 1), "{target}");
        }
    }

    #[test]
    fn fields_are_added_last_and_places_are_told() {
        let field: Table = "to = \"custom:Fax\"\nkind = \"text\"\nfrom = \"fax\"".parse().expect("TOML");
        let mut editor = Editor::new(PROMOX).expect("TOML");
        let set = vec![("cut".to_owned(), Some(Value::Boolean(true)))];
        let places = editor
            .apply(&[
                Edit::Set(at("person", "custom:Client notes"), set),
                Edit::Add(Object::Client, "person".to_owned(), field),
                Edit::Remove(at("person", "custom:Website")),
            ])
            .expect("applied");
        let last = at("person", "custom:Client notes").position;
        let position = |place: &Option<FieldPlace>| place.as_ref().map(|place| place.position);
        assert_eq!(places.iter().map(position).collect::<Vec<_>>(), [Some(last - 1), Some(last), None]);
        assert!(editor.text().contains(
            "  { to = \"custom:Client notes\", kind = \"html\", from = \"notes\", cut = true },\n  { to = \"custom:Fax\", kind = \"text\", from = \"fax\" },\n]"
        ));
        assert_eq!(difference(PROMOX, &editor.text()).len(), 3);
    }

    #[test]
    fn owners_are_decided() {
        let (_, new) = changed(&[
            Edit::Alias("a@old.example".to_owned(), Some("a@new.example".to_owned())),
            Edit::Decide("u_1".to_owned(), Some(OwnerDecision::Reassign("b@new.example".to_owned()))),
            Edit::Decide("u_2".to_owned(), Some(OwnerDecision::Park)),
        ]);
        assert_eq!(
            new,
            [
                "\"a@old.example\" = \"a@new.example\"",
                "[[owners.decision]]",
                "owner = \"u_1\"",
                "reassign = \"b@new.example\"",
                "[[owners.decision]]",
                "owner = \"u_2\"",
                "park = true",
            ]
        );
        let mut editor = Editor::new(PROMOX).expect("TOML");
        let decide = |decision| Edit::Decide("u_1".to_owned(), decision);
        editor.apply(&[decide(Some(OwnerDecision::Park))]).expect("applied");
        editor.apply(&[decide(Some(OwnerDecision::Match("x@y".to_owned())))]).expect("applied");
        assert!(
            editor.text().contains("owner = \"u_1\"\nmatch = \"x@y\"\n") && !editor.text().contains("\npark = true")
        );
        editor.apply(&[decide(None)]).expect("applied");
        assert!(difference(PROMOX, &editor.text()).is_empty(), "{:?}", difference(PROMOX, &editor.text()));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut editor = Editor::new("version = 1").expect("TOML");
        let told = editor.apply(&[Edit::Leave(Object::Client, "x".to_owned(), Some("y".to_owned()))]);
        assert!(told.is_err_and(|error| error.message().contains("no object client")));
    }
}
