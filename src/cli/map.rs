//! `map`: the mapping as a page and as workbooks that people edit, and the edited workbooks read back.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Folder, Success, terminal};
use crate::clock::Clock;
use crate::config::{Config, Surroundings};
use crate::error::{Error, Kind, Result};
use crate::journal::FolderLock;
use crate::mapping::Mapping;
use crate::mapping::difference::difference;
use crate::mapping::placement::{Placement, Placements};
use crate::mapping::proposal::Proposal;
use crate::mapping::relay;
use crate::migration::map::{Before, Chosen, Proposed, Reading, propose_as};
use crate::migration::read_mapping;
use crate::migration::review::{Seen, look};
use crate::progress::Progress;
use crate::report::page::counted;
use crate::report::review::answers::{self, Answers, holds_edits};
use crate::report::review::remarks::{REMARKS, Remarks};
use crate::report::review::{Parts, Review, owners, sheets};
use crate::report::workbook::{read, write};
use crate::report::{self, reports};
use crate::stop;

/// The mapping as a page and as workbooks to edit, and the edited workbooks read back.
#[derive(Debug, clap::Args)]
pub(super) struct Map {
    #[command(flatten)]
    folder: Folder,
    /// Propose a mapping from what the source holds, in place of mapping.toml; also done where there is none
    #[arg(long, conflicts_with_all = ["read", "check"])]
    propose: bool,
    /// Read edited workbooks back into mapping.toml: these, or reports/mapping.xlsx and reports/owners.xlsx
    #[arg(long, value_name = "FILE", num_args = 0..)]
    read: Option<Vec<PathBuf>>,
    /// Change nothing: say what is wrong with mapping.toml, or with --read what would change
    #[arg(long)]
    check: bool,
    /// One JSON object on one line
    #[arg(long)]
    json: bool,
    /// What is logged to standard error
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log: String,
}

/// Why there are no values to show while another crossdock runs.
const HELD: &str = "another crossdock runs on this folder and holds its journal; the next map without it shows them";

/// What one or two workbooks ask for together.
struct Asked {
    answers: Answers,
    lines: Vec<String>,
}

impl Map {
    pub(super) async fn run(self) -> Result<Success> {
        let folder = &self.folder.folder;
        let environment = |name: &str| std::env::var(name).ok();
        let config = Config::load(&Surroundings { folder, environment: &environment })?;
        terminal::log(&self.log)?;
        if let Some(files) = &self.read {
            return self.read_back(&config, files).await;
        }
        let proposed = if self.propose || (!self.check && !config.mapping.exists()) {
            Some(self.proposed(&config).await?)
        } else if self.check {
            None
        } else {
            self.laid_out(&config).await?
        };
        let mapping = read_mapping(&config.mapping)?;
        if self.check {
            if self.json {
                terminal::say(&json!({"mapping": mapping.digest(), "problems": []}).to_string());
            } else {
                terminal::say(&format!("{}: nothing is wrong", config.mapping.display()));
            }
            return Ok(Success::Well);
        }
        let review = self.make(&config, &mapping, proposed).await?;
        self.tell(&config, &review)?;
        Ok(Success::Well)
    }

    /// Writes a proposed mapping; the one that was there is kept, and what was edited in it is not lost.
    async fn proposed(&self, config: &Config) -> Result<Proposal> {
        let (_stopper, stop) = stop::switch();
        let progress = Progress::default();
        let show = terminal::Show::start(progress.clone());
        let before = if config.mapping.exists() { Some(text_of(&config.mapping)?) } else { None };
        // What was chosen for whole tables stays chosen.
        let placements = before.as_deref().map(relay::wanted).unwrap_or_default();
        let chosen = Chosen { placements, before: None };
        let Proposed { proposal, mapping, unasked, .. } =
            propose_as(config, &Reading { clock: Clock::system(), stop, progress }, chosen).await?;
        drop(show);
        if !unasked.is_empty() {
            terminal::complain(&format!(
                "{unasked}. The mapping is proposed without knowing which fields are there already; --propose again when \
                 Pipedrive answers, before anything is approved."
            ));
        }
        if before.as_ref() != Some(&mapping) {
            if let Some(before) = &before {
                let kept = config.mapping.with_extension("before.toml");
                write_text(&kept, before)?;
                terminal::complain(&format!("What was in {} is kept as {}.", config.mapping.display(), kept.display()));
            }
            write_text(&config.mapping, &mapping)?;
        }
        terminal::complain(&match &proposal.shown_to {
            None => "Proposed on this machine: nothing about the source has left it.".to_owned(),
            Some(address) => {
                format!("Names, types and masked samples of the source were shown to the language model at {address}.")
            }
        });
        Ok(proposal)
    }

    /// Lays tables out anew whose placement was changed in mapping.toml since it was proposed.
    async fn laid_out(&self, config: &Config) -> Result<Option<Proposal>> {
        let text = text_of(&config.mapping)?;
        let wanted = relay::wanted(&text);
        let before = self.placements_before();
        let is_changed = |(table, placement): (&String, &Placement)| before.get(table) != Some(placement);
        if !wanted.iter().any(is_changed) || Mapping::problems(&text).is_empty() {
            return Ok(None);
        }
        match self.relaid(config, &text, wanted).await? {
            Ok((merged, proposal)) => {
                write_text(&config.mapping.with_extension("before.toml"), &text)?;
                write_text(&config.mapping, &merged)?;
                terminal::complain(
                    "Tables were laid out anew as [placement] says; what was there is kept as mapping.before.toml.",
                );
                Ok(Some(proposal))
            }
            Err(problems) => Err(Error::new(
                Kind::Settings,
                format!(
                    "the tables cannot be laid out anew without losing edits; nothing was changed. Take these back, or let crossdock map --propose write the mapping anew:\n  {}",
                    problems.join("\n  ")
                ),
            )),
        }
    }

    /// What tables became when the mapping was last proposed.
    fn placements_before(&self) -> Placements {
        let tables = last(&self.folder.folder).map(|last| last.proposal.tables).unwrap_or_default();
        let read = |table: crate::mapping::proposal::ProposedTable| {
            Some((table.table, Placement::parse(&table.placed?).ok()?))
        };
        tables.into_iter().filter_map(read).collect()
    }

    /// The mapping with other placements, and its proposal; or what stands in their way.
    async fn relaid(
        &self,
        config: &Config,
        text: &str,
        placements: Placements,
    ) -> Result<std::result::Result<(String, Proposal), Vec<String>>> {
        let (_stopper, stop) = stop::switch();
        let progress = Progress::default();
        let show = terminal::Show::start(progress.clone());
        // As it was then: by now the account may have the very fields that the mapping made.
        let held = last(&self.folder.folder).and_then(|last| last.proposal.held);
        let chosen = Chosen { placements, before: Some(Before { placements: self.placements_before(), held }) };
        let proposed = propose_as(config, &Reading { clock: Clock::system(), stop, progress }, chosen).await?;
        drop(show);
        if !proposed.unasked.is_empty() {
            // What was there shaped the mapping, so that without it other lines would seem to be edited.
            let what = format!("tables cannot be laid out anew: {}", proposed.unasked);
            return Err(Error::new(Kind::Unreachable, what));
        }
        let base = proposed.before.unwrap_or_default();
        Ok(relay::relay(&base, text, &proposed.mapping).map(|merged| (merged, proposed.proposal)))
    }

    /// Writes page, JSON and workbooks of the mapping as it is.
    async fn make(&self, config: &Config, mapping: &Mapping, proposed: Option<Proposal>) -> Result<Review> {
        let folder = &self.folder.folder;
        let text = text_of(&config.mapping)?;
        let remarks = Remarks::read(&config.mapping)?;
        let last = last(folder);
        let known = || last.as_ref().map(|last| last.proposal.clone()).unwrap_or_default();
        let proposed = proposed.unwrap_or_else(known);
        let (seen, no_previews) = match FolderLock::take(folder) {
            Ok(_lock) => match look(config, folder, &Clock::system(), mapping, proposed.clone()).await {
                Ok(seen) => (seen, String::new()),
                // The map can be reviewed without a single row; whoever needs the rows reads why there are none.
                Err(error) => (
                    from_before(last.as_ref(), mapping, proposed),
                    format!("no rows could be read ({})", error.message()),
                ),
            },
            Err(_) if folder.is_dir() => (from_before(last.as_ref(), mapping, proposed), HELD.to_owned()),
            Err(missing) => return Err(missing),
        };
        for line in &seen.missing {
            terminal::complain(line);
        }
        let no_previews = if seen.previews.is_empty() { no_previews } else { String::new() };
        let review = Review::new(Parts {
            text: &text,
            mapping,
            proposal: seen.proposal,
            remarks: &remarks,
            previews: seen.previews,
            rules: seen.rules,
            no_previews,
            owners: seen.owners,
        });
        self.keep_unread(&text, mapping, &remarks, &review)?;
        report::write(folder, "mapping", Clock::system().utc(), &review)?;
        write::write(&reports(folder).join(sheets::FILE), &sheets::workbook(&review, mapping))?;
        if !review.owners.owners.is_empty() {
            let workbook = owners::workbook(&review.owners, mapping, &remarks);
            write::write(&reports(folder).join(owners::FILE), &workbook)?;
        }
        Ok(review)
    }

    /// A workbook with edits that nobody read back is kept beside the new one.
    fn keep_unread(&self, text: &str, mapping: &Mapping, remarks: &Remarks, review: &Review) -> Result<()> {
        for name in [sheets::FILE, owners::FILE] {
            let path = reports(&self.folder.folder).join(name);
            let Ok(book) = read::read(&path) else { continue };
            let answers = answers_of(&book, (name, text), mapping, remarks, &review.owners.users);
            if holds_edits(&answers, text, remarks) {
                let kept = path.with_extension("before.xlsx");
                std::fs::rename(&path, &kept).map_err(|error| {
                    Error::new(Kind::Settings, format!("keeping {} as {}", path.display(), kept.display()))
                        .because(error)
                })?;
                terminal::complain(&format!(
                    "{} held edits that were not read back; it is kept as {}",
                    path.display(),
                    kept.display()
                ));
            }
        }
        Ok(())
    }

    fn tell(&self, config: &Config, review: &Review) -> Result<()> {
        let folder = &self.folder.folder;
        let open = review.uncovered();
        let fields =
            review.tables.iter().flat_map(|table| &table.fields).filter(|field| !field.role.is_empty()).count();
        if self.json {
            let whole = json!({"mapping": review.mapping, "tables": review.tables.len(), "fields": fields,
                "to_decide": open.iter().map(|(table, column)| json!({"table": table, "column": column})).collect::<Vec<_>>(),
                "no_previews": review.no_previews});
            terminal::say(&whole.to_string());
            return Ok(());
        }
        tell_rules(review);
        let at = |name: &str| reports(folder).join(name).display().to_string();
        terminal::say(&format!(
            "{} of {} go into Pipedrive; {} without a place.",
            counted(fields as u64, "field", "fields"),
            counted(review.tables.len() as u64, "table", "tables"),
            counted(open.len() as u64, "column is", "columns are")
        ));
        if !review.no_previews.is_empty() {
            terminal::say(&format!("No values are shown: {}.", review.no_previews));
        }
        terminal::say(&format!(
            "\nThe map           {}\nTo look at        {}",
            config.mapping.display(),
            at("mapping.html")
        ));
        terminal::say(&format!("To edit           {}", at(sheets::FILE)));
        if !review.owners.owners.is_empty() {
            terminal::say(&format!("Owners            {} ({})", at(owners::FILE), owners::says(&review.owners)));
        }
        terminal::say(&format!("To give it back   crossdock map -C {} --read", folder.display()));
        Ok(())
    }

    async fn read_back(&self, config: &Config, files: &[PathBuf]) -> Result<Success> {
        let folder = &self.folder.folder;
        let standard = [sheets::FILE, owners::FILE].map(|name| reports(folder).join(name));
        let files: Vec<&PathBuf> = match files {
            [] => standard.iter().filter(|path| path.exists()).collect(),
            files => files.iter().collect(),
        };
        if files.is_empty() {
            let what = format!("there is no {} to read; crossdock map makes it", standard[0].display());
            return Err(Error::new(Kind::Settings, what));
        }
        let text = text_of(&config.mapping)?;
        let mapping = read_mapping(&config.mapping)?;
        let remarks = Remarks::read(&config.mapping)?;
        let users = last(folder).map(|last| last.owners.users).unwrap_or_default();
        let mut asked = ask(&files, &text, &mapping, &remarks, &users)?;
        let proposal = self.place(config, &mut asked, &text).await?;
        let Asked { answers, lines } = &asked;
        let is_applied = answers.problems.is_empty() && !self.check && holds_edits(answers, &text, &remarks);
        if is_applied {
            apply(&config.mapping, &text, &remarks, answers)?;
            // The next reading starts from a workbook of the mapping as it now is.
            for file in standard.iter().filter(|path| files.contains(path)) {
                std::fs::remove_file(file).map_err(|error| {
                    Error::new(Kind::Settings, format!("replacing {}", file.display())).because(error)
                })?;
            }
            self.make(config, &read_mapping(&config.mapping)?, proposal).await?;
        }
        if self.json {
            let whole = json!({"applied": is_applied, "changed": lines, "remarks_changed": answers.remarks != remarks,
                "problems": answers.problems, "notices": answers.notices});
            terminal::say(&whole.to_string());
        }
        if !answers.problems.is_empty() {
            let count = counted(answers.problems.len() as u64, "problem", "problems");
            let problems: Vec<String> = answers.problems.iter().map(|problem| format!("  {problem}")).collect();
            let what = format!("nothing was changed, because of {count}:\n{}", problems.join("\n"));
            return Err(Error::new(Kind::Settings, what));
        }
        if !self.json {
            self.tell_read(&asked, &remarks, is_applied);
        }
        Ok(Success::Well)
    }

    /// Lays out anew the tables whose placement a workbook changes.
    async fn place(&self, config: &Config, asked: &mut Asked, text: &str) -> Result<Option<Proposal>> {
        let answers = &mut asked.answers;
        if answers.placements.is_empty() || !answers.problems.is_empty() {
            return Ok(None);
        }
        let mut wanted = relay::wanted(&answers.text);
        wanted.extend(answers.placements.iter().map(|(table, (placement, _))| (table.clone(), placement.clone())));
        let cells: Vec<&str> = answers.placements.values().map(|(_, cell)| cell.as_str()).collect();
        let relaid = match self.relaid(config, &answers.text, wanted).await {
            Err(error) if error.kind() == Kind::Settings => Err(vec![error.message().to_owned()]),
            relaid => relaid?,
        };
        match relaid {
            Ok((merged, proposal)) => {
                answers.text = merged;
                asked.lines = difference(text, &answers.text);
                Ok(Some(proposal))
            }
            Err(problems) => {
                let told = problems.iter().map(|problem| format!("{}: {problem}", cells.join(" and ")));
                answers.problems.extend(told.collect::<Vec<_>>());
                Ok(None)
            }
        }
    }

    fn tell_read(&self, asked: &Asked, remarks: &Remarks, is_applied: bool) {
        for notice in &asked.answers.notices {
            terminal::complain(&format!("notice: {notice}"));
        }
        for line in &asked.lines {
            terminal::say(line);
        }
        if asked.answers.remarks != *remarks {
            terminal::say(&format!("Remarks were edited; {REMARKS} keeps them."));
        }
        let changes = counted(asked.lines.len() as u64, "change", "changes");
        terminal::say(&match (asked.lines.len(), is_applied) {
            (0, _) => "The mapping stays as it is.".to_owned(),
            (_, true) => format!(
                "{changes} made in mapping.toml; before that it was mapping.before.toml. What was approved of it must be approved again."
            ),
            (_, false) => format!("{changes} would be made; nothing was written."),
        });
    }
}

/// What each rule would make of the first of the records that are shown, for each table that is folded.
fn tell_rules(review: &Review) {
    for table in review.tables.iter().filter(|table| !table.rules.rules.is_empty()) {
        let parent = table.rules.parents.first().map(String::as_str).unwrap_or_default();
        terminal::say(&format!(
            "\nWhat each rule would make of {} at {parent}; now \"{}\":",
            table.table, table.placed
        ));
        for preview in &table.rules.rules {
            let gives = preview.gives.first().map(String::as_str).unwrap_or_default();
            terminal::say(&format!("  {:<9} {gives}", preview.rule));
        }
    }
}

/// Reads the workbooks one on top of the other; what is wrong in any of them is told together.
fn ask(files: &[&PathBuf], text: &str, mapping: &Mapping, remarks: &Remarks, users: &[String]) -> Result<Asked> {
    let mut whole = Answers { text: text.to_owned(), remarks: remarks.clone(), ..Answers::default() };
    let mut now = mapping.clone();
    for path in files {
        let book = read::read(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let answers = answers_of(&book, (&name, &whole.text), &now, &whole.remarks, users);
        // The second workbook is read against what the first one makes of the mapping; its own digest only tells whether
        // lines moved.
        if answers.text != whole.text {
            now = Mapping::parse(&answers.text, "the edited mapping")?;
        }
        whole.text = answers.text;
        whole.remarks = answers.remarks;
        whole.placements.extend(answers.placements);
        whole.problems.extend(answers.problems);
        whole.notices.extend(answers.notices);
    }
    let lines = difference(text, &whole.text);
    Ok(Asked { answers: whole, lines })
}

fn answers_of(
    book: &read::ReadBook,
    (name, text): (&str, &str),
    mapping: &Mapping,
    remarks: &Remarks,
    users: &[String],
) -> Answers {
    if owners::is_ours(book) {
        owners::read(book, (name, text), mapping, remarks, users)
    } else {
        answers::read(book, name, text, mapping, remarks)
    }
}

/// Writes the edited mapping and remarks; the mapping as it was is kept.
fn apply(path: &Path, text: &str, remarks: &Remarks, answers: &Answers) -> Result<()> {
    if answers.text != text {
        write_text(&path.with_extension("before.toml"), text)?;
        write_text(path, &answers.text)?;
    }
    if answers.remarks != *remarks {
        answers.remarks.write(path)?;
    }
    Ok(())
}

/// Whole or not at all: a daemon may read it at any moment.
fn write_text(path: &Path, text: &str) -> Result<()> {
    let failed = |error| Error::new(Kind::Settings, format!("writing {}", path.display())).because(error);
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

fn text_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::new(Kind::Settings, format!("reading {}", path.display())).because(error))
}

/// The review as it was last written; `None` where there is none, or one of another version.
fn last(folder: &Path) -> Option<Review> {
    let text = std::fs::read(reports(folder).join("mapping.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// What was seen when the review was last made.
fn from_before(last: Option<&Review>, mapping: &Mapping, proposal: Proposal) -> Seen {
    // Of another mapping they would show what no longer happens.
    let same = last.filter(|last| last.mapping == mapping.digest());
    let fields = same.iter().flat_map(|last| &last.tables).flat_map(|table| {
        table.fields.iter().filter_map(|field| Some(((table.object?, field.role.clone(), field.position), field)))
    });
    let previews = fields.filter(|(_, field)| !field.previews.is_empty());
    let rules = same.iter().flat_map(|last| &last.tables).filter(|table| !table.rules.rules.is_empty());
    let rules = rules.filter_map(|table| Some((table.object?, table.rules.clone())));
    Seen {
        previews: previews.map(|(key, field)| (key, field.previews.clone())).collect(),
        proposal,
        rules: rules.collect(),
        owners: last.map(|last| last.owners.clone()).unwrap_or_default(),
        missing: Vec::new(),
    }
}
