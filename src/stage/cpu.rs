//! The CPU threads of dedupe and normalize: a bounded `crossbeam` channel feeds them, and the clock counts their jobs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender, bounded};
use tokio::sync::{Semaphore, oneshot};

use crate::clock::{Clock, Job};
use crate::error::{Error, Kind, Result};

/// A job, and the guard that counts it until its answer was given.
type Task = (Box<dyn FnOnce() + Send>, Job);

/// A fixed number of threads. They end when the last handle is dropped.
#[derive(Clone)]
pub struct Cpu {
    tasks: Sender<Task>,
    /// As many permits as the channel has places, so that sending never blocks an async thread.
    places: Arc<Semaphore>,
    threads: usize,
    clock: Clock,
}

impl Cpu {
    /// Starts the threads.
    ///
    /// # Errors
    /// `Bug` when a thread cannot be started.
    pub fn start(threads: usize, clock: Clock) -> Result<Self> {
        let threads = threads.max(1);
        let (tasks, queue) = bounded::<Task>(threads);
        for number in 0..threads {
            let queue = queue.clone();
            std::thread::Builder::new()
                .name(format!("cpu-{number}"))
                .spawn(move || serve(&queue))
                .map_err(|source| Error::new(Kind::Bug, "starting a CPU thread").because(source))?;
        }
        Ok(Self { tasks, places: Arc::new(Semaphore::new(threads)), threads, clock })
    }

    /// How many jobs can run at the same time.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs a job on one of the threads.
    ///
    /// # Errors
    /// `Bug` when the job panics.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let ended = || Error::new(Kind::Bug, "a CPU job ended without an answer");
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| ended())?;
        let (sender, receiver) = oneshot::channel();
        let task = move || {
            let answer = catch_unwind(AssertUnwindSafe(job));
            drop(place);
            // On a panic the sender is dropped, which the caller reads as the error. Nobody may wait any more: no matter.
            if let Ok(answer) = answer {
                drop(sender.send(answer));
            }
        };
        self.tasks.try_send((Box::new(task), self.clock.job())).map_err(|_| ended())?;
        receiver.await.map_err(|_| ended())
    }
}

fn serve(queue: &Receiver<Task>) {
    while let Ok((task, job)) = queue.recv() {
        task();
        drop(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_and_a_panic_is_an_error_of_that_job_only() {
        let cpu = Cpu::start(2, Clock::system()).expect("threads");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let jobs = (0..50_u32).map(|number| cpu.run(move || number * 2));
            let answers = futures::future::try_join_all(jobs).await.expect("answers");
            assert_eq!(answers.iter().sum::<u32>(), 2450);
            let panicked = cpu.run(|| std::panic::panic_any("planned")).await;
            assert_eq!(panicked.map_err(|error| error.kind()), Err(Kind::Bug));
            assert_eq!(cpu.run(|| 7).await.expect("an answer"), 7);
        });
    }
}
