//! Names of the metrics and their descriptions, in one place (design: section 11).

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Records that passed a stage, by `object`, `stage` and `fate`.
pub const RECORDS: &str = "crossdock_records_total";
/// Batches waiting before a stage, by `stage`.
pub const STAGE_QUEUE_DEPTH: &str = "crossdock_stage_queue_depth";
/// Batches that fit before a stage, by `stage`.
pub const STAGE_QUEUE_CAPACITY: &str = "crossdock_stage_queue_capacity";
/// Time one batch spent in a stage, by `stage`.
pub const STAGE_BATCH_SECONDS: &str = "crossdock_stage_batch_seconds";
/// Pipedrive tokens spent, by `endpoint`.
pub const TOKENS_SPENT: &str = "crossdock_tokens_spent_total";
/// Pipedrive tokens left today.
pub const TOKENS_REMAINING: &str = "crossdock_tokens_remaining";
/// Requests to Pipedrive, by `endpoint` and `status`.
pub const REQUESTS: &str = "crossdock_requests_total";
/// Time from sending a request to its whole answer, by `endpoint`.
pub const REQUEST_SECONDS: &str = "crossdock_request_seconds";
/// Time spent waiting on purpose, by `reason`.
pub const WAIT_SECONDS: &str = "crossdock_wait_seconds_total";
/// Records that wait, by `reason`.
pub const PARKED: &str = "crossdock_parked";
/// Age of the newest source change that is not yet in Pipedrive.
pub const DELTA_LAG_SECONDS: &str = "crossdock_delta_lag_seconds";
/// When the migration is expected to finish, seconds since 1970.
pub const FORECAST_FINISH: &str = "crossdock_forecast_finish_timestamp_seconds";
/// Time one group commit of the journal took.
pub const JOURNAL_COMMIT_SECONDS: &str = "crossdock_journal_commit_seconds";
/// Writes whose outcome is unknown.
pub const IN_DOUBT: &str = "crossdock_in_doubt";
/// 1 for the phase the migration is in, by `phase`.
pub const PHASE: &str = "crossdock_phase";

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
    describe_counter!(WAIT_SECONDS, "Time spent waiting on purpose, by reason");
    describe_gauge!(PARKED, "Records that wait, by reason");
    describe_gauge!(DELTA_LAG_SECONDS, metrics::Unit::Seconds, "Age of the newest change not yet in Pipedrive");
    describe_gauge!(FORECAST_FINISH, "When the migration is expected to finish, seconds since 1970");
    describe_histogram!(JOURNAL_COMMIT_SECONDS, metrics::Unit::Seconds, "Time one group commit of the journal took");
    describe_gauge!(IN_DOUBT, "Writes whose outcome is unknown");
    describe_gauge!(PHASE, "1 for the phase the migration is in");
}
