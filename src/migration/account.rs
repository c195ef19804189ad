//! What the Pipedrive account holds already and counts towards its plan's limits, read once, at the survey.

use super::Migration;
use super::survey::{Needs, option_key};
use crate::config::Spending;
use crate::error::Result;
use crate::pipedrive::{Listing, route};
use crate::record::{Entity, fold_name};
use crate::report::plan::caps::{ACTIVE_CEILING, Existing, active_leads_and_deals};

impl Migration {
    /// Counts custom fields and active leads and deals, and notes what the data needs and the account has. Without limits,
    /// where there is nothing to hold it against, nothing is counted.
    ///
    /// No list tells how many there are: that takes a page for each 500, so it ends where the plan's limit does.
    ///
    /// # Errors
    /// Those of reads; `Stopped`.
    pub(super) async fn count_existing(&self, needs: &mut Needs) -> Result<()> {
        let Spending::Planned { plan, seats, .. } = self.config.pipedrive.spending else { return Ok(()) };
        let mut existing = Existing::default();
        self.note_known(needs, &mut existing).await?;
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

    /// Fields, labels and types that are there: they are neither made nor paid.
    async fn note_known(&self, needs: &mut Needs, existing: &mut Existing) -> Result<()> {
        let wanted = self.mapping.custom_fields();
        for (owner, entity) in [
            (Entity::Organization, Entity::OrganizationField),
            (Entity::Person, Entity::PersonField),
            (Entity::Deal, Entity::DealField),
        ] {
            let fields = self.client.fields(entity).await?;
            existing.add_call(route(entity).list);
            let customs = fields.iter().filter(|field| field.custom);
            existing.custom_fields += customs.clone().count() as u64;
            let is_wanted = |name: &str| wanted.iter().any(|field| field.entity == owner && field.name == name);
            let known = customs.filter(|field| is_wanted(&field.name)).map(|field| option_key(owner, &field.name));
            needs.known_fields.extend(known);
        }
        let labels = self.by_name(Entity::LeadLabel, "id").await?;
        existing.add_call(route(Entity::LeadLabel).list);
        let types = self.known_types().await?;
        existing.add_call(route(Entity::ActivityType).list);
        let is_known = |name: &&String| labels.contains_key(&fold_name(name));
        needs.known_labels = needs.lead_labels.iter().filter(is_known).cloned().collect();
        let is_known = |name: &&String| types.contains_key(&fold_name(name));
        needs.known_types = needs.activity_types.iter().filter(is_known).cloned().collect();
        Ok(())
    }
}
