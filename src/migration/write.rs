//! Writing what a phase found, for machines and for people.

use serde::Serialize;

use super::Migration;
use super::plan::Plan;
use super::verify::Verification;
use crate::error::{Error, Kind, Result};

impl Migration {
    pub(super) fn write_plan(&self, plan: &Plan) -> Result<()> {
        self.write_json("plan", plan)
    }

    pub(super) fn write_verification(&self, verification: &Verification) -> Result<()> {
        self.write_json("verification", verification)
    }

    fn write_json(&self, name: &str, report: &impl Serialize) -> Result<()> {
        let failed = |error| Error::new(Kind::Settings, format!("writing report {name}")).because(error);
        std::fs::create_dir_all(self.reports()).map_err(failed)?;
        let text = serde_json::to_string_pretty(report)
            .map_err(|error| Error::new(Kind::Bug, format!("report {name}")).because(error))?;
        std::fs::write(self.reports().join(format!("{name}.json")), text).map_err(failed)
    }
}
