//! Verification: all fields and links of all records, read back through list pages, against what was promised; and fresh
//! counts of the source against what was landed.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Migration;
use super::load::STEPS;
use crate::error::{Error, Kind, Result};
use crate::permit::Gate;
use crate::pipedrive::{Listing, Me, Row, differences, field_count};
use crate::record::{Entity, Object};
use crate::source::Cursor;
use crate::stage::load::Markers;

/// Differences that a report shows one by one.
const EXAMPLES: usize = 200;

/// What was compared and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// By kind of record.
    pub entities: BTreeMap<String, Compared>,
    /// Source records by object: counted again, and landed.
    pub source: BTreeMap<String, SourceCount>,
    /// The first differences, in words.
    pub examples: Vec<String>,
}

/// What was compared of one kind of record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Records that are there and were compared.
    pub compared: u64,
    /// Their promised fields.
    pub fields: u64,
    /// Fields that do not hold what was promised.
    pub mismatched: u64,
    /// Records that should be there and are not.
    pub missing: u64,
    /// Records of ours that should not be there.
    pub extra: u64,
}

/// One object, counted on both sides of the landing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourceCount {
    /// Records that the source shows now.
    pub source: u64,
    /// Records that were landed and not deleted since.
    pub landed: u64,
}

impl Verification {
    /// The sum over all kinds of record.
    #[must_use]
    pub fn total(&self) -> Compared {
        self.entities.values().fold(Compared::default(), |sum, one| Compared {
            compared: sum.compared + one.compared,
            fields: sum.fields + one.fields,
            mismatched: sum.mismatched + one.mismatched,
            missing: sum.missing + one.missing,
            extra: sum.extra + one.extra,
        })
    }

    /// True when both layers found nothing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Compared { mismatched, missing, extra, .. } = self.total();
        mismatched + missing + extra == 0 && self.source.values().all(|count| count.source == count.landed)
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }
}

impl Migration {
    pub(super) async fn verify(&self, me: &Me) -> Result<()> {
        let verification = self.verify_now(me).await?;
        self.write_verification(&verification)?;
        *self.verified.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(verification.clone());
        let Compared { compared, fields, mismatched, missing, extra } = verification.total();
        tracing::info!(compared, fields, mismatched, missing, extra, clean = verification.is_clean(), "verified");
        Ok(())
    }

    /// Compares everything now.
    ///
    /// # Errors
    /// Those of reads.
    pub async fn verify_now(&self, me: &Me) -> Result<Verification> {
        let run = self.clock.utc().as_second();
        let workspace = self.workspace(me).await?;
        let marked = [Entity::Organization, Entity::Person, Entity::Deal];
        let codes = marked
            .iter()
            .filter_map(|entity| Some((*entity, workspace.field(*entity, &self.mapping.marker)?.code.clone())));
        let markers = Markers::new(&self.config.name, codes.collect());
        let mut verification = Verification::default();
        for entity in [Entity::Pipeline, Entity::Stage].into_iter().chain(STEPS) {
            self.border().await?;
            let loaded = self.journal.loaded(entity).await?;
            if loaded == 0 {
                continue;
            }
            self.progress.begin("verify", entity.as_str(), loaded);
            let mut compared = Compared::default();
            self.client
                .pages(entity, &Listing::default(), async |rows| {
                    self.compare(entity, rows, &markers, &mut compared, &mut verification, run).await
                })
                .await?;
            for missing in self.journal.unverified(entity, run, EXAMPLES).await? {
                compared.missing += 1;
                let id = missing.dest_id.as_deref().unwrap_or_default();
                verification.example(format!("{entity} {id} of {} is missing", missing.key));
            }
            verification.entities.insert(entity.to_string(), compared);
        }
        for object in self.objects() {
            let count = self.count_again(object).await?;
            if count.source != count.landed {
                verification
                    .example(format!("{object}: the source shows {}, landed are {}", count.source, count.landed));
            }
            verification.source.insert(object.to_string(), count);
        }
        self.keep_ledger().await?;
        Ok(verification)
    }

    #[expect(clippy::too_many_arguments, reason = "one page, and where its two kinds of result are counted")]
    async fn compare(
        &self,
        entity: Entity,
        rows: Vec<Row>,
        markers: &Markers,
        compared: &mut Compared,
        verification: &mut Verification,
        run: i64,
    ) -> Result<()> {
        let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
        let bound = self.journal.bound_to(entity, ids).await?;
        let mut seen = Vec::with_capacity(bound.len());
        for row in rows {
            let Some(bound) = bound.get(&*row.id) else {
                if let Some(marker) = markers.read(entity, &row) {
                    compared.extra += 1;
                    verification.example(format!("{entity} {} carries {marker} and belongs to nothing", row.id));
                }
                continue;
            };
            let promise: Map<String, Value> = match &bound.promise {
                None => Map::new(),
                Some(text) => serde_json::from_str(text)
                    .map_err(|error| Error::new(Kind::Journal, "journal: a body is not JSON").because(error))?,
            };
            compared.compared += 1;
            compared.fields += field_count(&promise);
            for difference in differences(entity, &promise, &row.body) {
                compared.mismatched += 1;
                let (field, promised, found) = (difference.field, difference.promised, difference.found);
                verification
                    .example(format!("{entity} {} of {}: {field} is {found}, promised {promised}", row.id, bound.key));
            }
            seen.push(row.id.to_string());
        }
        self.progress.add_done(seen.len() as u64);
        self.journal.mark_verified(entity, seen, run).await
    }

    /// Counts an object at the source again, from its first row.
    async fn count_again(&self, object: Object) -> Result<SourceCount> {
        self.border().await?;
        self.progress.begin("verify", &format!("{object} at the source"), 0);
        let mut pages = self.source.pages(object, Cursor::start());
        let mut source = 0;
        while let Some(page) = pages.try_next().await? {
            source = page.counts.records + page.counts.rejected;
            self.progress.add_done(page.records.len() as u64);
            if page.last {
                break;
            }
        }
        Ok(SourceCount { source, landed: self.journal.live_records(object).await? })
    }

    pub(super) async fn cutover(&self) -> Result<()> {
        let facts = self.journal.fates().await?;
        let text = format!("{facts:?}");
        self.pass(Gate::Cutover, &blake3::hash(text.as_bytes()).to_hex()).await.map(drop)
    }
}
