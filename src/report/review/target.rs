//! Where a value goes, as a cell says it: `person: emails`, `deal: custom:Rush`, `do not migrate`.

use std::fmt;

use crate::mapping::accepted::accepted;
use crate::mapping::clauses::hint;
use crate::mapping::edit_note::{NOTE, may_have_note};
use crate::mapping::field::{Kind, custom_owner};
use crate::mapping::object::{Destination, ObjectRules};
use crate::record::Entity;

/// The text of a cell whose column is left out.
pub const LEAVE: &str = "do not migrate";

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Into this field of the destination with this role, as the mapping names both.
    Field {
        /// The role.
        role: String,
        /// The field: `emails`, `custom:Industry`.
        to: String,
    },
    /// Nowhere, on purpose.
    Leave,
}

impl Target {
    /// A field of a destination.
    #[must_use]
    pub fn field(role: &str, to: &str) -> Self {
        Self::Field { role: role.to_owned(), to: to.to_owned() }
    }

    /// Reads a cell that is not empty. Without a role that of the line is meant, or the only one.
    ///
    /// # Errors
    /// What is wrong in words, as the end of the sentence `"emials": …`.
    pub fn read(text: &str, own_role: &str, rules: &ObjectRules) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case(LEAVE) {
            return Ok(Self::Leave);
        }
        let roles: Vec<&str> = rules.to.iter().map(|to| &*to.role).collect();
        let (role, name) = match text.split_once(':') {
            Some((role, name)) if !role.trim().eq_ignore_ascii_case("custom") => (role.trim(), name.trim()),
            _ if !own_role.is_empty() => (own_role, text),
            _ => match roles.as_slice() {
                [only] => (*only, text),
                [] => return Err(format!("goes nowhere: a {} becomes no record of its own", rules.object)),
                several => {
                    let choices: Vec<String> = several.iter().map(|role| format!("{role}: {text}")).collect();
                    return Err(format!("does not say of which record; write {}", choices.join(" or ")));
                }
            },
        };
        let is_note = role.eq_ignore_ascii_case(NOTE.0) && name.eq_ignore_ascii_case(NOTE.1);
        if is_note && may_have_note(rules) {
            return Ok(Self::field(NOTE.0, NOTE.1));
        }
        let Some(destination) = rules.to.iter().find(|to| to.role.eq_ignore_ascii_case(role)) else {
            return Err(format!("{role:?} is no record that a {} becomes{}", rules.object, hint(role, &roles)));
        };
        field_of(destination, name).map(|to| Self::Field { role: destination.role.to_string(), to })
    }
}

fn field_of(destination: &Destination, name: &str) -> Result<String, String> {
    let entity = destination.entity;
    if let Some((prefix, custom)) = name.split_once(':')
        && prefix.trim().eq_ignore_ascii_case("custom")
    {
        return match custom.trim() {
            "" => Err("needs the name of the custom field behind the colon".to_owned()),
            custom => Ok(format!("custom:{custom}")),
        };
    }
    let names: Vec<&str> = accepted(entity).iter().map(|facts| facts.name).collect();
    match names.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => Ok((*known).to_owned()),
        None => {
            let custom = if custom_owner(entity).is_some() { "; a new field of yours is custom:NAME" } else { "" };
            Err(format!("is no field of {} {entity}{}{custom}", article(entity), hint(name, &names)))
        }
    }
}

fn article(entity: Entity) -> &'static str {
    if entity.as_str().starts_with(['a', 'o', 'e', 'i']) { "an" } else { "a" }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Field { role, to } => write!(f, "{role}: {to}"),
            Target::Leave => f.write_str(LEAVE),
        }
    }
}

/// Every target that a value of an object may sensibly go to, but links, which need a rule: first the system fields of each
/// destination, then the custom fields it has, then none.
#[must_use]
pub fn choices(rules: &ObjectRules) -> Vec<String> {
    let mut choices = Vec::new();
    for destination in &rules.to {
        let system = accepted(destination.entity).iter().filter(|facts| facts.kinds != [Kind::Link]);
        let custom = destination.fields.iter().map(|field| field.target.to_string());
        let names = system.map(|facts| facts.name.to_owned()).chain(custom.filter(|name| name.starts_with("custom:")));
        for name in names {
            let choice = Target::field(&destination.role, &name).to_string();
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }
    if may_have_note(rules) {
        choices.push(Target::field(NOTE.0, NOTE.1).to_string());
    }
    choices.push(LEAVE.to_owned());
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;
    use crate::record::Object;

    #[test]
    fn cells_name_targets() {
        let mapping = Mapping::promox();
        let client = mapping.object(Object::Client).expect("clients");
        let check = |text: &str, role: &str, expected: Result<&str, &str>| {
            let read = Target::read(text, role, client).map(|target| target.to_string());
            assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
        };
        check("person: emails", "organization", Ok("person: emails"));
        check(" Person:EMAILS ", "organization", Ok("person: emails"));
        check("emails", "person", Ok("person: emails"));
        check("custom:Shoe size", "person", Ok("person: custom:Shoe size"));
        check("organization: custom: Size", "person", Ok("organization: custom:Size"));
        check("Do not migrate", "", Ok("do not migrate"));
        check(
            "emials",
            "person",
            Err("is no field of a person; did you mean emails?; a new field of yours is custom:NAME"),
        );
        check("persn: emails", "person", Err("\"persn\" is no record that a client becomes; did you mean person?"));
        check("emails", "", Err("does not say of which record; write organization: emails or person: emails"));
        check("custom:", "person", Err("needs the name of the custom field behind the colon"));
        for choice in choices(client) {
            assert_eq!(Target::read(&choice, "", client).map(|target| target.to_string()), Ok(choice));
        }
    }
}
