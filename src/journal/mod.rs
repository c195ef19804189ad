//! The durable journal of one migration: records as received, bindings, effects, cursors, approvals, ledger, keys.
//!
//! One SQLite file. One thread writes and commits in groups, one thread reads; async callers hand them closures and get
//! an answer after the commit. Every SQL error is fatal to the migration: nothing is half-written, and the group it was
//! in is rolled back as a whole.

mod bindings;
mod claims;
mod copy;
mod counts;
mod effects;
mod existing;
mod gates;
mod open;
mod parents;
mod records;
mod report;
mod sample;
mod state;
mod thread;
mod vanished;

use std::path::Path;

use rusqlite::Connection;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

pub use bindings::{Bound, CORRECTION, DECISION, Misses, Promised, RoleFate};
pub use claims::{claim_of_alike, claim_of_same};
pub use copy::{Copied, CopiedClaim};
pub use counts::Troubled;
pub use effects::{Conclusion, EffectId, EffectKind, Intent, OpenEffect, Outcome};
pub use existing::{Candidate, Held};
pub use gates::{Decided, Decision, GateVerdict, Proof};
pub use open::FolderLock;
pub use parents::{Onward, Parented};
pub use records::{FateCount, Landed, Landing, Novelty};
pub use report::{LeftOutRole, Notable};
pub use sample::Chosen;
pub use state::{LedgerEntry, PhaseState, Question};
pub use vanished::Vanished;

/// The journal. Clones are the same journal; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Journal {
    writer: thread::Worker,
    reader: thread::Worker,
}

impl Journal {
    /// Opens the journal at `path`, or makes a new one (file mode 0600).
    ///
    /// # Errors
    /// `Journal` when the file is damaged, not a journal, or made by a newer version; the file is left as it was.
    pub fn open(path: &Path, clock: Clock) -> Result<Self> {
        let writer = open::writer(path)?;
        let reader = open::reader(path)?;
        Ok(Self {
            writer: thread::Worker::start("journal-writer", writer, thread::Commit::Groups, clock.clone())?,
            reader: thread::Worker::start("journal-reader", reader, thread::Commit::Nothing, clock)?,
        })
    }

    /// Opens an existing journal for reading only, beside a daemon that may be writing it.
    ///
    /// # Errors
    /// `Journal` as [`Journal::open`]; every write fails later.
    pub fn read_only(path: &Path, clock: Clock) -> Result<Self> {
        open::inspect(path)?;
        let reader = thread::Worker::start("journal-reader", open::reader(path)?, thread::Commit::Nothing, clock)?;
        Ok(Self { writer: reader.clone(), reader })
    }

    /// Runs `work` inside the next group commit and answers once that is durable.
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(doing, work).await
    }

    /// Runs `work` on what was committed so far.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.reader.run(doing, work).await
    }
}

/// An error of SQLite while doing something named.
fn failed(doing: &str, source: rusqlite::Error) -> Error {
    Error::new(Kind::Journal, format!("journal: {doing}")).because(source)
}

/// A column that holds one of our fixed names but does not: somebody edited the file.
fn unknown_name(column: usize, text: &str) -> rusqlite::Error {
    let error = Error::new(Kind::Journal, format!("unknown name '{text}'"));
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

/// A column that should hold JSON or a time and does not.
fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::{Map, json};

    use super::*;
    use crate::permit::Gate;
    use crate::record::{BindingKey, Entity, Fate, Object, Place, ROW, SourceRecord};

    struct Bench {
        runtime: tokio::runtime::Runtime,
        journal: Journal,
        _folder: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(&folder.path().join("journal.db"), Clock::system()).expect("opened");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Bench { runtime, journal, _folder: folder }
    }

    fn landing(object: Object, id: &str, value: &str, parent: Option<(Object, &str)>) -> Landing {
        let payload: Map<_, _> = [("value".to_owned(), json!(value))].into_iter().collect();
        let mut digest = [0; 16];
        digest[..value.len()].copy_from_slice(value.as_bytes());
        let place = Place { origin: "test".into(), row: 1 };
        let record = SourceRecord {
            object,
            id: id.into(),
            payload,
            modified: None,
            deleted: false,
            place,
            children: Vec::new(),
        };
        Landing {
            record,
            digest,
            parent: parent.map(|(object, id)| (object, Arc::from(id))),
            onward: Vec::new(),
            walk: None,
        }
    }

    fn intent(id: &str, version: i64) -> Intent {
        Intent {
            key: BindingKey::new(Object::Project, id, "deal"),
            version,
            entity: Entity::Deal,
            kind: EffectKind::Create,
            body: r#"{"title":"x"}"#.into(),
            sent: None,
            asked: None,
            floor_id: Some("7".into()),
            dest_id: None,
            preimage: None,
            tries: 1,
        }
    }

    #[test]
    fn a_changed_child_makes_its_parent_pending_again() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let at = Timestamp::UNIX_EPOCH;
            let commission = |value| landing(Object::Commission, "c", value, Some((Object::Project, "p")));
            let first = vec![landing(Object::Project, "p", "a", None), commission("10")];
            assert_eq!(journal.land(first, at).await.expect("landed"), [Novelty::New, Novelty::New]);
            let landed = journal.landed(Object::Project, 0, 10).await.expect("read");
            assert_eq!((landed[0].version, landed[0].record.children.len()), (2, 1));
            let ids = journal.intend(vec![intent("p", 2)], at).await.expect("intended");
            let done = Outcome::Done { dest_id: "8".into(), base: "{}".into() };
            journal
                .conclude(vec![Conclusion { effect: ids[0], outcome: done, tokens: 5 }], at)
                .await
                .expect("concluded");
            journal.clear_pending(vec![Object::Project]).await.expect("cleared");
            assert!(journal.pending(Object::Project, 0, 10).await.expect("read").is_empty());
            assert_eq!(journal.land(vec![commission("10")], at).await.expect("landed"), [Novelty::Unchanged]);
            assert!(journal.pending(Object::Project, 0, 10).await.expect("read").is_empty());
            assert_eq!(journal.land(vec![commission("11")], at).await.expect("landed"), [Novelty::Changed]);
            let pending = journal.pending(Object::Project, 0, 10).await.expect("read");
            assert!(pending[0].version > 2 && pending[0].fate == Some(Fate::Loaded));
            assert_eq!(journal.unchanged_reads().await.expect("counted"), 1);
        });
    }

    #[test]
    fn an_intent_without_outcome_is_in_doubt_until_concluded() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let at = Timestamp::UNIX_EPOCH;
            journal.land(vec![landing(Object::Project, "p", "a", None)], at).await.expect("landed");
            let ids = journal.intend(vec![intent("p", 1)], at).await.expect("intended");
            let open = journal.in_doubt(Some(Entity::Deal)).await.expect("read");
            assert_eq!((open.len(), open[0].id, open[0].intent.floor_id.as_deref()), (1, ids[0], Some("7")));
            let void = Outcome::Void { note: "not in the list".into() };
            journal
                .conclude(vec![Conclusion { effect: ids[0], outcome: void, tokens: 0 }], at)
                .await
                .expect("concluded");
            assert!(journal.in_doubt(None).await.expect("read").is_empty());
            let bound = journal.bound(vec![BindingKey::new(Object::Project, "p", "deal")]).await.expect("read");
            assert_eq!(bound, [None]);
        });
    }

    #[test]
    fn a_record_waits_while_any_role_waits() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let at = Timestamp::UNIX_EPOCH;
            journal.land(vec![landing(Object::Client, "1", "a", None)], at).await.expect("landed");
            let end = |role: &str, fate| {
                let key = BindingKey::new(Object::Client, "1", role);
                let end = RoleFate::new(key, Entity::Person, 1, fate).because(format!("{role} is {fate}"));
                if fate == Fate::Parked { end.waiting_for("owner") } else { end }
            };
            journal
                .end_roles(vec![end("organization", Fate::Merged), end("person", Fate::Parked)])
                .await
                .expect("written");
            let record = journal.record(Object::Client, "1".into()).await.expect("read").expect("known");
            assert_eq!((record.fate, record.reason.as_deref()), (Some(Fate::Parked), Some("person is parked")));
            assert_eq!(journal.parked().await.expect("counted"), [("owner".to_owned(), 1)]);
            journal.end_roles(vec![end("person", Fate::Loaded)]).await.expect("written");
            let record = journal.record(Object::Client, "1".into()).await.expect("read").expect("known");
            assert_eq!(record.fate, Some(Fate::Loaded));
        });
    }

    #[test]
    fn the_first_claim_survives() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let key = |id: &str| BindingKey::new(Object::Client, id, "person");
            let claim = |id: &str| (Entity::Person, "ada@example.test".to_owned(), key(id));
            let survivors = journal.claim(vec![claim("2"), claim("1")]).await.expect("claimed");
            assert_eq!(survivors, [key("2"), key("2")]);
            journal.disclaim(vec![key("2")]).await.expect("given up");
            assert_eq!(journal.claim(vec![claim("1")]).await.expect("claimed"), [key("1")]);
        });
    }

    #[test]
    fn claims_of_a_comparison_stand_apart_until_they_are_taken() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let key = |id: &str| BindingKey::new(Object::Client, id, "person");
            let claim = async |text: String, id: &str| {
                journal.claim(vec![(Entity::Person, text, key(id))]).await.expect("claimed").remove(0)
            };
            assert_eq!(claim(claim_of_same("a"), "1").await, key("1"));
            assert_eq!(claim("existing:7".to_owned(), "1").await, key("1"));
            assert_eq!(claim(format!("will:{}", claim_of_same("a")), "2").await, key("2"));
            assert_eq!(claim(claim_of_same("a"), "3").await, key("1"));
            journal.take_claims("will:").await.expect("taken");
            assert_eq!(claim(claim_of_same("a"), "3").await, key("2"));
            assert_eq!(claim("existing:7".to_owned(), "3").await, key("1"), "what Pipedrive holds is another matter");
            assert_eq!(claim(format!("will:{}", claim_of_same("a")), "4").await, key("4"));
            journal.drop_claims("will:").await.expect("dropped");
            assert_eq!(claim(format!("will:{}", claim_of_same("a")), "5").await, key("5"));
            assert_eq!(claim(claim_of_same("a"), "6").await, key("2"));
        });
    }

    #[test]
    fn another_company_is_refused_and_a_rejection_closes_a_gate() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            journal.pin_company("42".into()).await.expect("pinned");
            journal.pin_company("42".into()).await.expect("the same");
            assert_eq!(journal.pin_company("43".into()).await.map_err(|error| error.kind()), Err(Kind::Settings));
            let at = Timestamp::UNIX_EPOCH;
            let proof = Proof::Name;
            let say = |verdict| Decision { gate: Gate::Plan, verdict, by: "Ada".into(), digest: "d".into(), proof };
            journal.decide(say(GateVerdict::Approved), at).await.expect("kept");
            assert_eq!(
                journal.approval(Gate::Plan).await.expect("read").map(|a| a.by().to_owned()),
                Some("Ada".into())
            );
            journal.decide(say(GateVerdict::Rejected), at).await.expect("kept");
            assert_eq!(journal.approval(Gate::Plan).await.expect("read"), None);
        });
    }

    #[test]
    fn what_a_later_export_lacks_is_deleted_but_not_what_could_not_be_read() {
        let Bench { runtime, journal, _folder } = bench();
        runtime.block_on(async {
            let at = Timestamp::UNIX_EPOCH;
            let land = |object, id: &str, parent, walk: &str| {
                let value = if id.starts_with("row") { "9,p4,shifted" } else { "a" };
                let mut landing = landing(object, id, value, parent);
                landing.record.payload.insert("row".to_owned(), json!(value));
                Landing { walk: Some(walk.into()), ..landing }
            };
            let first = ["p1", "p2", "p3", "p4", "row 9 of f"].map(|id| land(Object::Project, id, None, "one"));
            journal.land(first.to_vec(), at).await.expect("landed");
            let fold = land(Object::Commission, "c", Some((Object::Project, "p1")), "one");
            journal.land(vec![fold], at).await.expect("landed");
            let rejected = |id: &str| {
                let key = BindingKey::new(Object::Project, id, ROW);
                RoleFate::new(key, Entity::Note, 1, Fate::Rejected).because("shifted")
            };
            journal.end_roles(vec![rejected("row 9 of f")]).await.expect("written");
            let second = ["p1", "p2", "row 7 of f"].map(|id| land(Object::Project, id, None, "two"));
            journal.land(second.to_vec(), at).await.expect("landed");
            journal.end_roles(vec![rejected("row 7 of f")]).await.expect("written");

            let found = journal.count_vanished(Object::Project, "two".into()).await.expect("counted");
            let expected = Vanished { rows: 6, vanished: 2, unreadable: 1, example: Some("p3".to_owned()) };
            assert_eq!(found, expected);
            journal.clear_pending(vec![Object::Project]).await.expect("cleared");
            let marked = journal.delete_vanished(Object::Project, "two".into(), "gone".into(), at).await;
            assert_eq!(marked.expect("marked"), 2);
            let landed = journal.landed(Object::Project, 0, 10).await.expect("read");
            let deleted: Vec<&str> =
                landed.iter().filter(|one| one.record.deleted).map(|one| &*one.record.id).collect();
            assert_eq!(deleted, ["p3", "row 9 of f"]);
            let row = journal.record(Object::Project, "row 9 of f".into()).await.expect("read").expect("known");
            assert_eq!((row.fate, row.reason.as_deref()), (Some(Fate::Skipped), Some("gone")));
            assert_eq!(journal.count_vanished(Object::Project, "two".into()).await.expect("counted").vanished, 0);

            // The commission of p1 is in no later export: p1 changes.
            let marked = journal.delete_vanished(Object::Commission, "two".into(), "gone".into(), at).await;
            assert_eq!(marked.expect("marked"), 1);
            let pending = journal.pending(Object::Project, 0, 10).await.expect("read");
            assert!(pending.iter().any(|landed| &*landed.record.id == "p1"));
        });
    }
}
