//! Hand-written rows of every object of the generated account, and what becomes of them.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::*;
use crate::record::{FieldValue, Place};

mod maven;
mod picked;
mod random;
mod shapes;

/// The default mapping, read once for all tests.
fn promox() -> &'static Mapping {
    static PROMOX: OnceLock<Mapping> = OnceLock::new();
    PROMOX.get_or_init(Mapping::promox)
}

fn record(object: Object, payload: Value) -> SourceRecord {
    let mapping = promox();
    let payload = payload.as_object().expect("an object").clone();
    let id = mapping.object(object).and_then(|rules| rules.source_id(&payload)).unwrap_or_else(|| "1".to_owned());
    let place = Place { origin: "test".into(), row: 1 };
    SourceRecord {
        object,
        id: id.into(),
        payload,
        modified: None,
        deleted: false,
        place,
        children: Vec::new(),
        between: Vec::new(),
    }
}

/// What a value looks like in an assertion.
fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) | FieldValue::Html(text) | FieldValue::Time(text) | FieldValue::Choice(text) => {
            text.clone()
        }
        FieldValue::Address(text) => text.clone(),
        FieldValue::Owner(owner) => format!("owner {owner}"),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Money { amount, currency } => format!("{amount} {currency}"),
        FieldValue::Date(day) => day.to_string(),
        FieldValue::Timestamp(instant) => instant.to_string(),
        FieldValue::Bool(flag) => flag.to_string(),
        FieldValue::Choices(options) => options.iter().cloned().collect::<Vec<_>>().join("|"),
        FieldValue::Emails(values) | FieldValue::Phones(values) => {
            values.iter().map(|contact| format!("{} ({})", contact.value, contact.label)).collect::<Vec<_>>().join("|")
        }
        FieldValue::Link(link) => format!("{}/{}#{}", link.object, link.value, link.role),
        FieldValue::Stage { pipeline, stage } => format!("{}: {stage}", pipeline.as_deref().unwrap_or("the pipeline")),
    }
}

/// The drafts of a record, each as lines `target = value`, and the codes of all findings.
struct Made {
    roles: Vec<RoleOutcome>,
    codes: Vec<String>,
}

impl Made {
    #[track_caller]
    fn of(record: &SourceRecord, mapping: &Mapping) -> Self {
        let Normalized::Roles(roles) = normalize(record, mapping, None) else {
            panic!("no roles: {:?}", normalize(record, mapping, None));
        };
        let findings = roles.iter().flat_map(|role| match &role.result {
            RoleResult::Draft { findings, .. } => findings.clone(),
            RoleResult::LeftOut(_) => Vec::new(),
        });
        let codes = findings.map(|finding| finding.code).collect();
        Self { roles, codes }
    }

    #[track_caller]
    fn lines(&self, role: &str) -> Vec<String> {
        let outcome = self.roles.iter().find(|outcome| &*outcome.role == role).expect("the role");
        match &outcome.result {
            RoleResult::Draft { draft, .. } => {
                draft.fields.iter().map(|(target, value)| format!("{target} = {}", shown(value))).collect()
            }
            RoleResult::LeftOut(reason) => vec![format!("left out: {reason}")],
        }
    }
}

#[track_caller]
fn check(object: Object, payload: Value, role: &str, expected: &[&str], codes: &[&str]) {
    let made = Made::of(&record(object, payload), promox());
    assert_eq!(made.lines(role), expected);
    assert_eq!(made.codes, codes);
}

#[track_caller]
fn check_rejected(object: Object, payload: Value, role: &str, field: &str, reason: &str) {
    let Normalized::Rejected(rejection) = normalize(&record(object, payload), promox(), None) else {
        panic!("not rejected")
    };
    assert_eq!((rejection.role.as_str(), rejection.field.as_str()), (role, field));
    assert!(rejection.reason.contains(reason), "{}", rejection.reason);
}

fn client() -> Value {
    json!({
        "id": 4821, "account_number": "NL-00482", "first_name": "Dana", "last_name": "Ruiz", "title": "Buyer", "company": "Harbor  Foods",
        "email": "Dana@X.org; dana2@x.org", "phone": "(602) 555-0142 x3", "status": "Active", "industry": "Education", "tags": "school, rush",
        "website": "https://harbor.example", "billing_address": {"line1": "12 Elm St", "city": "Chicago", "state": "IL", "zip": "60601", "country": "US"},
        "owner_id": "u_17", "supplier_tier": "Gold", "artwork_formats": "AI; EPS; PDF", "opted_out": false, "birthday": "0000-00-00",
        "notes": "<p>Likes <b>matte</b>.</p>", "created_at": "2019-03-04 09:00:00", "updated_at": "2024-03-05T14:22:10Z"
    })
}

#[test]
fn a_client_becomes_a_person_and_an_organization() {
    let person = [
        "name = Dana Ruiz",
        "owner_id = owner u_17",
        "org_id = client/4821#organization",
        "add_time = 2019-03-04T15:00:00Z",
        "emails = Dana@x.org (work)|dana2@x.org (work)",
        "phones = +16025550142 ext. 3 (work)",
        "custom:Job title = Buyer",
        "custom:Account number = NL-00482",
        "custom:Client status = Active",
        "custom:Industry = Education",
        "custom:Client tags = rush|school",
        "custom:Supplier tier = Gold",
        "custom:Artwork formats = AI|EPS|PDF",
        "custom:Opted out = No",
        "custom:Website = https://harbor.example",
        "custom:Billing address = 12 Elm St, Chicago, IL 60601, US",
        "custom:Client notes = Likes matte.",
    ];
    check(Object::Client, client(), "person", &person, &[]);
    let organization = [
        "name = Harbor Foods",
        "owner_id = owner u_17",
        "add_time = 2019-03-04T15:00:00Z",
        "address = 12 Elm St, Chicago, IL 60601, US",
        "custom:Website = https://harbor.example",
        "custom:Industry = Education",
        "custom:Account number = NL-00482",
        "custom:Client status = Active",
        "custom:Client tags = rush|school",
        "custom:Supplier tier = Gold",
        "custom:Artwork formats = AI|EPS|PDF",
    ];
    check(Object::Client, client(), "organization", &organization, &[]);
}

#[test]
fn a_client_may_be_a_person_or_a_company_only() {
    let person = json!({"id": 1, "first_name": "Dana", "last_name": "", "company": "", "email": "none@none.com", "phone": "555-0142"});
    check(
        Object::Client,
        person.clone(),
        "organization",
        &["left out: company is empty"],
        &["dummy_email", "invalid_phone"],
    );
    check(
        Object::Client,
        person,
        "person",
        &["name = Dana", "phones = 555-0142 (work)"],
        &["dummy_email", "invalid_phone"],
    );
    let company = json!({"id": 1, "first_name": "", "last_name": null, "company": "Harbor", "email": "a@x.org", "phone": "602.555.0142"});
    let expected = ["name = Harbor", "custom:Company e-mail = a@x.org", "custom:Company phone = +16025550142"];
    check(Object::Client, company.clone(), "organization", &expected, &[]);
    check(Object::Client, company, "person", &["left out: first_name and last_name are empty"], &[]);
    let nobody = json!({"id": 1, "first_name": "", "company": ""});
    check_rejected(Object::Client, nobody, "", "", "company is empty; first_name and last_name are empty");
}

fn lead() -> Value {
    json!({
        "id": 9103, "name": "Ruiz, Dana", "email": "dana@x.org", "phone": "602.555.0142", "company": "Harbor", "pipeline": "New business",
        "stage": "Quote Sent", "score": 80, "territory": "West", "source": "Web form", "owner_id": "u_2", "converted": false, "client_id": null,
        "created_at": "2024-03-05T03:00:00Z"
    })
}

#[test]
fn a_lead_brings_its_own_person_and_company() {
    let expected = [
        "title = Dana Ruiz",
        "owner_id = owner u_2",
        "label_ids = Quote Sent",
        "person_id = lead/9103#person",
        "organization_id = lead/9103#organization",
        "custom:Lead pipeline = New business",
        "custom:Lead stage = Quote Sent",
        "custom:Lead score = 80",
        "custom:Territory = West",
        "custom:Lead source = Web form",
        "custom:Created at source = 2024-03-04",
    ];
    // The name is turned round for the person and for the title.
    check(Object::Lead, lead(), "lead", &expected, &["name_reordered", "name_reordered"]);
    let made = Made::of(&record(Object::Lead, lead()), promox());
    assert_eq!(
        made.lines("person")[..3],
        ["name = Dana Ruiz", "owner_id = owner u_2", "org_id = lead/9103#organization"]
    );
}

#[test]
fn a_lead_of_a_client_links_to_it() {
    let mut lead = lead();
    lead["client_id"] = json!(4821);
    let made = Made::of(&record(Object::Lead, lead), promox());
    assert_eq!(made.lines("person"), ["left out: client_id is given"]);
    let links = ["person_id = client/4821#person", "organization_id = client/4821#organization"];
    assert_eq!(made.lines("lead")[3..5], links);
}

#[test]
fn leads_that_are_left_out_say_why() {
    let mut converted = lead();
    converted["converted"] = json!(true);
    let skipped = normalize(&record(Object::Lead, converted), promox(), None);
    assert!(matches!(skipped, Normalized::Skipped(reason) if reason.starts_with("converted at the source")));
    let mut nameless = lead();
    nameless["name"] = json!("");
    nameless["company"] = json!(" ");
    check_rejected(Object::Lead, nameless.clone(), "lead", "company+name", "is empty, and title needs a value");
    // A lead that will be rejected must not leave its person behind.
    let asked = normalize(&record(Object::Lead, nameless), promox(), Some(Entity::Person));
    assert!(matches!(asked, Normalized::Rejected(_)));
    let mut company_only = lead();
    company_only["name"] = json!("");
    company_only["email"] = json!("");
    let made = Made::of(&record(Object::Lead, company_only), promox());
    assert_eq!(
        made.lines("lead")[..4],
        [
            "title = Harbor",
            "owner_id = owner u_2",
            "label_ids = Quote Sent",
            "organization_id = lead/9103#organization"
        ]
    );
}

fn project() -> Value {
    json!({
        "id": 10522, "number": "P10522", "name": "Fall Kits", "client_id": 4821, "owner_id": "u_17", "pipeline_id": 3, "stage": "quote sent",
        "status": "complete", "value": "$1,250.00", "currency": "", "order_date": "03/05/2024", "in_hands_date": "N/A",
        "expected_close": "2024-04-01", "closed_at": "2024-03-20T10:00:00Z", "rush": 1, "customer_po": "00123",
        "fulfillment_status": "In Production", "decoration_method": "Laser", "notes_internal": "a\r\nb", "created_at": "2024-03-01T12:00:00Z"
    })
}

fn commission(id: u32, rep: &str, amount: Value) -> SourceRecord {
    let payload = json!({
        "id": id, "project_id": 10522, "rep_id": rep, "rep_type": "Client Rep", "basis": "Margin", "base_amount": "500", "rate": "40%",
        "amount": amount, "split": 50, "status": "Paid", "paid_date": "2024-04-01"
    });
    record(Object::Commission, payload)
}

#[test]
fn a_project_becomes_a_deal_with_its_commissions() {
    let mut mapping = promox().clone();
    mapping.owners.set_names([("u_17".to_owned(), "Dana Ruiz".to_owned())]);
    let mut project = record(Object::Project, project());
    project.children = vec![commission(11, "u_9", json!("(20.50)")), commission(2, "u_17", json!(200))];
    let made = Made::of(&project, &mapping);
    let expected = [
        "title = Fall Kits",
        "owner_id = owner u_17",
        "person_id = client/4821#person",
        "org_id = client/4821#organization",
        "stage_id = 3: quote sent",
        "value = 1250.00 USD",
        "status = won",
        "won_time = 2024-03-20T10:00:00Z",
        "expected_close_date = 2024-04-01",
        "custom:Project number = P10522",
        "custom:Created at source = 2024-03-01",
        "custom:Order date = 2024-03-05",
        "custom:Rush = Yes",
        "custom:Customer PO = 00123",
        "custom:Fulfillment status = In Production",
        "custom:Decoration method = Laser",
        "custom:Internal notes = a\nb",
        "custom:Commission total = 179.50 USD",
        "custom:Commission records = 2",
        "custom:Commission details = Dana Ruiz, Client Rep: 200 (rate 40%, base 500, Margin, split 50, Paid, paid 2024-04-01)\n\
         u_9, Client Rep: (20.50) (rate 40%, base 500, Margin, split 50, Paid, paid 2024-04-01)",
    ];
    assert_eq!(made.lines("deal"), expected);
    assert!(made.codes.is_empty());
}

#[test]
fn a_projects_missing_and_bad_values_are_told() {
    let mut mapping = promox().clone();
    mapping.owners.set_names([]);
    let value_of = |value: Value, client: Value| {
        let mut payload = project();
        payload["value"] = value;
        payload["client_id"] = client;
        let made = Made::of(&record(Object::Project, payload), &mapping);
        let line = made.lines("deal").into_iter().find(|line| line.starts_with("value")).unwrap_or_default();
        (line, made.codes.join(" "))
    };
    assert_eq!(value_of(json!(null), json!(1)), ("value = 0 USD".to_owned(), "missing_value".to_owned()));
    assert_eq!(value_of(json!("TBD"), json!(1)), ("value = 0 USD".to_owned(), "invalid_money".to_owned()));
    assert_eq!(value_of(json!(0), json!(null)), ("value = 0 USD".to_owned(), "missing_client".to_owned()));
    assert_eq!(
        value_of(json!({"amount": "5", "currency": "CAD"}), json!(1)),
        ("value = 5 CAD".to_owned(), String::new())
    );
    let mut project = record(Object::Project, project());
    project.children = vec![commission(1, "u_1", json!("soon")), commission(2, "u_1", json!(5))];
    let made = Made::of(&project, &mapping);
    assert_eq!(made.codes, ["fold_incomplete"]);
    assert!(!made.lines("deal").iter().any(|line| line.starts_with("custom:Commission total")));
    check_rejected(Object::Project, json!({"id": 1, "name": " ", "number": ""}), "deal", "name+number", "is empty");
}

#[test]
fn a_commission_is_folded_into_its_project() {
    let mapping = promox();
    let parent = ParentKey { object: Object::Project, source_id: "10522".to_owned() };
    assert_eq!(normalize(&commission(1, "u_1", json!(5)), mapping, None), Normalized::Folded(parent));
    check_rejected(Object::Commission, json!({"id": 1, "project_id": null}), "", "project_id", "names no project");
}

#[test]
fn a_task_becomes_an_activity_in_utc() {
    let task = json!({
        "id": 1, "subject": "Proof", "body": "<p>Check</p><script>x()</script>", "type": "proof", "due_date": "2024-03-05", "due_time": "21:30",
        "status": "done", "completed_at": "2024-03-05T10:00:00Z", "assignee_id": "u_3", "related_type": "project", "related_id": 10522,
        "created_at": "2024-03-01T12:00:00Z"
    });
    let expected = [
        "subject = Proof",
        "type = Proof",
        "owner_id = owner u_3",
        "due_date = 2024-03-06",
        "due_time = 03:30:00",
        "done = true",
        "deal_id = project/10522#deal",
        "note = <p>Check</p><p>Created at source: 2024-03-01T12:00:00Z</p><p>Completed at source: 2024-03-05T10:00:00Z</p>",
    ];
    check(Object::Task, task, "activity", &expected, &["script_removed"]);
    let whole_day = json!({
        "id": 1, "subject": "", "body": "", "type": "todo", "due_date": "2024-03-05", "due_time": "", "status": "open",
        "related_type": "client", "related_id": 7, "created_at": "2024-03-01T12:00:00Z"
    });
    let expected = [
        "subject = (no subject)",
        "type = task",
        "due_date = 2024-03-05",
        "done = false",
        "participants = client/7#person",
        "org_id = client/7#organization",
        "note = <p>Created at source: 2024-03-01T12:00:00Z</p>",
    ];
    check(Object::Task, whole_day, "activity", &expected, &["missing_subject"]);
}

#[test]
fn a_note_needs_a_text_and_a_parent() {
    let note = |body: &str, related: &str| json!({"id": 1, "body": body, "author_id": "u_1", "related_type": related, "related_id": 5, "created_at": "2018-05-06 07:08:09"});
    let expected =
        ["content = <p>Hi</p>", "user_id = owner u_1", "add_time = 2018-05-06T12:08:09Z", "lead_id = lead/5#lead"];
    check(
        Object::Note,
        note("<p>Hi<img src=\"data:image/png;base64,AA\"></p>", "lead"),
        "note",
        &expected,
        &["image_removed"],
    );
    check_rejected(Object::Note, note("", "lead"), "note", "body", "is empty");
    check_rejected(Object::Note, note("Hi", "invoice"), "note", "related_id", "gives no lead_id or deal_id");
}

#[test]
fn pipelines_bring_their_stages_in_order() {
    let pipeline = json!({
        "id": 3, "name": "Orders", "record_type": "project", "stages": [
            {"id": 32, "name": "Quote Sent", "position": 10, "probability": "40%", "kind": "open"},
            {"id": 31, "name": "New", "position": 2, "probability": "10%", "kind": "open"}
        ]
    });
    let made = Made::of(&record(Object::Pipeline, pipeline), promox());
    let roles: Vec<&str> = made.roles.iter().map(|outcome| &*outcome.role).collect();
    assert_eq!(roles, ["pipeline", "stage:31", "stage:32"]);
    assert_eq!(made.lines("stage:31"), ["name = New", "pipeline_id = pipeline/3#pipeline", "deal_probability = 10"]);
    let of_leads = json!({"id": 4, "name": "Leads", "record_type": "lead", "stages": []});
    assert!(matches!(normalize(&record(Object::Pipeline, of_leads), promox(), None), Normalized::Skipped(_)));
}

#[test]
fn owners_are_told_for_matching() {
    let owner =
        json!({"id": "u_17", "email": "Dana@X.ORG ", "first_name": "Dana", "last_name": "Ruiz", "active": true});
    check(Object::Owner, owner, "user", &["email = Dana@x.org", "name = Dana Ruiz", "active = true"], &[]);
}

#[test]
fn deleted_and_unmapped_records_are_skipped() {
    let mut gone = record(Object::Client, json!({"id": 1, "is_deleted": true}));
    gone.deleted = true;
    assert_eq!(normalize(&gone, promox(), None), Normalized::Skipped("deleted at the source".to_owned()));
    let file = record(Object::File, json!({"id": 1}));
    assert_eq!(normalize(&file, promox(), None), Normalized::Skipped("the mapping leaves file records out".to_owned()));
}

#[test]
fn only_one_entity_may_be_asked_for() {
    let Normalized::Roles(roles) = normalize(&record(Object::Client, client()), promox(), Some(Entity::Person)) else {
        panic!("no roles")
    };
    assert_eq!(roles.iter().map(|outcome| outcome.entity).collect::<Vec<_>>(), [Entity::Person]);
}

#[test]
fn texts_that_are_too_long_are_cut_only_where_the_mapping_says_so() {
    let mut project = project();
    project["name"] = json!("x".repeat(300));
    project["customer_po"] = json!("9".repeat(300));
    let made = Made::of(&record(Object::Project, project), promox());
    assert_eq!(made.lines("deal")[0].len(), "title = ".len() + 255);
    assert_eq!(made.codes, ["cut", "too_long"]);
    assert!(!made.lines("deal").iter().any(|line| line.starts_with("custom:Customer PO")));
    let long = format!("<p>{}</p>", "é<b>".repeat(20_000));
    let note = json!({"id": 1, "body": long, "related_type": "lead", "related_id": 5});
    let made = Made::of(&record(Object::Note, note), promox());
    assert!(made.lines("note")[0].len() <= 100_000);
    assert_eq!(made.codes, ["cut"]);
}
