//! What we write: typed bodies of every kind of record, and custom values in the forms of v2 and v1.
//!
//! A field that is `None` is not sent. Sources: OpenAPI v1 and v2, published 2026-08-18; documentation "Custom fields",
//! "API v2 migration guide".

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value, json};

/// A custom field's value, before it takes the form of an API version.
#[derive(Debug, Clone, PartialEq)]
pub enum CustomValue {
    /// `varchar`, `text`, `phone`.
    Text(String),
    /// `double`.
    Number(Decimal),
    /// `monetary`.
    Money {
        /// The amount.
        amount: Decimal,
        /// ISO code.
        currency: String,
    },
    /// `enum`: the option's id.
    Option(i64),
    /// `set`: the options' ids, ascending, never empty.
    Options(Vec<i64>),
    /// `date`: `YYYY-MM-DD`.
    Date(String),
    /// `time`: `HH:MM:SS`.
    Time(String),
    /// `address`, in one line.
    Address(String),
    /// `user`: the user's id.
    User(i64),
    /// Takes a value away.
    Null,
}

/// Custom values by field code.
pub type CustomValues = BTreeMap<String, CustomValue>;

impl CustomValue {
    /// The form inside `custom_fields` of a v2 body.
    #[must_use]
    pub fn to_v2(&self) -> Value {
        match self {
            CustomValue::Text(text) | CustomValue::Date(text) => text.as_str().into(),
            CustomValue::Number(number) => decimal(*number),
            CustomValue::Money { amount, currency } => json!({ "value": decimal(*amount), "currency": currency }),
            CustomValue::Option(id) | CustomValue::User(id) => (*id).into(),
            CustomValue::Options(ids) => ids.clone().into(),
            CustomValue::Time(text) | CustomValue::Address(text) => json!({ "value": text }),
            CustomValue::Null => Value::Null,
        }
    }

    /// Puts the flat form of a v1 body (leads) under its code.
    pub fn put_v1(&self, code: &str, body: &mut Map<String, Value>) {
        let value = match self {
            CustomValue::Money { amount, currency } => {
                body.insert(format!("{code}_currency"), currency.as_str().into());
                decimal(*amount)
            }
            CustomValue::Options(ids) => {
                let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
                ids.join(",").into()
            }
            CustomValue::Time(text) | CustomValue::Address(text) => text.as_str().into(),
            other => other.to_v2(),
        };
        body.insert(code.to_owned(), value);
    }
}

/// A JSON number with exactly the digits of the decimal.
fn decimal(number: Decimal) -> Value {
    number.normalize().to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

fn decimal_option<S: Serializer>(number: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    number.map(decimal).serialize(serializer)
}

fn custom_v2<S: Serializer>(values: &CustomValues, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(code, value)| (code, value.to_v2())))
}

/// One e-mail address or phone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The address or number.
    pub value: String,
    /// True for one of them.
    pub primary: bool,
    /// `work`, `home`, `mobile`, `other`.
    pub label: String,
}

/// A postal address; Pipedrive keeps the parts that are left out as null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// The whole address in one line.
    pub value: String,
}

/// `POST /api/v2/organizations`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Organization {
    /// Required.
    pub name: String,
    /// A user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    /// RFC 3339, whole seconds, Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_time: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Option ids of the account's labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_ids: Vec<i64>,
    /// Exists only where the account has the feature (change log 2026-05-21), as the next three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Address of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkedin: Option<String>,
    /// Whole units of the account's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annual_revenue: Option<i64>,
    /// Employees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_count: Option<i64>,
    /// By field code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "custom_v2")]
    pub custom_fields: CustomValues,
}

/// `POST /api/v2/persons`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Person {
    /// Required; Pipedrive splits it into first and last name.
    pub name: String,
    /// A user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    /// An organization's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// RFC 3339, whole seconds, Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_time: Option<String>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Contact>,
    /// Phone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Contact>,
    /// Option ids of the account's labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_ids: Vec<i64>,
    /// By field code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "custom_v2")]
    pub custom_fields: CustomValues,
}

/// Status of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DealStatus {
    /// In progress.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
}

/// `POST /api/v2/deals`. Its time of creation cannot be set (OpenAPI v2; client change log 2025-06).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Deal {
    /// Required.
    pub title: String,
    /// A user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    /// A person's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<i64>,
    /// An organization's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// A pipeline's id; sent beside the stage it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<i64>,
    /// A stage's id; decides the pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_id: Option<i64>,
    /// Amount in units of the currency.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "decimal_option")]
    pub value: Option<Decimal>,
    /// ISO code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Open when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<DealStatus>,
    /// Only for won deals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub won_time: Option<String>,
    /// Only for lost deals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_time: Option<String>,
    /// Only for won and lost deals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_time: Option<String>,
    /// Only for lost deals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_reason: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_close_date: Option<String>,
    /// Whole percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<i64>,
    /// Option ids of the account's labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label_ids: Vec<i64>,
    /// By field code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "custom_v2")]
    pub custom_fields: CustomValues,
}

/// The value of a lead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeadValue {
    /// Amount in units of the currency.
    #[serde(serialize_with = "decimal_plain")]
    pub amount: Decimal,
    /// ISO code.
    pub currency: String,
}

fn decimal_plain<S: Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    decimal(*number).serialize(serializer)
}

/// `POST /v1/leads`. Needs a person or an organization. Custom values are the deal fields', flat.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lead {
    /// Required.
    pub title: String,
    /// A user's id.
    pub owner_id: Option<i64>,
    /// A person's id.
    pub person_id: Option<i64>,
    /// An organization's id.
    pub organization_id: Option<i64>,
    /// UUIDs of lead labels.
    pub label_ids: Vec<String>,
    /// Amount and currency.
    pub value: Option<LeadValue>,
    /// `YYYY-MM-DD`.
    pub expected_close_date: Option<String>,
    /// Whether somebody looked at it.
    pub was_seen: Option<bool>,
    /// By code of the deal field.
    pub custom_fields: CustomValues,
}

/// `POST /api/v2/pipelines`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pipeline {
    /// Required.
    pub name: String,
    /// Whether stages carry a probability.
    pub is_deal_probability_enabled: bool,
}

/// `POST /api/v2/stages`. New stages go to the end of their pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Required.
    pub name: String,
    /// Required.
    pub pipeline_id: i64,
    /// Whole percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_probability: Option<i64>,
}

/// A person's part in an activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// A person's id.
    pub person_id: i64,
    /// True for the one the activity belongs to.
    pub primary: bool,
}

/// `POST /api/v2/activities`. Its person is linked as primary participant; `person_id` is read-only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// What it is about.
    pub subject: String,
    /// Key of an activity type: `call`, `task`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub activity_type: Option<String>,
    /// A user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<i64>,
    /// A deal's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<i64>,
    /// A lead's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<String>,
    /// An organization's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// `YYYY-MM-DD`, of the UTC time when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// `HH:MM:SS`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_time: Option<String>,
    /// `HH:MM:SS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Whether it is done; Pipedrive stamps the time itself.
    pub done: bool,
    /// Whether it blocks the owner's calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<bool>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Address>,
    /// Text that attendees would see; nobody is ever invited by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_description: Option<String>,
    /// HTML; our marker is its last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The person it is with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
}

/// `POST /v1/notes`. Needs one parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Note {
    /// HTML; our marker is its last line.
    pub content: String,
    /// A lead's UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<String>,
    /// A deal's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<i64>,
    /// A person's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<i64>,
    /// An organization's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<i64>,
    /// The author: a user's id; needs an administrator's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_time: Option<String>,
}

/// The body of a typed record as a JSON map.
///
/// # Panics
/// Never: the types above are maps of JSON values.
#[must_use]
pub fn to_body(record: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(body)) => body,
        other => unreachable!("a record serializes to a map, not {other:?}"),
    }
}

impl Lead {
    /// The body with the custom values at its top level.
    #[must_use]
    pub fn to_body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("title", Some(self.title.as_str().into()));
        put("owner_id", self.owner_id.map(Into::into));
        put("person_id", self.person_id.map(Into::into));
        put("organization_id", self.organization_id.map(Into::into));
        put("label_ids", (!self.label_ids.is_empty()).then(|| self.label_ids.clone().into()));
        put(
            "value",
            self.value.as_ref().map(|value| json!({"amount": decimal(value.amount), "currency": value.currency})),
        );
        put("expected_close_date", self.expected_close_date.as_deref().map(Into::into));
        put("was_seen", self.was_seen.map(Into::into));
        for (code, value) in &self.custom_fields {
            value.put_v1(code, &mut body);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_its_digits_and_absent_fields_are_not_sent() {
        let amount: Decimal = "1250.10".parse().expect("a decimal");
        let money = CustomValue::Money { amount, currency: "EUR".into() };
        let deal = Deal {
            title: "Caps".into(),
            value: Some(amount),
            custom_fields: [("k".repeat(40), money.clone())].into_iter().collect(),
            ..Deal::default()
        };
        let text = serde_json::to_string(&to_body(&deal)).expect("JSON");
        let code = "k".repeat(40);
        assert_eq!(
            text,
            format!(
                r#"{{"custom_fields":{{"{code}":{{"currency":"EUR","value":1250.1}}}},"title":"Caps","value":1250.1}}"#
            )
        );
        let lead = Lead { title: "L".into(), custom_fields: deal.custom_fields, ..Lead::default() };
        let text = serde_json::to_string(&lead.to_body()).expect("JSON");
        assert_eq!(text, format!(r#"{{"{code}":1250.1,"{code}_currency":"EUR","title":"L"}}"#));
    }

    #[test]
    fn sets_are_lists_on_v2_and_text_on_v1() {
        let value = CustomValue::Options(vec![42, 43]);
        assert_eq!(value.to_v2(), json!([42, 43]));
        let mut body = Map::new();
        value.put_v1("k", &mut body);
        assert_eq!(body["k"], json!("42,43"));
    }
}
