//! What the Pipedrive account holds already and counts towards its plan's limits, read once, at the survey.

use std::collections::BTreeSet;

use super::Migration;
use super::survey::option_key;
use crate::config::Spending;
use crate::error::Result;
use crate::pipedrive::{Listing, route};
use crate::record::Entity;
use crate::report::plan::caps::{ACTIVE_CEILING, Existing, active_leads_and_deals};

impl Migration {
    /// Counts custom fields and active leads and deals, and says which of the fields that the mapping needs are there.
    /// `None` without limits, where there is nothing to hold it against.
    ///
    /// No list tells how many there are: that takes a page for each 500, so it ends where the plan's limit does.
    ///
    /// # Errors
    /// Those of reads; `Stopped`.
    pub(super) async fn existing(&self) -> Result<(Option<Existing>, BTreeSet<String>)> {
        let Spending::Planned { plan, seats, .. } = self.config.pipedrive.spending else {
            return Ok((None, BTreeSet::new()));
        };
        let mut existing = Existing::default();
        let wanted = self.mapping.custom_fields();
        let mut known = BTreeSet::new();
        for (owner, entity) in [
            (Entity::Organization, Entity::OrganizationField),
            (Entity::Person, Entity::PersonField),
            (Entity::Deal, Entity::DealField),
        ] {
            let fields = self.client.fields(entity).await?;
            existing.requests += 1;
            existing.tokens += u64::from(route(entity).list);
            let customs = fields.iter().filter(|field| field.custom);
            existing.custom_fields += customs.clone().count() as u64;
            let is_wanted = |name: &str| wanted.iter().any(|field| field.entity == owner && field.name == name);
            known.extend(customs.filter(|field| is_wanted(&field.name)).map(|field| option_key(owner, &field.name)));
        }
        let most = active_leads_and_deals(plan, seats).unwrap_or(ACTIVE_CEILING);
        for entity in [Entity::Deal, Entity::Lead] {
            let mut from = None;
            loop {
                self.border().await?;
                let page = self.client.page(entity, &Listing::default(), from.as_ref()).await?;
                existing.requests += 1;
                existing.tokens += u64::from(route(entity).list);
                existing.leads_and_deals += page.rows.len() as u64;
                if page.next.is_none() || page.next == from {
                    break;
                }
                if existing.leads_and_deals > most {
                    existing.has_more = true;
                    return Ok((Some(existing), known));
                }
                from = page.next;
            }
        }
        Ok((Some(existing), known))
    }
}
