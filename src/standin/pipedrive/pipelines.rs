//! Pipelines and stages (API v2). Facts: fact sheet 5.6.
//!
//! No document says whether a new pipeline comes with stages (a setting here) or where a new stage stands (here: last).

use serde::{Deserialize, Serialize};

use super::check::{self, Body};
use super::crud::{self, Resource};
use super::custom;
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};

/// Stages of the pipeline that a fresh account has, with their probability.
const DEFAULT_STAGES: [&str; 5] =
    ["Qualified", "Contact Made", "Demo Scheduled", "Proposal Made", "Negotiations Started"];

/// One pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pipeline {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    name: String,
    order_nr: u64,
    is_deal_probability_enabled: bool,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stage {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    order_nr: u64,
    name: String,
    deal_probability: u64,
    pub(super) pipeline_id: u64,
    is_deal_rot_enabled: bool,
    days_to_rotten: Option<u64>,
}

impl Row for Pipeline {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Row for Stage {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Pipeline {
    const NOUN: Noun = Noun::Pipeline;
    const NAME: &'static str = "Pipeline";

    fn table(state: &State) -> &Table<Self> {
        &state.pipelines
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.pipelines
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            name: String::new(),
            order_nr: state.pipelines.iter().filter(|row| !row.meta.is_deleted).count() as u64 + 1,
            is_deal_probability_enabled: false,
        }
    }

    fn apply(&mut self, body: &mut Body, _state: &State, _act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.put("is_deal_probability_enabled", &mut self.is_deal_probability_enabled, check::flag);
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        custom::write_json(self, out);
    }

    fn made(state: &mut State, number: u64, act: &Act) {
        if state.settings.new_pipeline_stages {
            add_default_stages(state, number, act);
        }
    }

    fn removed(state: &mut State, number: u64, act: &Act) {
        let of_pipeline = |stage: &&std::sync::Arc<Stage>| stage.pipeline_id == number && !stage.meta.is_deleted;
        let stages: Vec<Stage> = state.stages.iter().filter(of_pipeline).map(|stage| Stage::clone(stage)).collect();
        for mut stage in stages {
            (stage.meta.is_deleted, stage.meta.update_time) = (true, act.second());
            state.stages.put(stage, act.shown_at());
        }
    }
}

impl Listed for Pipeline {
    const FILTERS: &'static [&'static str] = &[];

    fn passes(&self, _filter: &Filter, _state: &State) -> bool {
        true
    }
}

impl Resource for Stage {
    const NOUN: Noun = Noun::Stage;
    const NAME: &'static str = "Stage";

    fn table(state: &State) -> &Table<Self> {
        &state.stages
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.stages
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            order_nr: 0,
            name: String::new(),
            deal_probability: 100,
            pipeline_id: 0,
            is_deal_rot_enabled: false,
            days_to_rotten: None,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.require("pipeline_id");
        let pipeline = check::link("Pipeline", |id| state.pipelines.live(id).is_some());
        let before = self.pipeline_id;
        body.put("pipeline_id", &mut self.pipeline_id, pipeline);
        if self.pipeline_id != before {
            self.order_nr = of_pipeline(state, self.pipeline_id).map(|stage| stage.order_nr).max().unwrap_or(0) + 1;
        }
        body.put("deal_probability", &mut self.deal_probability, check::whole(0, 100));
        body.put("is_deal_rot_enabled", &mut self.is_deal_rot_enabled, check::flag);
        body.put_or_null("days_to_rotten", &mut self.days_to_rotten, check::whole(1, 100_000));
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        custom::write_json(self, out);
    }
}

impl Stage {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Listed for Stage {
    const FILTERS: &'static [&'static str] = &["pipeline_id"];
    const ORDERS: &'static [&'static str] = &["order_nr"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.pipeline_id, Some(self.pipeline_id))
    }

    fn place(&self, _order: &str) -> String {
        format!("{:010}", self.order_nr)
    }
}

fn of_pipeline(state: &State, pipeline_id: u64) -> impl Iterator<Item = &Stage> {
    let all = state.stages.iter().map(|stage| &**stage);
    all.filter(move |stage| stage.pipeline_id == pipeline_id && !stage.meta.is_deleted)
}

/// The first stage of a pipeline.
pub(super) fn first_stage(state: &State, pipeline_id: u64) -> Option<u64> {
    of_pipeline(state, pipeline_id).min_by_key(|stage| (stage.order_nr, stage.meta.id)).map(|stage| stage.meta.id)
}

/// The pipeline that a deal without one goes to: the first.
pub(super) fn default_pipeline(state: &State) -> Option<u64> {
    let live = state.pipelines.iter().filter(|row| !row.meta.is_deleted);
    live.min_by_key(|row| (row.order_nr, row.meta.id)).map(|row| row.meta.id)
}

/// The pipeline and the stages of a fresh account.
pub(super) fn add_default(state: &mut State, act: &Act) {
    let mut pipeline = Pipeline::blank(state, act);
    pipeline.name = "Pipeline".to_owned();
    let id = state.pipelines.add(pipeline, None);
    add_default_stages(state, id, act);
}

fn add_default_stages(state: &mut State, pipeline_id: u64, act: &Act) {
    for (name, order_nr) in DEFAULT_STAGES.iter().zip(1..) {
        let mut stage = Stage::blank(state, act);
        (stage.name, stage.pipeline_id, stage.order_nr) = ((*name).to_owned(), pipeline_id, order_nr);
        // They come with the pipeline and cost nothing of their own.
        stage.meta.by_api = false;
        state.stages.add(stage, act.shown_at());
    }
}

/// The stage of an id, if it is not deleted.
pub(super) fn stage(state: &State, id: u64) -> Option<&Stage> {
    crud::live::<Stage>(state, id).ok().map(|stage| &**stage)
}
