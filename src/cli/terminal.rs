//! What people see: lines, progress bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Kind, Result};
use crate::progress::{Progress, Snapshot};

/// How often a terminal is drawn again.
const FRAME: Duration = Duration::from_millis(120);

/// How often a plain line is written while nothing else changes.
const LINE: Duration = Duration::from_secs(10);

/// Writes a line to standard output. A closed pipe is nobody's error.
pub(super) fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Writes a line to standard error.
pub(super) fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Shows progress until it is dropped.
pub(super) struct Show {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Show {
    /// Shows progress on standard error: a bar on a terminal, lines elsewhere.
    pub(super) fn start(progress: Progress) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let draw =
            move || if std::io::stderr().is_terminal() { bars(&progress, &seen) } else { lines(&progress, &seen) };
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(draw).ok();
        Self { ended, thread }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It draws and nothing else: a panic in it changes nothing.
            drop(thread.join());
        }
    }
}

fn bars(progress: &Progress, ended: &AtomicBool) {
    let bar = ProgressBar::new(0);
    let with_total = "{spinner} {prefix:<22} {bar:28} {pos:>8}/{len} {per_sec:>12} {eta:>5} left  {msg}";
    let without = "{spinner} {prefix:<22} {pos:>8} {per_sec:>12}  {msg}";
    // The templates are constants, and tested by being shown.
    let style = |text: &str| ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar());
    let mut shown = Snapshot::default_for_display();
    while !ended.load(Ordering::Relaxed) {
        let now = progress.snapshot();
        if now.doing != shown.doing {
            if !shown.part_is(&now) {
                if shown.done > 0 {
                    bar.suspend(|| complain(&format!("  {:<22} {:>8} records", shown.name(), shown.done)));
                }
                bar.reset();
            }
            bar.set_prefix(now.name());
            bar.set_message(if now.doing.waits.is_empty() {
                String::new()
            } else {
                format!("waits {}", now.doing.waits)
            });
        }
        bar.set_style(style(if now.total > 0 { with_total } else { without }));
        bar.set_length(now.total.max(now.done));
        bar.set_position(now.done);
        bar.tick();
        shown = now;
        std::thread::sleep(FRAME);
    }
    bar.finish_and_clear();
}

fn lines(progress: &Progress, ended: &AtomicBool) {
    let mut shown = Snapshot::default_for_display();
    let mut last = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        let now = progress.snapshot();
        let is_new = !shown.part_is(&now) || now.doing.waits != shown.doing.waits;
        if is_new || last.elapsed() >= LINE {
            let total = if now.total > 0 { format!("/{}", now.total) } else { String::new() };
            let waits = if now.doing.waits.is_empty() { String::new() } else { format!(", waits {}", now.doing.waits) };
            if !now.doing.phase.is_empty() {
                complain(&format!("{}: {}{total} records{waits}", now.name(), now.done));
            }
            last = Instant::now();
        }
        shown = now;
        std::thread::sleep(FRAME);
    }
}

impl Snapshot {
    fn default_for_display() -> Self {
        Progress::default().snapshot()
    }

    fn part_is(&self, other: &Snapshot) -> bool {
        self.doing.phase == other.doing.phase && self.doing.part == other.doing.part
    }

    fn name(&self) -> String {
        format!("{} {}", self.doing.phase, self.doing.part).trim().to_owned()
    }
}

/// Sends logs to standard error: readable on a terminal, JSON elsewhere.
///
/// # Errors
/// `Settings` for a filter that cannot be read.
pub(super) fn log(filter: &str) -> Result<()> {
    let wrong = |source| Error::new(Kind::Settings, format!("--log {filter}")).because(source);
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(wrong)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let set = if std::io::stderr().is_terminal() { builder.try_init() } else { builder.json().try_init() };
    set.map_err(|source| Error::new(Kind::Bug, "setting up logs").because(source))
}
