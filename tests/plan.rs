//! `crossdock plan` as a person uses it: in a fresh folder, before and after the mapping is approved, beside a daemon, and
//! once the workspace is made. Both ends are processes of their own.

#![cfg(feature = "standin")]

#[expect(dead_code, reason = "the tests that kill the daemon use more of it")]
mod processes;

use std::fs;
use std::time::Duration;

use crossdock::clock::Clock;
use crossdock::http::{Http, Request};
use serde_json::{Value, json};

use processes::{Source, Standin, World, text, wait_for};

/// A step of a real daemon takes seconds; this is for machines that are busy with something else.
const LONGEST: Duration = Duration::from_secs(120);

#[test]
fn a_plan_is_made_once_shown_again_and_left_alone_afterwards() {
    let promox = Standin::start("promox", &["records=600", "seed=3", "rtt_ms=0"]);
    let account = ["unlimited=false", "plan=\"growth\"", "seats=1", "caps=true"];
    let world = World::start(Source::promox(&promox), &account);
    limit(&world);
    fill(&world, 3);

    // Nothing is read before the mapping is approved.
    let output = world.run(&["plan"]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(text(&output).contains("crossdock approve map"), "{}", text(&output));
    world.approve("map");

    let before = books(&world);
    let plan = planned(&world);
    let made = books(&world);
    check(&plan, &world);
    assert_eq!(writes(&made), writes(&before), "planning writes nothing");
    // Who we are, twice the users, three lists of fields, labels and types, deals and leads, organizations and persons.
    assert_eq!(tokens(&made) - tokens(&before), 2 + 2 * 20 + 3 * 10 + 10 + 20 + 10 + 20 + 2 * 10);

    // The survey is not made again: asking once more costs who we are, and says the same.
    let again = planned(&world);
    assert_eq!(tokens(&books(&world)) - tokens(&made), 2);
    for part in ["records", "costs", "caps", "daily", "minimum"] {
        assert_eq!(again[part], plan[part], "{part}");
    }
    let said = world.run(&["plan"]);
    let said = String::from_utf8(said.stdout).expect("text");
    for expected in ["Load is done", "Following", "On other plans and seats", "reports/plan.html", "Everything fits"] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }

    let plan = with_another_mapping(&world, &plan);

    // What was planned can be approved before there is a daemon, and is what the daemon goes on with.
    world.approve("data");
    world.approve("plan");
    let daemon = world.daemon(&[]);
    wait_for("the workspace gate", LONGEST, || world.waits_at("workspace").then_some(()));
    let beside = world.run(&["plan", "--json"]);
    assert!(beside.status.success(), "{}", text(&beside));
    assert!(text(&beside).contains("Another crossdock runs on this folder"), "{}", text(&beside));
    let shown: Value = serde_json::from_slice(&beside.stdout).expect("JSON");
    assert_eq!(shown["records"], plan["records"]);

    // Once the workspace is made there is nothing to plan, and the approved plan is not written over.
    world.approve("workspace");
    wait_for("the sample", LONGEST, || world.waits_at("sample").then_some(()));
    world.approve("sample");
    wait_for("the load", LONGEST, || world.status().filter(|status| status["forecast"].is_object()));
    daemon.kill();
    let written = fs::read(world.folder.join("reports/plan.json")).expect("the plan is there");
    let past = world.run(&["plan"]);
    assert!(past.status.success() && text(&past).contains("The workspace is made already"), "{}", text(&past));
    assert_eq!(fs::read(world.folder.join("reports/plan.json")).expect("the plan is there"), written);
    // The course of the load outlived the daemon.
    let course = world.status().expect("a status")["forecast"].clone();
    let sum: u64 = plan["records"].as_object().expect("records").values().filter_map(Value::as_u64).sum();
    assert!(course["records_forecast"].as_u64().is_some_and(|records| (1..=sum).contains(&records)), "{course}");
}

/// The plan, as JSON.
fn planned(world: &World) -> Value {
    let output = world.run(&["plan", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Another mapping must be approved anew, and the plan follows from it, not from the survey before.
fn with_another_mapping(world: &World, plan: &Value) -> Value {
    let path = world.folder.join("mapping.toml");
    let mapping = fs::read_to_string(&path).expect("the mapping");
    fs::write(path, mapping.replace("custom:Customer PO", "custom:PO number")).expect("written");
    assert_eq!(world.run(&["plan"]).status.code(), Some(4));
    world.approve("map");
    let other = planned(world);
    let field = |plan: &Value, name: &str| {
        let mut fields = plan["fields"].as_array().expect("fields").iter();
        fields.find(|field| field["name"] == name).expect("the field").clone()
    };
    let (before, now) = (field(plan, "Customer PO"), field(&other, "PO number"));
    // Only a new survey knows how many records fill the field under its new name.
    assert!(now["filled"].as_u64() > Some(0) && now["filled"] == before["filled"], "{before} {now}");
    assert_eq!((&before["exists"], &now["exists"]), (&json!(true), &json!(false)));
    other
}

/// The plan is about the whole account, counts what Pipedrive holds already, and does not pay for it again.
fn check(plan: &Value, world: &World) {
    assert_eq!(plan["name"], "plan");
    assert_eq!(plan["allowance"], json!({"plan": "growth", "seats": 1, "tokens_day": 50_000}));
    let cap = |what: &str| {
        let mut caps = plan["caps"].as_array().expect("caps").iter();
        caps.find(|cap| cap["what"] == what).expect("the cap").clone()
    };
    assert_eq!((&cap("active leads and deals")["existing"], &cap("custom fields")["existing"]), (&json!(3), &json!(2)));
    let fields = plan["fields"].as_array().expect("fields");
    let known: Vec<_> = fields.iter().filter(|field| field["exists"] == true).map(|field| &field["name"]).collect();
    assert_eq!(known, ["Customer PO"]);
    assert_eq!(cap("custom fields")["added"].as_u64(), Some(fields.len() as u64 - 1));
    // Every account has types for calls and meetings; only what is missing is made.
    assert_eq!(plan["activity_types"], json!(["Proof"]));
    let filled = fields.iter().find(|field| field["name"] == "Project number").expect("the field");
    assert!(filled["filled"].as_u64() > Some(0), "{filled}");
    let seats = plan["comparison"][1]["seats"]["1"].clone();
    assert_eq!(seats["seconds"], plan["schedule"]["seconds"]);
    let page = fs::read_to_string(world.folder.join("reports/plan.html")).expect("the page");
    assert!(page.contains("<svg") && !page.contains("<script"), "a page without scripts");
}

/// Puts a plan's limits into the settings of a world.
fn limit(world: &World) {
    let path = world.folder.join("migration.toml");
    let settings = fs::read_to_string(&path).expect("the settings");
    let limits = "plan = \"growth\"\nseats = 1\nreserve_tokens_day = 10000";
    fs::write(path, settings.replace("unlimited = true", limits)).expect("written");
}

/// Makes deals and custom fields in the account, as its people did before.
fn fill(world: &World, deals: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = Http::new(Clock::system(), LONGEST, 1).expect("a client");
    let make = |path: &str, body: Value| {
        let url = format!("{}/api/v2/{path}", world.pipedrive.address);
        let token = ("x-api-token", world.pipedrive.token.as_str());
        let request = Request::post_json(&url, token, body.to_string().into_bytes()).expect("a request");
        let answer = runtime.block_on(http.send(request)).expect("an answer");
        assert!(answer.status < 300, "{path}: {} {:?}", answer.status, answer.body);
    };
    (0..deals).for_each(|number| make("deals", json!({"title": format!("Old {number}")})));
    make("dealFields", json!({"field_name": "Customer PO", "field_type": "varchar"}));
    make("personFields", json!({"field_name": "Shoe size", "field_type": "varchar"}));
}

fn books(world: &World) -> Value {
    world.pipedrive.get("ledger")
}

fn tokens(books: &Value) -> u64 {
    books["tokens"].as_u64().expect("a number")
}

fn writes(books: &Value) -> [Value; 3] {
    ["created", "updated", "deleted"].map(|kind| books[kind].clone())
}
