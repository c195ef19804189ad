//! A migration whose daemon is killed again and again ends as one that was left alone: nothing lost, nothing twice.
//!
//! Both ends and the daemon are processes of their own. The daemon dies by `SIGKILL` at seeded moments of every phase, and
//! by failpoints once at each step of a write. `KILL_SEED` chooses the account and the moments, `KILL_RECORDS` the size.

#![expect(clippy::print_stdout, reason = "the seed and the deaths belong into the test's output")]

mod processes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::{Duration, Instant};

use crossdock::clock::Clock;
use crossdock::journal::Journal;
use crossdock::migration::JOURNAL;
use crossdock::record::Entity;
use crossdock::stage::load::Markers;
use crossdock::standin::promox::OBJECTS;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use processes::{Daemon, NAME, Source, Standin, World, wait_for};

/// Records of the account, over all objects.
const RECORDS: u64 = 20_000;

/// Kills while the records are written; some are followed by a failpoint, one for each step of a write.
const DEATHS_LOADING: u64 = 18;
const FAILPOINTS: [&str; 5] = ["before_intent", "after_intent", "after_send", "after_answer", "before_outcome"];

/// Signals by which a process dies that is killed, or that aborts itself.
const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

/// A step of this migration takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(180);

/// The kinds of record that carry markers.
const MARKED: [Entity; 6] =
    [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::Activity, Entity::Note];

#[test]
fn a_killed_migration_ends_like_one_left_alone() {
    let (seed, records) = (setting("KILL_SEED", 1), setting("KILL_RECORDS", RECORDS));
    println!("KILL_SEED={seed} KILL_RECORDS={records}");

    let walk = |mood| {
        let mut killing = Killing::new(records, seed, mood);
        killing.walk();
        (killing.check(), killing.writes(), killing)
    };
    // At the same time, because the killed one often waits.
    let ((killed, made, killing), (expected, expected_made, left_alone)) = thread::scope(|scope| {
        let left_alone = scope.spawn(|| walk(Mood::Peaceful));
        (walk(Mood::Murderous), left_alone.join().expect("it ends well"))
    });

    let Killing { kills, kills_in_doubt, in_doubt, took, .. } = killing;
    println!("left alone {:.1?}; killed {kills} times {took:.1?}", left_alone.took);
    println!("{kills_in_doubt} deaths fell between intent and outcome, and left {in_doubt} writes in doubt");
    for (entity, markers) in &expected {
        let difference: Vec<_> = markers.symmetric_difference(&killed[entity]).take(10).collect();
        assert!(difference.is_empty(), "{entity}: only one of the two runs has {difference:?}");
    }
    // Not even for a moment was anything there twice: the sweep had nothing to remove.
    assert_eq!(made, expected_made, "records made and deleted, by kind");
    assert!(kills >= 20, "{kills} kills are too few to show anything");
    assert!(kills_in_doubt >= 5, "{kills_in_doubt} kills between intent and outcome are too few to show anything");
    println!("KILL_SEED={seed} KILL_RECORDS={records}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Whether the daemon is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Murderous,
    Peaceful,
}

/// One migration, and who kills it.
struct Killing {
    promox: Standin,
    world: World,
    mood: Mood,
    records: u64,
    daemon: Option<Daemon>,
    random: ChaCha8Rng,
    kills: u32,
    /// Those that left writes in doubt.
    kills_in_doubt: u32,
    /// Writes that were in doubt, over all deaths.
    in_doubt: u64,
    began: Instant,
    /// How long all of it took.
    took: Duration,
}

impl Killing {
    fn new(records: u64, seed: u64, mood: Mood) -> Self {
        let source = [&*format!("records={records}"), &*format!("seed={seed}"), "rtt_ms=0"].map(str::to_owned);
        let promox = Standin::start("promox", &source.each_ref().map(String::as_str));
        let world = World::start(Source::promox(&promox), &[&format!("seed={seed}")]);
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (began, took) = (Instant::now(), Duration::ZERO);
        let (kills, kills_in_doubt, in_doubt) = (0, 0, 0);
        Self { promox, world, mood, records, daemon: None, random, kills, kills_in_doubt, in_doubt, began, took }
    }

    /// The whole migration, with people at work at both ends.
    fn walk(&mut self) {
        self.start(&[]);
        self.survey();
        self.configure();
        self.load();
        self.follow();
        self.finish();
    }

    fn survey(&mut self) {
        self.gate("map");
        self.world.approve("map");
        // Each page has 200 rows, so two such pieces are about half of the account.
        let piece = self.records / 800;
        for _ in 0..2 {
            let wanted = self.requests() + piece;
            self.wait(&format!("{wanted} requests to the source"), |own| own.requests() >= wanted);
            self.death("landing");
        }
        let pause = self.random.random_range(1_000..4_000);
        if self.mood == Mood::Murderous {
            thread::sleep(Duration::from_millis(pause));
        }
        self.death("landing or drafting");
    }

    fn configure(&mut self) {
        self.gate("data");
        self.approve_while_dead("data");
        self.gate("plan");
        self.approve_while_dead("plan");
        let wanted = self.random.random_range(3..30);
        self.wait("fields", |own| own.created() >= wanted);
        self.death("making fields");
        self.gate("workspace");
        self.world.approve("workspace");
        let wanted = self.created() + self.random.random_range(3..60);
        self.wait("the sample", |own| own.created() >= wanted || own.world.waits_at("sample"));
        self.death("loading the sample");
        self.gate("sample");
        self.approve_while_dead("sample");
    }

    fn load(&mut self) {
        let (before, drafts) = (self.created(), self.drafts());
        if self.mood == Mood::Peaceful {
            return;
        }
        let mut failpoints = FAILPOINTS.iter();
        for death in 1..=DEATHS_LOADING {
            // Some drafts turn out to be the same organization, so fewer records are made; all pieces must fit into what
            // is left, and between a look and a death some more are made.
            let made = self.created();
            let left = (before + drafts * 4 / 5).saturating_sub(made);
            let wanted = made + (left / (DEATHS_LOADING + 2 - death)).max(1);
            self.wait(&format!("{wanted} records"), |own| own.created() >= wanted);
            let when = format!("with {} of at most {drafts} records", self.created() - before);
            match failpoints.as_slice().first().filter(|_| death % 3 == 2) {
                None => self.death(&when),
                Some(step) => {
                    self.stop(&when);
                    self.fail_at(step);
                    failpoints.next();
                }
            }
        }
        assert!(failpoints.next().is_none(), "every step has its turn");
    }

    fn follow(&mut self) {
        self.wait("the end of the load", |own| own.phase() == "follow");
        self.edit(1);
        self.death("following");
        let late = self.promox.get("account")["late_user"].clone();
        if !late.is_null() {
            self.world.pipedrive.post("users", &json!({"name": late["name"], "email": late["email"]}));
        }
        for round in 2..=4 {
            self.edit(round);
            let pause = self.random.random_range(200..2_000);
            thread::sleep(Duration::from_millis(pause));
            self.death("following");
        }
        self.promox.post("freeze", &Value::Null);
        self.tell("freeze");
        self.death("frozen");
    }

    fn finish(&mut self) {
        self.wait("the verification", |own| own.phase() == "verify" || own.phase() == "cutover");
        self.death("verifying");
        self.gate("cutover");
        self.approve_while_dead("cutover");
        let ended = self.daemon.take().expect("it runs").end(LONGEST);
        assert!(ended.success(), "{ended}:\n{}", self.tail());
        self.took = self.began.elapsed();
    }

    /// Approves a gate while nobody is there to hear it; the journal keeps it.
    fn approve_while_dead(&mut self, gate: &str) {
        if self.mood == Mood::Peaceful {
            return self.world.approve(gate);
        }
        self.stop("waiting at a gate");
        self.world.approve(gate);
        self.start(&[]);
    }

    fn start(&mut self, arguments: &[&str]) {
        self.daemon = Some(self.world.daemon(arguments));
    }

    /// Kills the daemon within the next moments, and starts it again.
    fn death(&mut self, when: &str) {
        if self.mood == Mood::Murderous {
            let pause = self.random.random_range(0..200);
            thread::sleep(Duration::from_millis(pause));
            self.stop(when);
            self.start(&[]);
        }
    }

    /// Kills the daemon and looks at what it left.
    fn stop(&mut self, when: &str) {
        let ended = self.daemon.take().expect("it runs").kill();
        // One that ended by itself would have ended otherwise.
        assert_eq!(ended.signal(), Some(SIGKILL), "{when}: {ended}\n{}", self.tail());
        self.count(when);
    }

    /// Lets the daemon die by itself at a step of a write, some writes from now.
    fn fail_at(&mut self, step: &str) {
        // Intents and outcomes are written for many writes together, so these steps come by less often.
        let is_rare = ["before_intent", "after_intent", "before_outcome"].contains(&step);
        let nth = self.random.random_range(if is_rare { 1..4 } else { 20..200 });
        let ended = self.world.daemon(&["--failpoint", &format!("{step}:{nth}")]).end(LONGEST);
        assert_eq!(ended.signal(), Some(SIGABRT), "{step}:{nth}: {ended}\n{}", self.tail());
        self.count(&format!("at {step}:{nth}"));
        self.start(&[]);
    }

    fn count(&mut self, when: &str) {
        let in_doubt = self.world.status().map_or(0, |status| status["in_doubt"].as_u64().expect("a count"));
        self.kills += 1;
        self.kills_in_doubt += u32::from(in_doubt > 0);
        self.in_doubt += in_doubt;
        println!("{:6.1?} death {} {when}: {in_doubt} writes in doubt", self.began.elapsed(), self.kills);
    }

    /// Waits until something is so; the daemon must live until then.
    fn wait(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        wait_for(what, LONGEST, || {
            let ended = self.daemon.as_mut().and_then(Daemon::ended);
            assert!(ended.is_none(), "waiting for {what}: {ended:?}\n{}", self.tail());
            is_so(self).then_some(())
        });
    }

    fn gate(&mut self, gate: &str) {
        self.wait(&format!("gate {gate}"), |own| own.world.waits_at(gate));
    }

    fn edit(&self, round: u32) {
        self.promox.post(&format!("edits/{round}"), &Value::Null);
    }

    /// Gives the daemon a signal as soon as it hears.
    fn tell(&mut self, signal: &str) {
        self.wait(signal, |own| own.world.run(&[signal]).status.success());
    }

    /// Requests that the source has answered.
    fn requests(&self) -> u64 {
        self.promox.get("requests")["total"].as_u64().expect("a count")
    }

    /// Records and fields that were made in Pipedrive.
    fn created(&self) -> u64 {
        let ledger = self.world.pipedrive.get("ledger");
        ledger["created"].as_object().expect("counts").values().filter_map(Value::as_u64).sum()
    }

    /// Marked records that were made and deleted so far, by kind.
    fn writes(&self) -> BTreeMap<Entity, (u64, u64)> {
        let ledger = self.world.pipedrive.get("ledger");
        let count = |what: &str, entity: Entity| ledger[what][entity.as_str()].as_u64().unwrap_or_default();
        MARKED.into_iter().map(|entity| (entity, (count("created", entity), count("deleted", entity)))).collect()
    }

    fn phase(&self) -> String {
        self.world.status().map_or_else(String::new, |status| status["phase"].as_str().expect("a name").to_owned())
    }

    /// Records that the survey says will be made.
    fn drafts(&self) -> u64 {
        let needs = self.journal(async |journal| journal.fact("needs").await).expect("the survey is over");
        let needs: Value = serde_json::from_str(&needs).expect("JSON");
        needs["drafts"].as_object().expect("counts").values().filter_map(Value::as_u64).sum()
    }

    fn journal<T>(&self, read: impl AsyncFnOnce(Journal) -> crossdock::error::Result<T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let journal = Journal::read_only(&self.world.folder.join(JOURNAL), Clock::system()).expect("a journal");
        runtime.block_on(read(journal)).expect("the journal reads")
    }

    fn tail(&self) -> String {
        let said = self.world.said();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// What a migration must have come to.
impl Killing {
    /// Checks both ends and the journal; gives the markers of all live records.
    fn check(&self) -> BTreeMap<Entity, BTreeSet<String>> {
        self.check_verification();
        self.check_fates();
        MARKED.into_iter().map(|entity| (entity, self.check_entity(entity))).collect()
    }

    fn check_verification(&self) {
        let text = std::fs::read_to_string(self.world.folder.join("reports/verification.json")).expect("a report");
        let report: Value = serde_json::from_str(&text).expect("JSON");
        for key in ["mismatched", "missing", "extra"] {
            let counts = numbers(&report, key);
            assert!(!counts.is_empty() && counts.iter().all(|count| *count == 0), "{key}: {counts:?} in\n{text}");
        }
        assert!(numbers(&report, "compared").iter().any(|compared| *compared > 0), "{text}");
    }

    /// Every record of the source has one fate, and there are as many as the source shows.
    fn check_fates(&self) {
        let status = self.world.status().expect("a journal");
        assert_eq!(status["in_doubt"], 0, "{status}");
        for object in status["objects"].as_array().expect("a list") {
            let fates = object["fates"].as_object().expect("counts");
            assert!(!fates.contains_key("none"), "{object}");
            let sum: u64 = fates.values().filter_map(Value::as_u64).sum();
            assert_eq!(object["records"].as_u64(), Some(sum), "{object}");
        }
        let counts = self.promox.get("account")["counts"].clone();
        for (object, path) in OBJECTS {
            let live = self.journal(async |journal| journal.live_records(*object).await);
            assert_eq!(counts[path].as_u64(), Some(live), "{object}: the source shows, and landed are");
        }
        let questions = self.journal(async |journal| journal.questions().await);
        let copies: Vec<_> = questions.iter().filter(|question| question.topic == "copy").collect();
        assert!(copies.is_empty(), "nobody copied anything by hand: {copies:?}");
    }

    /// Each live record carries the marker of the one role that the journal says it stands for.
    fn check_entity(&self, entity: Entity) -> BTreeSet<String> {
        let rows = self.world.pipedrive.get(&format!("rows/{entity}"));
        let mut ids = BTreeMap::new();
        for row in rows.as_array().expect("a list").iter().filter(|row| row["is_deleted"] != true) {
            let id = row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
            let marker = marker(row).unwrap_or_else(|| panic!("{entity} {id} has no marker: {row}"));
            if let Some(twin) = ids.insert(marker.clone(), id.clone()) {
                panic!("{entity} {twin} and {id} both carry {marker}");
            }
        }
        let all = ids.values().cloned().collect();
        let bound = self.journal(async |journal| journal.bound_to(entity, all).await);
        let markers = Markers::new(NAME, HashMap::new());
        for (marker, id) in &ids {
            let bound = bound.get(id).unwrap_or_else(|| panic!("the journal does not know {entity} {id}, {marker}"));
            assert_eq!(*marker, markers.text(&bound.key), "{entity} {id}");
        }
        let loaded = self.journal(async |journal| journal.loaded(entity).await);
        assert_eq!(loaded, ids.len() as u64, "{entity}: the journal knows, and Pipedrive holds");
        ids.into_keys().collect()
    }
}

/// The marker in a record, wherever it stands.
fn marker(row: &Value) -> Option<String> {
    let text = row.to_string();
    let start = text.find(&format!("{NAME}:"))?;
    let ends = |character: char| matches!(character, '"' | ']' | '\\' | '<');
    let marker = text[start..].split(ends).next()?.to_owned();
    assert!(!text[start + marker.len()..].contains(&format!("{NAME}:")), "two markers in {text}");
    Some(marker)
}

/// Every number under a key, however deep.
fn numbers(value: &Value, key: &str) -> Vec<u64> {
    match value {
        Value::Object(map) => {
            let own = map.get(key).and_then(Value::as_u64);
            own.into_iter().chain(map.values().flat_map(|value| numbers(value, key))).collect()
        }
        Value::Array(all) => all.iter().flat_map(|value| numbers(value, key)).collect(),
        _ => Vec::new(),
    }
}
