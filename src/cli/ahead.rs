//! `survey`, `configure`, `sample`: one phase and those before it, without the daemon. Where a person must approve first,
//! they say so and end; where a daemon runs, they say what it does about the phase.

use std::path::Path;

use serde_json::json;

use super::alone::{Alone, Here};
use super::{Success, status, terminal};
use crate::control::Status;
use crate::error::{Error, Result};
use crate::journal::FolderLock;
use crate::migration::{Reached, Upto, is_over};
use crate::report::reports;

/// Bring the migration as far as this phase and stop there. What is done already is not done again.
#[derive(Debug, clap::Args)]
pub(super) struct Ahead {
    #[command(flatten)]
    here: Here,
    /// End with one JSON object on one line: what was done, and which gate waits
    #[arg(long)]
    json: bool,
}

/// What a command has to say at its end.
struct Said {
    /// `done`, `waits`, `blocked`, `under way`.
    state: &'static str,
    /// What stands in the way of the plan, one thing a line.
    in_the_way: Vec<String>,
    /// Whether a daemon, or another command, works on the folder.
    daemon: bool,
    /// The gate that waits now, and the digest of what lies before it.
    gate: Option<(String, String)>,
    /// Tokens that this command spent, those of a staging company among them.
    tokens: u64,
}

impl Ahead {
    pub(super) async fn run(self, upto: Upto) -> Result<Success> {
        let folder = &self.here.folder.folder;
        let said = match FolderLock::take(folder) {
            Ok(lock) => self.walk(lock, upto).await?,
            Err(taken) if folder.is_dir() => self.told(taken, upto).await?,
            Err(missing) => return Err(missing),
        };
        if self.json {
            terminal::say(&said.json(folder, upto).to_string());
        } else {
            said.tell(folder, upto);
        }
        Ok(if said.state == "done" || said.state == "under way" { Success::Well } else { Success::AtGate })
    }

    async fn walk(&self, lock: FolderLock, upto: Upto) -> Result<Said> {
        let Alone { migration, progress, .. } = &Alone::open(lock, &self.here).await?;
        let standing = async || Status::read(migration.journal(), migration.staging_journal(), None).await;
        let before = spent(&standing().await?);
        let show = terminal::Show::start(progress.clone());
        let walked = migration.walk_to(upto).await;
        drop(show);
        let (state, in_the_way) = match walked? {
            Reached::Done => ("done", Vec::new()),
            Reached::Waits(_) => ("waits", Vec::new()),
            Reached::Blocked(things) => ("blocked", things),
        };
        let status = standing().await?;
        Ok(Said { state, in_the_way, daemon: false, gate: waiting(&status), tokens: spent(&status) - before })
    }

    /// What the daemon does about the phase; it is not disturbed.
    async fn told(&self, taken: Error, upto: Upto) -> Result<Said> {
        let journal = status::open(&self.here.folder).map_err(|_| taken)?;
        let status = match status::told(&self.here.folder).await {
            Some(status) => status,
            None => Status::read(&journal, None, None).await?,
        };
        let gate = waiting(&status);
        let state = match (is_over(&journal, upto).await?, &gate) {
            (true, _) => "done",
            (false, Some(_)) => "waits",
            (false, None) => "under way",
        };
        if !self.json {
            let (phase, waits) = (format!("{} {}", status.phase, status.part), &status.waits);
            let waits = if waits.is_empty() { String::new() } else { format!(", and waits {waits}") };
            terminal::complain(&format!(
                "Another crossdock runs on this folder and walks by itself: it is at {}{waits}.",
                phase.trim_end()
            ));
        }
        Ok(Said { state, in_the_way: Vec::new(), daemon: true, gate, tokens: 0 })
    }
}

fn spent(status: &Status) -> u64 {
    status.tokens_spent + status.staging.as_ref().map_or(0, |staging| staging.tokens_spent)
}

fn waiting(status: &Status) -> Option<(String, String)> {
    status.waiting_gate().map(|gate| (gate.gate.clone(), gate.digest.clone()))
}

/// The reports that people read after a phase.
const fn reports_of(upto: Upto) -> &'static [&'static str] {
    match upto {
        Upto::Survey => &["quality", "owners"],
        Upto::Configure => &["plan", "preflight", "workspace"],
        Upto::Sample => &["sample", "staging-workspace"],
    }
}

impl Said {
    fn pages(folder: &Path, upto: Upto) -> Vec<String> {
        let page = |name: &&str| reports(folder).join(format!("{name}.html"));
        let there = reports_of(upto).iter().map(page).filter(|page| page.exists());
        there.map(|page| page.display().to_string()).collect()
    }

    fn json(&self, folder: &Path, upto: Upto) -> serde_json::Value {
        let (gate, digest) = self.gate.clone().unzip();
        json!({"command": upto.as_str(), "state": self.state, "gate": gate, "digest": digest,
            "in_the_way": self.in_the_way, "daemon": self.daemon, "tokens": self.tokens,
            "reports": Self::pages(folder, upto)})
    }

    fn tell(&self, folder: &Path, upto: Upto) {
        let done = match upto {
            Upto::Survey => "The survey is done: everything is read, and nothing was written to Pipedrive.",
            Upto::Configure => "The workspace is made.",
            Upto::Sample => "The sample is loaded and read back.",
        };
        match self.state {
            "done" => terminal::say(done),
            "blocked" => {
                terminal::say("This stands in the way of the plan, and nothing is made before it is solved:");
                self.in_the_way.iter().for_each(|thing| terminal::say(&format!("  {thing}")));
            }
            "waits" => terminal::say(&format!("The {upto} phase comes after a gate that nobody has approved yet.")),
            _ => terminal::say(&format!("The {upto} phase is not over yet.")),
        }
        Self::pages(folder, upto).iter().for_each(|page| terminal::say(&format!("  {page}")));
        if let Some((gate, digest)) = &self.gate {
            let shown = digest.get(..16).unwrap_or_default();
            terminal::say(&format!(
                "gate '{gate}' waits for artefact {shown}: crossdock approve {gate} -C {} --by NAME",
                folder.display()
            ));
        }
    }
}
