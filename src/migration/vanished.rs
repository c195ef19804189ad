//! Rows that a later export does not have any more: deleted at the source, unless so many are missing that the export is
//! rather a filtered or cut one. A row that could not be read is not missing.

use std::sync::Arc;

use super::Migration;
use crate::error::Result;
use crate::journal::{Question, Vanished};
use crate::record::Object;
use crate::report::page::counted;
use crate::source::Whole;

/// What the question to the customer is about.
const TOPIC: &str = "vanished";

/// Vanished rows that are looked for one by one, where the source reads records by their ids. So many cost a minute or two.
const LOOKED_FOR: usize = 40;

/// So few rows may always be missing: of a small table, one row is many percent.
const ALWAYS: u64 = 5;

impl Migration {
    /// Marks what a whole export lacks as deleted, once the export is settled, and says how many rows that were. A source
    /// that is frozen has written its last export. Each export is looked at once for each limit.
    pub(super) async fn end_vanished(&self, object: Object, whole: &Whole) -> Result<u64> {
        let vanished_percent = self.config.extraction.vanished_percent;
        if !whole.settled && !self.signals.is_frozen() {
            return Ok(0);
        }
        let (seen, look) = (format!("vanished:{object}"), format!("{} {vanished_percent}", whole.digest));
        if self.journal.cursor(seen.clone()).await?.as_ref() == Some(&look) {
            return Ok(0);
        }
        let marked = self.mark_vanished(object, &whole.digest, vanished_percent).await?;
        self.journal.put_cursor(seen, look).await?;
        Ok(marked)
    }

    async fn mark_vanished(&self, object: Object, digest: &Arc<str>, percent: u8) -> Result<u64> {
        let found = self.journal.count_vanished(object, Arc::clone(digest)).await?;
        let table = self.mapping.object(object).map_or(object.as_str(), |rules| rules.table.as_str());
        self.journal.withdraw_question(TOPIC, table.to_owned()).await?;
        if is_too_many(&found, percent) {
            let text = asks(table, &found, percent);
            let question = Question { topic: TOPIC.to_owned(), subject: table.to_owned(), text };
            tracing::warn!(table, vanished = found.vanished, rows = found.rows, "an export lacks too many rows");
            self.journal.ask(vec![question], self.clock.utc()).await?;
            return Ok(0);
        }
        if found.unreadable > 0 {
            tracing::warn!(table, rows = found.unreadable, "rows of an earlier export cannot be read in the last one");
        }
        if found.vanished == 0 {
            return Ok(0);
        }
        tracing::info!(table, rows = found.vanished, "rows that the last export lacks were deleted at the source");
        if !self.look_for_vanished(object, digest, (table, found.vanished)).await? {
            return Ok(0);
        }
        let reason = "the row is not in a later export any more".to_owned();
        self.journal.delete_vanished(object, Arc::clone(digest), reason, self.clock.utc()).await
    }
}

impl Migration {
    /// Reads the records of vanished rows by their ids. Those that can still be read were not deleted: the list leaves them
    /// out, because they were archived perhaps, and people are asked. False when so many vanished that not all were looked
    /// for, and some of these are there: then nothing is marked.
    async fn look_for_vanished(
        &self,
        object: Object,
        digest: &Arc<str>,
        (table, vanished): (&str, u64),
    ) -> Result<bool> {
        let mut there = Vec::new();
        for id in self.journal.vanished(object, Arc::clone(digest), LOOKED_FOR).await? {
            match self.source.is_there(object, &id).await? {
                Some(true) => there.push(id),
                Some(false) => {}
                // The source reads no records by their ids.
                None => break,
            }
        }
        let Some(example) = there.first().cloned() else { return Ok(true) };
        let count = there.len() as u64;
        let are_all = vanished <= LOOKED_FOR as u64;
        tracing::warn!(table, rows = count, "rows that a list lacks can still be read by their ids");
        let text = hides(table, count, &example, are_all);
        let question = Question { topic: TOPIC.to_owned(), subject: table.to_owned(), text };
        self.journal.ask(vec![question], self.clock.utc()).await?;
        if are_all {
            self.journal.keep_vanished(object, Arc::clone(digest), there).await?;
        }
        Ok(are_all)
    }
}

fn hides(table: &str, count: u64, example: &str, are_all: bool) -> String {
    let rest =
        if are_all { "They stay as they are." } else { "Nothing was removed, since not all could be looked for." };
    format!(
        "{} of {table}, {example} for one, cannot be seen in the list of the source any more, but can be read by their ids: \
         archived rather than deleted? {rest} If they were deleted, delete them in Pipedrive; if they are archived, add the \
         parameter that shows them to the query in source.toml.",
        counted(count, "row", "rows"),
    )
}

fn is_too_many(found: &Vanished, percent: u8) -> bool {
    found.vanished > ALWAYS && found.vanished * 100 > found.rows * u64::from(percent)
}

fn asks(table: &str, found: &Vanished, percent: u8) -> String {
    let example = found.example.as_deref().unwrap_or_default();
    format!(
        "The last export of {table} lacks {} of {} that earlier ones had, {example} for one, which is more than {percent} %. \
         Nothing was removed. If it was filtered or cut, export the whole table again. If they were deleted, set \
         vanished_percent in [source] higher and start again.",
        found.vanished,
        counted(found.rows, "row", "rows"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_rows_may_go_and_many_are_asked_about() {
        let check = |rows, vanished, percent, expected| {
            let found = Vanished { rows, vanished, unreadable: 0, example: None };
            assert_eq!(is_too_many(&found, percent), expected, "{vanished} of {rows} at {percent} %");
        };
        check(0, 0, 10, false);
        check(6, 5, 10, false);
        check(6, 6, 10, true);
        check(1_000, 100, 10, false);
        check(1_000, 101, 10, true);
        check(1_000, 1_000, 100, false);
        check(1_000, 6, 0, true);
    }
}
