//! Seven ways in which an API changes while it is being read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules;
use super::shape::Shape;
use crate::error::{Error, Kind, Result};
use crate::record::Object;

/// A change of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Drift {
    /// A field disappears from all rows. Named as the account names it: `phone`.
    FieldGone {
        /// The rows' object.
        object: Object,
        /// The field.
        field: String,
    },
    /// A number becomes text, anything else becomes an object with the value in it.
    TypeChanged {
        /// The rows' object.
        object: Object,
        /// The field.
        field: String,
    },
    /// The envelope moves: a value of the dimension `envelope`.
    EnvelopeMoved(String),
    /// Ids take another form: a value of `ids`.
    IdsChanged(String),
    /// Pages are turned in another way: a value of `paging`.
    PagingChanged(String),
    /// Dates are written otherwise: a value of `dates`.
    DatesChanged(String),
    /// An option is renamed in all rows: it gets ` (new)` behind it.
    OptionRenamed {
        /// The rows' object.
        object: Object,
        /// The field.
        field: String,
        /// The option as it was.
        option: String,
    },
}

/// What has drifted within rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Drifted {
    gone: BTreeSet<(Object, String)>,
    retyped: BTreeSet<(Object, String)>,
    renamed: BTreeSet<(Object, String, String)>,
    /// The shape before the first drift.
    before: Option<Shape>,
}

impl Drifted {
    pub(super) fn is_gone(&self, object: Object, field: &str) -> bool {
        self.gone.contains(&(object, field.to_owned()))
    }

    /// The value as it is now.
    pub(super) fn changed(&self, object: Object, field: &str, value: &Value) -> Value {
        if let Some(option) = value.as_str()
            && self.renamed.contains(&(object, field.to_owned(), option.to_owned()))
        {
            return Value::from(format!("{option} (new)"));
        }
        if !self.retyped.contains(&(object, field.to_owned())) {
            return value.clone();
        }
        match value {
            Value::Number(number) => Value::from(number.to_string()),
            other => serde_json::json!({"value": other}),
        }
    }

    /// Takes every drift back.
    pub(super) fn undo(&mut self, shape: &mut Shape) {
        if let Some(before) = std::mem::take(self).before {
            *shape = before;
        }
    }

    /// Lets the API drift.
    ///
    /// # Errors
    /// `Settings` where there is no such value, or it contradicts the rest of the shape.
    pub(super) fn apply(&mut self, drift: Drift, shape: &mut Shape) -> Result<()> {
        let (key, text) = match drift {
            Drift::FieldGone { object, field } => {
                self.gone.insert((object, field));
                return Ok(());
            }
            Drift::TypeChanged { object, field } => {
                self.retyped.insert((object, field));
                return Ok(());
            }
            Drift::OptionRenamed { object, field, option } => {
                self.renamed.insert((object, field, option));
                return Ok(());
            }
            Drift::EnvelopeMoved(text) => ("envelope", text),
            Drift::IdsChanged(text) => ("ids", text),
            Drift::PagingChanged(text) => ("paging", text),
            Drift::DatesChanged(text) => ("dates", text),
        };
        let drifted = shape.clone().with(key, &text)?;
        if let Some(why) = rules::broken(&drifted) {
            return Err(Error::new(Kind::Settings, format!("drift to {key}={text}: {why}")));
        }
        let before = std::mem::replace(shape, drifted);
        self.before.get_or_insert(before);
        Ok(())
    }
}
