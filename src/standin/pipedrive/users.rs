//! Users, the company they belong to, and currencies. API v1 only; the API cannot make users here, people can.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check;
use super::envelope::{Answer, Refusal};
use super::query::Query;
use super::state::State;

/// First user id of an account.
const FIRST_USER: u64 = 11;

/// Currencies of every account: code, name, decimals, symbol (`GET /v1/currencies`, a selection).
const CURRENCIES: &[(&str, &str, u32, &str)] = &[
    ("USD", "US Dollar", 2, "$"),
    ("EUR", "Euro", 2, "€"),
    ("GBP", "Pound Sterling", 2, "£"),
    ("CAD", "Canadian Dollar", 2, "CA$"),
    ("AUD", "Australian Dollar", 2, "A$"),
    ("MXN", "Mexican Peso", 2, "MX$"),
    ("CHF", "Swiss Franc", 2, "CHF"),
    ("JPY", "Japanese Yen", 0, "¥"),
    ("CNY", "Yuan Renminbi", 2, "CN¥"),
    ("INR", "Indian Rupee", 2, "₹"),
    ("BRL", "Brazilian Real", 2, "R$"),
    ("SEK", "Swedish Krona", 2, "kr"),
];

/// One user of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id in the account.
    pub id: u64,
    /// Full name.
    pub name: String,
    /// E-mail address, as it was given.
    pub email: String,
    /// Secret of this user for the header `x-api-token`; a simulated one.
    pub token: String,
    /// When the user was added, UTC, whole seconds.
    pub created: Timestamp,
    /// False once an administrator has deactivated the user, who owns nothing new then.
    #[serde(default = "yes")]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

/// Adds a user with a token of its own; the first one is the administrator.
pub(super) fn add(state: &mut State, name: &str, email: &str, now: Timestamp) -> u64 {
    let id = FIRST_USER + state.users.len() as u64;
    let token = state.hex(40);
    let created = Timestamp::from_second(now.as_second()).unwrap_or(now);
    state.tokens.insert(token.clone(), id);
    state.users.push(User { id, name: name.to_owned(), email: email.to_owned(), token, created, active: true });
    id
}

/// Ends a user's token.
pub(super) fn revoke(state: &mut State, user: u64) {
    state.tokens.retain(|_, own| *own != user);
}

/// Deactivates a user, whose token is worth nothing then. False for an unknown user.
pub(super) fn deactivate(state: &mut State, user: u64) -> bool {
    revoke(state, user);
    let own = state.users.iter_mut().find(|own| own.id == user);
    own.map(|own| own.active = false).is_some()
}

/// True for a user to whom records can be given.
pub(super) fn can_own(state: &State, user: u64) -> bool {
    get(state, user).is_some_and(|own| own.active)
}

/// Gives a user a new token; the old one is worth nothing then. `None` for an unknown user.
pub(super) fn renew(state: &mut State, user: u64) -> Option<String> {
    get(state, user)?;
    revoke(state, user);
    let token = state.hex(40);
    state.tokens.insert(token.clone(), user);
    let own = state.users.iter_mut().find(|own| own.id == user)?;
    own.token.clone_from(&token);
    Some(token)
}

/// True for a user with access to the account's settings: the first one.
pub(super) const fn is_admin(id: u64) -> bool {
    id == FIRST_USER
}

/// A user by id.
pub(super) fn get(state: &State, id: u64) -> Option<&User> {
    state.users.get(usize::try_from(id.checked_sub(FIRST_USER)?).ok()?)
}

/// Decimals of a currency; `None` for one that the account does not have.
pub(super) fn decimals(code: &str) -> Option<u32> {
    CURRENCIES.iter().find(|(own, ..)| *own == code).map(|(_, _, decimals, _)| *decimals)
}

/// The sign of a currency; its code where the account does not have it.
pub(super) fn symbol(code: &str) -> &str {
    CURRENCIES.iter().find(|(own, ..)| *own == code).map_or(code, |(.., symbol)| symbol)
}

/// Reads the code of a currency that the account has switched on (`/v1/currencies` lists those that "should be used when
/// saving monetary values": OpenAPI v1). No document says how others are refused.
pub(super) fn currency(state: &State) -> impl Fn(&Value) -> Result<String, String> + '_ {
    |value| {
        let code = check::text(3)(value)?;
        match decimals(&code) {
            None => Err(format!("Currency '{code}' does not exist")),
            Some(_) if !is_on(state, &code) => Err(format!("Currency '{code}' is not active")),
            Some(_) => Ok(code),
        }
    }
}

fn is_on(state: &State, code: &str) -> bool {
    !state.settings.currencies_off.iter().any(|off| off == code)
}

/// Money as it is kept: rounded to the decimals of its currency. No document says; the web application shows no more.
pub(super) fn round_money(amount: Decimal, currency: &str) -> Decimal {
    check::round(amount, decimals(currency).unwrap_or(2))
}

/// `GET /v1/users`: all users, no pages.
pub(super) fn list(state: &State, caller: u64) -> Answer {
    let rows: Vec<Value> = state.users.iter().map(|user| row(state, user, caller)).collect();
    let beside = json!({"company_id": state.settings.company_id});
    Answer::json(200, json!({"success": true, "data": rows, "additional_data": beside}).to_string())
}

/// `GET /v1/users/{id}`.
///
/// # Errors
/// 404 for an unknown id.
pub(super) fn read(state: &State, id: &str, caller: u64) -> Result<Answer, Refusal> {
    let user = id.parse().ok().and_then(|id| get(state, id)).ok_or_else(|| Refusal::not_found("User"))?;
    Ok(Answer::value(200, &row(state, user, caller)))
}

/// `GET /v1/users/me`: the caller, and the company.
///
/// # Errors
/// 404 if the caller is gone, which cannot happen through the API.
pub(super) fn me(state: &State, caller: u64) -> Result<Answer, Refusal> {
    let user = get(state, caller).ok_or_else(|| Refusal::not_found("User"))?;
    let mut row = row(state, user, caller);
    let company = json!({
        "company_id": state.settings.company_id,
        "company_name": "Stand-in Promotions",
        "company_domain": state.settings.company_domain,
        "company_country": "US",
        "company_industry": "Advertising",
        "language": {"language_code": "en", "country_code": "US"},
    });
    if let (Value::Object(row), Value::Object(company)) = (&mut row, company) {
        row.extend(company);
    }
    Ok(Answer::value(200, &row))
}

/// `GET /v1/users/find`: by a part of the name, or of the e-mail address.
///
/// # Errors
/// 400 without a term.
pub(super) fn find(state: &State, mut query: Query, caller: u64) -> Result<Answer, Refusal> {
    let by_email = query.bit("search_by_email").unwrap_or(false);
    let term = query.take("term").unwrap_or_default().to_lowercase();
    if term.is_empty() {
        query.problem("term", "Required");
    }
    query.finish(true)?;
    let found = state.users.iter().filter(|user| {
        let text = if by_email { &user.email } else { &user.name };
        text.to_lowercase().contains(&term)
    });
    Ok(Answer::value(200, &found.map(|user| row(state, user, caller)).collect()))
}

/// `GET /v1/currencies`.
pub(super) fn currencies(state: &State, mut query: Query) -> Answer {
    let term = query.take("term").unwrap_or_default().to_lowercase();
    let rows = CURRENCIES
        .iter()
        .enumerate()
        .filter(|(_, (code, name, ..))| code.to_lowercase().contains(&term) || name.to_lowercase().contains(&term));
    let rows = rows.map(|(place, (code, name, decimals, symbol))| {
        json!({"id": place + 1, "code": code, "name": name, "decimal_points": decimals, "symbol": symbol,
            "active_flag": is_on(state, code), "is_custom_flag": false})
    });
    Answer::value(200, &rows.collect())
}

fn row(state: &State, user: &User, caller: u64) -> Value {
    let admin = user.id == FIRST_USER;
    let created = check::v1_text(user.created);
    let local = state.timezone.to_offset(user.created);
    let (sign, minutes) = (if local.seconds() < 0 { '-' } else { '+' }, local.seconds().abs() / 60);
    json!({
        "id": user.id,
        "name": user.name,
        "default_currency": state.settings.currency,
        "locale": "en_US",
        "lang": 1,
        "email": user.email,
        "phone": null,
        "is_admin": u8::from(admin),
        "last_login": created,
        "created": created,
        "modified": created,
        "has_created_company": admin,
        "access": [
            {"app": "sales", "admin": admin, "permission_set_id": "62cc4d7f-4038-4352-abf3-a8c1c822b631"},
            {"app": "global", "admin": admin, "permission_set_id": "233b7976-39bd-43a9-b305-ef3a2b0998e5"},
            {"app": "account_settings", "admin": admin, "permission_set_id": "982c5ce5-b8ba-4b47-b102-9da024f4b990"},
        ],
        "active_flag": user.active,
        "timezone_name": state.settings.timezone,
        "timezone_offset": format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        "role_id": 1,
        "icon_url": null,
        "is_you": user.id == caller,
        "is_deleted": false,
    })
}
