//! Verification in two layers. This one reads all fields and links of all records back through list pages and compares
//! them with what was promised; `independent` compares source and Pipedrive without the promises.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::gates::Artefact;
use super::independent::Independent;
use super::{Migration, VERIFYING};
use crate::error::{Error, Kind, Result};
use crate::journal::{FateCount, Journal, Promised};
use crate::permit::Gate;
use crate::pipedrive::{Listing, Me, Row, differences, field_count};
use crate::record::Entity;
use crate::report::verification::{Verification, Verifying};
use crate::stage::load::Markers;

/// Missing records that are named one by one; a larger number means that something else is wrong.
const MISSING_NAMED: usize = 10_000;

/// Everything that was made from source records.
const VERIFIED: [Entity; 8] = [
    Entity::Pipeline,
    Entity::Stage,
    Entity::Organization,
    Entity::Person,
    Entity::Lead,
    Entity::Deal,
    Entity::Activity,
    Entity::Note,
];

/// Name of the report.
const REPORT: &str = "verification";

/// Where the journal keeps what the last verification found.
const FOUND: &str = "verification";

/// What the last verification found, as the journal keeps it: a daemon that starts at the cutover gate still knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Whether nothing differs in either layer.
    pub is_clean: bool,
    /// The report in one sentence.
    pub says: String,
    /// Digest of the whole report.
    digest: String,
}

/// What the last verification found; `None` before there was one.
///
/// # Errors
/// `Journal`.
pub async fn found(journal: &Journal) -> Result<Option<Found>> {
    let unreadable = |error| Error::new(Kind::Journal, "journal: what the verification found").because(error);
    journal.fact(FOUND).await?.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
}

/// One verification under way.
struct Pass {
    /// Marks what it has seen in the journal.
    number: i64,
    markers: Markers,
    verifying: Verifying,
    independent: Independent,
    /// Live records of the present kind that we made.
    ours: u64,
}

impl Migration {
    pub(super) async fn verify(&self, me: &Me) -> Result<()> {
        let before = self.spent().await?;
        let verification = loop {
            match self.verify_now(me).await {
                // An object drifted between the last round and its second reading: nothing can be said before it is back.
                Err(error)
                    if matches!(error.kind(), Kind::Drift | Kind::Source) && !self.unread().await?.is_empty() =>
                {
                    self.until_all_are_read().await?;
                }
                verified => break verified?,
            }
        };
        self.put_json(VERIFYING, &(self.spent().await? - before)).await?;
        let totals = verification.totals;
        tracing::info!(?totals, clean = verification.is_clean(), "verified");
        self.write_report(REPORT, &verification)?;
        self.keep_found(&verification).await?;
        self.write_reports().await?;
        *self.verified.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(verification);
        Ok(())
    }

    /// Compares everything now.
    ///
    /// # Errors
    /// Those of reads; `Settings` when the file with the differences cannot be written.
    pub async fn verify_now(&self, me: &Me) -> Result<Verification> {
        let workspace = self.workspace(me).await?;
        let mut pass = Pass {
            number: self.clock.utc().as_microsecond(),
            markers: self.markers(&workspace),
            verifying: Verifying::begin(&self.folder, REPORT, "the whole account")?,
            independent: Independent::new(&self.mapping, &workspace, self.match_owners().await?),
            ours: 0,
        };
        for entity in VERIFIED {
            self.border().await?;
            let live = self.journal.loaded(entity).await? + self.journal.matched(entity).await?;
            if live == 0 {
                continue;
            }
            self.progress.begin("verify", entity.as_str(), live);
            pass.ours = 0;
            self.client
                .pages(entity, &Listing::default(), async |rows| self.compare(entity, rows, &mut pass).await)
                .await?;
            self.note_sweep(entity, pass.ours);
            for missing in self.journal.unverified(entity, pass.number, MISSING_NAMED).await? {
                pass.verifying.missing(entity, missing.dest_id.as_deref().unwrap_or_default(), &missing.key)?;
            }
        }
        let Pass { mut verifying, mut independent, .. } = pass;
        for object in self.objects() {
            self.read_again(object, &mut independent).await?;
        }
        independent.tell(verifying.report());
        self.keep_ledger().await?;
        verifying.finish()
    }

    async fn compare(&self, entity: Entity, rows: Vec<Row>, pass: &mut Pass) -> Result<()> {
        let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
        let promised = self.journal.promised_to(entity, ids).await?;
        let mut seen = Vec::with_capacity(promised.len());
        for row in rows {
            let Some(promised) = promised.get(&*row.id) else {
                if let Some(marker) = pass.markers.read(entity, &row) {
                    pass.verifying.extra(entity, &row.id, marker)?;
                }
                continue;
            };
            let Promised { bound, promise, .. } = promised;
            let promise: Map<String, Value> = match promise {
                None => Map::new(),
                Some(text) => serde_json::from_str(text)
                    .map_err(|error| Error::new(Kind::Journal, "journal: a body is not JSON").because(error))?,
            };
            pass.verifying.compared(entity, 1, field_count(&promise));
            for difference in differences(entity, &promise, &row.body) {
                let values = (difference.field.as_str(), difference.promised.as_str(), difference.found.as_str());
                pass.verifying.mismatched(entity, (&row.id, &bound.key), values)?;
            }
            pass.independent.see(entity, &bound.key, &row);
            pass.ours += u64::from(!bound.existing);
            seen.push(row.id.to_string());
        }
        self.progress.add_done(seen.len() as u64);
        self.journal.mark_verified(entity, seen, pass.number).await
    }

    async fn keep_found(&self, verification: &Verification) -> Result<()> {
        let bug = |error| Error::new(Kind::Bug, "the verification as JSON").because(error);
        let report = serde_json::to_vec(verification).map_err(bug)?;
        let digest = blake3::hash(&report).to_hex().to_string();
        let found = Found { is_clean: verification.is_clean(), says: verification.says(), digest };
        self.journal.put_fact(FOUND, serde_json::to_string(&found).map_err(bug)?).await
    }

    /// What is approved is what was verified: fates and every difference, so that nobody approves differences unseen.
    pub(super) async fn cutover(&self) -> Result<()> {
        let fates = self.journal.fates().await?;
        let fate = |count: &FateCount| count.fate.map_or("without a fate", |fate| fate.as_str());
        let mut lines: Vec<String> =
            fates.iter().map(|count| format!("{} records {}: {}", count.object, fate(count), count.records)).collect();
        if let Some(Found { says, digest, .. }) = found(&self.journal).await? {
            lines.push(format!("verification: {says}"));
            lines.push(format!("verification report: {digest}"));
        }
        self.pass(Gate::Cutover, Artefact::of_lines(&lines)).await.map(drop)
    }
}
