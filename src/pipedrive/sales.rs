//! Products, products on deals, participants, merges and conversions.
//!
//! Source: OpenAPI v1 and v2, published 2026-08-18; which record survives a merge is seen on live accounts.

use std::sync::Arc;

use reqwest::Method;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use super::endpoint::{Endpoint, Listed, id, maybe_id};
use crate::error::{Error, Kind, Result};
use crate::permit::WritePermit;
use crate::record::Entity;

/// Products that one call puts on a deal at the most.
pub const BULK_PRODUCTS_MAX: usize = 100;

const CREATE_PRODUCT: Endpoint =
    Endpoint { name: "POST /v2/products", method: Method::POST, path: "api/v2/products", cost: 5 };
const LIST_PRODUCTS: Endpoint =
    Endpoint { name: "GET /v2/products", method: Method::GET, path: "api/v2/products", cost: 10 };
const DELETE_PRODUCT: Endpoint =
    Endpoint { name: "DELETE /v2/products/ID", method: Method::DELETE, path: "api/v2/products/{}", cost: 3 };
const ADD_TO_DEAL: Endpoint = Endpoint {
    name: "POST /v2/deals/ID/products/bulk",
    method: Method::POST,
    path: "api/v2/deals/{}/products/bulk",
    cost: 25,
};
const LIST_OF_DEAL: Endpoint =
    Endpoint { name: "GET /v2/deals/ID/products", method: Method::GET, path: "api/v2/deals/{}/products", cost: 10 };
const ADD_PARTICIPANT: Endpoint = Endpoint {
    name: "POST /v1/deals/ID/participants",
    method: Method::POST,
    path: "api/v1/deals/{}/participants",
    cost: 10,
};
const LIST_PARTICIPANTS: Endpoint = Endpoint {
    name: "GET /v1/deals/ID/participants",
    method: Method::GET,
    path: "api/v1/deals/{}/participants",
    cost: 10,
};
const MERGE_DEALS: Endpoint =
    Endpoint { name: "PUT /v1/deals/ID/merge", method: Method::PUT, path: "api/v1/deals/{}/merge", cost: 40 };
const MERGE_PERSONS: Endpoint =
    Endpoint { name: "PUT /v1/persons/ID/merge", method: Method::PUT, path: "api/v1/persons/{}/merge", cost: 40 };
const MERGE_ORGANIZATIONS: Endpoint = Endpoint {
    name: "PUT /v1/organizations/ID/merge",
    method: Method::PUT,
    path: "api/v1/organizations/{}/merge",
    cost: 40,
};
const CONVERT_LEAD: Endpoint = Endpoint {
    name: "POST /v2/leads/ID/convert/deal",
    method: Method::POST,
    path: "api/v2/leads/{}/convert/deal",
    cost: 40,
};
const CONVERSION_OF_LEAD: Endpoint = Endpoint {
    name: "GET /v2/leads/ID/convert/status/ID",
    method: Method::GET,
    path: "api/v2/leads/{}/convert/status/{}",
    cost: 1,
};
const CONVERT_DEAL: Endpoint = Endpoint {
    name: "POST /v2/deals/ID/convert/lead",
    method: Method::POST,
    path: "api/v2/deals/{}/convert/lead",
    cost: 40,
};
const CONVERSION_OF_DEAL: Endpoint = Endpoint {
    name: "GET /v2/deals/ID/convert/status/ID",
    method: Method::GET,
    path: "api/v2/deals/{}/convert/status/{}",
    cost: 1,
};

/// A product about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewProduct {
    /// Its name.
    pub name: String,
    /// Its code (SKU).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Prices, one a currency.
    pub prices: Vec<Price>,
}

/// A price in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// ISO code.
    pub currency: String,
    /// The price of one.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub price: Decimal,
}

/// A product as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Product {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its code (SKU).
    #[serde(default)]
    pub code: Option<String>,
}

/// A product about to be put on a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDealProduct {
    /// Which product.
    pub product_id: i64,
    /// The price of one, in the deal's currency.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub item_price: Decimal,
    /// How many.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub quantity: Decimal,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
}

/// A product on a deal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DealProduct {
    /// The id of the attachment, not of the product.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// The product.
    #[serde(deserialize_with = "id")]
    pub product_id: Arc<str>,
    /// The price of one.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub item_price: Decimal,
    /// How many.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub quantity: Decimal,
}

/// A person who takes part in a deal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DealParticipant {
    /// The id of the participation.
    #[serde(deserialize_with = "id")]
    pub id: Arc<str>,
    /// The person.
    #[serde(default, deserialize_with = "maybe_id")]
    pub person_id: Option<Arc<str>>,
}

/// How a conversion goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Conversion {
    /// `not_started`, `running`, `completed`, `failed` or `rejected`.
    pub status: String,
    /// The deal it made.
    #[serde(default, deserialize_with = "maybe_id")]
    pub deal_id: Option<Arc<str>>,
    /// The lead it made.
    #[serde(default, deserialize_with = "maybe_id")]
    pub lead_id: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct Begun {
    #[serde(deserialize_with = "id")]
    conversion_id: Arc<str>,
}

#[derive(Deserialize)]
struct Survivor {
    #[serde(deserialize_with = "id")]
    id: Arc<str>,
}

impl Client {
    /// Makes a product.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn create_product(&self, new: &NewProduct, permit: &WritePermit) -> Result<Product> {
        self.tell(&CREATE_PRODUCT, &[], new, permit).await
    }

    /// One page of products, by id.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn products(&self, from: Option<&str>) -> Result<Listed<Product>> {
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(from.map(|cursor| ("cursor", cursor.to_owned())));
        self.ask_page(&LIST_PRODUCTS, &[], query).await
    }

    /// Deletes a product; one that is gone is not an error.
    ///
    /// # Errors
    /// Those of [`Client::delete`].
    pub async fn delete_product(&self, product: &str, permit: &WritePermit) -> Result<()> {
        self.remove(&DELETE_PRODUCT, &[product], permit).await
    }

    /// Puts products on a deal, in one call.
    ///
    /// # Errors
    /// Those of [`Client::create`]; `Bug` for none or more than [`BULK_PRODUCTS_MAX`].
    pub async fn add_products(
        &self,
        deal: &str,
        products: &[NewDealProduct],
        permit: &WritePermit,
    ) -> Result<Vec<DealProduct>> {
        if products.is_empty() || products.len() > BULK_PRODUCTS_MAX {
            return Err(Error::new(Kind::Bug, format!("{} products in one call", products.len())));
        }
        self.tell(&ADD_TO_DEAL, &[deal], &json!({ "data": products }), permit).await
    }

    /// One page of the products on a deal.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn products_of(&self, deal: &str, from: Option<&str>) -> Result<Listed<DealProduct>> {
        let mut query = vec![("limit", "500".to_owned())];
        query.extend(from.map(|cursor| ("cursor", cursor.to_owned())));
        self.ask_page(&LIST_OF_DEAL, &[deal], query).await
    }

    /// Lets a person take part in a deal.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn add_participant(&self, deal: &str, person: i64, permit: &WritePermit) -> Result<DealParticipant> {
        self.tell(&ADD_PARTICIPANT, &[deal], &json!({ "person_id": person }), permit).await
    }

    /// One page of those who take part in a deal.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn participants(&self, deal: &str, from: Option<&str>) -> Result<Listed<DealParticipant>> {
        let query = from.map(|start| ("start", start.to_owned())).into_iter().collect();
        self.ask_page(&LIST_PARTICIPANTS, &[deal], query).await
    }

    /// Merges one record into another, whose data win; gives the id of the one that is left. Another merge of the same
    /// two is refused, so an unclear answer is settled by looking which of them is there.
    ///
    /// # Errors
    /// Those of an update; `Bug` for a kind of record that cannot be merged.
    pub async fn merge(&self, entity: Entity, gone: &str, kept: i64, permit: &WritePermit) -> Result<Arc<str>> {
        let endpoint = match entity {
            Entity::Deal => &MERGE_DEALS,
            Entity::Person => &MERGE_PERSONS,
            Entity::Organization => &MERGE_ORGANIZATIONS,
            _ => return Err(Error::new(Kind::Bug, format!("{entity}: cannot be merged"))),
        };
        let survivor: Survivor = self.tell(endpoint, &[gone], &json!({ "merge_with_id": kept }), permit).await?;
        Ok(survivor.id)
    }

    /// Begins to turn a lead into a deal; gives the id of the conversion.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn convert_lead(&self, lead: &str, permit: &WritePermit) -> Result<Arc<str>> {
        let begun: Begun = self.tell(&CONVERT_LEAD, &[lead], &json!({}), permit).await?;
        Ok(begun.conversion_id)
    }

    /// How the conversion of a lead goes.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn conversion_of_lead(&self, lead: &str, conversion: &str) -> Result<Conversion> {
        self.ask(&CONVERSION_OF_LEAD, &[lead, conversion], Vec::new()).await
    }

    /// Begins to turn a deal into a lead; gives the id of the conversion.
    ///
    /// # Errors
    /// Those of [`Client::create`].
    pub async fn convert_deal(&self, deal: &str, permit: &WritePermit) -> Result<Arc<str>> {
        let begun: Begun = self.tell(&CONVERT_DEAL, &[deal], &Value::Object(serde_json::Map::new()), permit).await?;
        Ok(begun.conversion_id)
    }

    /// How the conversion of a deal goes.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn conversion_of_deal(&self, deal: &str, conversion: &str) -> Result<Conversion> {
        self.ask(&CONVERSION_OF_DEAL, &[deal, conversion], Vec::new()).await
    }
}
