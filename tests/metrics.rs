//! Renders every metric once, as Prometheus would scrape it; `make test-all` gives the file to promtool.

use std::fs;
use std::path::Path;

use metrics::{counter, gauge, histogram};

use crossdock::telemetry;

#[test]
fn every_metric_renders_with_its_help() {
    let recorder = telemetry::builder("acme").expect("the buckets are not empty").build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        telemetry::describe();
        counter!(telemetry::RECORDS, "object" => "client", "stage" => "load", "fate" => "loaded").increment(1);
        gauge!(telemetry::STAGE_QUEUE_DEPTH, "stage" => "load").set(3.0);
        gauge!(telemetry::STAGE_QUEUE_CAPACITY, "stage" => "load").set(8.0);
        histogram!(telemetry::STAGE_BATCH_SECONDS, "stage" => "load").record(0.25);
        counter!(telemetry::TOKENS_SPENT, "endpoint" => "POST /v2/persons").increment(5);
        gauge!(telemetry::TOKENS_REMAINING).set(150_000.0);
        counter!(telemetry::REQUESTS, "endpoint" => "POST /v2/persons", "status" => "201").increment(1);
        histogram!(telemetry::REQUEST_SECONDS, "endpoint" => "POST /v2/persons").record(0.1);
        counter!(telemetry::WAIT_SECONDS, "reason" => "burst").increment(2);
        gauge!(telemetry::PARKED, "reason" => "owner").set(4.0);
        gauge!(telemetry::PAUSED, "object" => "client").set(0.0);
        gauge!(telemetry::DELTA_LAG_SECONDS).set(12.0);
        gauge!(telemetry::FORECAST_FINISH).set(1.8e9);
        gauge!(telemetry::FORECAST_FIRST_FINISH).set(1.8e9);
        gauge!(telemetry::LOAD_RECORDS, "kind" => "forecast").set(10.0);
        gauge!(telemetry::LOAD_TOKENS, "kind" => "actual").set(50.0);
        histogram!(telemetry::JOURNAL_COMMIT_SECONDS).record(0.001);
        gauge!(telemetry::IN_DOUBT).set(0.0);
        gauge!(telemetry::PHASE, "phase" => "load").set(1.0);
    });

    let scrape = handle.render();

    let described = scrape.lines().filter(|line| line.starts_with("# HELP crossdock_")).count();
    assert_eq!(described, 19, "{scrape}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scrape.prom");
    fs::write(file, scrape).expect("the target folder can be written");
}
