//! The vocabulary of APIs: what bases, lists, parameters and columns are commonly called, by how often each was seen
//! (source API shapes, sections 1 to 5, 8 and 16).

use crate::record::Object;

/// Paths below which APIs are found.
pub(super) const ROOTS: &[&str] = &[
    "/api/v1",
    "/api/v2",
    "/api",
    "/v1",
    "/rest",
    "/rest/v1",
    "/odata",
    "/v2",
    "",
    "/rest/api",
    "/api/rest",
    "/crm/api",
];

/// What lists of our objects are called.
pub(super) const LISTS: &[(Object, &[&str])] = &[
    (
        Object::Client,
        &["clients", "customers", "accounts", "companies", "organizations", "contacts", "parties", "people"],
    ),
    (Object::Project, &["projects", "orders", "deals", "opportunities", "jobs", "sales_orders"]),
    (Object::Lead, &["leads", "prospects", "enquiries", "inquiries"]),
    (Object::Task, &["tasks", "activities", "todos", "to_dos", "reminders"]),
    (Object::Note, &["notes", "comments", "history", "journal"]),
    (Object::Owner, &["users", "owners", "employees", "staff", "members", "reps", "team"]),
    (Object::Pipeline, &["pipelines", "stages", "funnels", "workflows"]),
    (Object::Commission, &["commissions", "commission_records", "payouts"]),
    (Object::File, &["files", "attachments", "documents"]),
];

/// Where an account says who it is.
pub(super) const IDENTITY: &[&str] =
    &["account", "me", "users/me", "whoami", "user", "organization", "company", "settings"];

/// Parameters for the number of rows of a page.
pub(super) const SIZES: &[&str] = &[
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "perPage",
    "$top",
    "count",
    "take",
    "pagesize",
    "PageSize",
    "size",
    "page[size]",
    "pg[limit]",
    "maxResults",
    "max_results",
    "_limit",
    "rows",
    "pageLimit",
    "page_limit",
    "first",
    "max",
];

/// Parameters for the number of a page.
pub(super) const PAGES: &[&str] = &[
    "page",
    "p",
    "page_number",
    "pageNumber",
    "page[number]",
    "page[page]",
    "pg",
    "pageNo",
    "page_no",
    "PageNumber",
    "_page",
    "currentPage",
];

/// Parameters for the number of rows before the page.
pub(super) const OFFSETS: &[&str] = &[
    "offset",
    "skip",
    "$skip",
    "start",
    "from",
    "_skip",
    "startPosition",
    "pg[offset]",
    "page[offset]",
    "startAt",
    "_offset",
    "first_result",
    "_start",
    "startIndex",
];

/// Parameters for a cursor.
pub(super) const CURSORS: &[&str] = &[
    "cursor",
    "bookmark",
    "pageToken",
    "page_token",
    "starting_after",
    "after",
    "next",
    "offset",
    "next_cursor",
    "nextToken",
    "continuation",
    "page[cursor]",
    "token",
    "page",
    "start",
    "skip",
    "from",
    "nextPageToken",
    "page[after]",
    "pagination_token",
    "next_token",
];

/// Parameters for the id of the last row.
pub(super) const KEYSETS: &[&str] = &[
    "since_id",
    "after_id",
    "starting_after",
    "last_id",
    "min_id",
    "id_gt",
    "id__gt",
    "after",
    "id[gt]",
    "id_after",
    "from_id",
    "changed_object_id__gt",
    "max_id",
    "lastId",
    "sinceId",
    "afterId",
];

/// Parameters that make a source count.
pub(super) const COUNTS: &[(&str, &str)] = &[
    ("count_total", "true"),
    ("$count", "true"),
    ("include_total", "true"),
    ("with_total", "true"),
    ("include_count", "true"),
    ("total", "true"),
    ("$inlinecount", "allpages"),
    ("includeTotal", "true"),
];

/// Parameters that make rows whole.
pub(super) const WHOLE: &[(&str, &str)] = &[
    ("fields", "all"),
    ("expand", "custom_fields"),
    ("include", "custom_fields"),
    ("$expand", "custom_fields"),
    ("with", "custom_fields"),
    ("include_custom_fields", "true"),
    ("custom_fields", "true"),
    ("view", "full"),
    ("detail", "full"),
];

/// Parameters for rows changed since an instant.
pub(super) const FILTERS: &[&str] = &[
    "updated_after",
    "changedSince",
    "updated_since",
    "since",
    "updated",
    "last_modified_time",
    "date_updated__gt",
    "updated_at[after]",
    "date_modified",
    "date_modified:min",
    "modified_after",
    "search[updated_since]",
    "filters[updated_after]",
    "updated_at_min",
    "updatedAfter",
    "updatedSince",
    "fromDate",
    "modified_since",
    "modifiedSince",
    "changed_since",
    "updated_after_utc",
    "modifiedAfter",
    "lastModifiedSince",
    "sinceDateTimeUtc",
    "from_date",
    "updated_at__gte",
    "updated_at_gt",
    "updated_at[gte]",
    "updated_at[gt]",
    "last_updated_after",
    "since_date",
    "min_updated_at",
];

/// Parameters that show deleted rows.
pub(super) const DELETED: &[(&str, &str)] = &[
    ("include_deleted", "true"),
    ("includeDeleted", "true"),
    ("with_deleted", "true"),
    ("with_trashed", "true"),
    ("show_deleted", "true"),
    ("deleted", "true"),
    ("trashed", "true"),
    ("is_deleted", "true"),
];

/// Parameters that show rows which are hidden for another reason.
pub(super) const HIDDEN: &[(&str, &str)] = &[
    ("archived", "true"),
    ("status", "all"),
    ("include_archived", "true"),
    ("includeArchived", "true"),
    ("show_archived", "true"),
    ("include_inactive", "true"),
    ("includeInactive", "true"),
    ("show_inactive", "true"),
    ("state", "all"),
    ("active", "all"),
    ("include_test", "1"),
    ("withTestOrders", "true"),
    ("include_hidden", "true"),
];

/// Headers in which a key may go, besides `Authorization`.
pub(super) const KEY_HEADERS: &[&str] = &[
    "x-api-key",
    "api-key",
    "apikey",
    "x-api-token",
    "api_token",
    "api-token",
    "x-auth-token",
    "x-access-token",
    "access-token",
    "accesstoken",
    "private-token",
    "token",
    "key",
    "secret",
    "x-apikey",
    "x-token",
    "x-auth-key",
    "x-pw-accesstoken",
    "x-session-token",
    "x-session-id",
];

/// Parameters in which a key may go.
pub(super) const KEY_PARAMETERS: &[&str] = &[
    "api_key",
    "apiKey",
    "key",
    "KEY",
    "token",
    "apikey",
    "api",
    "apitoken",
    "api-key",
    "api_token",
    "access_token",
    "auth_token",
    "sessionId",
    "session_id",
    "sid",
    "session",
    "sessionName",
];

/// Paths at which one signs in with user and password.
pub(super) const LOGINS: &[&str] = &[
    "/login",
    "/auth/login",
    "/auth",
    "/sessions",
    "/session",
    "/token",
    "/authenticate",
    "/auth/token",
    "/users/login",
    "/signin",
    "/api/login",
    "/account/login",
];

/// Paths at which apps get tokens.
pub(super) const TOKENS: &[&str] = &[
    "/oauth/token",
    "/oauth2/token",
    "/token",
    "/connect/token",
    "/auth/token",
    "/oauth/access_token",
    "/auth/oauth/token",
    "/oauth/v2/token",
    "/identity/connect/token",
];

/// Last words of paths to which one signs in.
const SIGNING_WORDS: &[&str] =
    &["login", "auth", "token", "session", "sessions", "authenticate", "signin", "access_token"];

/// Last words of paths and services that read.
const READING_WORDS: &[&str] = &["get", "list", "search", "query", "find", "describe", "graphql"];

/// Words of paths that are never posted to, not even to see a refusal.
const WRITING_WORDS: &[&str] =
    &["create", "update", "delete", "save", "send", "merge", "remove", "import", "upsert", "logout"];

/// Whether a POST to a path is a way to sign in.
pub(super) fn signs_in(path: &str) -> bool {
    names(path, SIGNING_WORDS)
}

/// Whether a name says that it reads: a path, or a service such as `clients.list`.
pub(super) fn reads(name: &str) -> bool {
    names(name, READING_WORDS)
}

/// Words with which operations that read begin.
const READING_VERBS: &[&str] = &["get", "list", "search", "query", "find", "describe", "read"];

/// Further words that no operation that reads has in its name.
const CHANGING_WORDS: &[&str] = &[
    "add", "insert", "set", "put", "write", "cancel", "submit", "approve", "reject", "archive", "restore", "purge",
    "clear", "reset", "mark", "move", "assign", "convert", "replace", "modify", "edit", "change", "close", "lock",
    "unlock", "pay", "or", "and",
];

/// Whether the name of an operation says that it reads, and nothing else: `getClients`, and not `findOrCreateClient`.
pub(super) fn reads_operation(name: &str) -> bool {
    camel_words(name).first().is_some_and(|first| READING_VERBS.contains(&first.as_str())) && !changes(name)
}

/// Whether an action says that it changes something: servers may go by it rather than by the name of the element.
pub(super) fn changes_by_action(action: &str) -> bool {
    changes(action.rsplit(['/', '#', ':']).find(|part| !part.is_empty()).unwrap_or_default())
}

fn changes(name: &str) -> bool {
    camel_words(name).iter().any(|word| {
        CHANGING_WORDS.contains(&word.as_str()) || WRITING_WORDS.iter().any(|writing| word.contains(writing))
    })
}

/// The words of a name like `getClientsList`, in lower case.
pub(super) fn camel_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for sign in name.chars() {
        let begins = !sign.is_alphanumeric() || sign.is_uppercase() && was_lower;
        if begins || words.is_empty() {
            words.push(String::new());
        }
        was_lower = sign.is_lowercase() || sign.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| sign.is_alphanumeric()) {
            word.extend(sign.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn names(path: &str, words: &[&str]) -> bool {
    let path = path.to_lowercase();
    let last = path.rsplit(['/', '.']).find(|word| !word.is_empty()).unwrap_or_default();
    words.iter().any(|word| last == *word || last.starts_with(word))
        && !WRITING_WORDS.iter().any(|word| path.contains(word))
}

/// Whether a path is one that the operator wrote: as it is, or with stars for any segments in their places.
pub(super) fn is_approved(path: &str, approved: &[String]) -> bool {
    let segments = |text: &str| -> Vec<String> {
        text.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let own = segments(path);
    approved.iter().any(|pattern| matches(&own, &segments(pattern)))
}

/// A star stands for one segment or more.
fn matches(own: &[String], pattern: &[String]) -> bool {
    match (own.split_first(), pattern.split_first()) {
        (None, None) => true,
        (Some((_, rest)), Some((wanted, others))) if wanted == "*" => matches(rest, others) || matches(rest, pattern),
        (Some((first, rest)), Some((wanted, others))) => first == wanted && matches(rest, others),
        _ => false,
    }
}

/// A name in lower case, without signs: `DATE_UPDATED_UTC` and `dateUpdatedUtc` are the same.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_and_logins_are_posted() {
        for good in ["/api/login", "/oauth/token", "/api/v1/sessions", "/auth"] {
            assert!(signs_in(good) && !reads(good), "{good}");
        }
        for good in ["/contacts/search", "/graphql", "/order/getDetails", "clients.list"] {
            assert!(reads(good) && !signs_in(good), "{good}");
        }
        for bad in
            ["/contacts", "/contacts/create", "/search/save", "/users/login/delete", "/logout", "/", "deals.save"]
        {
            assert!(!signs_in(bad) && !reads(bad), "{bad}");
        }
    }

    #[test]
    fn only_operations_that_read_are_called() {
        for good in ["getClients", "ListLeads", "find_orders", "searchAllContacts", "GetClientsList"] {
            assert!(reads_operation(good), "{good}");
        }
        for bad in [
            "createClient",
            "findOrCreateClient",
            "getAndDeleteClients",
            "getUpdatedClients",
            "clients",
            "getaway",
            "queryReplace",
            "deleteClients",
            "",
        ] {
            assert!(!reads_operation(bad), "{bad}");
        }
        assert!(changes_by_action("urn:x#deleteClient") && changes_by_action("http://x.test/svc/IService/SetClients/"));
        assert!(!changes_by_action("urn:x#getClients") && !changes_by_action("") && !changes_by_action("urn:create:x"));
    }

    #[test]
    fn a_star_stands_for_segments() {
        let check = |path: &str, pattern: &str, expected: bool| {
            assert_eq!(is_approved(path, &[pattern.to_owned()]), expected, "{path} {pattern}");
        };
        check("/api/v1/clients/list", "*/list", true);
        check("/clients/list", "/*/list", true);
        check("/list", "*/list", false);
        check("/clients/list/save", "*/list", false);
        check("/api/graphql", "/graphql", false);
        check("/api/graphql/", "/api/graphql", true);
        check("/", "/", true);
        check("/api", "/", false);
    }
}
