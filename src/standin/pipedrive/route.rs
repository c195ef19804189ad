//! Which endpoint a request means.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::endpoints::{ENDPOINTS, Line};
use super::envelope::Version;

/// What an endpoint deals with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    Organizations,
    Persons,
    Deals,
    DealProducts,
    Participants,
    Activities,
    Pipelines,
    Stages,
    Products,
    OrganizationFields,
    PersonFields,
    DealFields,
    ProductFields,
    ActivityFields,
    Leads,
    LeadLabels,
    LeadSources,
    Notes,
    Comments,
    ActivityTypes,
    Users,
    Currencies,
    Files,
    CallLogs,
    Webhooks,
    ItemSearch,
    Recents,
}

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Create,
    Read,
    Update,
    Delete,
    List,
    ListArchived,
    /// The same in API v1.
    ListArchivedV1,
    /// Of all parents.
    ListAll,
    /// The files of a record.
    ListFiles,
    Me,
    Find,
    AddOptions,
    UpdateOptions,
    DeleteOptions,
    Bulk,
    DeleteMany,
    Duplicate,
    Merge,
    Convert,
    ConvertStatus,
    Changelog,
    Search,
    SearchField,
    Download,
    Remote,
    RemoteLink,
    /// Attaches a recording.
    Record,
    ListV1,
    CreateV1,
    ReadV1,
    UpdateV1,
    DeleteV1,
}

/// One endpoint: its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Endpoint(u16);

/// An endpoint and the ids in its path; empty where the path has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route<'path> {
    pub(super) endpoint: Endpoint,
    pub(super) ids: [&'path str; 2],
}

/// Why there is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    Unknown(Version),
    Method(Version),
}

/// The lines of the table by API and first segment, because every request is looked up.
static BY_COLLECTION: LazyLock<HashMap<(Version, &'static str), Vec<u16>>> = LazyLock::new(|| {
    let mut lines: HashMap<_, Vec<u16>> = HashMap::new();
    for (line, place) in ENDPOINTS.iter().zip(0..) {
        if let Some((version, rest)) = split_version(line.path) {
            let first = rest.split('/').next().unwrap_or_default();
            lines.entry((version, first)).or_default().push(place);
        }
    }
    lines
});

impl Endpoint {
    /// The endpoint that does something with a collection.
    pub(super) fn of(collection: Collection, operation: Operation) -> Option<Self> {
        let found =
            ENDPOINTS.iter().zip(0..).find(|(line, _)| (line.collection, line.operation) == (collection, operation));
        found.map(|(_, place)| Self(place))
    }

    fn line(self) -> &'static Line {
        &ENDPOINTS[usize::from(self.0)]
    }

    pub(super) fn collection(self) -> Collection {
        self.line().collection
    }

    pub(super) fn operation(self) -> Operation {
        self.line().operation
    }

    /// The API it belongs to.
    pub(super) fn version(self) -> Version {
        if self.line().path.starts_with("/api/v2/") { Version::V2 } else { Version::V1 }
    }

    /// True where the search limit of two seconds holds too ("Rate limiting").
    pub(super) fn is_search(self) -> bool {
        matches!(self.operation(), Operation::Search | Operation::SearchField)
    }

    /// What the request's body must be, by the beginning of its content type; `None` where there is none.
    pub(super) fn body_type(self) -> Option<&'static str> {
        use Operation::{
            AddOptions, Bulk, Create, CreateV1, DeleteOptions, Merge, Record, Remote, RemoteLink, Update,
            UpdateOptions, UpdateV1,
        };
        match (self.collection(), self.operation()) {
            (Collection::Files, Create) | (_, Record) => Some("multipart/form-data"),
            (Collection::Files, Update) | (_, Remote | RemoteLink) => Some("application/x-www-form-urlencoded"),
            (_, Create | Update | CreateV1 | UpdateV1 | AddOptions | UpdateOptions | DeleteOptions | Bulk | Merge) => {
                Some("application/json")
            }
            _ => None,
        }
    }

    /// Method and path, with braces where an id stands: the name in the ledger and in fault rules.
    pub(super) fn label(self) -> String {
        let line = self.line();
        format!("{} {}", line.method, line.path)
    }

    /// What one request costs, in tokens of the daily budget.
    pub(super) fn tokens(self) -> u64 {
        self.line().tokens
    }
}

/// Finds the endpoint of a method and a path.
///
/// # Errors
/// When the path is unknown, or known and the method is not among its own.
pub(super) fn find<'path>(method: &str, path: &'path str) -> Result<Route<'path>, NoRoute> {
    let (version, rest) = split_version(path).ok_or(NoRoute::Unknown(Version::V1))?;
    let rest = rest.trim_end_matches('/');
    let first = rest.split('/').next().unwrap_or_default();
    let lines = BY_COLLECTION.get(&(version, first)).ok_or(NoRoute::Unknown(version))?;
    // The first line that fits the path decides what the path means; a longer list of methods may follow it.
    let mut meant = None;
    for place in lines {
        let line = &ENDPOINTS[usize::from(*place)];
        if meant.is_some_and(|meant| meant != line.path) {
            continue;
        }
        let Some(ids) = fit(split_version(line.path).map_or("", |(_, rest)| rest), rest) else { continue };
        meant = Some(line.path);
        if line.method == method {
            return Ok(Route { endpoint: Endpoint(*place), ids });
        }
    }
    Err(if meant.is_some() { NoRoute::Method(version) } else { NoRoute::Unknown(version) })
}

/// The ids of a path, if it has the form of the template.
fn fit<'path>(template: &str, path: &'path str) -> Option<[&'path str; 2]> {
    let mut ids = [""; 2];
    let mut free = ids.iter_mut();
    let mut own = path.split('/');
    for part in template.split('/') {
        let segment = own.next()?;
        if part.starts_with('{') {
            *free.next()? = Some(segment).filter(|id| !id.is_empty())?;
        } else if part != segment {
            return None;
        }
    }
    own.next().is_none().then_some(ids)
}

fn split_version(path: &str) -> Option<(Version, &str)> {
    if let Some(rest) = path.strip_prefix("/api/v2/") {
        return Some((Version::V2, rest));
    }
    let rest = path.strip_prefix("/v1/").or_else(|| path.strip_prefix("/api/v1/"))?;
    Some((Version::V1, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: Option<(&str, &str, u64)>) {
        let found = find(method, path).ok();
        let found = found.map(|route| (route.endpoint.label(), route.ids[0], route.endpoint.tokens()));
        let found = found.as_ref().map(|(label, id, tokens)| (label.as_str(), *id, *tokens));
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn paths_lead_to_endpoints_at_official_cost() {
        check("POST", "/api/v2/deals", Some(("POST /api/v2/deals", "", 5)));
        check("GET", "/api/v2/deals/archived", Some(("GET /api/v2/deals/archived", "", 20)));
        check("GET", "/api/v2/deals/12", Some(("GET /api/v2/deals/{id}", "12", 1)));
        check("DELETE", "/api/v2/persons/3", Some(("DELETE /api/v2/persons/{id}", "3", 3)));
        check("GET", "/api/v2/stages", Some(("GET /api/v2/stages", "", 5)));
        check("GET", "/api/v2/organizations", Some(("GET /api/v2/organizations", "", 10)));
        check(
            "PATCH",
            "/api/v2/dealFields/ab/options",
            Some(("PATCH /api/v2/dealFields/{field_code}/options", "ab", 5)),
        );
        check("POST", "/api/v2/deals/5/products/bulk", Some(("POST /api/v2/deals/{id}/products/bulk", "5", 25)));
        check("PUT", "/v1/notes/7", Some(("PUT /v1/notes/{id}", "7", 10)));
        check("GET", "/api/v1/leads", Some(("GET /v1/leads", "", 20)));
        check("GET", "/v1/leads/archived", Some(("GET /v1/leads/archived", "", 40)));
        check("DELETE", "/v1/leads/x", Some(("DELETE /v1/leads/{id}", "x", 6)));
        check("GET", "/v1/leadLabels", Some(("GET /v1/leadLabels", "", 10)));
        check("GET", "/v1/users/me", Some(("GET /v1/users/me", "", 2)));
        check("GET", "/v1/users/find", Some(("GET /v1/users/find", "", 40)));
        check("GET", "/v1/leadSources", Some(("GET /v1/leadSources", "", 2)));
        let status = find("GET", "/api/v2/leads/ab/convert/status/cd").map(|route| route.ids);
        assert_eq!(status, Ok(["ab", "cd"]));
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
            ("GET", "/api/v2/deals/"),
            ("GET", "/"),
        ] {
            let expected = (path == "/api/v2/deals/").then_some(("GET /api/v2/deals", "", 10));
            check(method, path, expected);
        }
        assert_eq!(find("PUT", "/api/v2/deals/1"), Err(NoRoute::Method(Version::V2)));
        assert_eq!(find("POST", "/api/v2/deals/search"), Err(NoRoute::Method(Version::V2)));
    }

    #[test]
    fn every_line_is_found_by_its_own_path() {
        for line in ENDPOINTS {
            let found = find(line.method, line.path).map(|route| route.endpoint.label());
            assert_eq!(found, Ok(format!("{} {}", line.method, line.path)));
        }
    }
}
