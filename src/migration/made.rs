//! The *workspace* gate: what the migration uses of the account, as the account now has it, is approved before any record is
//! made.
//!
//! Fields with their options, pipelines and stages with their order and probability, labels and activity types are read when
//! the gate is reached, now and then while it stands open, and once more when it is approved: what people changed meanwhile
//! closes it again and is named. What is added later under approved rules does not.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Migration;
use super::gates::{Artefact, MADE};
use super::inventory::{FIELD_OWNERS, Known, field_entity};
use super::survey::Needs;
use crate::error::Result;
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::{Field, Me, route};
use crate::record::{Entity, fold_name};
use crate::report::plan::forecast::Effort;
use crate::stage::resolve::Workspace;

/// Where the journal keeps the [`Approved`].
const APPROVED: &str = "workspace_approved";

/// Where the journal keeps the digest of the keys whose workspace is kept as it was made.
const MADE_OF: &str = "gate:workspace:made_of";

/// How often the account is looked at while the gate stands open. A look costs as much as [`looks`] says for two, so the
/// pauses grow from the first to the last.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const LAST_LOOK: Duration = Duration::from_secs(3_600);

/// Kinds that a look reads, beside the fields.
const KINDS: [Entity; 4] = [Entity::Pipeline, Entity::Stage, Entity::LeadLabel, Entity::ActivityType];

/// What the approval of the workspace is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Approved {
    /// Digest of the keys of fields and stages.
    keys: String,
    /// Digest of what was approved.
    artefact: String,
}

/// What the account has of the kinds that a workspace is made of.
struct Account {
    fields: Vec<(Entity, Vec<Field>)>,
    pipelines: Vec<Known>,
    stages: Vec<Known>,
    lead_labels: Vec<Known>,
    activity_types: Vec<Known>,
}

/// What the gate costs: one look when it is reached and one when it is approved.
pub(super) fn looks() -> Effort {
    let lists = FIELD_OWNERS.iter().map(|owner| field_entity(*owner)).chain(KINDS);
    lists.fold(Effort::default(), |sum, entity| {
        sum.plus(Effort { requests: 2, tokens: 2 * u64::from(route(entity).list), seconds: 0 })
    })
}

impl Migration {
    /// Waits until the workspace is approved as it is. Once it was, only other fields and stages ask again.
    pub(super) async fn pass_workspace(&self, me: &Me) -> Result<WritePermit> {
        let keys = self.workspace(me).await?.digest();
        let known: Option<Approved> = self.fact(APPROVED).await?;
        if let Some(known) = known.filter(|known| known.keys == keys) {
            return self.pass(Gate::Workspace, &known.artefact).await;
        }
        let mut pause = FIRST_LOOK;
        let mut now = self.workspace_now(me).await?;
        // Once for what was made: what people change later is told against it, also after a restart.
        if self.journal.fact(MADE_OF).await?.as_ref() != Some(&keys) {
            self.journal.put_fact(MADE, now.digest.clone()).await?;
            self.journal.put_fact(MADE_OF, keys.clone()).await?;
        }
        loop {
            let approved = self.clock.timeout(pause, self.pass(Gate::Workspace, now.clone())).await;
            let permit = approved.transpose()?;
            if permit.is_none() {
                self.progress.waits("");
                self.waited_for_people(pause).await?;
                pause = (pause * 2).min(LAST_LOOK);
            }
            let before = std::mem::replace(&mut now, self.workspace_now(me).await?);
            match permit {
                Some(permit) if before == now => {
                    let approved = Approved { keys, artefact: now.digest };
                    self.put_json(APPROVED, &approved).await?;
                    return Ok(permit);
                }
                Some(_) => tracing::info!("the workspace was changed while its gate stood open"),
                None => {}
            }
        }
    }

    /// Writes the report anew, for more under approved rules.
    pub(super) async fn show_workspace(&self, me: &Me) -> Result<()> {
        let digest = self.journal.laid(Gate::Workspace).await?.unwrap_or_default();
        let content = self.journal.artefact(Gate::Workspace, digest.clone()).await?.unwrap_or_default();
        let lines = content.lines().map(str::to_owned).collect();
        self.write_workspace(me, &self.used_workspace(me).await?, (&digest, lines)).await
    }

    /// The workspace without fields that only an earlier mapping filled: they are there, and nobody uses them.
    async fn used_workspace(&self, me: &Me) -> Result<Workspace> {
        let mut workspace = self.workspace(me).await?;
        let used: BTreeSet<(Entity, String)> =
            self.mapping.custom_fields().into_iter().map(|field| (field.entity, field.name)).collect();
        workspace.fields.retain(|field, _| used.contains(field));
        Ok(workspace)
    }

    /// Reads what the migration uses of the account.
    async fn workspace_now(&self, me: &Me) -> Result<Artefact> {
        let mut fields = Vec::new();
        for owner in FIELD_OWNERS {
            fields.push((owner, self.client.fields(field_entity(owner)).await?));
        }
        let account = Account {
            fields,
            pipelines: self.known(Entity::Pipeline).await?,
            stages: self.known(Entity::Stage).await?,
            lead_labels: self.known(Entity::LeadLabel).await?,
            activity_types: self.known(Entity::ActivityType).await?,
        };
        self.keep_ledger().await?;
        let workspace = self.used_workspace(me).await?;
        let lines = account.lines(&workspace, &self.needs().await?);
        let artefact = Artefact::of_lines(&lines);
        self.write_workspace(me, &workspace, (&artefact.digest, lines)).await?;
        Ok(artefact)
    }
}

impl Account {
    /// One line for each thing that is used; what is gone has one, too.
    fn lines(&self, workspace: &Workspace, needs: &Needs) -> Vec<String> {
        let mut lines = Vec::new();
        for ((owner, name), key) in &workspace.fields {
            let fields = self.fields.iter().find(|(own, _)| own == owner).map_or(&[][..], |(_, fields)| fields);
            let place = format!("field {name} of {owner}s ({})", key.code);
            match fields.iter().find(|field| field.code == key.code) {
                None => lines.push(format!("{place}: gone")),
                Some(field) => {
                    lines.push(format!("{place}: {}, type {}", field.name, field.field_type));
                    let option = |option: &crate::pipedrive::FieldOption| {
                        format!("{place}, option {}: {}", option.id, option.label)
                    };
                    lines.extend(field.options.iter().map(option));
                }
            }
        }
        self.pipeline_lines(workspace, &mut lines);
        for name in &needs.lead_labels {
            let id = workspace.lead_labels.get(&fold_name(name));
            let label = self.lead_labels.iter().find(|label| Some(&label.id) == id);
            let is = label.map_or_else(|| "gone".to_owned(), |label| label.text("name").to_owned());
            lines.push(format!("lead label {name}: {is}"));
        }
        for name in &needs.activity_types {
            let key = workspace.activity_types.get(&fold_name(name)).map(String::as_str);
            let own = self.activity_types.iter().find(|own| Some(own.text("key_string")) == key);
            let is = match own {
                Some(own) if own.flag("active_flag") != Some(false) => own.text("name"),
                Some(_) => "switched off",
                None => "gone",
            };
            lines.push(format!("activity type {name}: {is}"));
        }
        lines.sort_unstable();
        lines
    }

    fn pipeline_lines(&self, workspace: &Workspace, lines: &mut Vec<String>) {
        let ids: BTreeSet<i64> = workspace.stages.values().map(|key| key.pipeline_id).collect();
        for id in ids {
            let pipeline = self.pipelines.iter().find(|pipeline| pipeline.id == id.to_string());
            lines.push(match pipeline {
                None => format!("pipeline {id}: gone"),
                Some(pipeline) => {
                    let uses = pipeline.flag("is_deal_probability_enabled") == Some(true);
                    let probability = if uses { "with" } else { "without" };
                    format!("pipeline {id}: {}, {probability} probability", pipeline.text("name"))
                }
            });
            let mut stages: Vec<&Known> =
                self.stages.iter().filter(|stage| stage.number("pipeline_id") == Some(id)).collect();
            stages.sort_by_key(|stage| stage.number("order_nr"));
            for (place, stage) in stages.iter().enumerate() {
                let percent = stage.number("deal_probability").unwrap_or_default();
                let (name, place) = (stage.text("name"), place + 1);
                lines.push(format!("pipeline {id}, stage {}: {name}, place {place}, {percent} %", stage.id));
            }
        }
        let used: BTreeSet<(i64, i64)> = workspace.stages.values().map(|key| (key.pipeline_id, key.stage_id)).collect();
        let is_gone = |stage: &i64| self.stages.iter().all(|own| own.id != stage.to_string());
        let gone = used.into_iter().filter(|(_, stage)| is_gone(stage));
        lines.extend(gone.map(|(pipeline, stage)| format!("pipeline {pipeline}, stage {stage}: gone")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::pipedrive::FieldOption;
    use crate::stage::resolve::{FieldKey, StageKey};

    fn known(id: &str, body: Value) -> Known {
        let Value::Object(body) = body else { return Known { id: id.to_owned(), body: Map::new() } };
        Known { id: id.to_owned(), body }
    }

    fn workspace() -> Workspace {
        let field = |code: &str| FieldKey { code: code.into(), field_type: "enum".into(), options: [].into() };
        let stage = |name: &str, stage_id, position| {
            let key = StageKey { pipeline_id: 3, stage_id, name: name.into(), position, kind: "open".into() };
            (("orders".to_owned(), fold_name(name)), key)
        };
        Workspace {
            fields: [("Method", "aa"), ("Lost", "bb")]
                .map(|(name, code)| ((Entity::Deal, name.to_owned()), field(code)))
                .into(),
            lead_labels: [("hot".to_owned(), "l1".to_owned()), ("cold".to_owned(), "l2".to_owned())].into(),
            activity_types: [("proof".to_owned(), "proof".to_owned())].into(),
            stages: [stage("Quote", 9, 0), stage("Proof", 10, 1)].into(),
        }
    }

    #[test]
    fn everything_that_is_used_has_its_line() {
        let options = vec![FieldOption { id: 4, label: "Laser".into() }];
        let method = Field {
            code: "aa".into(),
            name: "Method".into(),
            field_type: "enum".into(),
            custom: true,
            required: false,
            important: false,
            options,
        };
        let stage = |id, name: &str, place| {
            known(id, json!({"pipeline_id": 3, "name": name, "order_nr": place, "deal_probability": 10 * place}))
        };
        let account = Account {
            fields: vec![(Entity::Deal, vec![method])],
            pipelines: vec![known("3", json!({"name": "Orders", "is_deal_probability_enabled": true}))],
            stages: vec![stage("9", "Quote", 2), stage("12", "Theirs", 1)],
            lead_labels: vec![known("l1", json!({"name": "Hot"}))],
            activity_types: vec![known("7", json!({"name": "Proof", "key_string": "proof", "active_flag": false}))],
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let needs =
            Needs { lead_labels: names(&["Hot", "Cold"]), activity_types: names(&["Proof"]), ..Needs::default() };
        assert_eq!(
            account.lines(&workspace(), &needs),
            [
                "activity type Proof: switched off",
                "field Lost of deals (bb): gone",
                "field Method of deals (aa), option 4: Laser",
                "field Method of deals (aa): Method, type enum",
                "lead label Cold: gone",
                "lead label Hot: Hot",
                "pipeline 3, stage 10: gone",
                "pipeline 3, stage 12: Theirs, place 1, 10 %",
                "pipeline 3, stage 9: Quote, place 2, 20 %",
                "pipeline 3: Orders, with probability",
            ]
        );
    }
}
