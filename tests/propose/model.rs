//! A language model that reorders doubtful columns, against a small server that answers well, wrongly, late or not at all.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use crossdock::clock::Clock;
use crossdock::config::{Config, Surroundings};
use crossdock::migration::map::{Proposed, Reading, propose};
use crossdock::progress::Progress;
use crossdock::standin::pipedrive::{Pipedrive, Settings};
use crossdock::stop;
use serde_json::{Value, json};

const TOKEN: &str = "model-token-7f3a";

/// How the model behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Good,
    Garbage,
    Invents,
    Fails,
    Slow,
    Away,
}

#[derive(Clone)]
struct Model {
    mood: Mood,
    clock: Clock,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

async fn answer(State(model): State<Model>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let body = String::from_utf8(body.to_vec()).expect("text");
    let bearer = headers.get(AUTHORIZATION).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
    model.asked.lock().expect("no panic").push((bearer, body.clone()));
    let asked: Value = serde_json::from_str(&body).expect("JSON");
    let shown: Value = serde_json::from_str(asked["messages"][1]["content"].as_str().expect("text")).expect("JSON");
    let name = shown["columns"][0]["name"].clone();
    let content = match model.mood {
        Mood::Good => json!({ "columns": [{ "name": name, "order": [1, 0] }] }).to_string(),
        Mood::Invents => json!({ "columns": [{ "name": name, "order": [17] }] }).to_string(),
        Mood::Slow => {
            model.clock.sleep(Duration::from_secs(20)).await;
            String::new()
        }
        _ => "Certainly! I would put everything into the title.".to_owned(),
    };
    let status = if model.mood == Mood::Fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    (status, json!({ "choices": [{ "message": { "content": content } }] }).to_string())
}

/// A proposal with a model in a mood (`None`: without one), and what the model was sent.
async fn asked(files: &Path, mood: Option<Mood>) -> (Proposed, Vec<(String, String)>) {
    let clock = Clock::system();
    let listener = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port") };
    let settings = Settings { unlimited: true, caps: false, ..Settings::default() };
    let pipedrive = Pipedrive::start(settings, clock.clone(), listener().await).expect("an account");
    let sent = Arc::new(Mutex::new(Vec::new()));
    let own = listener().await;
    let address = own.local_addr().expect("an address");
    let server = mood.filter(|mood| *mood != Mood::Away).map(|mood| {
        let model = Model { mood, clock: clock.clone(), asked: Arc::clone(&sent) };
        let router = Router::new().route("/v1/chat/completions", axum::routing::post(answer)).with_state(model);
        tokio::spawn(async move { axum::serve(own, router).await })
    });
    let model = mood.map_or(String::new(), |_| {
        format!(
            "[map.model]\naddress = \"http://{address}/v1\"\nmodel = \"small\"\ntoken_env = \"MODEL_TOKEN\"\n\
             timeout_seconds = 1\n"
        )
    });
    let text = format!(
        "name = \"model\"\n[source]\nfolder = {files:?}\n[pipedrive]\naddress = \"http://{}\"\nunlimited = true\n{model}",
        pipedrive.address()
    );
    let environment = |name: &str| match name {
        "MODEL_TOKEN" => Some(TOKEN.to_owned()),
        _ => Some(pipedrive.token()),
    };
    let config = Config::parse(&text, &Surroundings { folder: files, environment: &environment }).expect("settings");
    let (_stopper, stop) = stop::switch();
    let proposed = propose(&config, &Reading { clock, stop, progress: Progress::default() }).await.expect("a proposal");
    server.inspect(|server| server.abort());
    let sent = sent.lock().expect("no panic").clone();
    (proposed, sent)
}

/// The mapping without its first line, which says what was shown to whom.
fn body(proposed: &Proposed) -> &str {
    proposed.mapping.split_once('\n').map_or("", |(_, body)| body)
}

#[test]
fn a_model_may_reorder_and_nothing_else() {
    let files = tempfile::tempdir().expect("a folder");
    let mut rows = vec!["Deal ID,Deal Name,Stage,Amount,zork,Blurb".to_owned()];
    rows.extend(
        (1..=40).map(|number| format!("D{number},Mugs for Quillfeather {number},Quote,{number}0,brindle-{number},")),
    );
    std::fs::write(files.path().join("deals.csv"), rows.join("\n")).expect("written");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (plain, _) = asked(files.path(), None).await;
        assert_eq!(plain.proposal.shown_to, None);
        for mood in [Mood::Good, Mood::Garbage, Mood::Invents, Mood::Fails, Mood::Slow, Mood::Away] {
            let (proposed, sent) = asked(files.path(), Some(mood)).await;
            let told = proposed.proposal.shown_to.clone().expect("it says that a model was asked");
            assert!(proposed.mapping.contains(&told), "{mood:?}");
            assert_eq!(sent.len(), usize::from(mood != Mood::Away), "{mood:?}");
            for (bearer, text) in &sent {
                assert_eq!(*bearer, format!("Bearer {TOKEN}"));
                for secret in ["Quillfeather", "brindle", "Quote", TOKEN] {
                    assert!(!text.contains(secret), "{secret} was sent: {text}");
                }
                assert!(text.contains("zork") && text.contains("xxxxxxx-9"), "{text}");
            }
            if mood == Mood::Good {
                assert!(told.contains("1 columns got another first candidate"), "{told}");
                assert_ne!(body(&proposed), plain.mapping);
            } else {
                assert!(told.contains("this machine's own"), "{mood:?}: {told}");
                assert_eq!(body(&proposed), plain.mapping, "{mood:?}");
            }
        }
    });
}
