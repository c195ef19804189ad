//! What people see: lines, progress bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

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
    let with_total = "{spinner} {prefix:<22} {bar:28} {pos:>8}/{len} {rate:>9} {eta:>5} left  {msg}";
    let without = "{spinner} {prefix:<22} {pos:>8} {rate:>9}  {msg}";
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        write!(out, "{:.0}/s", state.per_sec()).unwrap_or_default();
    };
    // The templates are constants, and tested by being shown.
    let style = |text: &str| {
        ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate)
    };
    let tell = |part: &Snapshot| {
        if part.done > 0 {
            bar.suspend(|| complain(&format!("  {:<22} {:>8} {}", name(part), part.done, part.unit())));
        }
    };
    let mut shown = progress.snapshot();
    while !ended.load(Ordering::Relaxed) {
        progress.take_ended().iter().for_each(tell);
        let now = progress.snapshot();
        if now.doing != shown.doing {
            if (&now.doing.phase, &now.doing.part) != (&shown.doing.phase, &shown.doing.part) {
                bar.reset();
            }
            bar.set_prefix(name(&now));
            bar.set_message(waits(&now));
        }
        bar.set_style(style(if now.total > 0 { with_total } else { without }));
        bar.set_length(now.total.max(now.done));
        bar.set_position(now.done);
        bar.tick();
        shown = now;
        std::thread::sleep(FRAME);
    }
    progress.take_ended().iter().for_each(tell);
    tell(&progress.snapshot());
    bar.finish_and_clear();
}

fn lines(progress: &Progress, ended: &AtomicBool) {
    let tell = |part: &Snapshot| {
        if part.done > 0 {
            complain(&format!("{}: {} {}, done", name(part), part.done, part.unit()));
        }
    };
    let (mut waited, mut last) = (String::new(), Instant::now());
    while !ended.load(Ordering::Relaxed) {
        progress.take_ended().iter().for_each(tell);
        let now = progress.snapshot();
        if now.doing.waits != waited || last.elapsed() >= LINE {
            let total = if now.total > 0 { format!("/{}", now.total) } else { String::new() };
            if !now.doing.phase.is_empty() {
                let line = format!("{}: {}{total} {} {}", name(&now), now.done, now.unit(), waits(&now));
                complain(line.trim_end());
            }
            (waited, last) = (now.doing.waits, Instant::now());
        }
        std::thread::sleep(FRAME);
    }
    progress.take_ended().iter().for_each(tell);
    tell(&progress.snapshot());
}

fn name(part: &Snapshot) -> String {
    format!("{} {}", part.doing.phase, part.doing.part).trim_end().to_owned()
}

fn waits(part: &Snapshot) -> String {
    if part.doing.waits.is_empty() { String::new() } else { format!("waits {}", part.doing.waits) }
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
