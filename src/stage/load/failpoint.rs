//! Places where a test makes the daemon die, one at each step of the protocol.
//!
//! A failpoint ends the process without any clean-up, as `SIGKILL` does. It exists in builds with the stand-ins only.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::named_enum;

named_enum! {
    /// The steps of one write.
    Step {
        /// Before the intent is handed to the journal.
        BeforeIntent = "before_intent",
        /// The intent is durable; nothing is sent.
        AfterIntent = "after_intent",
        /// The request is on its way; no answer yet.
        AfterSend = "after_send",
        /// The answer is in; nothing is written about it.
        AfterAnswer = "after_answer",
        /// The outcome is about to be handed to the journal.
        BeforeOutcome = "before_outcome",
    }
}

/// One armed failpoint.
#[derive(Debug)]
pub struct Failpoint {
    step: Step,
    left: AtomicU64,
}

impl Failpoint {
    /// Reads `STEP:N`: die at the N-th time that the step is reached.
    ///
    /// # Errors
    /// `Settings` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let parsed = text.split_once(':').and_then(|(step, nth)| Some((Step::parse(step)?, nth.parse().ok()?)));
        let Some((step, nth)) = parsed else {
            return Err(Error::new(Kind::Settings, format!("failpoint '{text}' is not STEP:N")));
        };
        Ok(Self { step, left: AtomicU64::new(nth) })
    }

    /// True the one time that the process shall die.
    pub(super) fn is_due(&self, step: Step) -> bool {
        cfg!(feature = "standin") && step == self.step && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Dies here if the failpoint says so.
pub(super) fn reach(failpoint: Option<&Failpoint>, step: Step) {
    if failpoint.is_some_and(|failpoint| failpoint.is_due(step)) {
        std::process::abort();
    }
}
