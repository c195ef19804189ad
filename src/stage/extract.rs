//! Extract: landed rows of one object, page by page, in the order of landing.
//!
//! Reading the source itself and landing its rows is [`land`]; the load reads what landed, and nothing else.

use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::item::LandedBatch;
use crate::clock::Clock;
use crate::error::Result;
use crate::journal::{Journal, Landing, Novelty};
use crate::record::Object;
use crate::stop::Stop;
use crate::telemetry::BatchTimer;

/// Records of one page from the journal: a few milliseconds of work for each stage, and a few hundred kilobytes.
pub const PAGE_RECORDS: usize = 128;

/// Which landed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All of an object.
    All,
    /// Those with a role that may be behind.
    Pending,
    /// Of these, the ones in the sample.
    Sample,
}

/// What an extract reads.
#[derive(Clone)]
pub struct Extract {
    /// The journal.
    pub journal: Journal,
    /// The objects, one after the other.
    pub objects: Vec<Object>,
    /// Which of their records.
    pub which: Which,
}

/// Sends landed records until there are no more, or a stop is asked for (at a page border). Says how many.
///
/// # Errors
/// `Journal`. A closed output is not an error: whoever closed it has the reason.
pub async fn run(extract: Extract, output: mpsc::Sender<LandedBatch>, stop: Stop) -> Result<u64> {
    let mut sent = 0;
    for object in extract.objects {
        let mut after_seq = 0;
        loop {
            if stop.is_stopped() {
                return Ok(sent);
            }
            let timer = BatchTimer::start("extract");
            let page = match extract.which {
                Which::All => extract.journal.landed(object, after_seq, PAGE_RECORDS).await?,
                Which::Pending => extract.journal.pending(object, after_seq, PAGE_RECORDS).await?,
                Which::Sample => extract.journal.pending_sample(object, after_seq, PAGE_RECORDS).await?,
            };
            drop(timer);
            let Some(last) = page.last() else { break };
            after_seq = last.seq;
            sent += page.len() as u64;
            if output.send(page).await.is_err() {
                return Ok(sent);
            }
        }
    }
    Ok(sent)
}

/// What landing brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LandCount {
    /// Rows read.
    pub read: u64,
    /// Records that were not known.
    pub new: u64,
    /// Records that were known with other content.
    pub changed: u64,
    /// Reads that brought nothing new.
    pub unchanged: u64,
}

/// Lands pages of the source as they come; `landed` hears of each page once it is durable, to move the cursor.
///
/// # Errors
/// Those of the pages, of the journal, and of `landed`.
pub async fn land<P>(
    journal: &Journal,
    clock: &Clock,
    pages: impl Stream<Item = Result<(Vec<Landing>, P)>>,
    mut landed: impl AsyncFnMut(P) -> Result<()>,
) -> Result<LandCount> {
    let mut count = LandCount::default();
    let mut pages = std::pin::pin!(pages);
    while let Some(page) = pages.next().await {
        let (landings, page) = page?;
        count.read += landings.len() as u64;
        for novelty in journal.land(landings, clock.utc()).await? {
            match novelty {
                Novelty::New => count.new += 1,
                Novelty::Changed => count.changed += 1,
                Novelty::Unchanged => count.unchanged += 1,
            }
        }
        landed(page).await?;
    }
    Ok(count)
}
