//! One write: sent once, or again only where it certainly did not happen.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::failpoint::{Step, reach};
use super::{Halt, Loader};
use crate::error::{Error, Kind, Result, Verdict};
use crate::journal::{EffectId, EffectKind, Intent};
use crate::pipedrive::{Written, route};
use crate::record::Fate;
use crate::retry::Pauses;
use crate::telemetry::BatchTimer;

/// Times a write is sent again when it never left this machine: about ten minutes.
const UNREACHABLE_TRIES: usize = 14;

/// How long the process lives on after sending, at the failpoint after it: enough for the other side to act.
const AFTER_SEND: Duration = Duration::from_millis(20);

/// A write whose intent is durable.
pub(super) struct Write {
    pub(super) effect: EffectId,
    pub(super) intent: Intent,
    /// How its record is counted when it is done.
    pub(super) fate: Fate,
    /// Ends with the last write of its batch.
    pub(super) timer: Option<Arc<BatchTimer>>,
}

/// A write that was sent, or given up.
pub(super) struct Sent {
    pub(super) write: Write,
    pub(super) result: Result<Written>,
    pub(super) tokens: u32,
}

impl Write {
    /// A write whose intent is not durable yet.
    pub(super) fn new(intent: Intent) -> Self {
        Self { effect: EffectId(0), intent, fate: Fate::Loaded, timer: None }
    }
}

impl Loader {
    pub(super) async fn send(&self, write: Write, halt: &Halt) -> Sent {
        let route = route(write.intent.entity);
        let tokens = match write.intent.kind {
            EffectKind::Create => route.create,
            EffectKind::Update => route.update,
            EffectKind::Delete => route.delete,
        };
        if halt.is_set() {
            return Sent { result: Err(Error::new(Kind::Stopped, "not sent: the run has halted")), write, tokens: 0 };
        }
        if write.intent.kind == EffectKind::Create
            && let Some(why) = self.cap(write.intent.entity)
        {
            // Met by another record after this one was intended.
            return Sent { result: Err(Error::new(Kind::Capped, "not sent").because(why)), write, tokens: 0 };
        }
        let result = self.send_until_reached(&write.intent).await;
        if let (EffectKind::Create, Err(error)) = (write.intent.kind, &result)
            && error.kind() == Kind::Capped
        {
            // At once, not with the outcome: others are about to be sent.
            self.meet_cap(write.intent.entity, error);
        }
        reach(self.failpoint.as_deref(), Step::AfterAnswer);
        Sent { write, result, tokens }
    }

    async fn send_until_reached(&self, intent: &Intent) -> Result<Written> {
        let mut pauses = Pauses::new(UNREACHABLE_TRIES);
        loop {
            let error = match self.send_once(intent).await {
                Ok(row) => return Ok(row),
                Err(error) => error,
            };
            let (Kind::Unreachable, Verdict::Wait(hint)) = (error.kind(), error.verdict()) else { return Err(error) };
            let Some(pause) = pauses.next(hint) else { return Err(error) };
            tracing::warn!(error = error.chain(), pause_seconds = pause.as_secs_f64(), "sending again after a pause");
            self.clock.sleep(pause).await;
        }
    }

    async fn send_once(&self, intent: &Intent) -> Result<Written> {
        let call = self.call(intent);
        if !self.failpoint.as_ref().is_some_and(|failpoint| failpoint.is_due(Step::AfterSend)) {
            return call.await;
        }
        // The request goes out and the process dies before it can hear the answer.
        if self.clock.timeout(AFTER_SEND, call).await.is_none() {
            tracing::error!("failpoint: no answer yet");
        }
        std::process::abort();
    }

    async fn call(&self, intent: &Intent) -> Result<Written> {
        let entity = intent.entity;
        match (intent.kind, &intent.dest_id) {
            (EffectKind::Create, _) => {
                self.client.create_encoded(entity, intent.body.clone().into(), &self.permit).await
            }
            (EffectKind::Update, Some(id)) => {
                let sent = intent.sent.as_ref().unwrap_or(&intent.body);
                self.client.update_encoded(entity, id, sent.clone().into(), &self.permit).await
            }
            (EffectKind::Delete, Some(id)) => {
                self.client.delete(entity, id, &self.permit).await?;
                Ok(Written { id: id.clone(), body: "{}".to_owned() })
            }
            (EffectKind::Update | EffectKind::Delete, None) => {
                Err(Error::new(Kind::Bug, format!("{}: a change without a record to change", intent.key)))
            }
        }
    }
}

/// Reads a body that we wrote ourselves.
pub(super) fn parse(body: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(body).map_err(|error| Error::new(Kind::Journal, "journal: a body is not JSON").because(error))
}
