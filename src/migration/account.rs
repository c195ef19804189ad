//! What the Pipedrive account holds already and counts towards its plan's limits, read once, at the survey.

use super::Migration;
use super::inventory::{Inventory, reading};
use super::survey::Needs;
use crate::config::Spending;
use crate::error::Result;
use crate::pipedrive::{Listing, route};
use crate::record::Entity;
use crate::report::plan::caps::{ACTIVE_CEILING, Existing, active_leads_and_deals};

impl Migration {
    /// Counts custom fields and active leads and deals. Without limits, where there is nothing to hold it against, nothing
    /// is counted.
    ///
    /// No list tells how many there are: that takes a page for each 500, so it ends where the plan's limit does.
    ///
    /// # Errors
    /// Those of reads; `Stopped`.
    pub(super) async fn count_existing(&self, needs: &mut Needs, inventory: &Inventory) -> Result<()> {
        let Spending::Planned { plan, seats, .. } = self.config.pipedrive.spending else { return Ok(()) };
        let mut existing = Existing { custom_fields: inventory.custom_fields(), ..reading() };
        let most = active_leads_and_deals(plan, seats).unwrap_or(ACTIVE_CEILING);
        for entity in [Entity::Deal, Entity::Lead] {
            let mut from = None;
            loop {
                self.border().await?;
                let page = self.client.page(entity, &Listing::default(), from.as_ref()).await?;
                existing.add_call(route(entity).list);
                existing.leads_and_deals += page.rows.len() as u64;
                if page.next.is_none() || page.next == from {
                    break;
                }
                if existing.leads_and_deals > most {
                    existing.has_more = true;
                    needs.existing = Some(existing);
                    return Ok(());
                }
                from = page.next;
            }
        }
        needs.existing = Some(existing);
        Ok(())
    }
}
