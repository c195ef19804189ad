//! Other processes of the bench: the stand-ins and the daemon, and what Linux says about their CPU time and memory.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

/// The program that migrates: the one built with the bench, or another build of it to compare with.
pub(crate) fn program() -> String {
    std::env::var("BENCH_PROGRAM").unwrap_or_else(|_| STANDINS.to_owned())
}

/// The program that the stand-ins run in: the one built with the bench.
const STANDINS: &str = env!("CARGO_BIN_EXE_crossdock");

/// One unit of the times in `/proc/PID/stat`: USER_HZ is 100 on every Linux that Rust runs on (proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// Where the two times stand in `/proc/PID/stat`, counted behind the name in brackets (proc(5): fields 14 and 15).
const USER_TIME: usize = 11;

/// A process that ends with the bench.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts a process.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A stand-in in a process of its own.
pub(crate) struct Standin {
    /// Where it answers.
    pub(crate) address: String,
    /// The token that it wants to see.
    pub(crate) token: String,
    _process: Process,
}

/// What a stand-in says when it answers.
#[derive(Deserialize)]
struct Announcement {
    address: String,
    token: String,
}

impl Standin {
    /// Starts one end with settings in the form `key=value`.
    pub(crate) fn start(end: &str, settings: &[String]) -> Self {
        let mut command = Command::new(STANDINS);
        command.args(["standin", end]).stdout(Stdio::piped());
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut process = Process::start(&mut command);
        let stdout = process.0.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the stand-in says where it answers");
        let Announcement { address, token } = serde_json::from_str(&line).expect("one JSON line");
        Self { address, token, _process: process }
    }
}

/// What a process has used since its start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// User and system time of all threads, those that have ended too.
    pub(crate) cpu: Duration,
    /// The same by the names of the threads that live; numbered threads of one pool together.
    pub(crate) threads: BTreeMap<String, Duration>,
    /// The most memory it ever held, bytes (`VmHWM`).
    pub(crate) peak_bytes: u64,
}

impl Usage {
    /// Reads it; zeros when the process is gone.
    pub(crate) fn of(pid: u32) -> Self {
        let folder = Path::new("/proc").join(pid.to_string());
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir(folder.join("task")).into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let pool = name.trim().trim_end_matches(|last: char| last.is_ascii_digit() || last == '-').to_owned();
            *threads.entry(pool).or_default() += cpu(&task.path());
        }
        Self { cpu: cpu(&folder), threads, peak_bytes: peak_bytes(&folder) }
    }

    /// What was used since an earlier reading.
    pub(crate) fn since(&self, earlier: &Usage) -> Usage {
        let before = |name: &str| earlier.threads.get(name).copied().unwrap_or_default();
        let threads = self.threads.iter().map(|(name, cpu)| (name.clone(), cpu.saturating_sub(before(name)))).collect();
        Usage { cpu: self.cpu.saturating_sub(earlier.cpu), threads, peak_bytes: self.peak_bytes }
    }
}

fn cpu(folder: &Path) -> Duration {
    let stat = std::fs::read_to_string(folder.join("stat")).unwrap_or_default();
    // The name in brackets may hold spaces and brackets of its own.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = rest.split_whitespace().skip(USER_TIME).take(2).filter_map(|field| field.parse::<u32>().ok());
    TICK * ticks.sum::<u32>()
}

fn peak_bytes(folder: &Path) -> u64 {
    let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
