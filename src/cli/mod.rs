//! The command line: one file a command.

mod accept;
mod ahead;
mod alone;
mod approve;
mod approver;
mod discover;
mod init;
mod map;
mod plan;
#[cfg(feature = "standin")]
mod rehearse;
mod report;
mod run;
#[cfg(feature = "standin")]
mod standin;
mod status;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::{Error, Kind, Result, Verdict};
use crate::migration::Upto;

/// Streams a PromoXcrm account into Pipedrive and keeps the two in step until cutover.
#[derive(Debug, Parser)]
#[command(name = "crossdock", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Move a generated account, or an export, into a simulated Pipedrive: the whole migration on this machine
    #[cfg(feature = "standin")]
    Rehearse(rehearse::Rehearse),
    /// Make a new migration's folder with settings and mapping to fill in
    Init(init::Init),
    /// What the source holds, how each kind of record is read, and what is still to be asked
    Discover(discover::Discover),
    /// The mapping as a page and as workbooks to edit, and the edited workbooks read back
    Map(map::Map),
    /// Read the whole source and say what the data is like; writes nothing to Pipedrive
    Survey(ahead::Ahead),
    /// What will be made in Pipedrive, what it costs and when it is done; writes nothing there
    Plan(plan::Plan),
    /// Make the workspace in Pipedrive, when the gates before it are approved
    Configure(ahead::Ahead),
    /// Load the sample and read it back, when the gates before it are approved
    Sample(ahead::Ahead),
    /// The daemon: walk the migration of a folder from where it is
    Run(run::Run),
    /// Approve what waits at a gate
    Approve(approve::Approve),
    /// Reject what waits at a gate, or take an approval back
    Reject(approve::Approve),
    /// Make a token for a person who may approve
    Approver(approver::Approver),
    /// Where the migration stands
    Status(status::Status),
    /// Write the reports anew that the journal tells, and list all of them
    Report(report::Report),
    /// Why a record ended as it did
    Explain(status::Explain),
    /// Tell the daemon that the source is frozen
    Freeze(approve::Signal),
    /// Pause the daemon at the next step
    Pause(approve::Signal),
    /// Let a paused daemon go on
    Resume(approve::Signal),
    /// Accept that columns of a paused kind of record are gone or of another kind, and let it go on
    Accept(accept::Accept),
    /// Try again what Pipedrive refused, after its cause was mended
    Retry(approve::Retry),
    /// A simulated end as a server of its own
    #[cfg(feature = "standin")]
    Standin(standin::Standin),
}

/// The folder that a command is about.
#[derive(Debug, clap::Args)]
struct Folder {
    /// The migration's folder
    #[arg(short = 'C', long = "folder", value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// How a command ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Success {
    /// All well.
    Well,
    /// Differences were found.
    Differences,
    /// The migration waits at a gate.
    AtGate,
}

/// Reads the arguments, does the command, and says what went wrong. Exit codes: design, section 11.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(Success::Well) => ExitCode::SUCCESS,
        Ok(Success::Differences) => ExitCode::from(3),
        Ok(Success::AtGate) => ExitCode::from(4),
        Err(error) => {
            terminal::complain(&format!("error: {}", error.chain()));
            if let Verdict::Halt(hint) = error.verdict() {
                terminal::complain(&format!("hint: {hint}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<Success> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::new(Kind::Bug, "starting the async threads").because(source))?;
    let ended = match command {
        #[cfg(feature = "standin")]
        Command::Rehearse(rehearse) => runtime.block_on(rehearse.run()),
        Command::Init(init) => init.run(),
        Command::Discover(discover) => runtime.block_on(discover.run()),
        Command::Map(map) => runtime.block_on(map.run()),
        Command::Survey(ahead) => runtime.block_on(ahead.run(Upto::Survey)),
        Command::Plan(plan) => runtime.block_on(plan.run()),
        Command::Configure(ahead) => runtime.block_on(ahead.run(Upto::Configure)),
        Command::Sample(ahead) => runtime.block_on(ahead.run(Upto::Sample)),
        Command::Run(run) => runtime.block_on(run.run()),
        Command::Approve(approve) => runtime.block_on(approve.approve()),
        Command::Reject(reject) => runtime.block_on(reject.reject()),
        Command::Approver(approver) => approver.run(),
        Command::Status(status) => runtime.block_on(status.run()),
        Command::Report(report) => runtime.block_on(report.run()),
        Command::Explain(explain) => runtime.block_on(explain.run()),
        Command::Freeze(signal) => runtime.block_on(signal.send("freeze")),
        Command::Pause(signal) => runtime.block_on(signal.send("pause")),
        Command::Resume(signal) => runtime.block_on(signal.send("resume")),
        Command::Accept(accept) => runtime.block_on(accept.run()),
        Command::Retry(retry) => runtime.block_on(retry.run()),
        #[cfg(feature = "standin")]
        Command::Standin(standin) => runtime.block_on(standin.run()),
    };
    // Threads of a command that failed half-way must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    ended
}
