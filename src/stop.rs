//! One switch that asks the whole migration to stop, and lets everyone wait for it.

use tokio::sync::watch;

/// The side that throws the switch. Dropping it does not stop anything.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

/// The side that listens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Makes a switch that is off.
#[must_use]
pub fn switch() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Throws the switch. Doing it twice changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// A listener for this switch.
    #[must_use]
    pub fn listener(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

impl Stop {
    /// True once the switch was thrown.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the switch is thrown; for ever if nobody can throw it any more. Safe to drop half-way.
    pub async fn stopped(&mut self) {
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
