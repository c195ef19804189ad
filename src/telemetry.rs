//! Names of the metrics and their descriptions, in one place (design: section 11).

use std::time::Instant;

use metrics::{Label, describe_counter, describe_gauge, describe_histogram, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Records that passed a stage, by `object`, `stage` and `fate`.
pub const RECORDS: &str = "crossdock_records_total";
/// Batches waiting before a stage, by `stage`.
pub const STAGE_QUEUE_DEPTH: &str = "crossdock_stage_queue_depth";
/// Batches that fit before a stage, by `stage`.
pub const STAGE_QUEUE_CAPACITY: &str = "crossdock_stage_queue_capacity";
/// Time one batch spent in a stage, by `stage`.
pub const STAGE_BATCH_SECONDS: &str = "crossdock_stage_batch_seconds";
/// Pipedrive tokens spent, by `endpoint`; those of a staging company with `company="staging"` on top.
pub const TOKENS_SPENT: &str = "crossdock_tokens_spent_total";
/// Pipedrive tokens left today; those of a staging company with `company="staging"`.
pub const TOKENS_REMAINING: &str = "crossdock_tokens_remaining";
/// Requests to Pipedrive, by `endpoint` and `status`; those to a staging company with `company="staging"` on top.
pub const REQUESTS: &str = "crossdock_requests_total";
/// Time from sending a request to its whole answer, by `endpoint`.
pub const REQUEST_SECONDS: &str = "crossdock_request_seconds";
/// Calls that may be in flight at the same time: fewer while Pipedrive answers more slowly than usual.
pub const CALLS_IN_FLIGHT_LIMIT: &str = "crossdock_calls_in_flight_limit";
/// Time spent waiting on purpose, by `reason`.
pub const WAIT_SECONDS: &str = "crossdock_wait_seconds_total";
/// Records that wait, by `reason`.
pub const PARKED: &str = "crossdock_parked";
/// 1 for a kind of source record that is paused because the source answers in another form than it did, by `object`.
pub const PAUSED: &str = "crossdock_paused";
/// Time since the source was last read of which everything is settled in Pipedrive: no change is longer on its way.
pub const DELTA_LAG_SECONDS: &str = "crossdock_delta_lag_seconds";
/// When the load is expected to finish as things stand, seconds since 1970; known from the beginning of the load. After
/// its end: when it did.
pub const FORECAST_FINISH: &str = "crossdock_forecast_finish_timestamp_seconds";
/// When the load was expected to finish before the first write, seconds since 1970.
pub const FORECAST_FIRST_FINISH: &str = "crossdock_forecast_first_finish_timestamp_seconds";
/// Records that the load makes, by `kind`: `forecast` before the first write, `actual` so far.
pub const LOAD_RECORDS: &str = "crossdock_load_records";
/// Tokens until the end of the load, by `kind`: `forecast` before the first write, `actual` so far, in all runs.
pub const LOAD_TOKENS: &str = "crossdock_load_tokens";
/// Time one group commit of the journal took.
pub const JOURNAL_COMMIT_SECONDS: &str = "crossdock_journal_commit_seconds";
/// Writes whose outcome is unknown.
pub const IN_DOUBT: &str = "crossdock_in_doubt";
/// 1 for the phase the migration is in, by `phase`.
pub const PHASE: &str = "crossdock_phase";
/// 1 for the Pipedrive company that is written to, by `company`: `real` or `staging`. Both are 0 before the first write.
pub const WRITES_TO: &str = "crossdock_writes_to";

/// Upper bounds of the buckets of [`JOURNAL_COMMIT_SECONDS`]: a commit is one flush of a disk.
const COMMIT_BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// Upper bounds of the buckets of [`REQUEST_SECONDS`]: from a round trip on the same continent to the usual time limit.
const REQUEST_BUCKETS: [f64; 9] = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 10.0, 30.0];

/// Upper bounds of the buckets of [`STAGE_BATCH_SECONDS`]: from a batch on the CPU to one that waits for its pace.
const BATCH_BUCKETS: [f64; 9] = [0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0, 20.0, 60.0];

/// How the metrics of a migration are recorded: every one carries its name, and durations are real histograms, so that
/// several migrations and endpoints can be added up.
///
/// # Errors
/// None with the bounds above; the recorder refuses empty ones.
pub fn builder(migration: &str) -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .add_global_label("migration", migration)
        .set_buckets_for_metric(Matcher::Full(JOURNAL_COMMIT_SECONDS.to_owned()), &COMMIT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.to_owned()), &REQUEST_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(STAGE_BATCH_SECONDS.to_owned()), &BATCH_BUCKETS)
}

/// Times one batch in one stage, from its making to its dropping. It is told to people only and decides nothing, so it
/// is real time also under a stepped clock.
#[derive(Debug)]
pub struct BatchTimer {
    stage: &'static str,
    began: Instant,
}

impl BatchTimer {
    /// Begins now.
    #[must_use]
    pub fn start(stage: &'static str) -> Self {
        Self { stage, began: Instant::now() }
    }
}

impl Drop for BatchTimer {
    fn drop(&mut self) {
        histogram!(STAGE_BATCH_SECONDS, "stage" => self.stage).record(self.began.elapsed());
    }
}

/// The labels of a metric about one Pipedrive company: its own ones, and which company where that is the staging one.
#[must_use]
pub fn of_company(is_staging: bool, own: &[(&'static str, &'static str)]) -> Vec<Label> {
    let company = is_staging.then_some(("company", "staging"));
    own.iter().copied().chain(company).map(|(name, value)| Label::from_static_parts(name, value)).collect()
}

/// Gives the recorder every description once.
pub fn describe() {
    describe_counter!(RECORDS, "Records that passed a stage, by object, stage and fate");
    describe_gauge!(STAGE_QUEUE_DEPTH, "Batches waiting before a stage");
    describe_gauge!(STAGE_QUEUE_CAPACITY, "Batches that fit before a stage");
    describe_histogram!(STAGE_BATCH_SECONDS, metrics::Unit::Seconds, "Time one batch spent in a stage");
    describe_counter!(TOKENS_SPENT, "Pipedrive tokens spent, by endpoint");
    describe_gauge!(TOKENS_REMAINING, "Pipedrive tokens left today");
    describe_counter!(REQUESTS, "Requests to Pipedrive, by endpoint and status");
    describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "Time from sending a request to its whole answer");
    describe_gauge!(CALLS_IN_FLIGHT_LIMIT, "Calls that may be in flight at the same time");
    describe_counter!(WAIT_SECONDS, "Time spent waiting on purpose, by reason");
    describe_gauge!(PARKED, "Records that wait, by reason");
    describe_gauge!(PAUSED, "1 for a kind of source record that is paused because the source has changed");
    describe_gauge!(
        DELTA_LAG_SECONDS,
        metrics::Unit::Seconds,
        "Time since the source was read of which all is in Pipedrive"
    );
    describe_gauge!(FORECAST_FINISH, "When the load is expected to finish as things stand, seconds since 1970");
    describe_gauge!(FORECAST_FIRST_FINISH, "When the load was expected to finish before the first write, since 1970");
    describe_gauge!(LOAD_RECORDS, "Records that the load makes: forecast before the first write, and actual so far");
    describe_gauge!(
        LOAD_TOKENS,
        "Tokens until the end of the load: forecast before the first write, and actual so far"
    );
    describe_histogram!(JOURNAL_COMMIT_SECONDS, metrics::Unit::Seconds, "Time one group commit of the journal took");
    describe_gauge!(IN_DOUBT, "Writes whose outcome is unknown");
    describe_gauge!(PHASE, "1 for the phase the migration is in");
    describe_gauge!(WRITES_TO, "1 for the Pipedrive company that is written to: real or staging");
}
