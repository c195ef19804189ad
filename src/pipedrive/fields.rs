//! Custom fields and their options: read, made, extended.
//!
//! A field's code is 40 random hex digits that differ per account and cannot be chosen; names are not unique. Source:
//! OpenAPI v2, published 2026-08-18; documentation "Custom fields".

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Call, Client, write};
use super::page::Row;
use super::route::route;
use crate::error::{Error, Kind, Result};
use crate::permit::WritePermit;
use crate::record::Entity;

/// A field of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its code: the key in requests and answers.
    pub code: String,
    /// Its name, as people see it.
    pub name: String,
    /// One of Pipedrive's field types: `varchar`, `enum`, …
    pub field_type: String,
    /// False for the fields that every account has.
    pub custom: bool,
    /// Whether people must fill it in the web application, somewhere at least. The API does not ask for it (OpenAPI v2,
    /// `required_fields`: "UI only").
    pub required: bool,
    /// Whether people are reminded to fill it (`important_fields`).
    pub important: bool,
    /// Its options, for `enum` and `set`.
    pub options: Vec<FieldOption>,
}

/// A custom field about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    /// Its name.
    pub name: String,
    /// One of Pipedrive's field types.
    pub field_type: String,
    /// Labels of its options, for `enum` and `set`; those types need at least one.
    pub options: Vec<String>,
}

/// One option of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldOption {
    /// Its id: what records hold.
    pub id: i64,
    /// Its label: what people see.
    pub label: String,
}

impl Client {
    /// Every field of one kind of record (`OrganizationField`, `PersonField`, `DealField`).
    ///
    /// # Errors
    /// Those of a read.
    pub async fn fields(&self, entity: Entity) -> Result<Vec<Field>> {
        Ok(self.all(entity).await?.iter().map(field).collect())
    }

    /// Makes a custom field.
    ///
    /// # Errors
    /// Those of a create.
    pub async fn create_field(&self, entity: Entity, new: &NewField, permit: &WritePermit) -> Result<Field> {
        let mut body = Map::new();
        body.insert("field_name".to_owned(), new.name.as_str().into());
        body.insert("field_type".to_owned(), new.field_type.as_str().into());
        if !new.options.is_empty() {
            body.insert("options".to_owned(), labels(&new.options));
        }
        Ok(field(&self.create(entity, &body, permit).await?))
    }

    /// Adds options to a field; the answer holds the new ones only.
    ///
    /// # Errors
    /// Those of a create.
    pub async fn add_options(
        &self,
        entity: Entity,
        code: &str,
        options: &[String],
        permit: &WritePermit,
    ) -> Result<Vec<FieldOption>> {
        let route = route(entity);
        let name = "POST /v2/FIELDS/CODE/options";
        let call = write(name, Method::POST, &route, Some(&format!("{code}/options")), None);
        let body = serde_json::to_vec(&labels(options)).map_err(|error| Error::new(Kind::Bug, name).because(error))?;
        let call = Call { cost: route.create, body: Some(body.into()), ..call };
        let answer = self.send(call, Some(permit)).await?;
        Ok(read_options(answer.get("data")))
    }
}

fn labels(options: &[String]) -> Value {
    options.iter().map(|label| json!({ "label": label })).collect()
}

fn field(row: &Row) -> Field {
    Field {
        code: row.id.to_string(),
        name: row.text("field_name").unwrap_or_default().to_owned(),
        field_type: row.text("field_type").unwrap_or_default().to_owned(),
        custom: row.body.get("is_custom_field").and_then(Value::as_bool).unwrap_or(false),
        required: is_enabled(row, "required_fields"),
        important: is_enabled(row, "important_fields"),
        options: read_options(row.body.get("options")),
    }
}

/// Whether a part of a field's settings is switched on, for whatever stages.
fn is_enabled(row: &Row, part: &str) -> bool {
    row.body.get(part).and_then(|part| part.get("enabled")).and_then(Value::as_bool).unwrap_or(false)
}

/// System fields may have options whose ids are words; those are never written by us and are left out.
fn read_options(options: Option<&Value>) -> Vec<FieldOption> {
    let option = |option: &Value| {
        let id = option.get("id")?.to_string().parse().ok()?;
        Some(FieldOption { id, label: option.get("label")?.as_str()?.to_owned() })
    };
    options.and_then(Value::as_array).map(|options| options.iter().filter_map(option).collect()).unwrap_or_default()
}
