//! Settings: what the file may say, checked and ready for use.
//!
//! Secrets come from the environment or from files, never from the settings file itself.

mod approvers;
pub mod extraction;
mod raw;
mod secret;
mod source;
mod staging;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, Kind, Result};
use crate::record::named_enum;

pub use approvers::{Approvers, token_hash};
pub use secret::Secret;
pub use source::{BESIDE, SourceCredentials, SourceHints};

use extraction::Extraction;
use raw::{RawConfig, RawModel, RawPipedrive, RawSource};
use staging::{Account, REAL, STAGING};

named_enum! {
    /// A Pipedrive plan, new and old names.
    Plan {
        /// Lite, 2025 and later.
        Lite = "lite",
        /// Growth, 2025 and later.
        Growth = "growth",
        /// Premium, 2025 and later.
        Premium = "premium",
        /// Ultimate, 2025 and later.
        Ultimate = "ultimate",
        /// Essential, before 2025.
        Essential = "essential",
        /// Advanced, before 2025.
        Advanced = "advanced",
        /// Professional, before 2025.
        Professional = "professional",
        /// Power, before 2025.
        Power = "power",
        /// Enterprise, before 2025.
        Enterprise = "enterprise",
    }
}

impl Plan {
    /// Tokens a seat and day ("Rate limiting", 2026-09-17).
    #[must_use]
    pub const fn tokens_seat_day(self) -> u64 {
        30_000
            * match self {
                Plan::Lite | Plan::Essential => 1,
                Plan::Growth | Plan::Advanced => 2,
                Plan::Professional => 3,
                Plan::Premium | Plan::Power => 5,
                Plan::Ultimate | Plan::Enterprise => 7,
            }
    }

    /// Requests per two seconds with an API token ("Rate limiting", 2026-09-17; Power by analogy with Premium).
    #[must_use]
    pub const fn window_requests(self) -> u32 {
        match self {
            Plan::Lite | Plan::Essential => 20,
            Plan::Growth | Plan::Advanced => 40,
            Plan::Professional => 80,
            Plan::Premium | Plan::Power => 100,
            Plan::Ultimate | Plan::Enterprise => 120,
        }
    }
}

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Within a plan's limits.
    Planned {
        /// The plan.
        plan: Plan,
        /// Paid seats.
        seats: u32,
        /// Purchased tokens a day on top.
        top_up_tokens_day: u64,
        /// Tokens a day left to the customer's other tools.
        reserve_tokens_day: u64,
    },
    /// Without limits: for stand-ins only.
    Unlimited,
}

named_enum! {
    /// Who wins when source and Pipedrive both changed a field.
    Conflict {
        /// The source.
        Source = "source",
        /// Pipedrive.
        Pipedrive = "pipedrive",
        /// Whoever changed it last; Pipedrive where the source does not say when.
        Newest = "newest",
        /// Pipedrive, and the customer is asked.
        Ask = "ask",
    }
}

/// Name of the settings file in a migration's folder.
pub const FILE: &str = "migration.toml";

/// Settings, checked and ready for use.
#[derive(Debug, Clone)]
pub struct Config {
    /// The migration's short name: part of every marker in Pipedrive, so it never changes.
    pub name: String,
    /// The mapping file, beside the settings.
    pub mapping: PathBuf,
    /// The source.
    pub source: SourceConfig,
    /// How each kind of record is read.
    pub extraction: Extraction,
    /// Pipedrive.
    pub pipedrive: PipedriveConfig,
    /// A staging company, where the sample can be made; `None` when the settings name none.
    pub staging: Option<PipedriveConfig>,
    /// Where the daemon answers; loopback only.
    pub listen: SocketAddr,
    /// How long the daemon waits for calls in flight when it is told to stop.
    pub shutdown_grace: Duration,
    /// Records that are rejected or wait, beyond those that were approved, before the *data* gate closes again.
    pub new_problems: u64,
    /// Records of the sample, without what they belong to.
    pub sample_records: usize,
    /// A language model that may reorder what `map` found doubtful; `None`: nobody is asked.
    pub map_model: Option<ModelConfig>,
}

/// A language model behind an endpoint that speaks as OpenAI's "chat completions" does.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// Its address, without `/chat/completions`.
    pub address: Url,
    /// The model's name there.
    pub model: String,
    /// Its bearer token; models on this machine often need none.
    pub token: Option<Secret>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Settings of the source.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
pub enum SourceConfig {
    /// An API, read as the source profile says.
    Api {
        /// Its address.
        address: Url,
        /// How we prove who we are.
        credentials: SourceCredentials,
        /// What the operator knows of it, for those who find out how it is read.
        hints: Box<SourceHints>,
        /// Requests a second that it is known to bear.
        requests_per_second: u32,
        /// How far a delta reaches back behind the newest change seen.
        overlap: Duration,
        /// Time between two polls.
        poll: Duration,
    },
    /// A folder of CSV files.
    Csv {
        /// The folder.
        folder: PathBuf,
        /// Time between two looks at the folder.
        poll: Duration,
    },
}

impl SourceConfig {
    /// Time between two polls.
    #[must_use]
    pub fn poll(&self) -> Duration {
        match self {
            SourceConfig::Api { poll, .. } | SourceConfig::Csv { poll, .. } => *poll,
        }
    }
}

/// How we prove to Pipedrive who we are.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A user's API token.
    ApiToken(Secret),
    /// An OAuth app that a user of the account has granted access.
    OAuth(OAuthApp),
}

impl Credentials {
    /// Looks whether there is a new secret in a file.
    pub fn renew(&mut self) -> bool {
        match self {
            Credentials::ApiToken(token) => token.renew(),
            Credentials::OAuth(app) => app.refresh_token.renew() | app.client_secret.renew(),
        }
    }
}

/// An OAuth app and its grant.
#[derive(Debug, Clone)]
pub struct OAuthApp {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// What the user's consent gave us; access tokens are made of it.
    pub refresh_token: Secret,
    /// Where.
    pub token_address: Url,
}

/// Settings of Pipedrive.
#[derive(Debug, Clone)]
pub struct PipedriveConfig {
    /// The account's address: `https://acme.pipedrive.com`.
    pub address: Url,
    /// How we prove who we are.
    pub credentials: Credentials,
    /// What may be spent.
    pub spending: Spending,
    /// The longest a call may take.
    pub request_timeout: Duration,
    /// How late lists may show a write.
    pub list_lag: Duration,
    /// Calls in flight at the most.
    pub calls_in_flight: usize,
    /// Who wins when both sides changed a field.
    pub conflict: Conflict,
}

/// What the settings file cannot hold: the environment, and the folder that relative paths start from.
pub struct Surroundings<'a> {
    /// The migration's folder.
    pub folder: &'a Path,
    /// Looks a variable of the environment up.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Config {
    /// Reads and checks the settings of a migration's folder.
    ///
    /// # Errors
    /// `Settings` with every problem at once, each with key, value and reason.
    pub fn load(surroundings: &Surroundings<'_>) -> Result<Self> {
        let path = surroundings.folder.join(FILE);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Error::new(Kind::Settings, format!("reading {}", path.display())).because(error))?;
        Self::parse(&text, surroundings)
    }

    /// Checks settings as they stand in a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, surroundings: &Surroundings<'_>) -> Result<Self> {
        let mut raw: RawConfig = toml::from_str(text)
            .map_err(|error| Error::new(Kind::Settings, format!("{FILE} cannot be used")).because(error))?;
        let mut problems = Problems(Vec::new());
        if raw.name.is_empty()
            || raw.name.len() > 40
            || !raw.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            problems.add("name", &raw.name, "1 to 40 letters, digits and hyphens");
        }
        let source = problems.source(&raw.source, surroundings);
        let extraction = problems.extraction(&raw.source, surroundings);
        problems.patience(&raw.pipedrive);
        let pipedrive = problems.pipedrive(&REAL, &raw.pipedrive, surroundings);
        let staging = raw.pipedrive.staging.take().map(|staging| staging.beside(&raw.pipedrive));
        let staging = staging.and_then(|staging| problems.pipedrive(&STAGING, &staging, surroundings));
        if let (Some(pipedrive), Some(staging)) = (&pipedrive, &staging)
            && pipedrive.address.origin() == staging.address.origin()
        {
            let why = "another company's address: this one is the account that is migrated to";
            problems.add("pipedrive.staging.address", staging.address.as_str(), why);
        }
        let map_model = raw.map.model.as_ref().and_then(|model| problems.model(model, surroundings));
        let listen = raw.daemon.listen.parse::<SocketAddr>().ok().filter(|listen| listen.ip().is_loopback());
        if listen.is_none() {
            problems.add("daemon.listen", &raw.daemon.listen, "a loopback address with a port, such as 127.0.0.1:7077");
        }
        if let Err(found) = Approvers::checked(&raw.approver) {
            problems.0.extend(found);
        }
        if !(1..=1000).contains(&raw.sample.records) {
            problems.add("sample.records", &raw.sample.records.to_string(), "1 to 1000");
        }
        match (source, pipedrive, listen) {
            (Some(source), Some(pipedrive), Some(listen)) if problems.0.is_empty() => Ok(Self {
                name: raw.name,
                mapping: surroundings.folder.join(raw.mapping),
                source,
                extraction,
                pipedrive,
                staging,
                listen,
                shutdown_grace: Duration::from_secs(raw.daemon.shutdown_grace_seconds),
                new_problems: raw.gates.new_problems,
                sample_records: raw.sample.records,
                map_model,
            }),
            _ => Err(Error::new(Kind::Settings, format!("{FILE} cannot be used")).because(problems.0.join("; "))),
        }
    }
}

/// What is wrong, gathered so that all of it is told at once.
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, key: &str, value: &str, reason: &str) {
        self.0.push(format!("{key} = {value:?}: must be {reason}"));
    }

    fn source(&mut self, raw: &RawSource, surroundings: &Surroundings<'_>) -> Option<SourceConfig> {
        let poll = Duration::from_secs(raw.poll_seconds.max(1));
        if raw.vanished_percent > 100 {
            self.add("source.vanished_percent", &raw.vanished_percent.to_string(), "0 to 100");
        }
        match (&raw.address, &raw.folder) {
            (Some(address), _) => {
                let address = self.address("source.address", address);
                if !(1..=1000).contains(&raw.requests_per_second) {
                    self.add("source.requests_per_second", &raw.requests_per_second.to_string(), "1 to 1000");
                }
                let credentials = self.source_credentials(raw, surroundings);
                let hints = Box::new(self.source_hints(&raw.probe));
                Some(SourceConfig::Api {
                    address: address?,
                    credentials: credentials?,
                    hints,
                    requests_per_second: raw.requests_per_second,
                    overlap: Duration::from_secs(raw.overlap_seconds),
                    poll,
                })
            }
            (None, Some(folder)) => Some(SourceConfig::Csv { folder: surroundings.folder.join(folder), poll }),
            (None, None) => {
                self.0.push("source: must have an address (an API), a folder (of CSV files), or both".to_owned());
                None
            }
        }
    }

    fn extraction(&mut self, raw: &RawSource, surroundings: &Surroundings<'_>) -> Extraction {
        Extraction::read(raw, surroundings.folder).unwrap_or_else(|problem| {
            self.0.push(problem);
            Extraction::default()
        })
    }

    /// What holds for every account.
    fn patience(&mut self, raw: &RawPipedrive) {
        for (key, value) in [
            ("pipedrive.request_timeout_seconds", raw.request_timeout_seconds),
            ("pipedrive.calls_in_flight", raw.calls_in_flight as u64),
        ] {
            if !(1..=1000).contains(&value) {
                self.add(key, &value.to_string(), "1 to 1000");
            }
        }
    }

    fn pipedrive(
        &mut self,
        account: &Account,
        raw: &RawPipedrive,
        surroundings: &Surroundings<'_>,
    ) -> Option<PipedriveConfig> {
        let table = account.table;
        let address = self.address(&format!("{table}.address"), &raw.address);
        let spending = match (raw.unlimited, raw.plan, raw.seats) {
            (true, _, _) => Some(Spending::Unlimited),
            (false, Some(plan), Some(seats)) if seats > 0 => Some(Spending::Planned {
                plan,
                seats,
                top_up_tokens_day: raw.top_up_tokens_day,
                reserve_tokens_day: raw.reserve_tokens_day,
            }),
            _ => {
                self.0.push(format!("{table}: must name the account's plan and its paid seats (at least 1)"));
                None
            }
        };
        if raw.unlimited && !address.as_ref().is_some_and(is_loopback) {
            self.add(&format!("{table}.unlimited"), "true", "left out: it is for stand-ins on this machine only");
        }
        let credentials = self.credentials(account, raw, surroundings);
        Some(PipedriveConfig {
            address: address?,
            credentials: credentials?,
            spending: spending?,
            request_timeout: Duration::from_secs(raw.request_timeout_seconds),
            list_lag: Duration::from_secs(raw.list_lag_seconds),
            calls_in_flight: raw.calls_in_flight,
            conflict: raw.conflict,
        })
    }

    fn model(&mut self, raw: &RawModel, surroundings: &Surroundings<'_>) -> Option<ModelConfig> {
        let address = self.address("map.model.address", &raw.address);
        if raw.model.trim().is_empty() {
            self.add("map.model.model", &raw.model, "the model's name");
        }
        if !(1..=600).contains(&raw.timeout_seconds) {
            self.add("map.model.timeout_seconds", &raw.timeout_seconds.to_string(), "1 to 600");
        }
        let token = match (&raw.token_env, &raw.token_file) {
            (None, None) => None,
            (variable, file) => {
                let place = ("map.model.token", variable.as_deref().unwrap_or_default(), file.as_deref());
                Some(self.secret(place, surroundings)?)
            }
        };
        let timeout = Duration::from_secs(raw.timeout_seconds);
        Some(ModelConfig { address: address?, model: raw.model.trim().to_owned(), token, timeout })
    }

    fn address(&mut self, key: &str, address: &str) -> Option<Url> {
        match base_url(address) {
            Ok(url) => Some(url),
            Err(error) => {
                self.0.push(format!("{key}: {}", error.chain()));
                None
            }
        }
    }

    fn credentials(
        &mut self,
        account: &Account,
        raw: &RawPipedrive,
        surroundings: &Surroundings<'_>,
    ) -> Option<Credentials> {
        let key = |name: &str| format!("{}.{name}", account.table);
        let Some(oauth) = &raw.oauth else {
            let variable = raw.token_env.as_deref().unwrap_or(account.token);
            return self
                .secret((&key("token"), variable, raw.token_file.as_deref()), surroundings)
                .map(Credentials::ApiToken);
        };
        if raw.token_env.is_some() || raw.token_file.is_some() {
            self.0.push(format!("{0}: must have either a token or [{0}.oauth], not both", account.table));
        }
        if oauth.client_id.trim().is_empty() {
            self.add(&key("oauth.client_id"), &oauth.client_id, "the id of the OAuth app");
        }
        let token_address = self.address(&key("oauth.token_address"), &oauth.token_address);
        let variable = oauth.client_secret_env.as_deref().unwrap_or(account.client_secret);
        let client_secret =
            self.secret((&key("oauth.client_secret"), variable, oauth.client_secret_file.as_deref()), surroundings);
        let variable = oauth.refresh_token_env.as_deref().unwrap_or(account.refresh_token);
        let refresh_token =
            self.secret((&key("oauth.refresh_token"), variable, oauth.refresh_token_file.as_deref()), surroundings);
        Some(Credentials::OAuth(OAuthApp {
            client_id: oauth.client_id.trim().to_owned(),
            client_secret: client_secret?,
            refresh_token: refresh_token?,
            token_address: token_address?,
        }))
    }

    /// A secret by its key in the settings, from its file if one is named, otherwise from the environment.
    fn secret(
        &mut self,
        (key, variable, file): (&str, &str, Option<&Path>),
        surroundings: &Surroundings<'_>,
    ) -> Option<Secret> {
        let found = match file {
            Some(file) => {
                let path = surroundings.folder.join(file);
                match Secret::from_file(path.clone()) {
                    Ok(secret) => secret,
                    Err(error) => {
                        self.0.push(format!("{key}_file {}: cannot be read: {error}", path.display()));
                        return None;
                    }
                }
            }
            None => (surroundings.environment)(variable)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
                .map(|text| Secret::fixed(text.into())),
        };
        if found.is_none() {
            let place =
                file.map_or(format!("environment variable {variable}"), |file| format!("file {}", file.display()));
            self.0.push(format!("{key}: is missing; expected it in {place}"));
        }
        found
    }
}

/// Reads a base address: https, or http to a loopback address.
///
/// # Errors
/// `Settings` with the reason, for anything else.
pub fn base_url(text: &str) -> Result<Url> {
    let wrong = |why: &str| Error::new(Kind::Settings, format!("address '{text}': {why}"));
    let url = Url::parse(text).map_err(|error| wrong("is not an address").because(error))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(wrong("carries credentials or a query; secrets come from the environment or a file"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong("is plain http; that is allowed to this machine's loopback address only")),
        _ => Err(wrong("is neither https nor http")),
    }
}

/// True for `localhost`, 127.0.0.0/8 and ::1.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "acme-2026"
        [source]
        address = "https://crm.promox.test"
        [pipedrive]
        address = "https://acme.pipedrive.com"
        plan = "growth"
        seats = 5
    "#;

    fn parse(text: &str, token: Option<&str>) -> Result<Config, String> {
        let environment = |_: &str| token.map(str::to_owned);
        let surroundings = Surroundings { folder: Path::new("/m"), environment: &environment };
        Config::parse(text, &surroundings).map_err(|error| error.chain())
    }

    #[test]
    fn good_settings_are_ready_for_use() {
        let config = parse(GOOD, Some(" secret\n")).expect("good");
        assert_eq!(config.mapping, Path::new("/m/mapping.toml"));
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_place() {
        let bad = r#"
            name = "a b"
            [source]
            [pipedrive]
            address = "acme"
            seats = 5
            calls_in_flight = 0
            [daemon]
            listen = "0.0.0.0:80"
        "#;
        let told = parse(bad, None).expect_err("bad");
        for place in
            ["name = \"a b\"", "source:", "pipedrive.address", "calls_in_flight", "plan", "daemon.listen", "token"]
        {
            assert!(told.contains(place), "{place} is not in {told}");
        }
        let told = parse(&GOOD.replace("seats", "saets"), Some("x")).expect_err("bad");
        assert!(told.contains("unknown field `saets`"), "{told}");
        let told = parse(&GOOD.replace("seats = 5", "unlimited = true"), Some("x")).expect_err("bad");
        assert!(told.contains("pipedrive.unlimited"), "{told}");
    }

    const STAGED: &str = r#"
        [pipedrive.staging]
        address = "https://acme-staging.pipedrive.com"
        token_env = "STAGING"
        plan = "lite"
        seats = 1
        top_up_tokens_day = 7
    "#;

    #[test]
    fn a_staging_company_is_an_account_of_its_own_with_the_same_patience() {
        assert!(parse(GOOD, Some("x")).expect("good").staging.is_none());
        let environment = |name: &str| Some(if name == "STAGING" { "other" } else { "real" }.to_owned());
        let surroundings = Surroundings { folder: Path::new("/m"), environment: &environment };
        let text = format!("{}{STAGED}", GOOD.replace("seats = 5", "seats = 5\nrequest_timeout_seconds = 7"));
        let config = Config::parse(&text, &surroundings).expect("good");
        let staging = config.staging.expect("a staging company");
        assert_eq!(staging.address.as_str(), "https://acme-staging.pipedrive.com/");
        let (Credentials::ApiToken(own), Credentials::ApiToken(real)) =
            (&staging.credentials, &config.pipedrive.credentials)
        else {
            panic!("tokens")
        };
        assert_eq!((own.expose(), real.expose()), ("other", "real"));
        assert_eq!(staging.request_timeout, Duration::from_secs(7));
        let planned = Spending::Planned { plan: Plan::Lite, seats: 1, top_up_tokens_day: 7, reserve_tokens_day: 0 };
        assert_eq!(staging.spending, planned);
    }

    #[test]
    fn a_staging_company_is_checked_as_the_real_one_is() {
        let check = |from: &str, to: &str, expected: &str| {
            let told = parse(&format!("{GOOD}{}", STAGED.replace(from, to)), Some("x")).expect_err("bad");
            assert!(told.contains(expected), "{expected} is not in {told}");
        };
        check("-staging", "", "pipedrive.staging.address = \"https://acme.pipedrive.com/\": must be another company's");
        check("https:", "http:", "pipedrive.staging.address");
        check("plan = \"lite\"", "", "pipedrive.staging: must name the account's plan");
        check("seats = 1", "seats = 0", "pipedrive.staging: must name the account's plan");
        check("seats = 1", "unlimited = true", "pipedrive.staging.unlimited");
        check("seats = 1", "seats = 1\ncalls_in_flight = 1", "unknown field `calls_in_flight`");
        check("plan =", "oauth = {client_id = \"\"}\nplan =", "pipedrive.staging: must have either a token");
        let told = parse(&format!("{GOOD}{STAGED}"), None).expect_err("bad");
        assert!(
            told.contains("pipedrive.staging.token: is missing; expected it in environment variable STAGING"),
            "{told}"
        );
    }

    #[test]
    fn plain_http_goes_to_loopback_only() {
        for good in ["https://acme.pipedrive.com", "http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:9/api"]
        {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in ["http://acme.pipedrive.com", "ftp://x", "acme", "https://u:p@x.test", "https://x.test/?api_token=1"]
        {
            assert_eq!(base_url(bad).map_err(|error| error.kind()).err(), Some(Kind::Settings), "{bad}");
        }
    }
}
