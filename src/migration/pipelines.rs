//! Pipelines and stages: made in their order, from the source's rows or as the mapping declares them.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value};

use super::Migration;
use super::ensure::Work;
use super::inventory::{Inventory, Known};
use crate::error::{Error, Kind, Result};
use crate::journal::{EffectKind, Intent, Landed, Outcome, RoleFate};
use crate::pipedrive::{Pipeline, Row, Stage, to_body};
use crate::record::{BindingKey, Draft, Entity, Fate, FieldValue, Object, fold_name};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, RoleResult, normalize};
use crate::stage::resolve::StageKey;

type StageKeys = HashMap<(String, String), StageKey>;

/// A pipeline to be there.
pub(super) struct PipelinePlan {
    key: BindingKey,
    version: i64,
    /// What records of the source call it, folded.
    called: Vec<String>,
    pub(super) name: String,
    pub(super) has_probability: bool,
    pub(super) stages: Vec<StagePlan>,
}

/// A stage to be there.
pub(super) struct StagePlan {
    key: BindingKey,
    called: Vec<String>,
    pub(super) name: String,
    pub(super) probability: Option<i64>,
    kind: String,
}

impl Migration {
    pub(super) async fn ensure_pipelines(&self, work: &Work<'_>, inventory: &Inventory) -> Result<StageKeys> {
        let mut keys = StageKeys::new();
        for plan in self.pipeline_plans().await? {
            self.ensure_pipeline(work, plan, inventory, &mut keys).await?;
        }
        Ok(keys)
    }

    /// Every pipeline to be there: those that the mapping declares, then the source's.
    pub(super) async fn pipeline_plans(&self) -> Result<Vec<PipelinePlan>> {
        let mut plans = self.declared_pipelines();
        plans.extend(self.landed_pipelines().await?);
        Ok(plans)
    }

    fn declared_pipelines(&self) -> Vec<PipelinePlan> {
        let declared = self.mapping.pipelines.declared.iter();
        let plan = |pipeline: &crate::mapping::pipelines::DeclaredPipeline| {
            let id: Arc<str> = format!("mapping:{}", pipeline.name).into();
            let stage = |stage: &crate::mapping::pipelines::DeclaredStage| StagePlan {
                key: BindingKey::new(Object::Pipeline, Arc::clone(&id), format!("stage:{}", stage.name)),
                called: vec![fold_name(&stage.name)],
                name: stage.name.clone(),
                probability: stage.probability.and_then(|percent| percent.to_i64()),
                kind: stage.kind.as_str().to_owned(),
            };
            PipelinePlan {
                key: BindingKey::new(Object::Pipeline, Arc::clone(&id), "pipeline"),
                version: 1,
                called: vec![fold_name(&pipeline.name)],
                name: pipeline.name.clone(),
                has_probability: pipeline.stages.iter().any(|stage| stage.probability.is_some()),
                stages: pipeline.stages.iter().map(stage).collect(),
            }
        };
        declared.map(plan).collect()
    }

    async fn landed_pipelines(&self) -> Result<Vec<PipelinePlan>> {
        let mut plans = Vec::new();
        let mut after_seq = 0;
        loop {
            let page = self.journal.landed(Object::Pipeline, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { return Ok(plans) };
            after_seq = last.seq;
            for landed in page {
                match normalize(&landed.record, &self.mapping, None) {
                    Normalized::Roles(roles) => {
                        let drafts = roles.into_iter().filter_map(|role| match role.result {
                            RoleResult::Draft { draft, .. } => Some(draft),
                            RoleResult::LeftOut(_) => None,
                        });
                        plans.extend(plan_of(&landed, &drafts.collect::<Vec<_>>()));
                    }
                    Normalized::Skipped(reason) => self.end_pipeline(&landed, Fate::Skipped, reason).await?,
                    Normalized::Rejected(rejection) => {
                        self.end_pipeline(&landed, Fate::Rejected, rejection.reason).await?;
                    }
                    Normalized::Folded(_) => {}
                }
            }
        }
    }

    async fn end_pipeline(&self, landed: &Landed, fate: Fate, reason: String) -> Result<()> {
        let key = BindingKey::new(Object::Pipeline, Arc::clone(&landed.record.id), "pipeline");
        self.journal.end_roles(vec![RoleFate::new(key, Entity::Pipeline, landed.version, fate).because(reason)]).await
    }

    async fn ensure_pipeline(
        &self,
        work: &Work<'_>,
        plan: PipelinePlan,
        inventory: &Inventory,
        keys: &mut StageKeys,
    ) -> Result<()> {
        self.border().await?;
        let there: Vec<&Known> = inventory.pipelines.iter().filter(|known| known.is_called(&plan.name)).collect();
        if there.len() > 1 {
            let why = format!("{} pipelines are called '{}'; rename all but one of them", there.len(), plan.name);
            return Err(Error::new(Kind::Settings, why));
        }
        let body = to_body(&Pipeline { name: plan.name.clone(), is_deal_probability_enabled: plan.has_probability });
        let there = there.first().map(|known| known.row());
        let is_new = there.is_none();
        let find = async || {
            let rows = self.client.all(Entity::Pipeline).await?;
            Ok(rows.into_iter().find(|row| row.text("name").map(fold_name) == Some(fold_name(&plan.name))))
        };
        let (pipeline, is_ours) = self.ensure_row(work, (Entity::Pipeline, &plan.name), there, (&body, find)).await?;
        self.bind(&plan.key, plan.version, (Entity::Pipeline, is_ours), (&body, &pipeline)).await?;
        let pipeline_id = number(&pipeline)?;
        let there = if is_new { self.stages_of(&pipeline).await? } else { stages_known(inventory, &pipeline) };
        // A pipeline that is made may come with stages of its own (not documented): ours stand behind them, in order, and
        // then they go.
        let strays = if is_ours { self.strays(work, &pipeline, &there).await? } else { Vec::new() };
        let is_stray = |stage: &Row| strays.iter().any(|stray| stray.id == stage.id);
        let stages: Vec<&Row> = there.iter().filter(|stage| !is_stray(stage)).collect();
        for (position, stage) in plan.stages.into_iter().enumerate() {
            let name = stage.name.clone();
            let body = to_body(&Stage { name: name.clone(), pipeline_id, deal_probability: stage.probability });
            let called = |row: &&&Row| row.text("name").map(fold_name) == Some(fold_name(&name));
            let there = stages.iter().find(called).map(|row| (*row).clone());
            let scoped = in_pipeline(pipeline_id, &name);
            let find = async || {
                let rows = self.stages_of(&pipeline).await?;
                let rows = rows.into_iter().filter(|row| !is_stray(row));
                Ok(rows.into_iter().find(|row| row.text("name").map(fold_name) == Some(fold_name(&name))))
            };
            let (row, is_ours) = self.ensure_row(work, (Entity::Stage, &scoped), there, (&body, find)).await?;
            self.bind(&stage.key, plan.version, (Entity::Stage, is_ours), (&body, &row)).await?;
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            let key = StageKey { pipeline_id, stage_id: number(&row)?, name, position, kind: stage.kind };
            for pipeline in &plan.called {
                for stage in &stage.called {
                    keys.insert((pipeline.clone(), stage.clone()), key.clone());
                }
            }
        }
        for stray in strays {
            self.client.delete(Entity::Stage, &stray.id, work.permit).await?;
        }
        Ok(())
    }

    async fn stages_of(&self, pipeline: &Row) -> Result<Vec<Row>> {
        let all = self.client.all(Entity::Stage).await?;
        let id = number(pipeline)?;
        let is_its = |row: &Row| row.body.get("pipeline_id").and_then(Value::as_i64) == Some(id);
        Ok(all.into_iter().filter(is_its).collect())
    }

    /// The stages that came with a pipeline of ours. They are remembered before the first stage is made: later nobody can
    /// tell them from others of their name.
    async fn strays(&self, work: &Work<'_>, pipeline: &Row, there: &[Row]) -> Result<Vec<Row>> {
        if work.ours.knows_stages_of(&pipeline.id) {
            return Ok(there.iter().filter(|stage| work.ours.came_along(&stage.id)).cloned().collect());
        }
        let strays: Vec<Row> = there.iter().filter(|stage| came_with(pipeline, stage)).cloned().collect();
        let ids: Vec<&str> = strays.iter().map(|stray| &*stray.id).collect();
        self.came_along(work.me, &pipeline.id, &ids).await?;
        Ok(strays)
    }

    /// A row that is there, or a new one; and whether it is our work.
    async fn ensure_row(
        &self,
        work: &Work<'_>,
        (entity, name): (Entity, &str),
        there: Option<Row>,
        (body, find): (&Map<String, Value>, impl AsyncFn() -> Result<Option<Row>>),
    ) -> Result<(Row, bool)> {
        if let Some(row) = there {
            return self.whose(work, (entity, name), row).await;
        }
        self.making(work.me, entity, name).await?;
        let row = self.ensure(name, find, async || self.client.create(entity, body, work.permit).await).await?;
        self.made(work.me, entity, (&row.id, name)).await?;
        Ok((row, true))
    }

    /// Whether something that is there is our work: made, or about to be made when an earlier run ended.
    async fn whose(&self, work: &Work<'_>, (entity, name): (Entity, &str), row: Row) -> Result<(Row, bool)> {
        let is_made = work.ours.made(entity, &row.id);
        let is_ours = is_made || work.ours.was_making(entity, name);
        if is_ours && !is_made {
            self.made(work.me, entity, (&row.id, name)).await?;
        }
        Ok((row, is_ours))
    }

    /// Binds what is there. For our own work the effect keeps what was promised and what was answered, so that it is
    /// verified like all else; what people made is matched, and nothing is promised of it.
    async fn bind(
        &self,
        key: &BindingKey,
        version: i64,
        (entity, is_ours): (Entity, bool),
        (promise, row): (&Map<String, Value>, &Row),
    ) -> Result<()> {
        let bound = self.journal.bound(vec![key.clone()]).await?.pop().flatten();
        if bound.is_some_and(|bound| bound.dest_id.as_deref() == Some(&*row.id) && bound.version == version) {
            return Ok(());
        }
        if !is_ours {
            let end = RoleFate::new(key.clone(), entity, version, Fate::Matched).found_at(Arc::clone(&row.id));
            return self.journal.end_roles(vec![end.because("there already, by its name")]).await;
        }
        let intent = Intent {
            key: key.clone(),
            version,
            entity,
            kind: EffectKind::Create,
            body: Value::Object(promise.clone()).to_string(),
            sent: None,
            asked: None,
            floor_id: None,
            dest_id: None,
            preimage: None,
            tries: 1,
        };
        let base = Value::Object(row.body.clone()).to_string();
        let held = Outcome::Done { dest_id: Arc::clone(&row.id), base };
        self.journal.hold(vec![(intent, held)], self.clock.utc()).await
    }
}

/// How long after its pipeline a stage that comes with it is made, in seconds: at once, as far as the clock's seconds go.
const COMES_WITHIN: i64 = 1;

/// Whether a stage came with its pipeline.
fn came_with(pipeline: &Row, stage: &Row) -> bool {
    let age = pipeline.added_at().zip(stage.added_at()).map(|(one, other)| other.as_second() - one.as_second());
    age.is_some_and(|age| (0..=COMES_WITHIN).contains(&age))
}

/// A stage's name with its pipeline: stages of several pipelines may be called the same.
fn in_pipeline(pipeline_id: i64, name: &str) -> String {
    format!("{pipeline_id}/{name}")
}

fn stages_known(inventory: &Inventory, pipeline: &Row) -> Vec<Row> {
    let known = inventory.pipelines.iter().find(|known| known.id == *pipeline.id);
    known.map(|known| inventory.stages_of(known).into_iter().map(Known::row).collect()).unwrap_or_default()
}

fn plan_of(landed: &Landed, drafts: &[Draft]) -> Option<PipelinePlan> {
    let text = |draft: &Draft, name: &str| match draft.system(name) {
        Some(FieldValue::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let pipeline = drafts.iter().find(|draft| draft.entity == Entity::Pipeline)?;
    let name = text(pipeline, "name")?;
    let stages = drafts.iter().filter(|draft| draft.entity == Entity::Stage).filter_map(|draft| {
        let name = text(draft, "name")?;
        let id = draft.binding.role.split_once(':').map_or("", |(_, id)| id);
        let probability = match draft.system("deal_probability") {
            Some(FieldValue::Number(percent)) => percent.round().to_i64(),
            _ => None,
        };
        let called = vec![fold_name(&name), fold_name(id)];
        Some(StagePlan { key: draft.binding.clone(), called, kind: kind_of(landed, id), name, probability })
    });
    Some(PipelinePlan {
        key: pipeline.binding.clone(),
        version: landed.version,
        called: vec![fold_name(&name), fold_name(&landed.record.id)],
        has_probability: pipeline.system("is_deal_probability_enabled") == Some(&FieldValue::Bool(true)),
        name,
        stages: stages.collect(),
    })
}

/// What the source says that reaching a stage means; open where it does not say.
fn kind_of(landed: &Landed, stage_id: &str) -> String {
    let stages = landed.record.payload.get("stages").and_then(Value::as_array);
    let is_it = |stage: &&Value| {
        stage.get("id").is_some_and(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned) == stage_id)
    };
    let kind = stages.and_then(|stages| stages.iter().find(is_it)).and_then(|stage| stage.get("kind")?.as_str());
    kind.filter(|kind| ["won", "lost"].contains(kind)).unwrap_or("open").to_owned()
}

fn number(row: &Row) -> Result<i64> {
    row.id
        .parse()
        .map_err(|error| Error::new(Kind::Unreachable, format!("an id that is no number: {}", row.id)).because(error))
}
