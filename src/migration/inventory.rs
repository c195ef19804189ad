//! What the account holds beside records: users, fields, pipelines, labels, types, currencies, webhooks. Read at the survey
//! and once more just before the first write, and kept in the journal, so that a plan is the same whenever it is built anew.

use std::collections::HashSet;
use std::fmt::Display;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Migration;
use crate::error::{Kind, Result};
use crate::pipedrive::{Currency, Field, Me, Row, User, Webhook, route};
use crate::record::{Entity, fold_name};
use crate::report::plan::caps::Existing;
use crate::stage::resolve::Workspace;

/// Where the journal keeps it.
const ACCOUNT: &str = "account";

/// Scope of the journal's keys for what this migration made in the account: by kind and key, the name.
const MADE: &str = "made:";

/// Scope of the journal's keys for what it is about to make: by kind and name, when.
const MAKING: &str = "making:";

/// Where the journal keeps when we last waited for calls of an earlier run.
const OUTWAITED: &str = "outwaited";

/// Scope of the journal's keys for the stages that came with a pipeline of ours: by stage, and by pipeline with this mark.
const CAME_ALONG: &str = "came_along";
const OF_PIPELINE: &str = "pipeline ";

/// What our token sees of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Inventory {
    /// Parts of Pipedrive that our user does not administer; `None` when Pipedrive does not tell.
    pub(super) lacks: Option<Vec<String>>,
    pub(super) users: Vec<User>,
    /// Fields by kind of record.
    pub(super) fields: Vec<(Entity, Vec<Field>)>,
    pub(super) pipelines: Vec<Known>,
    /// In their order.
    pub(super) stages: Vec<Known>,
    pub(super) lead_labels: Vec<Known>,
    pub(super) activity_types: Vec<Known>,
    /// Empty when our user may not read them.
    pub(super) currencies: Vec<Currency>,
    /// `None` when our user may not see them.
    pub(super) webhooks: Option<Vec<Webhook>>,
}

/// A row of a short list, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) body: Map<String, Value>,
}

/// What of the account is this migration's own work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ours {
    /// Kind and key of what was made.
    made: HashSet<(String, String)>,
    /// Kind and name of what was about to be made.
    making: HashSet<(String, String)>,
    /// Ids of stages that came with a pipeline, and of pipelines whose stages were looked at, marked.
    came_along: HashSet<String>,
    /// Codes of the fields that this migration uses already.
    used: HashSet<String>,
    /// When something was begun last that is not known as made.
    unfinished: Option<Timestamp>,
}

impl Known {
    fn of(row: Row) -> Self {
        Self { id: row.id.to_string(), body: row.body }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.body.get(name).and_then(Value::as_i64)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.body.get(name).and_then(Value::as_bool)
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        fold_name(self.text("name")) == fold_name(name)
    }

    pub(super) fn row(&self) -> Row {
        Row { id: self.id.as_str().into(), body: self.body.clone() }
    }
}

impl Inventory {
    pub(super) fn fields_of(&self, owner: Entity) -> &[Field] {
        self.fields.iter().find(|(own, _)| *own == owner).map_or(&[], |(_, fields)| fields)
    }

    pub(super) fn custom_fields(&self) -> u64 {
        let of = |fields: &Vec<Field>| fields.iter().filter(|field| field.custom).count();
        self.fields.iter().map(|(_, fields)| of(fields) as u64).sum()
    }

    /// Stages of a pipeline, in their order.
    pub(super) fn stages_of(&self, pipeline: &Known) -> Vec<&Known> {
        let id = pipeline.id.parse::<i64>().ok();
        let mut stages: Vec<&Known> = self.stages.iter().filter(|stage| stage.number("pipeline_id") == id).collect();
        stages.sort_by_key(|stage| stage.number("order_nr"));
        stages
    }
}

impl Ours {
    pub(super) fn made(&self, entity: Entity, key: &str) -> bool {
        self.made.contains(&(entity.to_string(), key.to_owned()))
    }

    /// Whether one of that name was about to be made when an earlier run ended.
    pub(super) fn was_making(&self, entity: Entity, name: &str) -> bool {
        self.making.contains(&(entity.to_string(), fold_name(name)))
    }

    /// Whether a stage came with a pipeline of ours.
    pub(super) fn came_along(&self, stage: &str) -> bool {
        self.came_along.contains(stage)
    }

    /// Whether the stages that came with a pipeline of ours are known.
    pub(super) fn knows_stages_of(&self, pipeline: &str) -> bool {
        self.came_along.contains(&format!("{OF_PIPELINE}{pipeline}"))
    }

    /// The field that a name means: the only one, or among several the one that is this migration's.
    pub(super) fn pick<'f>(&self, fields: &[&'f Field]) -> Option<&'f Field> {
        let own = |field: &&&Field| self.used.contains(&field.code) || self.is_made_field(&field.code);
        match fields {
            [only] => Some(only),
            _ => fields.iter().find(own).copied(),
        }
    }

    pub(super) fn is_made_field(&self, code: &str) -> bool {
        [Entity::OrganizationField, Entity::PersonField, Entity::DealField].iter().any(|kind| self.made(*kind, code))
    }
}

/// The kind of field that a kind of record has.
pub(super) fn field_entity(owner: Entity) -> Entity {
    match owner {
        Entity::Organization => Entity::OrganizationField,
        Entity::Person => Entity::PersonField,
        _ => Entity::DealField,
    }
}

/// Kinds of record that have fields of their own.
pub(super) const FIELD_OWNERS: [Entity; 3] = [Entity::Organization, Entity::Person, Entity::Deal];

/// Calls and tokens of one reading.
pub(super) fn reading() -> Existing {
    let mut existing = Existing::default();
    for entity in [
        Entity::User,
        Entity::OrganizationField,
        Entity::PersonField,
        Entity::DealField,
        Entity::Pipeline,
        Entity::Stage,
        Entity::LeadLabel,
        Entity::ActivityType,
    ] {
        existing.add_call(route(entity).list);
    }
    // Currencies and webhooks (OpenAPI v1: `x-token-cost`).
    existing.add_call(20);
    existing.add_call(10);
    existing
}

impl Migration {
    /// Reads the account as it is now.
    ///
    /// # Errors
    /// Those of reads; `Stopped`.
    pub(super) async fn read_inventory(&self, me: &Me) -> Result<Inventory> {
        self.border().await?;
        let mut fields = Vec::new();
        for owner in FIELD_OWNERS {
            fields.push((owner, self.client.fields(field_entity(owner)).await?));
        }
        // Both need leave that a user may lack; what else they lack is told by name then.
        let currencies = self.client.currencies().await;
        let webhooks = self.client.webhooks().await;
        Ok(Inventory {
            lacks: me.lacks().map(|parts| parts.into_iter().map(str::to_owned).collect()),
            users: self.users().await?.to_vec(),
            fields,
            pipelines: self.known(Entity::Pipeline).await?,
            stages: self.known(Entity::Stage).await?,
            lead_labels: self.known(Entity::LeadLabel).await?,
            activity_types: self.known(Entity::ActivityType).await?,
            currencies: allowed(currencies)?.unwrap_or_default(),
            webhooks: allowed(webhooks)?,
        })
    }

    /// The account as it was when the plan was made; read now where nobody looked yet.
    ///
    /// # Errors
    /// Those of reads; `Journal`.
    pub(super) async fn inventory(&self, me: &Me) -> Result<Inventory> {
        if let Some(inventory) = self.fact(ACCOUNT).await? {
            return Ok(inventory);
        }
        let inventory = self.read_inventory(me).await?;
        self.keep_inventory(&inventory).await?;
        Ok(inventory)
    }

    pub(super) async fn keep_inventory(&self, inventory: &Inventory) -> Result<()> {
        self.put_json(ACCOUNT, inventory).await
    }

    /// Rows that are there: those that Pipedrive shows as deleted are not.
    pub(super) async fn known(&self, entity: Entity) -> Result<Vec<Known>> {
        let rows = self.client.all(entity).await?.into_iter().map(Known::of);
        Ok(rows.filter(|row| row.flag("is_deleted") != Some(true)).collect())
    }

    /// What of a company's workspace is our own work.
    ///
    /// # Errors
    /// `Journal`.
    pub(super) async fn ours(&self, me: &Me) -> Result<Ours> {
        let keys = self.journal.keys(me.company_id.clone()).await?;
        let mut ours = Ours::default();
        let mut names = HashSet::new();
        for (scope, name, value) in &keys {
            if let Some(kind) = scope.strip_prefix(MADE) {
                ours.made.insert((kind.to_owned(), name.clone()));
                names.insert((kind.to_owned(), fold_name(value)));
            } else if let Some(kind) = scope.strip_prefix(MAKING) {
                ours.making.insert((kind.to_owned(), name.clone()));
            } else if scope == CAME_ALONG {
                ours.came_along.insert(name.clone());
            }
        }
        let begun = keys.iter().filter_map(|(scope, name, at)| Some((scope.strip_prefix(MAKING)?, name, at)));
        let open = begun.filter(|(kind, name, _)| !names.contains(&((*kind).to_owned(), (*name).clone())));
        ours.unfinished = open.filter_map(|(.., at)| at.parse().ok()).max();
        ours.used = Workspace::from_keys(keys)?.fields.into_values().map(|key| key.code).collect();
        Ok(ours)
    }

    /// Waits until no call of an earlier run can still be on its way. Only then does the account show what is missing.
    ///
    /// # Errors
    /// `Journal`, `Stopped`.
    pub(super) async fn outwait_makings(&self, me: &Me) -> Result<()> {
        let Some(begun) = self.ours(me).await?.unfinished else { return Ok(()) };
        let waited: Option<Timestamp> = self.fact(OUTWAITED).await?;
        if waited.is_some_and(|waited| begun < waited) {
            return Ok(());
        }
        self.outwait("parts of the workspace").await?;
        self.put_json(OUTWAITED, &self.clock.utc()).await
    }

    /// Something is about to be made: should the process die now, the next one knows whose work it finds.
    pub(super) async fn making(&self, me: &Me, entity: impl Display, name: &str) -> Result<()> {
        let at = self.clock.utc().to_string();
        let key = (format!("{MAKING}{entity}"), fold_name(name), at);
        self.journal.put_keys(me.company_id.clone(), vec![key]).await
    }

    /// These stages came with a pipeline of ours, and no others.
    pub(super) async fn came_along(&self, me: &Me, pipeline: &str, stages: &[&str]) -> Result<()> {
        let key = |name: String| (CAME_ALONG.to_owned(), name, String::new());
        let stages = stages.iter().map(|stage| key((*stage).to_owned()));
        let keys = stages.chain([key(format!("{OF_PIPELINE}{pipeline}"))]).collect();
        self.journal.put_keys(me.company_id.clone(), keys).await
    }

    /// Something was made.
    pub(super) async fn made(&self, me: &Me, entity: impl Display, (key, name): (&str, &str)) -> Result<()> {
        let key = (format!("{MADE}{entity}"), key.to_owned(), name.to_owned());
        self.journal.put_keys(me.company_id.clone(), vec![key]).await
    }
}

/// What was read, or nothing when our user may not read it.
fn allowed<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if matches!(error.kind(), Kind::Refused | Kind::Gone) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
impl Ours {
    /// Something was made, and nothing else.
    pub(super) fn of_made(entity: Entity, key: &str) -> Self {
        Self { made: [(entity.to_string(), key.to_owned())].into(), ..Self::default() }
    }
}
