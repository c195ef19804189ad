//! A thread that owns one connection and does what it is told, in groups that share a commit.

use std::time::Instant;

use metrics::histogram;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failed;
use crate::clock::{Clock, Job};
use crate::error::{Error, Kind, Result};
use crate::telemetry;

/// Commands that wait before the thread. Callers are few (one per stage), so this is back-pressure, not a buffer.
const QUEUE: usize = 256;

/// Commands that share one commit at the most. Commands carry batches of rows; the measured gain of larger groups ends
/// about here (feasibility, section 6), and a larger group makes the first one in it wait.
const GROUP: usize = 64;

/// What the thread commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// Every group of commands, durably.
    Groups,
    /// Nothing: it only reads.
    Nothing,
}

/// A handle of the thread. The thread ends when the last handle is dropped.
#[derive(Clone)]
pub(super) struct Worker {
    commands: mpsc::Sender<Command>,
    clock: Clock,
}

struct Command {
    work: Work,
    /// Counts the command on the clock until its answer was given.
    job: Job,
}

/// Does the work, and leaves behind how to answer once its fate is known.
type Work = Box<dyn FnOnce(&Connection) -> Worked + Send>;

struct Worked {
    failed: Option<Error>,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Worker {
    pub(super) fn start(name: &str, connection: Connection, commit: Commit, clock: Clock) -> Result<Self> {
        let (commands, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || serve(&connection, queue, commit))
            .map_err(|source| Error::new(Kind::Bug, format!("starting thread {name}")).because(source))?;
        Ok(Self { commands, clock })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| match work(connection) {
            Ok(value) => Worked {
                failed: None,
                // Nobody may be waiting any more; the work was done all the same.
                answer: Box::new(move |committed| drop(sender.send(committed.map(|()| value)))),
            },
            Err(source) => Worked {
                failed: Some(failed(doing, source)),
                answer: Box::new(move |committed| drop(sender.send(committed.and(Err(rolled_back()))))),
            },
        });
        let command = Command { work, job: self.clock.job() };
        let gone = || Error::new(Kind::Journal, format!("journal: {doing}: the journal's thread has ended"));
        self.commands.send(command).await.map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())?
    }
}

fn serve(connection: &Connection, mut queue: mpsc::Receiver<Command>, commit: Commit) {
    while let Some(first) = queue.blocking_recv() {
        match commit {
            Commit::Groups => serve_group(connection, first, &mut queue),
            Commit::Nothing => {
                let worked = (first.work)(connection);
                (worked.answer)(worked.failed.map_or(Ok(()), Err));
                drop(first.job);
            }
        }
    }
}

fn serve_group(connection: &Connection, first: Command, queue: &mut mpsc::Receiver<Command>) {
    let started = Instant::now();
    let mut failure = connection.execute_batch("BEGIN IMMEDIATE").err().map(|source| failed("beginning", source));
    let mut answers = Vec::new();
    let mut next = Some(first);
    while let Some(command) = next.take() {
        if failure.is_some() {
            // The answer must still be given: dropping the work closes its channel, which reads as an error.
            drop(command);
        } else {
            let worked = (command.work)(connection);
            failure = worked.failed;
            answers.push((worked.answer, command.job));
        }
        if answers.len() < GROUP {
            next = queue.try_recv().ok();
        }
    }
    if failure.is_none() {
        failure = connection.execute_batch("COMMIT").err().map(|source| failed("committing", source));
    }
    if failure.is_some() && !connection.is_autocommit() {
        // If even this fails the connection is unusable, and the next command says so.
        drop(connection.execute_batch("ROLLBACK"));
    }
    histogram!(telemetry::JOURNAL_COMMIT_SECONDS).record(started.elapsed());
    // The one that failed comes last and gets the cause; those before it were rolled back with it.
    let culprit = failure.is_some().then(|| answers.len().saturating_sub(1));
    for (index, (answer, job)) in answers.into_iter().enumerate() {
        answer(match culprit {
            None => Ok(()),
            Some(last) if index == last => Err(failure.take().unwrap_or_else(rolled_back)),
            Some(_) => Err(rolled_back()),
        });
        drop(job);
    }
}

fn rolled_back() -> Error {
    Error::new(Kind::Journal, "journal: the group of changes was rolled back")
}
