//! When to try again: exponential pauses with jitter, waited on the [`Clock`], never longer than the far end asked for.
//!
//! Whether to try again is decided by [`Error::verdict`](crate::error::Error::verdict) alone, and only calls that may run
//! twice (reads) go through [`reads`].

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::clock::Clock;
use crate::error::{Error, Result, Verdict};

/// The first pause. Below it a retry would meet the same hiccup.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause, unless the far end asks for a longer one.
const LONGEST: Duration = Duration::from_secs(60);

/// A row of pauses, each about twice as long as the one before.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Pauses {
    /// At most `times` pauses.
    #[must_use]
    pub fn new(times: usize) -> Self {
        let builder = ExponentialBuilder::default().with_jitter().with_factor(2.0);
        Self(builder.with_min_delay(FIRST).with_max_delay(LONGEST).with_max_times(times).build())
    }

    /// The next pause, at least as long as the hint; `None` when all are used up.
    pub fn next(&mut self, hint: Option<Duration>) -> Option<Duration> {
        let pause = self.0.next()?;
        Some(hint.map_or(pause, |hint| hint.max(pause)))
    }
}

/// Does a read again and again while its error's verdict is to wait, at most `times` more times. Gives the last error.
///
/// # Errors
/// Whatever the read gives at last.
pub async fn reads<T, F: Future<Output = Result<T>>>(
    clock: &Clock,
    times: usize,
    mut read: impl FnMut() -> F,
) -> Result<T, Error> {
    let mut pauses = Pauses::new(times);
    loop {
        let error = match read().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Verdict::Wait(hint) = error.verdict() else { return Err(error) };
        let Some(pause) = pauses.next(hint) else { return Err(error) };
        tracing::warn!(error = error.chain(), pause_seconds = pause.as_secs_f64(), "reading again after a pause");
        clock.sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn pauses_grow_end_and_honour_the_hint() {
        let mut pauses = Pauses::new(3);
        assert_eq!(pauses.next(Some(Duration::from_secs(3939))), Some(Duration::from_secs(3939)));
        assert!(pauses.next(None) >= Some(2 * FIRST));
        assert!(pauses.next(None).is_some());
        assert_eq!(pauses.next(None), None);
    }

    #[test]
    fn only_waits_are_read_again() {
        let clock = Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let tries = |kind| {
            let mut tries = 0;
            let read = || {
                tries += 1;
                std::future::ready(Err::<(), _>(Error::new(kind, "reading")))
            };
            assert!(runtime.block_on(clock.track(reads(&clock, 4, read))).is_err());
            tries
        };
        assert_eq!(tries(Kind::Unreachable), 5);
        assert_eq!(tries(Kind::Unauthorized), 1);
    }
}
