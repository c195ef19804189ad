//! The load: one kind of Pipedrive record after the other, parents first; each swept and reconciled before the next.

use std::sync::Arc;

use super::course::Pace;
use super::{Migration, Point};
use crate::error::{Error, Kind, Result};
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::Me;
use crate::pipeline::{self, Parts, Sink, Step};
use crate::record::{Entity, Object};
use crate::stage::extract::Which;
use crate::stage::load::{LoadLimits, LoadParts, Loader, Markers};
use crate::stage::resolve::{OwnerBook, Resolver, ResolverParts, Workspace};

/// The kinds of record that are loaded, in order: what others point at goes first.
pub(super) const STEPS: [Entity; 6] =
    [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::Activity, Entity::Note];

/// Times a step is walked again for records whose survivor ended without a record. Each time at least one of every group
/// gets a record or a fate of its own, and groups are small.
const RELEASES: usize = 10;

/// What the steps of one run share.
pub(super) struct Run {
    pub(super) parts: Parts,
    pub(super) resolver: Arc<Resolver>,
    pub(super) loader: Arc<Loader>,
    /// The workspace as it was when the run began.
    workspace: Workspace,
}

/// Whether a step ends with a look at every marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweep {
    /// At the end of a kind of record's first load.
    Whole,
    /// After a small round of changes: what is in doubt is settled, and the next whole sweep sees the rest.
    Later,
    /// Only the sample is loaded. What is in doubt is settled, and the sweep of the load sees the rest.
    Sample,
}

impl Migration {
    pub(super) async fn load_all(&self, me: &Me) -> Result<()> {
        let permit = self.load_permit(me).await?;
        let run = self.begin_run(me, permit, self.match_owners().await?).await?;
        self.estimate(&mut Pace::default()).await?;
        for entity in STEPS {
            // Whatever the kind before brought to light, people decide before the next one is written.
            self.pass_data().await?;
            self.step(&run, entity, Sweep::Whole).await?;
            if entity == Entity::Lead {
                self.at(Point::HalfLoaded).await?;
            }
        }
        self.keep_actual().await?;
        // Only now: a record may have roles in several steps.
        self.journal.clear_pending(self.objects()).await?;
        self.at(Point::Loaded).await?;
        Ok(())
    }

    /// The permit for records: everything before the load was approved as it now is.
    pub(super) async fn load_permit(&self, me: &Me) -> Result<WritePermit> {
        self.pass(Gate::Map, self.map_artefact()?).await?;
        self.pass_data().await?;
        self.pass_workspace(me).await?;
        self.pass_again(Gate::Sample).await
    }

    /// Our markers in this account.
    pub(super) fn markers(&self, workspace: &Workspace) -> Markers {
        let marked = [Entity::Organization, Entity::Person, Entity::Deal];
        let codes = marked.iter().filter_map(|entity| {
            let key = workspace.field(*entity, &self.mapping.marker)?;
            Some((*entity, key.code.clone()))
        });
        Markers::new(&self.config.name, codes.collect())
    }

    /// Makes the parts that the steps of a run share.
    pub(super) async fn begin_run(&self, me: &Me, permit: WritePermit, owners: OwnerBook) -> Result<Run> {
        let workspace = self.workspace(me).await?;
        let markers = self.markers(&workspace);
        let parts = self.parts().await?;
        let settings = &self.config.pipedrive;
        let loader = Loader::new(LoadParts {
            client: self.client.clone(),
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            permit,
            markers,
            limits: LoadLimits {
                calls_in_flight: settings.calls_in_flight,
                list_lag: settings.list_lag,
                conflict: settings.conflict,
            },
            failpoint: self.failpoint.clone(),
            progress: self.progress.clone(),
            field_names: workspace.fields.iter().map(|((_, name), key)| (key.code.clone(), name.clone())).collect(),
        });
        let (journal, mapping) = (self.journal.clone(), Arc::clone(&parts.mapping));
        let kept = workspace.clone();
        let (clock, progress) = (self.clock.clone(), self.progress.clone());
        let resolver = Resolver::new(ResolverParts { journal, mapping, clock, workspace, owners, progress });
        Ok(Run { parts, resolver: Arc::new(resolver), loader: Arc::new(loader), workspace: kept })
    }

    /// One kind of record: everything pending through the five stages, doubts settled, doubles removed, reconciled.
    pub(super) async fn step(&self, run: &Run, entity: Entity, sweep: Sweep) -> Result<()> {
        self.border().await?;
        let objects = self.objects_of(entity);
        if objects.is_empty() {
            return Ok(());
        }
        let (phase, which) = match sweep {
            Sweep::Whole => ("load", Which::Pending),
            Sweep::Later => ("follow", Which::Pending),
            Sweep::Sample => ("sample", Which::Sample),
        };
        let total = match which {
            Which::Sample => self.journal.pending_sample_count(objects.clone()).await?,
            Which::All | Which::Pending => {
                let children = self.children_ending(&objects, entity);
                let children = children.into_iter().map(|(child, _)| child);
                self.journal.pending_count(objects.iter().copied().chain(children).collect()).await?
            }
        };
        if total == 0 && sweep != Sweep::Whole {
            return Ok(());
        }
        self.progress.begin(phase, entity.as_str(), total);
        run.loader.begin(entity).await?;
        match sweep {
            Sweep::Later => self.existing_since(entity, &run.workspace).await?,
            // The sample may have waited for days between its own look and the rest.
            Sweep::Sample | Sweep::Whole if !self.existing_before_load(entity, &run.workspace).await? => {
                self.existing_news(entity, &run.workspace).await?;
            }
            Sweep::Sample | Sweep::Whole => {}
        }
        run.resolver.begin(entity).await?;
        for round in 0.. {
            let step = Step { entity, objects: objects.clone(), which };
            pipeline::run(&run.parts, step, Sink::Load(Arc::clone(&run.resolver), Arc::clone(&run.loader))).await?;
            run.loader.settle(entity).await?;
            self.keep_ledger().await?;
            self.border().await?;
            if self.journal.release_merged(entity).await? == 0 {
                break;
            }
            if round == RELEASES {
                return Err(Error::new(Kind::Conservation, format!("{entity}: merged records never find a survivor")));
            }
        }
        if sweep == Sweep::Whole {
            self.sweep(run, entity).await?;
        }
        if sweep != Sweep::Sample {
            self.fold_children(&objects, entity).await?;
        }
        if sweep == Sweep::Whole {
            // Written before the next kind of record begins, so that a load that goes wrong stops early and can be read.
            self.write_report("reconciliation", &self.reconciliation().await?)?;
        }
        Ok(())
    }

    /// The sweep of one kind, and the count that must come out of it.
    async fn sweep(&self, run: &Run, entity: Entity) -> Result<()> {
        self.progress.waits("for the list to be up to date");
        self.pause_for(self.config.pipedrive.list_lag).await;
        self.progress.waits("");
        let swept = run.loader.sweep(entity).await?;
        let loaded = self.journal.loaded(entity).await?;
        let seen = swept.marked - swept.removed - swept.questions;
        if seen != loaded {
            let why = format!("{entity}: the journal knows {loaded} live records, Pipedrive shows {seen}");
            return Err(Error::new(Kind::Conservation, why));
        }
        self.note_sweep(entity, seen);
        tracing::info!(%entity, records = loaded, removed = swept.removed, adopted = swept.adopted, "reconciled");
        Ok(())
    }

    /// Children that are folded into records of these objects end with them: after the last kind of record that these
    /// become, since only then it is known how they end.
    async fn fold_children(&self, parents: &[Object], entity: Entity) -> Result<()> {
        for (child, parent) in self.children_ending(parents, entity) {
            self.fold(child, parent, entity).await?;
        }
        Ok(())
    }

    /// The kinds of children that end with a step, each with that of its parents.
    fn children_ending(&self, parents: &[Object], entity: Entity) -> Vec<(Object, Object)> {
        let is_last = |parent: &&Object| {
            STEPS.iter().rev().find(|step| self.objects_of(**step).contains(parent)) == Some(&entity)
        };
        let of = |parent: &Object| {
            let children = self.mapping.children_of(*parent).map(|rules| (rules.object, *parent));
            children.collect::<Vec<_>>()
        };
        parents.iter().filter(is_last).flat_map(of).collect()
    }
}
