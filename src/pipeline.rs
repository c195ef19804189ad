//! The five stages joined: the only place that makes channels between stages and spawns them.
//!
//! One *step* makes one kind of Pipedrive record. Only extract hears the stop switch; every other stage ends when its
//! input is closed and empty, so a stop drains what is under way. A stage that fails drops its receiver; those before it
//! end quietly, and the one real error comes out of the task set.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::record::{Entity, Object};
use crate::stage::cpu::Cpu;
use crate::stage::dedupe::{self, Dedupe};
use crate::stage::extract::{self, Extract, Which};
use crate::stage::item::{Drafted, Fresh, LandedBatch, Work};
use crate::stage::load::{self, Loader};
use crate::stage::normalize::{self, Normalize};
use crate::stage::resolve::{self, Resolver};
use crate::stop::Stop;
use crate::telemetry;

/// How many batches fit before each stage. A batch is at most [`extract::PAGE_RECORDS`] records.
///
/// Besides what its queues hold, a step has one batch in extract's hands, one for each CPU thread in dedupe and as many in
/// normalize, [`resolve::LOOKUPS`] in resolve and [`load::BATCHES_INTENDED`] in load: on eight threads some 4,000 records (a
/// few megabytes) at the most, however large the account is. `tests/backpressure.rs` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacities {
    /// Before dedupe: one being read while one is worked on.
    pub dedupe: usize,
    /// Before normalize: keeps its threads busy while a claim is committed.
    pub normalize: usize,
    /// Before resolve.
    pub resolve: usize,
    /// Before load: the slowest stage, whose wait the others shall feel soon.
    pub load: usize,
}

impl Default for Capacities {
    fn default() -> Self {
        Self { dedupe: 2, normalize: 4, resolve: 4, load: 2 }
    }
}

/// Everything a step needs that stays the same from step to step.
#[derive(Clone)]
pub struct Parts {
    /// The clock that counts the stages' tasks.
    pub clock: Clock,
    /// The journal.
    pub journal: Journal,
    /// The approved mapping.
    pub mapping: Arc<Mapping>,
    /// The CPU threads.
    pub cpu: Cpu,
    /// Bounds.
    pub capacities: Capacities,
    /// The switch that ends extract.
    pub stop: Stop,
}

/// One step: which records become which kind of Pipedrive record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The kind of Pipedrive record.
    pub entity: Entity,
    /// The objects that have such a role, in order.
    pub objects: Vec<Object>,
    /// Which of their records.
    pub which: Which,
}

/// The last stage of a step.
pub enum Sink {
    /// Resolve and load.
    Load(Arc<Resolver>, Arc<Loader>),
    /// Drafts go to the caller, and nothing is written: the survey.
    Drafts(mpsc::Sender<Vec<Drafted>>),
}

/// Runs one step as far as its drafts, hands each batch to `each`, and writes nothing: the survey.
///
/// # Errors
/// The first error of any stage.
pub async fn drafts(parts: &Parts, step: Step, mut each: impl AsyncFnMut(Vec<Drafted>) -> Result<()>) -> Result<()> {
    let (sender, mut batches) = channel::<Vec<Drafted>>("survey", parts.capacities.resolve);
    let counting = async {
        while let Some(batch) = batches.recv().await {
            each(batch).await?;
        }
        Ok(())
    };
    futures::future::try_join(run(parts, step, Sink::Drafts(sender)), counting).await.map(drop)
}

/// Runs one step to its end, or to a stop.
///
/// # Errors
/// The first error of any stage.
pub async fn run(parts: &Parts, step: Step, sink: Sink) -> Result<()> {
    let Capacities { dedupe, normalize, resolve, load } = parts.capacities;
    let mut stages = Stages { clock: parts.clock.clone(), tasks: JoinSet::new(), queues: Vec::new() };
    let (landed, to_dedupe) = stages.channel::<LandedBatch>("dedupe", dedupe);
    let (fresh, to_normalize) = stages.channel::<Vec<Fresh>>("normalize", normalize);
    let source = Extract { journal: parts.journal.clone(), objects: step.objects, which: step.which };
    let stop = parts.stop.clone();
    stages.spawn("extract", async move { extract::run(source, landed, stop).await.map(drop) });
    let (mapping, cpu, entity) = (Arc::clone(&parts.mapping), parts.cpu.clone(), step.entity);
    let keys = Dedupe { journal: parts.journal.clone(), mapping: Arc::clone(&mapping), cpu: cpu.clone(), entity };
    stages.spawn("dedupe", dedupe::run(to_dedupe, fresh, keys));
    let rules = Normalize { mapping, cpu, entity };
    match sink {
        Sink::Drafts(drafts) => stages.spawn("normalize", normalize::run(to_normalize, drafts, rules)),
        Sink::Load(resolver, loader) => {
            let (drafted, to_resolve) = stages.channel::<Vec<Drafted>>("resolve", resolve);
            let (ready, to_load) = stages.channel::<Vec<Work>>("load", load);
            stages.spawn("normalize", normalize::run(to_normalize, drafted, rules));
            stages.spawn("resolve", resolve::run(to_resolve, ready, resolver));
            stages.spawn("load", load::run(to_load, loader));
        }
    }
    stages.join().await
}

fn channel<T>(stage: &'static str, capacity: usize) -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
    gauge!(telemetry::STAGE_QUEUE_CAPACITY, "stage" => stage).set(capacity as f64);
    mpsc::channel(capacity)
}

/// How often the depth of the queues is told: well below the time between two scrapes.
const SAMPLE: Duration = Duration::from_secs(5);

/// Batches that wait before a stage now.
type Depth = Box<dyn Fn() -> usize + Send + Sync>;

/// The stages of one step, by name, and the queues before them.
struct Stages {
    clock: Clock,
    tasks: JoinSet<(&'static str, Result<()>)>,
    queues: Vec<(&'static str, Depth)>,
}

impl Stages {
    /// A channel whose depth is told while the step runs. Only a weak sender is kept: a strong one would never let the
    /// channel close.
    fn channel<T: Send + 'static>(
        &mut self,
        stage: &'static str,
        capacity: usize,
    ) -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
        let (sender, receiver) = channel(stage, capacity);
        let weak = sender.downgrade();
        let depth = move || weak.upgrade().map_or(0, |sender| sender.max_capacity() - sender.capacity());
        self.queues.push((stage, Box::new(depth)));
        (sender, receiver)
    }

    fn tell_depths(&self) {
        for (stage, depth) in &self.queues {
            gauge!(telemetry::STAGE_QUEUE_DEPTH, "stage" => *stage).set(depth() as f64);
        }
    }

    fn spawn(&mut self, name: &'static str, stage: impl Future<Output = Result<()>> + Send + 'static) {
        self.tasks.spawn(self.clock.track(async move { (name, stage.await) }));
    }

    /// Waits for all; the first error wins, and a panic is an error.
    async fn join(mut self) -> Result<()> {
        let mut first = Ok(());
        loop {
            // Safe to drop half-way: a task that has ended is still there for the next call.
            let Some(next) = self.clock.timeout(SAMPLE, self.tasks.join_next()).await else {
                self.tell_depths();
                continue;
            };
            let Some(joined) = next else { break };
            let ended = match joined {
                Ok((name, ended)) => {
                    tracing::debug!(stage = name, ok = ended.is_ok(), "a stage has ended");
                    ended
                }
                Err(panic) => Err(Error::new(Kind::Bug, "a stage has panicked").because(panic)),
            };
            if first.is_ok() {
                first = ended;
            }
        }
        self.tell_depths();
        first
    }
}
