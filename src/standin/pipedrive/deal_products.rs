//! Products on deals (API v2): one by one, in bulk, and removed in bulk. Facts: fact sheet 5.9, OpenAPI v2 of 2026-08-18.
//!
//! Whether they set the deal's value is in no document; a setting decides.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::check::{self, Body, Purpose};
use super::crud::{self, Resource};
use super::custom;
use super::deals::Deal;
use super::envelope::{Answer, Refusal};
use super::fields::Input;
use super::links::{Anchor, Linked, Links};
use super::list::{self, Filter, Listed};
use super::noun::Noun;
use super::products::{Billing, Product};
use super::query::Query;
use super::route::Operation;
use super::saved::Saved;
use super::state::{Act, State};
use super::table::{Meta, Row, Table};
use super::users;

/// Most products of one bulk request, added or removed (OpenAPI v2).
const BULK_MAX: usize = 100;

/// Most products of one deal that are billed more than once (OpenAPI v2).
const RECURRING_MAX: usize = 20;

/// One product on a deal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DealProduct {
    #[serde(flatten, skip_deserializing)]
    meta: Meta,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    sum: Decimal,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    tax: Decimal,
    deal_id: u64,
    name: String,
    product_id: u64,
    product_variation_id: Option<u64>,
    order_nr: u64,
    comments: String,
    currency: String,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    discount: Decimal,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    quantity: Decimal,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    item_price: Decimal,
    tax_method: String,
    discount_type: String,
    is_enabled: bool,
    #[serde(flatten, skip_deserializing)]
    billing: Billing,
    billing_start_date: Option<Date>,
}

impl Row for DealProduct {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }
}

impl Resource for DealProduct {
    const NOUN: Noun = Noun::DealProduct;
    const NAME: &'static str = "Deal product";

    fn table(state: &State) -> &Table<Self> {
        &state.deal_products
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.deal_products
    }

    fn blank(_state: &mut State, act: &Act) -> Self {
        Self {
            meta: Meta::new(act.second(), act.by_api),
            sum: Decimal::ZERO,
            tax: Decimal::ZERO,
            deal_id: 0,
            name: String::new(),
            product_id: 0,
            product_variation_id: None,
            order_nr: 0,
            comments: String::new(),
            currency: String::new(),
            discount: Decimal::ZERO,
            quantity: Decimal::ONE,
            item_price: Decimal::ZERO,
            tax_method: "exclusive".to_owned(),
            discount_type: "percentage".to_owned(),
            is_enabled: true,
            billing: Billing::default(),
            billing_start_date: None,
        }
    }

    fn apply(&mut self, body: &mut Body, state: &State, _act: &Act) {
        for key in ["product_id", "item_price", "quantity"] {
            body.require(key);
        }
        let linkable =
            |id| state.products.live(id).is_some_and(|product: &std::sync::Arc<Product>| product.is_linkable());
        body.put("product_id", &mut self.product_id, check::link("Product", linkable));
        if let Some(product) = state.products.get(self.product_id) {
            product.name().clone_into(&mut self.name);
        }
        body.put("item_price", &mut self.item_price, check::number);
        body.put("quantity", &mut self.quantity, check::number);
        body.put("tax", &mut self.tax, check::number);
        body.put("comments", &mut self.comments, check::any_text(check::TEXT_MAX));
        body.put("discount", &mut self.discount, check::number);
        let text =
            |allowed: &'static [&'static str]| move |value: &Value| check::one_of(allowed)(value).map(str::to_owned);
        body.put("discount_type", &mut self.discount_type, text(&["percentage", "amount"]));
        body.put("tax_method", &mut self.tax_method, text(&["exclusive", "inclusive", "none"]));
        body.put("is_enabled", &mut self.is_enabled, check::flag);
        // Variations of products are not kept here, so that no id of one exists.
        body.put_or_null("product_variation_id", &mut self.product_variation_id, check::link("Variation", |_| false));
        self.billing.read(body, state);
        body.put_or_null("billing_start_date", &mut self.billing_start_date, check::day);
        if self.discount_type == "percentage" && self.discount > Decimal::ONE_HUNDRED {
            body.problem("discount", "Must be at most 100 percent");
        }
        self.sum = users::round_money(self.amount(), &self.currency);
    }

    fn write(&self, _state: &State, _only: Option<&[String]>, out: &mut Vec<u8>) {
        custom::write_json(&self.row(), out);
    }
}

impl Linked for DealProduct {
    fn links_mut(&mut self) -> Links<'_> {
        Links::default()
    }

    fn move_more(&mut self, from: Anchor, to: Anchor) -> bool {
        let (Anchor::Deal(from), Anchor::Deal(to)) = (from, to) else { return false };
        let moved = self.deal_id == from;
        if moved {
            self.deal_id = to;
        }
        moved
    }
}

impl Saved for DealProduct {
    fn rest(&self) -> Value {
        json!(self.billing)
    }

    fn set_rest(&mut self, rest: Value) -> serde_json::Result<()> {
        self.billing = serde_json::from_value(rest)?;
        Ok(())
    }
}

impl Listed for DealProduct {
    const FILTERS: &'static [&'static str] = &["deal_id", "deal_ids"];
    const ORDERS: &'static [&'static str] = &["deal_id", "order_nr"];

    fn passes(&self, filter: &Filter, _state: &State) -> bool {
        Filter::is(filter.deal_id, Some(self.deal_id))
            && filter.deal_ids.as_ref().is_none_or(|ids| ids.contains(&self.deal_id))
    }

    fn place(&self, order: &str) -> String {
        format!("{:020}", if order == "deal_id" { self.deal_id } else { self.order_nr })
    }
}

/// True if a product is on a deal.
pub(super) fn has(state: &State, deal: u64, product: u64) -> bool {
    let mut own = state.deal_products.iter().filter(|row| row.deal_id == deal && !row.meta.is_deleted);
    own.any(|row| row.product_id == product)
}

impl DealProduct {
    /// The deal it is on.
    pub(super) fn deal_id(&self) -> u64 {
        self.deal_id
    }

    /// As answers have it: without `is_deleted`, which records of other kinds have (OpenAPI v2).
    fn row(&self) -> Value {
        let mut row = json!(self);
        if let Value::Object(keys) = &mut row {
            keys.remove("is_deleted");
        }
        row
    }

    fn amount(&self) -> Decimal {
        let whole = self.item_price.checked_mul(self.quantity).unwrap_or_default();
        let less = match self.discount_type.as_str() {
            "amount" => self.discount,
            _ => whole.checked_mul(self.discount).unwrap_or_default() / Decimal::ONE_HUNDRED,
        };
        let net = whole - less;
        match self.tax_method.as_str() {
            "exclusive" => net + net.checked_mul(self.tax).unwrap_or_default() / Decimal::ONE_HUNDRED,
            _ => net,
        }
    }
}

/// Carries out a request about the products of a deal, whose id is that of the path.
///
/// # Errors
/// 400, 403 or 404; nothing has changed then.
pub(super) fn perform(
    state: &mut State,
    act: &Act,
    operation: Operation,
    id: &str,
    input: Input<'_>,
) -> Result<Answer, Refusal> {
    let mut query = Query::parse(input.query);
    if operation == Operation::ListAll {
        if !query.has("deal_ids") {
            query.problem("deal_ids", "Required");
        }
        return list::page::<DealProduct>(state, act, query, false);
    }
    let deal_id = crud::number::<Deal>(state, id)?;
    let deal = crud::live::<Deal>(state, deal_id)?;
    if operation != Operation::List && deal.is_in_archive() {
        return Err(Refusal::forbidden("Archived deals cannot be changed"));
    }
    match operation {
        Operation::List => {
            query.set("deal_id", &deal_id.to_string());
            return list::page::<DealProduct>(state, act, query, false);
        }
        Operation::DeleteMany => return delete_many(state, act, deal_id, query),
        _ => query.finish(false)?,
    }
    let answer = match operation {
        Operation::Create => {
            let rows = read_new(state, act, deal_id, vec![input.body_object()?])?;
            let rows = add(state, act, rows)?;
            Answer::data(201, |out| {
                if let Some(row) = rows.first() {
                    row.write(state, None, out)
                }
            })
        }
        Operation::Bulk => {
            let rows = read_new(state, act, deal_id, bulk(input.body)?)?;
            let rows = add(state, act, rows)?;
            Answer::value(201, &rows.iter().map(DealProduct::row).collect())
        }
        operation => {
            let number = crud::number::<DealProduct>(state, input.sub)?;
            if crud::live::<DealProduct>(state, number)?.deal_id != deal_id {
                return Err(Refusal::not_found(DealProduct::NAME));
            }
            if operation == Operation::Delete {
                crud::delete::<DealProduct>(state, act, number)?;
                Answer::value(200, &json!({ "id": number }))
            } else {
                crud::update::<DealProduct>(state, act, number, Body::parse(input.body, Purpose::Update)?)?;
                super::perform::one::<DealProduct>(state, number, 200)
            }
        }
    };
    set_value(state, act, deal_id);
    Ok(answer)
}

/// The list `data` of a bulk request.
fn bulk(body: &[u8]) -> Result<Vec<Map<String, Value>>, Refusal> {
    let mut body = Body::parse(body, Purpose::Create)?;
    body.require("data");
    let mut items = Vec::new();
    body.put("data", &mut items, |value| {
        let items =
            check::list(|item| item.as_object().cloned().ok_or_else(|| check::expected("object", item)))(value)?;
        match items.len() {
            0 => Err("Array must contain at least 1 element(s)".to_owned()),
            count if count > BULK_MAX => Err(format!("Array must contain at most {BULK_MAX} element(s)")),
            _ => Ok(items),
        }
    });
    body.finish(false)?;
    Ok(items)
}

/// Reads new products of a deal: all of them or none.
fn read_new(
    state: &mut State,
    act: &Act,
    deal_id: u64,
    items: Vec<Map<String, Value>>,
) -> Result<Vec<DealProduct>, Refusal> {
    let own = || state.deal_products.iter().filter(|row| row.deal_id == deal_id && !row.meta.is_deleted);
    let mut order_nr = own().map(|row| row.order_nr).max().unwrap_or(0);
    let mut recurring = own().filter(|row| row.billing.is_recurring()).count();
    let currency = crud::live::<Deal>(state, deal_id)?.currency().to_owned();
    let mut rows = Vec::new();
    for keys in items {
        let mut row = DealProduct::blank(state, act);
        order_nr += 10;
        (row.deal_id, row.order_nr, row.currency) = (deal_id, order_nr, currency.clone());
        let mut body = Body::new(keys, Purpose::Create);
        row.apply(&mut body, state, act);
        recurring += usize::from(row.billing.is_recurring());
        if recurring > RECURRING_MAX {
            body.refuse(Refusal::forbidden(format!("A deal has at most {RECURRING_MAX} recurring products")));
        }
        body.finish(false)?;
        rows.push(row);
    }
    Ok(rows)
}

fn add(state: &mut State, act: &Act, rows: Vec<DealProduct>) -> Result<Vec<DealProduct>, Refusal> {
    let mut kept = Vec::new();
    for row in rows {
        let number = crud::add(state, act, row)?;
        kept.push(DealProduct::clone(crud::live::<DealProduct>(state, number)?));
    }
    Ok(kept)
}

/// Removes the named products, or up to a hundred where none is named.
fn delete_many(state: &mut State, act: &Act, deal_id: u64, mut query: Query) -> Result<Answer, Refusal> {
    let ids = query.read("ids", "up to 100 ids", list::read_ids);
    query.finish(false)?;
    let own = |row: &&std::sync::Arc<DealProduct>| row.deal_id == deal_id && !row.meta.is_deleted;
    let all: Vec<u64> = state.deal_products.iter().filter(own).map(|row| row.meta.id).collect();
    let gone: Vec<u64> = match ids {
        Some(ids) => ids.into_iter().filter(|id| all.contains(id)).collect(),
        None => all.iter().copied().take(BULK_MAX).collect(),
    };
    for number in &gone {
        crud::delete::<DealProduct>(state, act, *number)?;
    }
    set_value(state, act, deal_id);
    let more = all.len() > gone.len();
    let body = json!({"success": true, "data": {"ids": gone}, "additional_data": {"more_items_in_collection": more}});
    Ok(Answer::json(200, body.to_string()))
}

/// The deal's value follows its products, if the account is set so.
fn set_value(state: &mut State, act: &Act, deal_id: u64) {
    if !state.settings.products_set_value {
        return;
    }
    let own = state.deal_products.iter().filter(|row| row.deal_id == deal_id && !row.meta.is_deleted && row.is_enabled);
    // No real deal comes near the end of the numbers; one that does keeps what it has.
    let Some(value) = own.map(|row| row.sum).try_fold(Decimal::ZERO, Decimal::checked_add) else { return };
    if let Some(deal) = state.deals.live(deal_id) {
        let mut deal = Deal::clone(deal);
        if deal.set_value(value) {
            deal.meta_mut().update_time = act.second();
            state.deals.put(deal, act.shown_at());
        }
    }
}
