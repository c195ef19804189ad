//! Asks a language model to reorder what is doubtful in a proposal. Whatever goes wrong with that, the proposal stands.
//!
//! Names, shapes, masked samples and candidates leave the machine, and nothing else (`propose::rerank`). The endpoint is
//! any that takes `POST …/chat/completions` with `model` and `messages` and answers with `choices[0].message.content`
//! (OpenAI's API reference, "Create chat completion").

use serde_json::{Value, json};

use super::map::{Reading, stopped};
use crate::config::ModelConfig;
use crate::error::{Error, Kind, Result};
use crate::http::{Http, Reached, Request};
use crate::propose::plan::{Known, Planned};
use crate::propose::rerank::{apply, question};

/// What became of one question.
enum Asked {
    /// So many columns got another first candidate.
    Reordered(usize),
    /// It was shown the columns, and its answer counts for nothing.
    Useless(String),
    /// Nothing left this machine.
    Unreached,
}

/// Asks about every table that has doubtful columns; says in words what was shown to whom and what came of it. After the
/// first answer that is none, nothing more is asked.
///
/// # Errors
/// `Stopped`, or `Bug` for a request of our own that cannot be sent.
pub(super) async fn ask_all(
    model: &ModelConfig,
    plans: &mut [Planned],
    known: &Known,
    reading: &Reading,
) -> Result<String> {
    let http = Http::new(reading.clock.clone(), model.timeout, 1)?;
    let (mut tables, mut moved) = (0_usize, 0_usize);
    let mut failed = None;
    for plan in plans {
        stopped(&reading.stop)?;
        let Some(messages) = question(plan, known) else { continue };
        match ask(model, &http, &messages, plan).await? {
            Asked::Reordered(count) => (tables, moved) = (tables + 1, moved + count),
            Asked::Useless(why) => {
                tables += 1;
                failed = Some(format!(
                    "it gave no usable answer ({why}), and from there on the proposal is this machine's own"
                ));
                break;
            }
            Asked::Unreached => {
                failed =
                    Some("it could not be reached, and from there on the proposal is this machine's own".to_owned());
                break;
            }
        }
    }
    let came = failed.unwrap_or_else(|| format!("{moved} columns got another first candidate"));
    Ok(format!(
        "names, types and masked samples of {tables} tables were shown to the language model {} at {}: {came}",
        model.model, model.address
    ))
}

async fn ask(model: &ModelConfig, http: &Http, messages: &Value, plan: &mut Planned) -> Result<Asked> {
    let address = format!("{}/chat/completions", model.address.as_str().trim_end_matches('/'));
    let body = json!({
        "model": model.model,
        "messages": messages,
        "temperature": 0,
        "response_format": { "type": "json_object" },
    });
    let body = serde_json::to_vec(&body).map_err(|error| Error::new(Kind::Bug, "a question").because(error))?;
    let bearer = model.token.as_ref().map(|token| format!("Bearer {}", token.expose()));
    let header = match &bearer {
        Some(bearer) => ("authorization", bearer.as_str()),
        None => ("accept", "application/json"),
    };
    let mut request = Request::post_json(&address, header, body)?;
    request.headers.values_mut().for_each(|value| value.set_sensitive(true));
    let answer = match http.send(request).await {
        Ok(answer) => answer,
        Err(error) if error.reached == Reached::No => return Ok(Asked::Unreached),
        Err(error) => return Ok(Asked::Useless(error.to_string())),
    };
    if answer.status != 200 {
        return Ok(Asked::Useless(format!("status {}", answer.status)));
    }
    let content = serde_json::from_slice::<Value>(&answer.body).ok();
    let content = content.as_ref().and_then(|body| body.pointer("/choices/0/message/content")).and_then(Value::as_str);
    let Some(content) = content else { return Ok(Asked::Useless("it holds no text".to_owned())) };
    Ok(apply(plan, content).map_or_else(|why| Asked::Useless(short(&why)), Asked::Reordered))
}

/// The reason without what the model wrote, which may be long.
fn short(why: &str) -> String {
    why.split(':').next().unwrap_or_default().to_owned()
}
