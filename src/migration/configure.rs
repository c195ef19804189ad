//! Configure: the workspace that the mapping needs, made once and by name. Only here are fields, stages and labels made.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, json};

use super::Migration;
use super::outlook::Outlook;
use super::survey::{Needs, Seen, option_key};
use crate::error::{Error, Kind, Result};
use crate::mapping::workspace::{CustomField, Options};
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::{Field, Me, NewField, Row};
use crate::record::{Entity, fold_name};
use crate::stage::extract::Which;
use crate::stage::resolve::{FieldKey, Workspace};

/// Colours of lead labels, in turn (OpenAPI v1: `leadLabels`).
const COLORS: [&str; 6] = ["blue", "green", "orange", "purple", "yellow", "gray"];

impl Migration {
    pub(super) async fn configure(&self, me: &Me) -> Result<()> {
        let needs = self.needs().await?;
        let plan = self.plan(&needs).await?;
        self.write_report("plan", &plan)?;
        let permit = self.pass(Gate::Plan, &plan.digest()?).await?;
        let owners = self.match_owners().await?;
        self.keep_forecast(self.forecast_of(&plan, &needs, &owners).await?).await?;
        let workspace = Workspace {
            fields: self.ensure_fields(&needs, &permit).await?,
            lead_labels: self.ensure_labels(&needs, &permit).await?,
            activity_types: self.ensure_types(&needs, &permit).await?,
            stages: self.ensure_pipelines(&permit).await?,
        };
        self.journal.put_keys(me.company_id.clone(), workspace.to_keys()?).await
    }

    /// Adds what later changes need: options, labels and types under the rules of the approved plan.
    pub(super) async fn configure_again(&self, me: &Me) -> Result<()> {
        let needs = self.draft_walk(Which::Pending, &mut Seen::default(), Outlook::default()).await?;
        let permit = self.standing_permit(Gate::Plan).await?;
        let mut workspace = self.workspace(me).await?;
        workspace.fields = self.ensure_fields(&needs, &permit).await?;
        workspace.lead_labels.extend(self.ensure_labels(&needs, &permit).await?);
        workspace.activity_types.extend(self.ensure_types(&needs, &permit).await?);
        self.journal.put_keys(me.company_id.clone(), workspace.to_keys()?).await
    }

    /// The workspace as it was made.
    pub(super) async fn workspace(&self, me: &Me) -> Result<Workspace> {
        Workspace::from_keys(self.journal.keys(me.company_id.clone()).await?)
    }

    async fn ensure_fields(&self, needs: &Needs, permit: &WritePermit) -> Result<HashMap<(Entity, String), FieldKey>> {
        let wanted = self.mapping.custom_fields();
        let mut keys = HashMap::new();
        for owner in [Entity::Organization, Entity::Person, Entity::Deal] {
            let entity = field_entity(owner);
            let known = self.client.fields(entity).await?;
            for field in wanted.iter().filter(|field| field.entity == owner) {
                self.border().await?;
                let options = options(field, needs);
                let known = known.iter().find(|known| known.custom && known.name == field.name).cloned();
                let made = self.ensure_field(entity, field, known, &options, permit).await?;
                let ids = made.options.into_iter().map(|option| (option.label, option.id)).collect();
                let key = FieldKey { code: made.code, field_type: made.field_type, options: ids };
                keys.insert((owner, field.name.clone()), key);
                self.progress.add_done(1);
            }
        }
        Ok(keys)
    }

    #[expect(clippy::too_many_arguments, reason = "the field wanted and the field found, and leave to make it")]
    async fn ensure_field(
        &self,
        entity: Entity,
        wanted: &CustomField,
        known: Option<Field>,
        options: &[String],
        permit: &WritePermit,
    ) -> Result<Field> {
        let mut field = match known {
            Some(known) => known,
            None => {
                let new = NewField {
                    name: wanted.name.clone(),
                    field_type: wanted.field_type.to_owned(),
                    options: options.to_vec(),
                };
                let find = async || {
                    let fields = self.client.fields(entity).await?;
                    Ok(fields.into_iter().find(|field| field.custom && field.name == wanted.name))
                };
                self.ensure(&wanted.name, find, async || self.client.create_field(entity, &new, permit).await).await?
            }
        };
        if field.field_type != wanted.field_type {
            let why = format!(
                "custom field '{}' of {} exists with type {} and is needed with type {}; rename one of them",
                wanted.name, wanted.entity, field.field_type, wanted.field_type
            );
            return Err(Error::new(Kind::Settings, why));
        }
        let has = |label: &String| field.options.iter().any(|option| option.label == *label);
        let missing: Vec<String> = options.iter().filter(|label| !has(label)).cloned().collect();
        if !missing.is_empty() {
            let find = async || {
                let fields = self.client.fields(entity).await?;
                let now = fields.into_iter().find(|now| now.code == field.code).map(|now| now.options);
                Ok(now
                    .filter(|options| missing.iter().all(|label| options.iter().any(|option| option.label == *label))))
            };
            let create = async || self.client.add_options(entity, &field.code, &missing, permit).await;
            let added = self.ensure(&wanted.name, find, create).await?;
            field.options.retain(|known| added.iter().all(|option| option.id != known.id));
            field.options.extend(added);
        }
        Ok(field)
    }

    async fn ensure_labels(&self, needs: &Needs, permit: &WritePermit) -> Result<HashMap<String, String>> {
        if needs.lead_labels.is_empty() {
            return Ok(HashMap::new());
        }
        let mut labels = self.by_name(Entity::LeadLabel, "id").await?;
        for (index, name) in needs.lead_labels.iter().enumerate() {
            let body = json!({ "name": name, "color": COLORS[index % COLORS.len()] });
            self.ensure_named(Entity::LeadLabel, name, ("id", body), &mut labels, permit).await?;
        }
        Ok(labels)
    }

    async fn ensure_types(&self, needs: &Needs, permit: &WritePermit) -> Result<HashMap<String, String>> {
        if needs.activity_types.is_empty() {
            return Ok(HashMap::new());
        }
        let mut types = self.known_types().await?;
        for name in &needs.activity_types {
            let body = json!({ "name": name, "icon_key": "task" });
            self.ensure_named(Entity::ActivityType, name, ("key_string", body), &mut types, permit).await?;
        }
        Ok(types)
    }

    /// The account's activity types, by folded name.
    pub(super) async fn known_types(&self) -> Result<HashMap<String, String>> {
        let mut types = self.by_name(Entity::ActivityType, "key_string").await?;
        // The types that every account has are known by their keys, whatever they were renamed to.
        let keys: BTreeMap<String, String> = types.values().map(|key| (fold_name(key), key.clone())).collect();
        for (key, value) in keys {
            types.entry(key).or_insert(value);
        }
        Ok(types)
    }

    /// What is there, by folded name.
    pub(super) async fn by_name(&self, entity: Entity, key: &str) -> Result<HashMap<String, String>> {
        let rows = self.client.all(entity).await?;
        Ok(rows.iter().filter_map(|row| named(row, key)).collect())
    }

    #[expect(clippy::too_many_arguments, reason = "the thing wanted, the things there, and leave to make it")]
    async fn ensure_named(
        &self,
        entity: Entity,
        name: &str,
        (key, body): (&str, serde_json::Value),
        known: &mut HashMap<String, String>,
        permit: &WritePermit,
    ) -> Result<()> {
        let folded = fold_name(name);
        if known.contains_key(&folded) {
            return Ok(());
        }
        self.border().await?;
        let body: Map<_, _> = body.as_object().cloned().unwrap_or_default();
        let find = async || Ok(self.by_name(entity, key).await?.remove(&folded));
        let create = async || {
            let row = self.client.create(entity, &body, permit).await?;
            let made = named(&row, key).map(|(_, key)| key);
            made.ok_or_else(|| Error::new(Kind::Unreachable, format!("{entity} '{name}' was answered without its key")))
        };
        let made = self.ensure(name, find, create).await?;
        known.insert(folded, made);
        Ok(())
    }
}

/// Name (folded) and key of a label or type; inactive ones do not count.
fn named(row: &Row, key: &str) -> Option<(String, String)> {
    if row.body.get("active_flag").and_then(serde_json::Value::as_bool) == Some(false) {
        return None;
    }
    let key = if key == "id" { row.id.to_string() } else { row.text(key)?.to_owned() };
    Some((fold_name(row.text("name")?), key))
}

/// Declared options first, in their order; then what the data holds.
fn options(field: &CustomField, needs: &Needs) -> Vec<String> {
    let mut options = match &field.options {
        Options::Declared(options) => options.clone(),
        Options::FromData => Vec::new(),
    };
    if matches!(field.field_type, "enum" | "set") {
        let found = needs.options.get(&option_key(field.entity, &field.name)).into_iter().flatten();
        options.extend(found.filter(|label| !options.contains(label)).cloned().collect::<Vec<_>>());
        if options.is_empty() {
            // Pipedrive refuses such a field without an option; nothing in the data uses it.
            options.push("(none)".to_owned());
        }
    }
    options
}

/// The kind of field that a kind of record has.
fn field_entity(owner: Entity) -> Entity {
    match owner {
        Entity::Organization => Entity::OrganizationField,
        Entity::Person => Entity::PersonField,
        _ => Entity::DealField,
    }
}
