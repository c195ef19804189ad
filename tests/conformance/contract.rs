//! The facts of the official documents, and the stand-in's table of endpoints held against them in both directions.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::site::{drive, unlimited};

/// Endpoints of the documents that the stand-in does not serve, by the beginning of their path, and why.
const NOT_SERVED: &[(&str, &str)] = &[
    ("/v1/activityFields", "API v2 has them"),
    ("/v1/billing", "nothing of a migration"),
    ("/v1/channels", "messaging, which needs an app of the marketplace"),
    ("/v1/deals/summary", "reports"),
    ("/v1/deals/timeline", "reports"),
    ("/v1/deals/{id}/flow", "a view over what other endpoints give"),
    ("/v1/deals/{id}/participantsChangelog", "nothing of a migration"),
    ("/v1/deals/{id}/followers", "followers are not migrated"),
    ("/v1/deals/{id}/mailMessages", "mail cannot be migrated (fact sheet 5.15)"),
    ("/v1/deals/{id}/permittedUsers", "nothing of a migration"),
    ("/v1/dealFields", "bulk delete of fields"),
    ("/v1/filters", "saved filters are made by people"),
    ("/v1/goals", "nothing of a migration"),
    ("/v1/leads/{id}/permittedUsers", "nothing of a migration"),
    ("/v1/leads/search", "API v2 has it"),
    ("/v1/legacyTeams", "nothing of a migration"),
    ("/v1/mailbox", "mail cannot be migrated (fact sheet 5.15)"),
    ("/v1/meetings", "needs an app of the marketplace"),
    ("/v1/noteFields", "read only, and the same in every account"),
    ("/v1/oauth", "on the host of the sign-in, not of the account; see `oauth`"),
    ("/v1/organizations/{id}/flow", "a view over what other endpoints give"),
    ("/v1/organizations/{id}/followers", "followers are not migrated"),
    ("/v1/organizations/{id}/mailMessages", "mail cannot be migrated"),
    ("/v1/organizations/{id}/permittedUsers", "nothing of a migration"),
    ("/v1/organizationFields", "bulk delete of fields"),
    ("/v1/organizationRelationships", "not among the objects that are migrated"),
    ("/v1/permissionSets", "nothing of a migration"),
    ("/v1/persons/{id}/flow", "a view over what other endpoints give"),
    ("/v1/persons/{id}/followers", "followers are not migrated"),
    ("/v1/persons/{id}/mailMessages", "mail cannot be migrated"),
    ("/v1/persons/{id}/permittedUsers", "nothing of a migration"),
    ("/v1/persons/{id}/picture", "pictures are not migrated"),
    ("/v1/persons/{id}/products", "a view over what other endpoints give"),
    ("/v1/personFields", "bulk delete of fields"),
    ("/v1/pipelines", "reports"),
    ("/v1/products/{id}/deals", "a view over what other endpoints give"),
    ("/v1/products/{id}/followers", "followers are not migrated"),
    ("/v1/products/{id}/permittedUsers", "nothing of a migration"),
    ("/v1/productFields", "bulk delete of fields"),
    ("/v1/projects", "an add-on"),
    ("/v1/projectTemplates", "an add-on"),
    ("/v1/roles", "nothing of a migration"),
    ("/v1/stages", "reports"),
    ("/v1/tasks", "an add-on"),
    ("/v1/users", "making and changing users takes seats and stays with people"),
    ("/v1/userConnections", "nothing of a migration"),
    ("/v1/userSettings", "nothing of a migration"),
    ("/api/v2/deals/{id}/followers", "followers are not migrated"),
    ("/api/v2/deals/{id}/discounts", "not among the objects that are migrated"),
    ("/api/v2/deals/installments", "not among the objects that are migrated"),
    ("/api/v2/deals/{id}/installments", "not among the objects that are migrated"),
    ("/api/v2/persons/{id}/followers", "followers are not migrated"),
    ("/api/v2/persons/{id}/picture", "pictures are not migrated"),
    ("/api/v2/organizations/{id}/followers", "followers are not migrated"),
    ("/api/v2/products/{id}/followers", "followers are not migrated"),
    ("/api/v2/products/{id}/variations", "not among the objects that are migrated"),
    ("/api/v2/products/{id}/images", "pictures are not migrated"),
    ("/api/v2/project", "an add-on"),
    ("/api/v2/tasks", "an add-on"),
    ("/api/v2/boards", "an add-on"),
    ("/api/v2/phases", "an add-on"),
    ("/api/v2/users/{id}/followers", "followers are not migrated"),
];

/// What the document says of one operation.
pub(crate) struct Operation(Value);

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.text("method"), self.path())
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        self.text("path")
    }

    pub(crate) fn is_v2(&self) -> bool {
        self.text("api") == "v2"
    }

    pub(crate) fn is_write(&self) -> bool {
        self.text("method") != "GET"
    }

    /// The schema of the request's body.
    pub(crate) fn body(&self) -> Option<&Value> {
        self.0.get("body")
    }

    /// The parameters in the path, or in the query.
    pub(crate) fn parameters(&self, place: &str) -> &Map<String, Value> {
        self.0[place].as_object().expect("parameters")
    }
}

/// All operations of the documents: those that are served, with their schemas, and the rest.
pub(crate) struct Contract {
    pub(crate) served: Vec<Operation>,
    others: Vec<Operation>,
}

impl Contract {
    pub(crate) fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/contract.json");
        let text = std::fs::read_to_string(file).expect("the contract is there");
        let mut whole: Value = serde_json::from_str(&text).expect("JSON");
        let mut all = |key: &str| match whole[key].take() {
            Value::Array(lines) => lines.into_iter().map(Operation).collect(),
            _ => Vec::new(),
        };
        Self { served: all("served"), others: all("others") }
    }
}

/// Method, path and cost.
type Line = (String, String, u64);

fn lines<'all>(all: impl Iterator<Item = &'all Value>) -> BTreeSet<Line> {
    let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
    all.map(|row| (text(row, "method"), text(row, "path"), row["tokens"].as_u64().expect("tokens"))).collect()
}

#[test]
fn the_table_of_endpoints_is_that_of_the_documents() {
    let contract = Contract::read();
    drive(unlimited(), |site| async move {
        let table = site.get("/standin/endpoints").await.body;
        let own = lines(table.as_array().expect("a table").iter());
        let official = lines(contract.served.iter().map(|operation| &operation.0));
        let strange: Vec<&Line> = own.difference(&official).collect();
        assert!(strange.is_empty(), "not so in the documents: {strange:?}");
        let absent: Vec<&Line> = official.difference(&own).collect();
        assert!(absent.is_empty(), "in the documents, and not served: {absent:?}");
        for other in lines(contract.others.iter().map(|operation| &operation.0)) {
            let stated = NOT_SERVED.iter().any(|(start, _)| other.1.starts_with(start));
            assert!(stated, "{} {} is in the documents and neither served nor stated", other.0, other.1);
        }
        for (start, _) in NOT_SERVED {
            let is_there = contract.others.iter().any(|other| other.path().starts_with(start));
            assert!(is_there, "no operation of the documents begins with {start} and is not served");
        }
        println!("endpoints: {} served as documented, {} stated as not served", own.len(), contract.others.len());
    });
}
