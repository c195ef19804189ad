//! Where each kind of record lives in the API and what each call costs.
//!
//! Source of paths and costs: the extension `x-token-cost` in Pipedrive's OpenAPI documents v1 and v2, published
//! 2026-08-18. A cost is flat: it depends neither on the rows of a page nor on the size of a body.

use reqwest::Method;

use crate::record::Entity;

/// The version of the API a record lives in. It decides envelope, paging and the form of custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/api/v1`: `start` paging, flat custom fields, own time format.
    V1,
    /// `/api/v2`: cursor paging, nested custom fields, RFC 3339.
    V2,
}

/// Path and token costs of one kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The version of the API.
    pub api: Api,
    /// Path below the version: `deals`.
    pub path: &'static str,
    /// Tokens to create one.
    pub create: u32,
    /// Tokens to change one.
    pub update: u32,
    /// Tokens to delete one.
    pub delete: u32,
    /// Tokens to read one.
    pub get: u32,
    /// Tokens to read one page.
    pub list: u32,
    /// Rows on a page at the most; 0 when the list has no paging.
    pub page_rows: u32,
    /// Name of the create in metrics, ledger and messages: `POST /v2/deals`.
    pub create_name: &'static str,
    /// Name of the update: `PATCH /v2/deals/ID`.
    pub update_name: &'static str,
    /// Name of the delete.
    pub delete_name: &'static str,
    /// Name of reading one.
    pub get_name: &'static str,
    /// Name of the list.
    pub list_name: &'static str,
}

/// A route of v2: 5 tokens to write, 3 to delete, 1 to read; lists differ.
macro_rules! v2 {
    ($path:literal, $list:literal) => {
        Route {
            api: Api::V2,
            path: $path,
            create: 5,
            update: 5,
            delete: 3,
            get: 1,
            list: $list,
            page_rows: 500,
            create_name: concat!("POST /v2/", $path),
            update_name: concat!("PATCH /v2/", $path, "/ID"),
            delete_name: concat!("DELETE /v2/", $path, "/ID"),
            get_name: concat!("GET /v2/", $path, "/ID"),
            list_name: concat!("GET /v2/", $path),
        }
    };
}

/// A route of v1: 10 tokens to write, 6 to delete, 2 to read; lists differ, and so does the verb of a change.
macro_rules! v1 {
    ($path:literal, $verb:literal, $list:literal, $page_rows:literal) => {
        Route {
            api: Api::V1,
            path: $path,
            create: 10,
            update: 10,
            delete: 6,
            get: 2,
            list: $list,
            page_rows: $page_rows,
            create_name: concat!("POST /v1/", $path),
            update_name: concat!($verb, " /v1/", $path, "/ID"),
            delete_name: concat!("DELETE /v1/", $path, "/ID"),
            get_name: concat!("GET /v1/", $path, "/ID"),
            list_name: concat!("GET /v1/", $path),
        }
    };
}

/// The route of a kind of record.
#[must_use]
pub const fn route(entity: Entity) -> Route {
    match entity {
        Entity::User => v1!("users", "PUT", 20, 0),
        Entity::Pipeline => v2!("pipelines", 5),
        Entity::Stage => v2!("stages", 5),
        Entity::LeadLabel => v1!("leadLabels", "PATCH", 10, 0),
        Entity::ActivityType => v1!("activityTypes", "PUT", 20, 0),
        Entity::OrganizationField => v2!("organizationFields", 10),
        Entity::PersonField => v2!("personFields", 10),
        Entity::DealField => v2!("dealFields", 10),
        Entity::Organization => v2!("organizations", 10),
        Entity::Person => v2!("persons", 10),
        Entity::Lead => v1!("leads", "PATCH", 20, 500),
        Entity::Deal => v2!("deals", 10),
        Entity::Activity => v2!("activities", 10),
        Entity::Note => v1!("notes", "PUT", 20, 500),
    }
}

impl Route {
    /// The path with its version, relative to the account's address.
    #[must_use]
    pub fn full_path(&self) -> String {
        match self.api {
            Api::V1 => format!("api/v1/{}", self.path),
            Api::V2 => format!("api/v2/{}", self.path),
        }
    }

    /// The verb that changes one record: PUT for most of v1, PATCH elsewhere (OpenAPI v1 and v2).
    #[must_use]
    pub fn update_verb(&self) -> Method {
        if self.update_name.starts_with("PUT") { Method::PUT } else { Method::PATCH }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_the_published_documents() {
        let cost = |entity| {
            let Route { create, update, delete, get, list, .. } = route(entity);
            [create, update, delete, get, list]
        };
        assert_eq!(cost(Entity::Deal), [5, 5, 3, 1, 10]);
        assert_eq!(cost(Entity::Stage), [5, 5, 3, 1, 5]);
        assert_eq!(cost(Entity::Lead), [10, 10, 6, 2, 20]);
        assert_eq!(cost(Entity::LeadLabel), [10, 10, 6, 2, 10]);
        assert_eq!(cost(Entity::Note), [10, 10, 6, 2, 20]);
    }
}
