//! Rows of the Maven export, whose owners and accounts have no ids but names.

use serde_json::{Value, json};

use super::{Made, record};
use crate::mapping::Mapping;
use crate::record::Object;

const MAVEN: &str = include_str!("../../../../tests/fixtures/maven-crm.mapping.toml");

fn maven(object: Object, payload: Value) -> Made {
    let mapping = Mapping::parse(MAVEN, "maven-crm.mapping.toml").expect("the fixture is right");
    let mut record = record(object, payload);
    record.id = mapping.object(object).and_then(|rules| rules.source_id(&record.payload)).expect("an id").into();
    Made::of(&record, &mapping)
}

#[test]
fn maven_deals() {
    let won = maven(
        Object::Project,
        json!({
            "opportunity_id": "Z063OYW0", "sales_agent": "Darcel Schlecht", "product": "GTXPro", "account": "Isdom", "deal_stage": "Won",
            "engage_date": "2016-10-25", "close_date": "2017-03-11", "close_value": "4514"
        }),
    );
    let expected = [
        "title = GTX Pro – Isdom",
        "owner_id = owner Darcel Schlecht",
        "org_id = client/Isdom#organization",
        "stage_id = the pipeline: Won",
        "value = 4514 USD",
        "won_time = 2017-03-11T12:00:00Z",
        "custom:Engage date = 2016-10-25",
        "custom:Close date = 2017-03-11",
        "custom:Product = GTX Pro",
        "status = won",
    ];
    assert_eq!((won.lines("deal"), won.codes.len()), (expected.map(str::to_owned).to_vec(), 0));
    let open = maven(
        Object::Project,
        json!({
            "opportunity_id": "X", "sales_agent": "Moses Frase", "product": "MG Special", "account": "", "deal_stage": "Dreaming",
            "engage_date": "", "close_date": "", "close_value": ""
        }),
    );
    let expected = [
        "title = MG Special – no account",
        "owner_id = owner Moses Frase",
        "stage_id = the pipeline: Prospecting",
        "value = 0 USD",
        "custom:Product = MG Special",
        "status = open",
    ];
    assert_eq!(open.lines("deal"), expected);
    assert_eq!(open.codes, ["missing_account", "unknown_stage", "missing_value"]);
}

#[test]
fn maven_accounts() {
    let account = maven(
        Object::Client,
        json!({
            "account": "Bioholding", "sector": "technolgy", "year_established": "2012", "revenue": "587.34", "employees": "1356",
            "office_location": "Philipines", "subsidiary_of": ""
        }),
    );
    let expected = [
        "name = Bioholding",
        "custom:Sector = technology",
        "custom:Year established = 2012",
        "custom:Annual revenue = 587340000 USD",
        "custom:Employees = 1356",
        "custom:Office location = Philippines",
    ];
    assert_eq!(account.lines("organization"), expected);
}
