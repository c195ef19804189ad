//! What happens in an account: webhooks, recents, changelogs, archives; and its search, currencies and lead sources.
//!
//! Source: OpenAPI v1 and v2, published 2026-08-18; guide "Webhooks v2". The search lags behind writes, so it finds what
//! people may mean and proves nothing.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::Client;
use super::endpoint::{Endpoint, Listed, id};
use crate::error::{Error, Kind, Result};
use crate::permit::WritePermit;
use crate::record::Entity;

/// Webhooks of one user at the most (guide "Webhooks v2").
pub const WEBHOOKS_MAX: usize = 40;

const LIST_WEBHOOKS: Endpoint =
    Endpoint { name: "GET /v1/webhooks", method: Method::GET, path: "api/v1/webhooks", cost: 10 };
const CREATE_WEBHOOK: Endpoint =
    Endpoint { name: "POST /v1/webhooks", method: Method::POST, path: "api/v1/webhooks", cost: 10 };
const DELETE_WEBHOOK: Endpoint =
    Endpoint { name: "DELETE /v1/webhooks/ID", method: Method::DELETE, path: "api/v1/webhooks/{}", cost: 6 };
const RECENTS: Endpoint = Endpoint { name: "GET /v1/recents", method: Method::GET, path: "api/v1/recents", cost: 20 };
const CURRENCIES: Endpoint =
    Endpoint { name: "GET /v1/currencies", method: Method::GET, path: "api/v1/currencies", cost: 20 };
const LEAD_SOURCES: Endpoint =
    Endpoint { name: "GET /v1/leadSources", method: Method::GET, path: "api/v1/leadSources", cost: 2 };
const SEARCH_FIELD: Endpoint =
    Endpoint { name: "GET /v2/itemSearch/field", method: Method::GET, path: "api/v2/itemSearch/field", cost: 20 };
const ARCHIVED_DEALS: Endpoint =
    Endpoint { name: "GET /v2/deals/archived", method: Method::GET, path: "api/v2/deals/archived", cost: 20 };
const ARCHIVED_LEADS: Endpoint =
    Endpoint { name: "GET /v1/leads/archived", method: Method::GET, path: "api/v1/leads/archived", cost: 40 };
const CHANGES_OF_DEAL: Endpoint =
    Endpoint { name: "GET /v1/deals/ID/changelog", method: Method::GET, path: "api/v1/deals/{}/changelog", cost: 20 };
const CHANGES_OF_PERSON: Endpoint = Endpoint {
    name: "GET /v1/persons/ID/changelog",
    method: Method::GET,
    path: "api/v1/persons/{}/changelog",
    cost: 20,
};
const CHANGES_OF_ORGANIZATION: Endpoint = Endpoint {
    name: "GET /v1/organizations/ID/changelog",
    method: Method::GET,
    path: "api/v1/organizations/{}/changelog",
    cost: 20,
};

/// A webhook about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewWebhook {
    /// Its name.
    pub name: String,
    /// Where it calls.
    pub subscription_url: String,
    /// `create`, `change`, `delete` or `*`.
    pub event_action: String,
    /// `deal`, `person`, … or `*`.
    pub event_object: String,
}

/// A webhook of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// Where it calls.
    pub subscription_url: String,
    /// What it is told of.
    pub event_action: String,
    /// Of which kind of record.
    pub event_object: String,
}

/// Something that changed lately. Leads are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recent {
    /// What it is: `deal`, `person`, …
    pub item: String,
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
}

/// One change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Change {
    /// The field's key.
    pub field_key: String,
    /// What it was.
    #[serde(default)]
    pub old_value: Value,
    /// What it became.
    #[serde(default)]
    pub new_value: Value,
    /// Who did it, as far as Pipedrive tells: `app`, `api`, …
    #[serde(default)]
    pub change_source: Option<String>,
    /// When, as Pipedrive writes it, UTC.
    pub time: String,
}

/// A currency that the account may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO code, or the account's own.
    pub code: String,
    /// Whether it is switched on.
    #[serde(default)]
    pub active_flag: bool,
}

/// Where a lead came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LeadSource {
    /// Its name.
    pub name: String,
}

impl Client {
    /// The webhooks of the account that our user may see.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>> {
        Ok(self.ask_page(&LIST_WEBHOOKS, &[], Vec::new()).await?.rows)
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// Those of [`Client::create`]; `Refused` behind [`WEBHOOKS_MAX`].
    pub async fn create_webhook(&self, new: &NewWebhook, permit: &WritePermit) -> Result<Webhook> {
        self.tell(&CREATE_WEBHOOK, &[], new, permit).await
    }

    /// Deletes a webhook; one that is gone is not an error.
    ///
    /// # Errors
    /// Those of [`Client::delete`].
    pub async fn delete_webhook(&self, webhook: &str, permit: &WritePermit) -> Result<()> {
        self.remove(&DELETE_WEBHOOK, &[webhook], permit).await
    }

    /// One page of what changed since a time, at most a month ago.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn recents(&self, since: Timestamp, from: Option<&str>) -> Result<Listed<Recent>> {
        let since = since.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut query = vec![("since_timestamp", since), ("limit", "500".to_owned())];
        query.extend(from.map(|start| ("start", start.to_owned())));
        self.ask_page(&RECENTS, &[], query).await
    }

    /// One page of the changes of one record, newest first.
    ///
    /// # Errors
    /// Those of a read; `Bug` for a kind of record without a changelog.
    pub async fn changelog(&self, entity: Entity, record: &str, from: Option<&str>) -> Result<Listed<Change>> {
        let endpoint = match entity {
            Entity::Deal => &CHANGES_OF_DEAL,
            Entity::Person => &CHANGES_OF_PERSON,
            Entity::Organization => &CHANGES_OF_ORGANIZATION,
            _ => return Err(Error::new(Kind::Bug, format!("{entity}: has no changelog"))),
        };
        let query = from.map(|cursor| ("cursor", cursor.to_owned())).into_iter().collect();
        self.ask_page(endpoint, &[record], query).await
    }

    /// Ids of records of which a field is exactly this, as far as the search has heard of them.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn find_by_field(&self, entity: Entity, field: &str, text: &str) -> Result<Vec<Arc<str>>> {
        #[derive(Deserialize)]
        struct Hit {
            #[serde(deserialize_with = "id")]
            id: Arc<str>,
        }
        let query = vec![
            ("term", text.to_owned()),
            ("entity_type", entity.to_string()),
            ("field", field.to_owned()),
            ("match", "exact".to_owned()),
        ];
        let hits: Listed<Hit> = self.ask_page(&SEARCH_FIELD, &[], query).await?;
        Ok(hits.rows.into_iter().map(|hit| hit.id).collect())
    }

    /// One page of archived deals or leads, as JSON.
    ///
    /// # Errors
    /// Those of a read; `Bug` for a kind of record without an archive.
    pub async fn archived(&self, entity: Entity, from: Option<&str>) -> Result<Listed<Map<String, Value>>> {
        let (endpoint, key) = match entity {
            Entity::Deal => (&ARCHIVED_DEALS, "cursor"),
            Entity::Lead => (&ARCHIVED_LEADS, "start"),
            _ => return Err(Error::new(Kind::Bug, format!("{entity}: has no archive"))),
        };
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(from.map(|from| (key, from.to_owned())));
        self.ask_page(endpoint, &[], query).await
    }

    /// The currencies of the account.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn currencies(&self) -> Result<Vec<Currency>> {
        Ok(self.ask_page(&CURRENCIES, &[], Vec::new()).await?.rows)
    }

    /// Where leads of this account can come from.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn lead_sources(&self) -> Result<Vec<LeadSource>> {
        Ok(self.ask_page(&LEAD_SOURCES, &[], Vec::new()).await?.rows)
    }
}
