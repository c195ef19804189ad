//! An API that is probed, and read by what was learned of it.

use serde_json::json;

use super::processes::Standin;
use super::*;

/// Requests that a probe may make.
const CEILING: u64 = 150;

#[test]
fn an_api_is_probed_within_its_ceiling_and_read_by_what_was_learned() {
    let promox = Standin::start("promox", &["records=300", "rtt_ms=0"]);
    let world = World::start(Source::promox(&promox), &[]);
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    let found = discovery(&world);
    let asked = found["asked"].as_array().expect("requests");
    assert!(!asked.is_empty() && asked.len() as u64 <= CEILING, "{}", asked.len());
    assert!(asked.iter().all(|asked| asked["request"].as_str().is_some_and(|request| request.starts_with("GET "))));
    let page = std::fs::read_to_string(world.folder.join("reports/discovery.html")).expect("the page");
    assert!(!found.to_string().contains(&promox.token) && !page.contains(&promox.token), "no secret in a report");
    assert!(text(&output).contains("requests of at most 150"), "{}", text(&output));
    let client = item(&found["objects"], "object", "client");
    assert_eq!((&client["method"], &client["is_whole"]), (&json!("api"), &json!(true)), "{client}");
    assert!(client["records"].as_u64() > Some(50), "{client}");
    let profile = world.folder.join("source.toml");
    let learned = std::fs::read_to_string(&profile).expect("the profile");
    assert!(!learned.contains(&promox.token), "no secret in the profile");
    assert_eq!(item(&found["objects"], "object", "call")["method"], "workbook");

    // An edit of the operator's survives, and what differs is named.
    let edited = format!("# looked through by Ada\n{learned}");
    std::fs::write(&profile, &edited).expect("edited");
    let output = world.run(&["discover"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    assert_eq!(std::fs::read_to_string(&profile).expect("the profile"), edited);
    let found = discovery(&world);
    assert_eq!(found["profile"]["is_edited"], true);
    assert!(world.folder.join("source.found.toml").exists() && found["questions"].to_string().contains("source.toml"));
    assert_eq!(found["changes"]["list"], json!([]), "nothing changed at the source");
}

/// Nothing but what was tried is told when nobody is let in: no secret in what is said, written or logged.
#[test]
fn what_was_tried_is_told_when_signing_in_fails() {
    let promox = Standin::start("promox", &["records=20", "rtt_ms=0"]);
    let mut source = Source::promox(&promox);
    source.token = "wrong-secret-8c31".to_owned();
    source.settings.push_str("\n[source.beside]\ncompany = { file = \"company\" }");
    let world = World::start(source, &[]);
    std::fs::write(world.folder.join("company"), "beside-secret-5d20").expect("written");
    let output = world.run(&["discover", "--log", "debug"]);
    assert_ne!(code(&output), 0, "{}", text(&output));
    let log = std::fs::read_to_string(world.folder.join("reports/probe.txt")).expect("what was asked");
    for told in [&text(&output), &log] {
        assert!(told.contains("bearer token (401)") && told.contains("a header of its own"), "{told}");
        assert!(!told.contains("wrong-secret") && !told.contains("beside-secret"), "{told}");
        // Nor as HTTP Basic writes it.
        assert!(!told.contains("d3Jvbmctc2VjcmV0"), "{told}");
    }
    assert!(text(&output).contains("probe.txt"), "{}", text(&output));
    assert!(log.contains("whether it lets in: bearer token"), "{log}");
}
