//! What the tests over several processes share: both stand-ins and the daemon as processes of their own, and the commands
//! that people give.
//!
//! These tests take real time: a clock cannot be shared between processes.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crossdock::clock::Clock;
use crossdock::http::{Http, Request};
use crossdock::mapping::PROMOX;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// How often something is looked at that is waited for.
pub(crate) const LOOK: Duration = Duration::from_millis(150);

/// The binary under test.
pub(crate) fn crossdock() -> Command {
    Command::new(env!("CARGO_BIN_EXE_crossdock"))
}

/// Looks again and again until there is something to see.
///
/// Panics when there is still nothing after so long.
pub(crate) fn wait_for<T>(what: &str, longest: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(began.elapsed() < longest, "waited {longest:?} for {what}");
        thread::sleep(LOOK);
    }
}

/// A stand-in as a process; it ends when it is dropped.
pub(crate) struct Standin {
    process: Child,
    /// Where it answers.
    pub(crate) address: String,
    /// The token that its API wants.
    pub(crate) token: String,
    /// What the paths of its control API are added to.
    control: String,
    runtime: tokio::runtime::Runtime,
    http: Http,
}

impl Standin {
    /// Starts `crossdock standin END`, with further arguments behind a space, and settings as `--set` takes them.
    pub(crate) fn start(end: &str, settings: &[&str]) -> Self {
        let mut command = crossdock();
        command.arg("standin").args(end.split(' '));
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("a stand-in starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is read here");
        BufReader::new(output).read_line(&mut line).expect("it says where it answers");
        let said: Value = serde_json::from_str(&line).expect("it says so in JSON");
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let token = said["credentials"]["token"].as_str().map_or_else(|| text("token"), str::to_owned);
        let control = match said["control"].as_str() {
            Some(control) => control.to_owned(),
            None => format!("{}/standin", text("address")),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = Http::new(Clock::system(), Duration::from_secs(60), 1).expect("a client");
        Self { process, address: text("address"), token, control, runtime, http }
    }

    /// Asks its control API.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None)
    }

    /// Tells its control API something.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.call(Method::POST, path, Some(body.to_string()))
    }

    fn call(&self, method: Method, path: &str, body: Option<String>) -> Value {
        let url = format!("{}/{path}", self.control).parse().expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().expect("a header"));
        let request = Request { method, url, headers, body: body.map(Into::into) };
        let answer = self.runtime.block_on(self.http.send(request)).expect("the stand-in answers");
        assert!(answer.status < 300, "{path}: {} {:?}", answer.status, answer.body);
        serde_json::from_slice(&answer.body).expect("JSON")
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

fn end(process: &mut Child) {
    // One that has ended already cannot be ended again.
    drop(process.kill());
    drop(process.wait());
}

/// The folder of one migration, and the account that it writes to.
pub(crate) struct World {
    /// The destination.
    pub(crate) pipedrive: Standin,
    /// The migration's folder.
    pub(crate) folder: PathBuf,
    /// Where every daemon's output goes.
    pub(crate) log: PathBuf,
    source: Source,
    _scratch: tempfile::TempDir,
}

/// Where the records come from.
pub(crate) struct Source {
    /// The lines of the settings that say so.
    pub(crate) settings: String,
    /// The token, for an API.
    pub(crate) token: String,
    /// The mapping, as it stands in its file.
    pub(crate) mapping: String,
    /// Name and e-mail address of the people who have a user in Pipedrive.
    pub(crate) users: Vec<(String, String)>,
}

/// The name of the migration, which all markers begin with.
pub(crate) const NAME: &str = "processes";

impl Source {
    /// A simulated account at the source.
    pub(crate) fn promox(promox: &Standin) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let users = promox.get("account")["expected_users"].clone();
        let users = users.as_array().expect("a list").iter().map(|user| (text(&user["name"]), text(&user["email"])));
        Self {
            settings: format!("address = \"{}\"\nrequests_per_second = 1000\npoll_seconds = 1", promox.address),
            token: promox.token.clone(),
            mapping: PROMOX.to_owned(),
            users: users.collect(),
        }
    }
}

impl World {
    /// Starts a destination with settings as `--set` takes them, adds the users, and writes a folder as a person would.
    pub(crate) fn start(source: Source, pipedrive: &[&str]) -> Self {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path().join("migration");
        std::fs::create_dir(&folder).expect("a folder");
        let pipedrive = Standin::start("pipedrive", &[&["unlimited=true", "caps=false"], pipedrive].concat());
        for (name, email) in &source.users {
            pipedrive.post("users", &json!({"name": name, "email": email}));
        }
        std::fs::write(folder.join("mapping.toml"), &source.mapping).expect("written");
        let world = Self { pipedrive, folder, log: scratch.path().join("daemon.log"), source, _scratch: scratch };
        world.write_settings(&world.pipedrive.address);
        world
    }

    /// Writes the settings, towards one account.
    pub(crate) fn write_settings(&self, pipedrive: &str) {
        let text = format!(
            "name = \"{NAME}\"\n[source]\n{}\n[pipedrive]\naddress = \"{pipedrive}\"\nunlimited = true\n\
             request_timeout_seconds = 1\nlist_lag_seconds = 0\nconflict = \"source\"\n\
             [daemon]\nlisten = \"127.0.0.1:0\"\n",
            self.source.settings
        );
        std::fs::write(self.folder.join("migration.toml"), text).expect("written");
    }

    /// A command about the folder: `status --json` becomes `crossdock status --json -C DIR`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = crossdock();
        command.args(arguments).arg("-C").arg(&self.folder);
        command.env("CROSSDOCK_SOURCE_TOKEN", &self.source.token);
        command.env("CROSSDOCK_PIPEDRIVE_TOKEN", &self.pipedrive.token);
        command
    }

    /// Runs a command about the folder to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    /// What `status --json` says; `None` before there is a journal.
    pub(crate) fn status(&self) -> Option<Value> {
        let output = self.run(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Whether the migration waits at a gate.
    pub(crate) fn waits_at(&self, gate: &str) -> bool {
        let is_it = |one: &Value| one["gate"] == gate && one["state"] == "waits";
        self.status().is_some_and(|status| status["gates"].as_array().expect("a list").iter().any(is_it))
    }

    /// Approves what waits at a gate, as a person does.
    pub(crate) fn approve(&self, gate: &str) {
        let output = self.run(&["approve", gate, "--by", "Ada Tester"]);
        assert!(output.status.success(), "approve {gate}: {}", text(&output));
    }

    /// Starts the daemon; what it says is added to the log.
    pub(crate) fn daemon(&self, arguments: &[&str]) -> Daemon {
        let log = || File::options().append(true).create(true).open(&self.log).expect("the log opens");
        let mut command = self.command(&[&["run"], arguments].concat());
        let process = command.stdout(log()).stderr(log()).spawn().expect("the daemon starts");
        Daemon(process)
    }

    /// What every daemon said so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// A running daemon; it is killed when it is dropped.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("its state can be read")
    }

    /// Waits for its end.
    pub(crate) fn end(mut self, longest: Duration) -> ExitStatus {
        wait_for("the daemon's end", longest, || self.ended())
    }

    /// `SIGKILL`; gives how it ended.
    pub(crate) fn kill(mut self) -> ExitStatus {
        end(&mut self.0);
        self.ended().expect("it is gone")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// All that a command said.
pub(crate) fn text(output: &Output) -> String {
    [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat()
}
