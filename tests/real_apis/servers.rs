//! The servers, each as a process of its own, filled in its own way.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crossdock::clock::Clock;
use crossdock::http::{Answer, Http, Request};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use crate::data::Table;

/// The longest that a server may take until it answers.
const LONGEST: Duration = Duration::from_secs(120);

/// Requests that Kinto takes in one batch.
const BATCH: usize = 25;

/// Who signs in to Kinto. The base64 of `ada:s3cret-word`, so that filling it needs nothing of what is tested.
const USER: &str = "ada";
const PASSWORD: &str = "s3cret-word";
const BASIC: &str = "Basic YWRhOnMzY3JldC13b3Jk";

/// A server that is filled and answers. It ends when it is dropped.
pub(crate) struct Server {
    process: Child,
    /// What an operator would give as the address.
    pub(crate) address: String,
    /// The lines of `[source]` that say how to sign in, and the variable with the secret.
    pub(crate) credentials: &'static str,
    pub(crate) secret: (&'static str, &'static str),
    /// How it shows a value.
    pub(crate) shown: fn(&Value) -> Value,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be ended again.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts what serves some tables.
pub(crate) type Start = fn(&Path, &Path, &[Table]) -> Server;

/// json-server: bare arrays, `_page` and `_limit`, and `X-Total-Count` where they are asked for.
pub(crate) fn json_server(tools: &Path, folder: &Path, tables: &[Table]) -> Server {
    let all: serde_json::Map<String, Value> =
        tables.iter().map(|table| (table.name.to_owned(), json!(table.rows))).collect();
    let file = folder.join("db.json");
    std::fs::write(&file, json!(all).to_string()).expect("written");
    let port = free_port();
    let mut command = Command::new("node");
    command.arg(tools.join("node_modules/json-server/lib/cli/bin.js"));
    command.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]).arg(file);
    start(command, folder, format!("http://127.0.0.1:{port}"), "/users")
}

/// Datasette: tables of SQLite below the database's name, `.json` behind each, and the address of the next page.
pub(crate) fn datasette(tools: &Path, folder: &Path, tables: &[Table]) -> Server {
    let file = folder.join("crm.db");
    let connection = rusqlite::Connection::open(&file).expect("a database");
    connection.execute_batch("BEGIN").expect("begun");
    for table in tables {
        let columns: Vec<&String> = table.rows[0].keys().collect();
        let names: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        let typed =
            names.iter().map(|name| if name == "\"id\"" { format!("{name} TEXT PRIMARY KEY") } else { name.clone() });
        let typed = typed.collect::<Vec<_>>().join(", ");
        connection.execute_batch(&format!("CREATE TABLE {} ({typed})", table.name)).expect("a table");
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, names.join(", "));
        let mut statement = connection.prepare(&insert).expect("a statement");
        for row in &table.rows {
            let values = columns.iter().map(|column| sqlite(&row[*column]));
            statement.execute(rusqlite::params_from_iter(values)).expect("a row");
        }
    }
    connection.execute_batch("COMMIT").expect("committed");
    let port = free_port();
    let mut command = Command::new(tools.join("venv/bin/datasette"));
    command.arg("serve").arg(file).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    let mut server = start(command, folder, format!("http://127.0.0.1:{port}/crm"), "");
    // SQLite knows no yes and no.
    server.shown = |value| value.as_bool().map_or_else(|| value.clone(), |flag| json!(i64::from(flag)));
    server
}

fn sqlite(value: &Value) -> rusqlite::types::Value {
    use rusqlite::types::Value as Sqlite;
    match value {
        Value::Null => Sqlite::Null,
        Value::Bool(flag) => Sqlite::Integer(i64::from(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Sqlite::Integer(whole),
            None => Sqlite::Real(number.as_f64().expect("a number")),
        },
        Value::String(text) => Sqlite::Text(text.clone()),
        other => Sqlite::Text(other.to_string()),
    }
}

/// Kinto: a password, records below collections, `data` around them, and the next page in a header of its own.
pub(crate) fn kinto(tools: &Path, folder: &Path, tables: &[Table]) -> Server {
    let port = free_port();
    let file = folder.join("kinto.ini");
    std::fs::write(&file, KINTO.replace("PORT", &port.to_string())).expect("written");
    let mut command = Command::new(tools.join("venv/bin/kinto"));
    command.arg("start").arg("--ini").arg(file).args(["--port", &port.to_string()]);
    let root = format!("http://127.0.0.1:{port}/v1");
    let mut server = start(command, folder, root.clone(), "/__heartbeat__");
    let send = |method: Method, path: &str, body: Value, is_known: bool| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().expect("a header"));
        if is_known {
            headers.insert(AUTHORIZATION, BASIC.parse().expect("a header"));
        }
        let url = format!("{root}{path}").parse().expect("an address");
        let answer = call(Request { method, url, headers, body: Some(body.to_string().into()) }).expect("an answer");
        assert!(answer.status < 300, "{path}: {} {:?}", answer.status, answer.body);
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")
    };
    send(Method::PUT, &format!("/accounts/{USER}"), json!({"data": {"password": PASSWORD}}), false);
    send(Method::PUT, "/buckets/crm", json!({}), true);
    for table in tables {
        let collection = format!("/buckets/crm/collections/{}", table.name);
        send(Method::PUT, &collection, json!({}), true);
        for rows in table.rows.chunks(BATCH) {
            let requests = rows
                .iter()
                .map(|row| json!({"method": "POST", "path": format!("{collection}/records"), "body": {"data": row}}));
            let answer = send(Method::POST, "/batch", json!({"requests": requests.collect::<Vec<_>>()}), true);
            let made =
                answer["responses"].as_array().expect("answers").iter().filter(|one| one["status"] == 201).count();
            assert_eq!(made, rows.len(), "{answer}");
        }
    }
    server.address = format!("{root}/buckets/crm/collections");
    (server.credentials, server.secret) = ("user = \"ada\"\n", ("CROSSDOCK_SOURCE_PASSWORD", PASSWORD));
    server
}

const KINTO: &str = "[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = PORT
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = only-for-this-test
kinto.includes = kinto.plugins.accounts
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.authentication.AccountsAuthenticationPolicy
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
kinto.paginate_by = 100
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(message)s
";

fn start(mut command: Command, folder: &Path, address: String, ready: &str) -> Server {
    let log = File::create(folder.join("server.log")).expect("a log");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log).current_dir(folder);
    let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let credentials = ("", ("CROSSDOCK_SOURCE_TOKEN", "a-word-that-nobody-knows"));
    let mut server =
        Server { process, address, credentials: credentials.0, secret: credentials.1, shown: Value::clone };
    let (url, began) = (format!("{}{ready}", server.address), Instant::now());
    loop {
        if call(Request::get(&url).expect("an address")).is_some_and(|answer| answer.status == 200) {
            return server;
        }
        let ended = server.process.try_wait().expect("it can be asked");
        let said = || std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
        assert!(ended.is_none() && began.elapsed() < LONGEST, "{command:?} does not answer: {}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Sends a request; `None` while nobody answers.
fn call(request: Request) -> Option<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = Http::new(Clock::system(), Duration::from_secs(60), 1).expect("a client");
    runtime.block_on(http.send(request)).ok()
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
