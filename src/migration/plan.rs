//! The plan: what will be made in Pipedrive and what it costs, approved before the first write.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Migration;
use super::load::STEPS;
use super::survey::Needs;
use crate::config::Spending;
use crate::error::{Error, Kind, Result};
use crate::pipedrive::route;
use crate::record::Entity;

/// What is approved at the gate `plan`. Its digest is that of its JSON, so nothing in it may depend on the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Plan {
    /// Records to be made, by kind.
    pub(super) records: BTreeMap<String, u64>,
    /// Custom fields: `deal/Rush (enum)`.
    pub(super) fields: Vec<String>,
    /// Options of custom fields.
    pub(super) options: u64,
    /// Lead labels.
    pub(super) lead_labels: u64,
    /// Tokens that the creates cost: the least that this can be done for.
    pub(super) tokens_minimum: u64,
    /// Tokens with all reading, sweeping and verifying.
    pub(super) tokens_forecast: u64,
    /// Seconds at the plan's pace.
    pub(super) seconds_forecast: u64,
    /// Digest of the mapping it was made with.
    pub(super) mapping: String,
}

impl Migration {
    pub(super) fn plan(&self, needs: &Needs) -> Plan {
        let count = |entity: Entity| needs.drafts.get(entity.as_str()).copied().unwrap_or_default();
        let creates: u64 = STEPS.iter().map(|entity| count(*entity) * u64::from(route(*entity).create)).sum();
        let fields = self.mapping.custom_fields();
        let setup = fields.len() as u64 * 5 + needs.lead_labels.len() as u64 * 10;
        let list = |entity: Entity| {
            let route = route(entity);
            (count(entity) / u64::from(route.page_rows.max(1)) + 1) * u64::from(route.list)
        };
        // Each kind is listed by its sweep and by the verification, and once at its beginning.
        let reading: u64 = STEPS.iter().map(|entity| 3 * list(*entity)).sum();
        let calls: u64 = STEPS.iter().map(|entity| count(*entity)).sum();
        Plan {
            records: needs.drafts.clone(),
            fields: fields
                .iter()
                .map(|field| format!("{}/{} ({})", field.entity, field.name, field.field_type))
                .collect(),
            options: needs.options.values().map(|options| options.len() as u64).sum(),
            lead_labels: needs.lead_labels.len() as u64,
            tokens_minimum: creates + setup,
            tokens_forecast: creates + setup + reading,
            seconds_forecast: seconds(self.config.pipedrive.spending, calls, creates + setup + reading),
            mapping: self.mapping.digest().to_owned(),
        }
    }
}

impl Plan {
    /// What an approval names.
    pub(super) fn digest(&self) -> Result<String> {
        let text =
            serde_json::to_vec(self).map_err(|error| Error::new(Kind::Bug, "the plan is not JSON").because(error))?;
        Ok(blake3::hash(&text).to_hex().to_string())
    }
}

/// The window's pace within a day, and whole days for what a day's tokens do not cover.
fn seconds(spending: Spending, calls: u64, tokens: u64) -> u64 {
    const DAY_SECONDS: u64 = 24 * 60 * 60;
    match spending {
        Spending::Unlimited => 0,
        Spending::Planned { plan, seats, top_up_tokens_day, reserve_tokens_day } => {
            let a_day =
                (plan.tokens_seat_day() * u64::from(seats) + top_up_tokens_day).saturating_sub(reserve_tokens_day);
            let full_days = tokens.saturating_sub(1) / a_day.max(1);
            let pace = u64::from(plan.window_requests()).max(1);
            let calls_last_day = if full_days == 0 { calls } else { calls * (tokens % a_day.max(1)) / tokens.max(1) };
            // A window of two seconds, and a round trip of about a tenth of one.
            full_days * DAY_SECONDS + calls_last_day * 21 / 10 / pace
        }
    }
}
