//! What is shipped for operators fits the program: the sample settings load, the service unit is sound, and every query of
//! the dashboard and the alerts asks for metrics and labels that a real daemon shows after a small migration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

use crossdock::clock::Clock;
use crossdock::config::{Config, SourceConfig, Surroundings};
use crossdock::control::{self, Status};
use crossdock::http::{Http, Request};
use crossdock::mapping::PROMOX;
use crossdock::migration::PHASES;
use crossdock::standin::{pipedrive, promox};
use crossdock::telemetry;

const PROGRAM: &str = env!("CARGO_BIN_EXE_crossdock");

/// Every metric of the design, section 11.
const METRICS: [&str; 19] = [
    telemetry::RECORDS,
    telemetry::STAGE_QUEUE_DEPTH,
    telemetry::STAGE_QUEUE_CAPACITY,
    telemetry::STAGE_BATCH_SECONDS,
    telemetry::TOKENS_SPENT,
    telemetry::TOKENS_REMAINING,
    telemetry::REQUESTS,
    telemetry::REQUEST_SECONDS,
    telemetry::WAIT_SECONDS,
    telemetry::PARKED,
    telemetry::PAUSED,
    telemetry::DELTA_LAG_SECONDS,
    telemetry::FORECAST_FINISH,
    telemetry::FORECAST_FIRST_FINISH,
    telemetry::LOAD_RECORDS,
    telemetry::LOAD_TOKENS,
    telemetry::JOURNAL_COMMIT_SECONDS,
    telemetry::IN_DOUBT,
    telemetry::PHASE,
];

/// The worst exposure that `systemd-analyze security` may give the unit, in tenths of its scale of 10. What remains is
/// the network, which the daemon is for.
const EXPOSURE: &str = "15";

/// Far more than the small migration takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sample() -> Config {
    let tokens = |name: &str| name.starts_with("CROSSDOCK_").then(|| "secret".to_owned());
    let surroundings = Surroundings { folder: Path::new("."), environment: &tokens };
    Config::parse(&shipped("deploy/migration.toml"), &surroundings).expect("the sample settings load")
}

#[test]
fn the_sample_settings_load_and_the_scrape_finds_their_daemon() {
    let config = sample();
    assert!(matches!(config.source, SourceConfig::Api { .. }));
    let scrape = shipped("deploy/prometheus.yml");
    assert!(scrape.contains(&format!("- {}\n", config.listen)), "the scrape asks at {}", config.listen);
    assert!(scrape.contains(&format!("migration: {}\n", config.name)), "the scrape names {}", config.name);
}

#[test]
fn the_service_may_drain_before_it_is_killed() {
    let unit = shipped("deploy/crossdock@.service");
    let limit = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")?.strip_suffix('s'));
    let limit = Duration::from_secs(limit.expect("the unit has a limit in seconds").parse().expect("a number"));
    assert!(limit > sample().shutdown_grace, "{limit:?}");
}

#[test]
fn the_service_unit_verifies_and_is_hardly_exposed() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("skipped: systemd-analyze is missing");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join("crossdock@acme.service");
    // The program is where this build put it; everything else is as shipped.
    let text = shipped("deploy/crossdock@.service").replace("/usr/local/bin/crossdock", PROGRAM);
    fs::write(&unit, text).expect("the unit is written");
    let check = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
        said
    };
    assert_eq!(check(&["verify", "--man=no"]), "");
    check(&["security", "--offline=yes", "--threshold", EXPOSURE]);
}

#[test]
fn the_dashboard_is_a_model_that_grafana_takes() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 38), "Grafana 10 writes 38");
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64()), "{title}: its id is taken");
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title}: says nothing");
        assert!(!panel["targets"].as_array().expect("targets").is_empty(), "{title}: asks nothing");
        for part in std::iter::once(panel).chain(panel["targets"].as_array().into_iter().flatten()) {
            assert_eq!(part["datasource"]["uid"], "${datasource}", "{title}");
        }
        let at = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(at("x") + at("w") <= 24, "{title}: wider than the grid");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(cells.insert((x, y)), "{title}: lies on another panel");
            }
        }
    }
    let variables: Vec<_> = dashboard["templating"]["list"].as_array().expect("variables").iter().collect();
    let named = |name: &str| variables.iter().find(|variable| variable["name"] == name).expect("a variable");
    assert_eq!(named("datasource")["type"], "datasource");
    assert_eq!(named("migration")["query"]["query"], "label_values(crossdock_phase, migration)");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_about_what_a_daemon_shows() {
    let clock = Clock::system();
    let ends = Ends::start(&clock).await;
    let daemon = Daemon::start(&ends);
    let face = daemon.face(&clock).await;
    assert_eq!(face.get("/healthz").await, (200, "ok\n".to_owned()));

    daemon.approve_until(&face, &clock, |status| status.phase == "follow" && status.waits.contains("changes")).await;

    assert_eq!(face.get("/readyz").await, (200, "ready\n".to_owned()));
    let (status, text) = face.get("/metrics").await;
    assert_eq!(status, 200, "{text}");
    let scrape = Scrape::parse(&text);
    let missing: Vec<_> = METRICS.iter().filter(|name| !scrape.0.contains_key(**name)).collect();
    assert!(missing.is_empty(), "not in the scrape: {missing:?}\n{text}");
    let all_carry = |label: &str| scrape.0.values().all(|labels| labels.contains(label));
    assert!(all_carry("migration"), "every metric names its migration\n{text}");
    let problems: Vec<_> = questions().iter().flat_map(|question| scrape.problems(question)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    daemon.tell(&["freeze"]);
    daemon.approve_until(&face, &clock, |status| status.gates.iter().any(is_cutover_approved)).await;
    let ended = daemon.end(&clock).await;
    assert!(ended.success(), "{ended}");
    ends.stop().await;
}

fn is_cutover_approved(gate: &control::GateStatus) -> bool {
    gate.gate == "cutover" && gate.state == "approved"
}

/// Both ends, simulated in this process, in real time.
struct Ends {
    promox: promox::Running,
    pipedrive: pipedrive::Running,
}

impl Ends {
    async fn start(clock: &Clock) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = async || TcpListener::bind(any).await.expect("a free port");
        let settings = promox::Settings { records: 100, ..promox::Settings::default() };
        let promox = promox::Promox::start(settings, clock.clone(), listener().await).expect("the source starts");
        let settings = pipedrive::Settings::default();
        let pipedrive =
            pipedrive::Pipedrive::start(settings, clock.clone(), listener().await).expect("Pipedrive starts");
        for (name, email) in promox.inspect(promox::Account::expected_users) {
            drop(pipedrive.add_user(&name, &email));
        }
        Self { promox, pipedrive }
    }

    async fn stop(self) {
        self.promox.shutdown().await;
        self.pipedrive.shutdown().await;
    }
}

/// A daemon of its own, as the service unit starts it. It does not outlive the test.
struct Daemon {
    folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Daemon {
    fn start(ends: &Ends) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = format!(
            "name = \"deploy-test\"\n[source]\naddress = \"http://{}\"\nrequests_per_second = 100\npoll_seconds = 1\n\
             [pipedrive]\naddress = \"http://{}\"\nplan = \"growth\"\nseats = 5\nlist_lag_seconds = 1\n\
             [daemon]\nlisten = \"127.0.0.1:0\"\n",
            ends.promox.address(),
            ends.pipedrive.address()
        );
        fs::write(folder.path().join("migration.toml"), settings).expect("the settings are written");
        fs::write(folder.path().join("mapping.toml"), PROMOX).expect("the mapping is written");
        let log = fs::File::create(folder.path().join("log")).expect("the log is made");
        let child = Command::new(PROGRAM)
            .args(["run", "--folder"])
            .arg(folder.path())
            .env("CROSSDOCK_SOURCE_TOKEN", ends.promox.token())
            .env("CROSSDOCK_PIPEDRIVE_TOKEN", ends.pipedrive.token())
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        Self { folder, child }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn face(&self, clock: &Clock) -> Face {
        let limit = clock.now() + PATIENCE;
        loop {
            if let Some(reach) = control::reach(self.folder.path()) {
                let http = Http::new(clock.clone(), Duration::from_secs(30), 4).expect("a client");
                return Face { http, reach };
            }
            assert!(clock.now() < limit, "the daemon does not answer: {}", self.log());
            clock.sleep(Duration::from_millis(50)).await;
        }
    }

    /// A command of an operator on this migration.
    fn tell(&self, command: &[&str]) {
        let output = Command::new(PROGRAM).args(command).arg("-C").arg(self.folder.path()).output().expect("it runs");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Approves what waits at a gate until the migration is where it should be.
    async fn approve_until(&self, face: &Face, clock: &Clock, is_there: impl Fn(&Status) -> bool) {
        let limit = clock.now() + PATIENCE;
        loop {
            let (code, text) = face.get("/status").await;
            assert_eq!(code, 200, "{text}\n{}", self.log());
            let status: Status = serde_json::from_str(&text).expect("a status");
            if is_there(&status) {
                return;
            }
            if let Some(gate) = status.waiting_gate() {
                self.tell(&["approve", &gate.gate, "--by", "test"]);
                if gate.gate == "cutover" {
                    return;
                }
            }
            assert!(clock.now() < limit, "{}\n{}", status.text(), self.log());
            clock.sleep(Duration::from_millis(100)).await;
        }
    }

    async fn end(mut self, clock: &Clock) -> ExitStatus {
        let limit = clock.now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the daemon can be waited for") {
                return status;
            }
            assert!(clock.now() < limit, "the daemon does not end: {}", self.log());
            clock.sleep(Duration::from_millis(50)).await;
        }
    }
}

struct Face {
    http: Http,
    reach: control::Reach,
}

impl Face {
    /// Status and text of one of its pages.
    async fn get(&self, path: &str) -> (u16, String) {
        let url = self.reach.url(path).parse().expect("an address");
        let request =
            Request { method: reqwest::Method::GET, url, headers: reqwest::header::HeaderMap::new(), body: None };
        let answer = self.http.send(request).await.expect("an answer");
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    }
}

fn dashboard() -> Value {
    serde_json::from_str(&shipped("grafana/crossdock.json")).expect("the dashboard is JSON")
}

/// A query, where it stands, and the labels that the text around its result names.
struct Question {
    place: String,
    query: String,
    named: Vec<String>,
}

/// All queries of the dashboard and of the alerts.
fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for panel in dashboard()["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().expect("targets") {
            let text = |name: &str| target[name].as_str().expect("text").to_owned();
            let place = format!("dashboard, {}", panel["title"]);
            questions.push(Question { place, query: text("expr"), named: between(&text("legendFormat"), "{{", "}}") });
        }
    }
    let alerts = shipped("deploy/alerts.yml");
    for rule in alerts.split("- alert: ").skip(1) {
        let name = rule.lines().next().unwrap_or_default();
        let named = between(rule, "$labels.", "}}").iter().map(|label| label.trim().to_owned()).collect();
        questions.push(Question { place: format!("alert {name}"), query: expression(rule), named });
    }
    assert!(questions.len() > 25, "only {} queries were found", questions.len());
    questions
}

/// The expression of one alert, written in one line or folded into several.
fn expression(rule: &str) -> String {
    let (_, rest) = rule.split_once("expr: ").expect("an alert has an expression");
    let mut lines = rest.lines();
    match lines.next().expect("something follows") {
        ">-" => lines.take_while(|line| line.starts_with("          ")).map(str::trim).collect::<Vec<_>>().join(" "),
        line => line.to_owned(),
    }
}

fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    let inner = |part: &str| part.split_once(close).map(|(inner, _)| inner.to_owned());
    text.split(open).skip(1).filter_map(inner).collect()
}

/// Metrics as scraped: their names, and the labels that each carries.
struct Scrape(BTreeMap<String, BTreeSet<String>>);

impl Scrape {
    fn parse(text: &str) -> Self {
        let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a name ends"));
            let labels = Words::of(rest).matchers();
            // The parts of a histogram are metrics of their own to a query, and one to the design.
            let whole = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            for name in [Some(name), whole].into_iter().flatten() {
                metrics.entry(name.to_owned()).or_default().extend(labels.iter().map(|(label, _)| label.clone()));
            }
        }
        // Prometheus makes this one itself, with the labels of its own settings.
        metrics.insert("up".to_owned(), ["job", "instance", "migration"].map(str::to_owned).into());
        Self(metrics)
    }

    /// What a query asks that is not there.
    fn problems(&self, question: &Question) -> Vec<String> {
        let Question { place, query, named } = question;
        let (selectors, grouped) = Words::of(query).selectors();
        let mut problems = Vec::new();
        let mut say = |what: String| problems.push(format!("{place}: {what} in {query}"));
        let mut known = BTreeSet::new();
        if selectors.is_empty() {
            say("no metric".to_owned());
        }
        for (metric, matchers) in selectors {
            let Some(labels) = self.0.get(&metric) else {
                say(format!("no metric {metric}"));
                continue;
            };
            known.extend(labels);
            for (label, value) in matchers {
                if !labels.contains(&label) {
                    say(format!("{metric} has no label {label}"));
                }
                if label == "phase" && !value.split('|').all(|phase| PHASES.contains(&phase)) {
                    say(format!("no phase {value}"));
                }
            }
        }
        for label in grouped.iter().chain(named).filter(|label| !known.contains(label)) {
            say(format!("no metric with label {label}"));
        }
        problems
    }
}

/// The words of a query: names, quoted texts (with their quotes), and single signs.
struct Words(Vec<String>);

/// Labels with the values they are held against.
type Matchers = Vec<(String, String)>;

impl Words {
    fn of(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut signs = text.chars().peekable();
        let is_name = |sign: &char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ':' | '$');
        while let Some(sign) = signs.next() {
            let mut word = sign.to_string();
            if sign == '"' {
                while let Some(next) = signs.next() {
                    word.push(next);
                    match next {
                        '\\' => word.extend(signs.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            } else if is_name(&sign) {
                while let Some(next) = signs.next_if(is_name) {
                    word.push(next);
                }
            }
            if !sign.is_whitespace() {
                words.push(word);
            }
        }
        Self(words)
    }

    /// The labels in the first pair of braces.
    fn matchers(&self) -> Matchers {
        let from = self.0.iter().position(|word| word == "{").unwrap_or(self.0.len());
        braces(&self.0[from..])
    }

    /// Metrics with their matchers, and the labels that the query groups or joins by.
    fn selectors(&self) -> (Vec<(String, Matchers)>, Vec<String>) {
        let (mut selectors, mut grouped) = (Vec::new(), Vec::new());
        for (at, word) in self.0.iter().enumerate() {
            let next = self.0.get(at + 1).map(String::as_str);
            if matches!(word.as_str(), "by" | "on") && next == Some("(") {
                let inside = self.0[at + 2..].iter().take_while(|word| *word != ")").filter(|word| *word != ",");
                grouped.extend(inside.cloned());
            } else if word.starts_with("crossdock_") || next == Some("{") {
                let matchers = if next == Some("{") { braces(&self.0[at + 1..]) } else { Vec::new() };
                selectors.push((word.clone(), matchers));
            }
        }
        (selectors, grouped)
    }
}

/// Labels and values from an opening brace on; `!=`, `=~` and `!~` count as `=`.
fn braces(words: &[String]) -> Matchers {
    let inside: Vec<&String> = words.iter().skip(1).take_while(|word| *word != "}").collect();
    let one = |matcher: &[&String]| {
        let (label, value) = (matcher.first()?, matcher.last()?);
        Some(((*label).clone(), value.trim_matches('"').to_owned()))
    };
    inside.split(|word| *word == ",").filter_map(one).collect()
}

#[test]
fn queries_are_read() {
    let check = |query: &str, metrics: &[&str], labels: &[&str], grouped: &[&str]| {
        let (selectors, by) = Words::of(query).selectors();
        assert_eq!(selectors.iter().map(|(metric, _)| metric.as_str()).collect::<Vec<_>>(), metrics, "{query}");
        let named = selectors.iter().flat_map(|(_, matchers)| matchers.iter().map(|(label, _)| label.as_str()));
        assert_eq!(named.collect::<Vec<_>>(), labels, "{query}");
        assert_eq!(by, grouped, "{query}");
    };
    check("up{job=\"a,}b\"} == 0", &["up"], &["job"], &[]);
    check("sum by (a, b) (rate(crossdock_x[5m]))", &["crossdock_x"], &[], &["a", "b"]);
    check(
        "crossdock_x{p=\"1\", q!~\"2|3\"} and on (m) crossdock_y",
        &["crossdock_x", "crossdock_y"],
        &["p", "q"],
        &["m"],
    );
    let scrape = Scrape::parse("# TYPE crossdock_x counter\ncrossdock_x{migration=\"a\",p=\"{\"} 1\n");
    let problems = |query: &str| {
        let named = vec!["migration".to_owned()];
        scrape.problems(&Question { place: String::new(), query: query.to_owned(), named }).len()
    };
    assert_eq!(problems("crossdock_x{p=\"1\"}"), 0);
    assert_eq!(problems("crossdock_x{q=\"1\"} + crossdock_z"), 2);
    assert_eq!(problems("sum by (r) (crossdock_x{phase=\"nowhere\"})"), 3);
}

/// What is written beside the queries exists as well.
#[test]
fn every_shipped_file_is_named_where_operators_look() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = shipped("README.md");
    for place in ["deploy", "grafana"] {
        for entry in fs::read_dir(folder.join(place)).expect("the folder is there") {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            assert!(readme.contains(&name), "README.md does not name {place}/{name}");
        }
    }
}
