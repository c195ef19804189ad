//! Both ends in this process, and the migrations between them, on one stepped clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::control::{Saying, keep};
use crossdock::journal::{GateVerdict, Journal};
use crossdock::mapping::PROMOX;
use crossdock::migration::{Ending, GateState, Migration, Opening, Point, Signals, artefact};
use crossdock::permit::Gate;
use crossdock::record::Entity;
use crossdock::standin::pipedrive::{Pipedrive, Running, Settings};
use crossdock::standin::promox;
use crossdock::stop;
use futures::FutureExt as _;
use serde_json::Value;
use tokio::net::TcpListener;

/// Records of the account at the source, over all objects.
pub(crate) const RECORDS: usize = 500;

/// Every kind of record that the load writes.
pub(crate) const ENTITIES: [Entity; 6] =
    [Entity::Organization, Entity::Person, Entity::Lead, Entity::Deal, Entity::Activity, Entity::Note];

/// Both ends, and the folder of the migration between them.
pub(crate) struct Ends {
    pub(crate) clock: Clock,
    pub(crate) pipedrive: Arc<Running>,
    promox: promox::Running,
    folder: tempfile::TempDir,
}

/// `SEED` chooses the account.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").map_or(1, |text| text.parse().expect("a number"))
}

/// Runs a test with fresh ends; the seed is printed first and last.
pub(crate) fn drive<F: Future<Output = ()>>(test: impl FnOnce(Ends) -> F) {
    println!("SEED={}", seed());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = Clock::stepped("2026-01-05T14:00:00Z".parse().expect("an instant"));
    runtime.block_on(clock.track(async {
        let ends = Ends::start(clock.clone()).await;
        test(ends).await;
    }));
    println!("SEED={}", seed());
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

impl Ends {
    async fn start(clock: Clock) -> Self {
        let settings = promox::Settings { records: RECORDS, seed: seed(), rtt_ms: 0, ..promox::Settings::default() };
        let promox = promox::Promox::start(settings, clock.clone(), listener().await).expect("a source");
        let settings = Settings { unlimited: true, caps: false, seed: seed(), ..Settings::default() };
        let pipedrive = Arc::new(Pipedrive::start(settings, clock.clone(), listener().await).expect("an account"));
        for (name, email) in promox.inspect(promox::Account::expected_users) {
            drop(pipedrive.add_user(&name, &email));
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("mapping.toml"), PROMOX).expect("written");
        Self { clock, pipedrive, promox, folder }
    }

    /// The migration's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The migration's settings.
    pub(crate) fn config(&self) -> Config {
        let text = format!(
            "name = \"ends\"\n[source]\naddress = \"http://{}\"\n[pipedrive]\naddress = \"http://{}\"\n\
             unlimited = true\nlist_lag_seconds = 0\n",
            self.promox.address(),
            self.pipedrive.address()
        );
        let environment = |name: &str| match name {
            "CROSSDOCK_SOURCE_TOKEN" => Some(self.promox.token().to_owned()),
            _ => Some(self.pipedrive.token()),
        };
        let surroundings = Surroundings { folder: self.folder(), environment: &environment };
        Config::parse(&text, &surroundings).expect("settings")
    }

    /// Opens the migration, as a daemon does at its start. Nobody edits the source: it is frozen after the first round of
    /// changes, and `at_freeze` is called just before, when nothing is written any more until the verification.
    pub(crate) async fn open(&self, at_freeze: impl Fn(&Running) + Send + Sync + 'static) -> Migration {
        let config = self.config();
        let (signals, (_stopper, stop)) = (Signals::default(), stop::switch());
        let (account, frozen) = (Arc::clone(&self.pipedrive), signals.clone());
        let checkpoint = move |point| {
            if matches!(point, Point::Followed(_)) {
                at_freeze(&account);
                frozen.freeze();
            }
            async { Ok(()) }.boxed()
        };
        let opening = Opening {
            signals,
            checkpoint: Some(Arc::new(checkpoint)),
            ..Opening::new(self.folder(), self.clock.clone(), stop)
        };
        Migration::open(config, opening).await.expect("it opens")
    }

    /// Walks a migration to its end.
    pub(crate) async fn finish(&self, migration: &Migration) {
        let ending = self.approving(migration, Box::pin(migration.run())).await.expect("it runs to its end");
        assert_eq!(ending, Ending::Done);
    }

    /// Does something with a migration while somebody approves whatever waits at a gate.
    pub(crate) async fn approving<T>(&self, migration: &Migration, work: impl Future<Output = T>) -> T {
        let approver = tokio::spawn(self.clock.track(approve_all(migration.journal().clone(), self.clock.clone())));
        let done = work.await;
        approver.abort();
        done
    }
}

async fn approve_all(journal: Journal, clock: Clock) {
    loop {
        for gate in Gate::ALL {
            if let GateState::Waits(_) = artefact(&journal, *gate).await.expect("the journal reads") {
                let saying = Saying { gate: *gate, verdict: GateVerdict::Approved, by: "Ada Tester".to_owned() };
                keep(&journal, &clock, saying).await.expect("kept");
            }
        }
        clock.sleep(Duration::from_secs(1)).await;
    }
}

/// Ids of live records, oldest first.
pub(crate) fn live_ids(pipedrive: &Running, entity: Entity) -> Vec<String> {
    let mut rows = pipedrive.rows(entity);
    rows.retain(|row| row["is_deleted"] != true);
    rows.iter().map(id_of).collect()
}

/// Ids are numbers, but those of leads.
pub(crate) fn id_of(row: &Value) -> String {
    row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned)
}
