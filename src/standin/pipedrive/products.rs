//! Products (API v2). Facts: fact sheet 5.9, OpenAPI v2 of 2026-08-18.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom::Custom;
use super::envelope::Refusal;
use super::fields::Owner;
use super::list::{Filter, Listed};
use super::noun::Noun;
use super::saved::Saved;
use super::state::{Act, State};
use super::system;
use super::table::{Meta, Row, Table};
use super::users;

/// How often a product is billed (OpenAPI v2).
const FREQUENCIES: &[&str] = &["one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"];

/// Most cycles of a recurring product (OpenAPI v2).
const CYCLES_MAX: u64 = 208;

/// One product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Product {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    name: String,
    code: Option<String>,
    description: Option<String>,
    unit: Option<String>,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    tax: Decimal,
    category: Option<u64>,
    is_linkable: bool,
    visible_to: u64,
    owner_id: u64,
    #[serde(flatten, skip_deserializing)]
    billing: Billing,
    prices: Vec<Price>,
    #[serde(skip)]
    custom: Custom,
}

/// How often something is billed, and how many times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Billing {
    billing_frequency: String,
    billing_frequency_cycles: Option<u64>,
}

/// The price of a product in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Price {
    product_id: u64,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    price: Decimal,
    currency: String,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    cost: Decimal,
    #[serde(with = "rust_decimal::serde::arbitrary_precision_option")]
    direct_cost: Option<Decimal>,
    notes: String,
}

impl Default for Billing {
    fn default() -> Self {
        Self { billing_frequency: "one-time".to_owned(), billing_frequency_cycles: None }
    }
}

impl Billing {
    /// Reads both keys; plans below Growth do not have them.
    pub(super) fn read(&mut self, body: &mut Body, state: &State) {
        let before = self.clone();
        body.put("billing_frequency", &mut self.billing_frequency, |value| {
            check::one_of(FREQUENCIES)(value).map(str::to_owned)
        });
        body.put_or_null("billing_frequency_cycles", &mut self.billing_frequency_cycles, check::whole(1, CYCLES_MAX));
        match (self.billing_frequency.as_str(), self.billing_frequency_cycles) {
            ("one-time", Some(_)) => body.problem("billing_frequency_cycles", "Must be null when billed one-time"),
            ("weekly", None) => body.problem("billing_frequency_cycles", "Required when billed weekly"),
            _ => {}
        }
        if *self != before && !state.settings.plan.numbers().recurring_products {
            body.refuse(Refusal::forbidden("Recurring products are not available on this plan"));
        }
    }

    /// True for what is billed more than once.
    pub(super) fn is_recurring(&self) -> bool {
        self.billing_frequency != "one-time"
    }
}

impl Row for Product {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for Product {
    const NOUN: Noun = Noun::Product;
    const NAME: &'static str = "Product";

    fn table(state: &State) -> &Table<Self> {
        &state.products
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.products
    }

    fn blank(state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            name: String::new(),
            code: None,
            description: None,
            unit: None,
            tax: Decimal::ZERO,
            category: None,
            is_linkable: true,
            visible_to: state.default_visibility(),
            owner_id: act.user,
            billing: Billing::default(),
            prices: Vec::new(),
            custom: Custom::default(),
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        body.require("name");
        body.put("name", &mut self.name, check::text(check::LINE_MAX));
        body.put_or_null("code", &mut self.code, check::any_text(check::LINE_MAX));
        body.put_or_null("description", &mut self.description, check::any_text(check::TEXT_MAX));
        body.put_or_null("unit", &mut self.unit, check::any_text(check::LINE_MAX));
        body.put("tax", &mut self.tax, check::number);
        let has = |id| state.product_fields.get("category").is_some_and(|field| field.has_option(id));
        body.put_or_null("category", &mut self.category, check::link("Option", has));
        body.put("is_linkable", &mut self.is_linkable, check::flag);
        system::read_owner(body, state, &mut self.owner_id);
        system::read_visibility(body, state, &mut self.visible_to);
        self.billing.read(body, state);
        let given = body.put("prices", &mut self.prices, |value| read_prices(value, state));
        if body.purpose == Purpose::Create && !given {
            // Left out, it costs nothing in the user's currency (OpenAPI v2).
            let currency = state.settings.currency.clone();
            self.prices = vec![Price::of(currency)];
        }
        system::read_custom(body, state, Owner::Product, &mut self.custom);
    }

    fn is_seen_by(&self, user: u64) -> bool {
        self.visible_to != system::OWNER_ONLY || self.owner_id == user
    }

    fn write(&self, state: &State, only: Option<&[String]>, out: &mut Vec<u8>) {
        crud::write_with_custom(self, &self.custom, &state.product_fields, only, out);
    }

    fn made(state: &mut State, number: u64, act: &Act) {
        let Some(row) = state.products.get(number) else { return };
        let mut row = Product::clone(row);
        for price in &mut row.prices {
            price.product_id = number;
        }
        state.products.put(row, act.shown_at());
    }
}

impl Saved for Product {
    fn custom(&self) -> Option<&Custom> {
        Some(&self.custom)
    }

    fn set_custom(&mut self, custom: Custom) {
        self.custom = custom;
    }

    fn rest(&self) -> Value {
        json!(self.billing)
    }

    fn set_rest(&mut self, rest: Value) -> serde_json::Result<()> {
        self.billing = serde_json::from_value(rest)?;
        Ok(())
    }
}

impl Listed for Product {
    const FILTERS: &'static [&'static str] = &["ids", "filter_id", "owner_id", "updated_since"];
    const ORDERS: &'static [&'static str] = &["name"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.owner_id, Some(self.owner_id))
    }

    fn place(&self, _order: &str) -> String {
        self.name.clone()
    }
}

impl Product {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be put on deals.
    pub(super) fn is_linkable(&self) -> bool {
        self.is_linkable
    }
}

impl Price {
    fn of(currency: String) -> Self {
        let (price, cost) = (Decimal::ZERO, Decimal::ZERO);
        Self { product_id: 0, price, currency, cost, direct_cost: None, notes: String::new() }
    }
}

/// Reads `prices`: one for each currency.
fn read_prices(value: &Value, state: &State) -> Result<Vec<Price>, String> {
    let prices = check::list(|value| read_price(value, state))(value)?;
    for (place, price) in prices.iter().enumerate() {
        if prices[..place].iter().any(|other| other.currency == price.currency) {
            return Err(format!("Currency '{}' is given twice", price.currency));
        }
    }
    Ok(prices)
}

fn read_price(value: &Value, state: &State) -> Result<Price, String> {
    let Value::Object(keys) = value else { return Err(check::expected("object", value)) };
    let mut price = Price::of(users::currency(state)(keys.get("currency").ok_or("currency: Required")?)?);
    for (key, value) in keys {
        let money = |value: &Value| check::number(value).map(|own| users::round_money(own, &price.currency));
        match key.as_str() {
            "currency" => {}
            "price" => price.price = money(value)?,
            "cost" => price.cost = money(value)?,
            "direct_cost" => price.direct_cost = if value.is_null() { None } else { Some(money(value)?) },
            "notes" => price.notes = check::any_text(check::LINE_MAX)(value)?,
            _ => return Err(format!("Unknown key '{key}'")),
        }
    }
    Ok(price)
}
