//! Making something once that has no marker but its name: fields, pipelines, stages, labels, types.
//!
//! What is there by its name is taken as it is. A create whose answer is lost is looked for by name, after a quiet time,
//! before it is tried again.

use std::time::Duration;

use super::Migration;
use crate::error::{Error, Kind, Result};
use crate::retry::Pauses;

/// Tries of one create.
const TRIES: usize = 6;

impl Migration {
    /// Makes `what` unless `find` finds it.
    pub(super) async fn ensure<T>(
        &self,
        what: &str,
        find: impl AsyncFn() -> Result<Option<T>>,
        create: impl AsyncFn() -> Result<T>,
    ) -> Result<T> {
        let mut pauses = Pauses::new(TRIES);
        for _ in 0..TRIES {
            let error = match create().await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            match error.kind() {
                Kind::InDoubt => {
                    tracing::warn!(what, error = error.chain(), "the answer was lost; looking for it by name");
                    self.pause_for(self.quiet_time()).await;
                    if let Some(found) = find().await? {
                        return Ok(found);
                    }
                }
                Kind::Unreachable => match pauses.next(None) {
                    Some(pause) => self.pause_for(pause).await,
                    None => return Err(error),
                },
                _ => return Err(error),
            }
            self.border().await?;
        }
        Err(Error::new(Kind::Unreachable, format!("{what}: Pipedrive gave no answer {TRIES} times")))
    }

    /// After this time what is not in a list is not on its way.
    pub(super) fn quiet_time(&self) -> Duration {
        self.client.timeout() + self.config.pipedrive.list_lag + Duration::from_millis(500)
    }
}
