//! Which endpoint a request means, and what it costs.
//!
//! Token costs: the extension `x-token-cost` of the official OpenAPI documents of 2026-08-18 (fact sheet 1.3). This table
//! is the stand-in's own and shares nothing with the client's.

use super::envelope::Version;

/// What an endpoint deals with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Collection {
    Organizations,
    Persons,
    Deals,
    Activities,
    Pipelines,
    Stages,
    OrganizationFields,
    PersonFields,
    DealFields,
    Leads,
    LeadLabels,
    LeadSources,
    Notes,
    ActivityTypes,
    Users,
    Currencies,
}

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Create,
    Read,
    Update,
    Delete,
    List,
    ListArchived,
    Me,
    Find,
    AddOptions,
    UpdateOptions,
    DeleteOptions,
}

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint {
    pub(super) collection: Collection,
    pub(super) operation: Operation,
}

/// An endpoint and the id in its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'path> {
    pub(super) endpoint: Endpoint,
    /// Empty where the path has none.
    pub(super) id: &'path str,
}

/// Why there is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    Unknown(Version),
    Method(Version),
}

impl Collection {
    /// The path below the API's prefix, and the API.
    pub(super) const fn path(self) -> (Version, &'static str) {
        use Version::{V1, V2};
        match self {
            Collection::Organizations => (V2, "organizations"),
            Collection::Persons => (V2, "persons"),
            Collection::Deals => (V2, "deals"),
            Collection::Activities => (V2, "activities"),
            Collection::Pipelines => (V2, "pipelines"),
            Collection::Stages => (V2, "stages"),
            Collection::OrganizationFields => (V2, "organizationFields"),
            Collection::PersonFields => (V2, "personFields"),
            Collection::DealFields => (V2, "dealFields"),
            Collection::Leads => (V1, "leads"),
            Collection::LeadLabels => (V1, "leadLabels"),
            Collection::LeadSources => (V1, "leadSources"),
            Collection::Notes => (V1, "notes"),
            Collection::ActivityTypes => (V1, "activityTypes"),
            Collection::Users => (V1, "users"),
            Collection::Currencies => (V1, "currencies"),
        }
    }

    fn parse(version: Version, name: &str) -> Option<Self> {
        let collection = match name {
            "organizations" => Collection::Organizations,
            "persons" => Collection::Persons,
            "deals" => Collection::Deals,
            "activities" => Collection::Activities,
            "pipelines" => Collection::Pipelines,
            "stages" => Collection::Stages,
            "organizationFields" => Collection::OrganizationFields,
            "personFields" => Collection::PersonFields,
            "dealFields" => Collection::DealFields,
            "leads" => Collection::Leads,
            "leadLabels" => Collection::LeadLabels,
            "leadSources" => Collection::LeadSources,
            "notes" => Collection::Notes,
            "activityTypes" => Collection::ActivityTypes,
            "users" => Collection::Users,
            "currencies" => Collection::Currencies,
            _ => return None,
        };
        (collection.path().0 == version).then_some(collection)
    }

    /// The verb of an update: v1 has PUT except where it followed v2.
    const fn update_verb(self) -> &'static str {
        match self {
            Collection::Notes | Collection::ActivityTypes => "PUT",
            _ => "PATCH",
        }
    }

    /// True where a single record can be read by its id.
    const fn reads_one(self) -> bool {
        !matches!(
            self,
            Collection::LeadLabels | Collection::ActivityTypes | Collection::LeadSources | Collection::Currencies
        )
    }

    /// True where the API writes nothing.
    const fn read_only(self) -> bool {
        matches!(self, Collection::LeadSources | Collection::Users | Collection::Currencies)
    }

    const fn has_options(self) -> bool {
        matches!(self, Collection::OrganizationFields | Collection::PersonFields | Collection::DealFields)
    }
}

impl Endpoint {
    /// The API it belongs to.
    pub(super) const fn version(self) -> Version {
        self.collection.path().0
    }

    /// True where the request carries a JSON body.
    pub(super) const fn has_body(self) -> bool {
        matches!(
            self.operation,
            Operation::Create
                | Operation::Update
                | Operation::AddOptions
                | Operation::UpdateOptions
                | Operation::DeleteOptions
        )
    }

    /// Method and path, with braces where an id stands: the name in the ledger and in fault rules.
    pub(super) fn label(self) -> String {
        let (version, name) = self.collection.path();
        let prefix = if version == Version::V2 { "/api/v2" } else { "/v1" };
        let key = if self.collection.has_options() { "{field_code}" } else { "{id}" };
        match self.operation {
            Operation::Create => format!("POST {prefix}/{name}"),
            Operation::Read => format!("GET {prefix}/{name}/{key}"),
            Operation::Update => format!("{} {prefix}/{name}/{key}", self.collection.update_verb()),
            Operation::Delete => format!("DELETE {prefix}/{name}/{key}"),
            Operation::List => format!("GET {prefix}/{name}"),
            Operation::ListArchived => format!("GET {prefix}/{name}/archived"),
            Operation::Me => format!("GET {prefix}/{name}/me"),
            Operation::Find => format!("GET {prefix}/{name}/find"),
            Operation::AddOptions => format!("POST {prefix}/{name}/{key}/options"),
            Operation::UpdateOptions => format!("PATCH {prefix}/{name}/{key}/options"),
            Operation::DeleteOptions => format!("DELETE {prefix}/{name}/{key}/options"),
        }
    }

    /// What one request costs, in tokens of the daily budget.
    pub(super) const fn tokens(self) -> u64 {
        let v2 = matches!(self.version(), Version::V2);
        match self.operation {
            Operation::Create | Operation::Update | Operation::AddOptions | Operation::UpdateOptions => {
                if v2 {
                    5
                } else {
                    10
                }
            }
            Operation::Delete | Operation::DeleteOptions => {
                if v2 {
                    3
                } else {
                    6
                }
            }
            Operation::Read | Operation::Me => {
                if v2 {
                    1
                } else {
                    2
                }
            }
            Operation::Find => 40,
            Operation::ListArchived => {
                if v2 {
                    20
                } else {
                    40
                }
            }
            Operation::List => match self.collection {
                Collection::LeadSources => 2,
                Collection::Pipelines | Collection::Stages => 5,
                Collection::LeadLabels => 10,
                _ if v2 => 10,
                _ => 20,
            },
        }
    }
}

/// Finds the endpoint of a method and a path.
///
/// # Errors
/// When the path is unknown, or known and the method is not among its own.
pub(super) fn find<'path>(method: &str, path: &'path str) -> Result<Route<'path>, NoRoute> {
    let (version, rest) = split_version(path).ok_or(NoRoute::Unknown(Version::V1))?;
    let mut parts = rest.trim_end_matches('/').splitn(3, '/');
    let collection = parts.next().and_then(|name| Collection::parse(version, name));
    let collection = collection.ok_or(NoRoute::Unknown(version))?;
    let (id, tail) = (parts.next().unwrap_or_default(), parts.next());
    let operation = match (id, tail) {
        ("", _) => collection_operation(collection, method),
        ("archived", None) if matches!(collection, Collection::Deals | Collection::Leads) => {
            (method == "GET").then_some(Operation::ListArchived)
        }
        ("me", None) if collection == Collection::Users => (method == "GET").then_some(Operation::Me),
        ("find", None) if collection == Collection::Users => (method == "GET").then_some(Operation::Find),
        (_, None) => record_operation(collection, method),
        (_, Some("options")) if collection.has_options() => match method {
            "POST" => Some(Operation::AddOptions),
            "PATCH" => Some(Operation::UpdateOptions),
            "DELETE" => Some(Operation::DeleteOptions),
            _ => None,
        },
        _ => return Err(NoRoute::Unknown(version)),
    };
    let operation = operation.ok_or(NoRoute::Method(version))?;
    Ok(Route { endpoint: Endpoint { collection, operation }, id })
}

fn split_version(path: &str) -> Option<(Version, &str)> {
    if let Some(rest) = path.strip_prefix("/api/v2/") {
        return Some((Version::V2, rest));
    }
    let rest = path.strip_prefix("/v1/").or_else(|| path.strip_prefix("/api/v1/"))?;
    Some((Version::V1, rest))
}

fn collection_operation(collection: Collection, method: &str) -> Option<Operation> {
    match method {
        "GET" => Some(Operation::List),
        "POST" if !collection.read_only() => Some(Operation::Create),
        _ => None,
    }
}

fn record_operation(collection: Collection, method: &str) -> Option<Operation> {
    match method {
        "GET" if collection.reads_one() => Some(Operation::Read),
        "DELETE" if !collection.read_only() => Some(Operation::Delete),
        verb if verb == collection.update_verb() && !collection.read_only() => Some(Operation::Update),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: Option<(&str, &str, u64)>) {
        let found = find(method, path).ok();
        let found = found.map(|route| (route.endpoint.label(), route.id, route.endpoint.tokens()));
        let found = found.as_ref().map(|(label, id, tokens)| (label.as_str(), *id, *tokens));
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn paths_lead_to_endpoints_at_official_cost() {
        check("POST", "/api/v2/deals", Some(("POST /api/v2/deals", "", 5)));
        check("GET", "/api/v2/deals/archived", Some(("GET /api/v2/deals/archived", "archived", 20)));
        check("GET", "/api/v2/deals/12", Some(("GET /api/v2/deals/{id}", "12", 1)));
        check("DELETE", "/api/v2/persons/3", Some(("DELETE /api/v2/persons/{id}", "3", 3)));
        check("GET", "/api/v2/stages", Some(("GET /api/v2/stages", "", 5)));
        check("GET", "/api/v2/organizations", Some(("GET /api/v2/organizations", "", 10)));
        check(
            "PATCH",
            "/api/v2/dealFields/ab/options",
            Some(("PATCH /api/v2/dealFields/{field_code}/options", "ab", 5)),
        );
        check("PUT", "/v1/notes/7", Some(("PUT /v1/notes/{id}", "7", 10)));
        check("GET", "/api/v1/leads", Some(("GET /v1/leads", "", 20)));
        check("DELETE", "/v1/leads/x", Some(("DELETE /v1/leads/{id}", "x", 6)));
        check("GET", "/v1/leadLabels", Some(("GET /v1/leadLabels", "", 10)));
        check("GET", "/v1/users/me", Some(("GET /v1/users/me", "me", 2)));
        check("GET", "/v1/users/find", Some(("GET /v1/users/find", "find", 40)));
        check("GET", "/v1/leadSources", Some(("GET /v1/leadSources", "", 2)));
    }

    #[test]
    fn everything_else_leads_nowhere() {
        for (method, path) in [
            ("PUT", "/api/v2/deals/1"),
            ("POST", "/v1/deals"),
            ("POST", "/v2/deals"),
            ("POST", "/api/v2/leads"),
            ("PATCH", "/v1/notes/1"),
            ("GET", "/v1/leadLabels/1"),
            ("POST", "/v1/leadSources"),
            ("GET", "/api/v2/deals/1/options"),
            ("GET", "/"),
        ] {
            check(method, path, None);
        }
        assert_eq!(find("PUT", "/api/v2/deals/1"), Err(NoRoute::Method(Version::V2)));
    }
}
