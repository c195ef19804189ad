//! Turns one text of the source into the value that a field's kind makes of it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use super::Row;
use crate::clean::{
    Cleaned, Note, Outcome, Unreadable, address, choices, code, dates, emails, html, money, names, numbers, phones,
    shown, text,
};
use crate::mapping::called::{LinkBy, Meant};
use crate::mapping::field::{Extra, Field, Kind};
use crate::mapping::pipelines::Fallback;
use crate::mapping::workspace::YES_NO;
use crate::record::{ContactValue, FieldValue, LinkTarget, Target, fold_name};

/// What one line of the mapping gives.
pub(super) enum Read {
    /// A value for its target.
    One(FieldValue),
    /// A day for its target and the time of day for `due_time`.
    DayAndTime(FieldValue, FieldValue),
}

pub(super) fn one(value: FieldValue) -> Option<Read> {
    Some(Read::One(value))
}

/// Cleans a text as the field's kind says. One arm for each kind, so the function is long and flat.
pub(super) fn converted(row: &Row<'_>, field: &Field, written: Cow<'_, str>) -> Outcome<Option<Read>> {
    let defaults = &row.mapping.defaults;
    let is_custom = matches!(field.target, Target::Custom(_));
    let written: &str = &written;
    match field.kind {
        Kind::Text => limited(text::line(written), field, FieldValue::Text),
        Kind::LongText => limited(text::block(written), field, FieldValue::Text),
        Kind::Name => limited(names::person(written), field, FieldValue::Text),
        Kind::Number => {
            let number = numbers::number(written, defaults.decimal_sign)?;
            Ok(number.map(|number| number.map(|number| Read::One(FieldValue::Number(scaled(number, field))))))
        }
        Kind::Percent => wrapped(numbers::percent(written, defaults.decimal_sign), FieldValue::Number),
        Kind::Money => amount(row, field, &Value::String(written.to_owned())),
        Kind::Date => wrapped(dates::date(written, defaults), FieldValue::Date),
        Kind::Datetime => wrapped(dates::timestamp(written, defaults), FieldValue::Timestamp),
        Kind::Time => wrapped(dates::time_of_day(written), time_value),
        Kind::Due => due(row, field, written),
        Kind::Bool if is_custom => {
            wrapped(choices::flag(written), |yes| FieldValue::Choice(YES_NO[usize::from(!yes)].to_owned()))
        }
        Kind::Bool => wrapped(choices::flag(written), FieldValue::Bool),
        Kind::Enum => choice(field, written),
        Kind::ActivityType => limited(text::line(written), field, FieldValue::Choice),
        Kind::Set => chosen(field, written),
        Kind::Email => limited(
            emails::emails(written).map(|all| all.into_iter().next().unwrap_or_default()),
            field,
            FieldValue::Text,
        ),
        Kind::Emails => contacts(field, emails::emails(written), FieldValue::Emails),
        Kind::Phones => contacts(field, phones::phones(written, defaults.phone_country), FieldValue::Phones),
        Kind::Html if is_custom => limited(html::to_text(written), field, FieldValue::Text),
        Kind::Html => body(row, field, written),
        Kind::Address => limited(address::from_text(written), field, FieldValue::Address),
        Kind::Owner => Ok(Cleaned::plain(one(FieldValue::Owner(row.mapping.owners.id_of(written).to_owned())))),
        Kind::Link => Ok(Cleaned::plain(link(row, field, written))),
        Kind::Stage => Ok(stage(row, field, written)),
    }
}

fn wrapped<T>(cleaned: Outcome<Option<T>>, wrap: impl FnOnce(T) -> FieldValue) -> Outcome<Option<Read>> {
    cleaned.map(|cleaned| cleaned.map(|value| value.map(wrap).map(Read::One)))
}

/// A text within its length; nothing when cleaning left nothing.
pub(super) fn limited(
    cleaned: Cleaned<String>,
    field: &Field,
    wrap: impl FnOnce(String) -> FieldValue,
) -> Outcome<Option<Read>> {
    let Cleaned { value, mut notes } = cleaned;
    if value.is_empty() {
        return Ok(Cleaned { value: None, notes });
    }
    let value = within_length(value, field)?.into_value(&mut notes);
    Ok(Cleaned { value: one(wrap(value)), notes })
}

fn scaled(number: rust_decimal::Decimal, field: &Field) -> rust_decimal::Decimal {
    field.scale.and_then(|scale| number.checked_mul(scale)).map_or(number, |scaled| scaled.normalize())
}

pub(super) fn amount(row: &Row<'_>, field: &Field, value: &Value) -> Outcome<Option<Read>> {
    let currency = match &field.extra {
        // A child that says nothing of it has the currency of what it names, and at last of the row it is folded into.
        Extra::Currency(column) => {
            let payloads = row.between.iter().map(|between| &between.payload).chain([&row.record.payload]);
            [row.payload].into_iter().chain(payloads).find_map(|payload| column.text(payload))
        }
        _ => None,
    };
    wrapped(money::money(value, currency.as_deref(), &row.mapping.defaults), |money| FieldValue::Money {
        amount: scaled(money.amount, field),
        currency: money.currency,
    })
}

fn time_value(time: jiff::civil::Time) -> FieldValue {
    FieldValue::Time(format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()))
}

fn due(row: &Row<'_>, field: &Field, day: &str) -> Outcome<Option<Read>> {
    let time = match &field.extra {
        Extra::Time(column) => column.text(row.payload),
        _ => None,
    };
    // A time that cannot be read must not cost the day.
    let (read, spoilt) = match dates::due(day, time.as_deref(), &row.mapping.defaults) {
        Err(error) if error.code == code::INVALID_TIME => (dates::due(day, None, &row.mapping.defaults), Some(error)),
        read => (read, None),
    };
    let mut cleaned = read?;
    cleaned.notes.extend(spoilt.map(|error| Note::new(error.code, format!("{error}; the day was kept without it"))));
    Ok(cleaned.map(|due| {
        due.map(|(day, time)| match time {
            None => Read::One(FieldValue::Date(day)),
            Some(time) => Read::DayAndTime(FieldValue::Date(day), time_value(time)),
        })
    }))
}

/// One option; where the mapping lists them, in the mapping's spelling.
fn choice(field: &Field, written: &str) -> Outcome<Option<Read>> {
    let cleaned = text::line(written);
    let Extra::Options(options) = &field.extra else { return limited(cleaned, field, FieldValue::Choice) };
    match listed(options, &cleaned.value) {
        Some(option) => Ok(Cleaned { value: one(FieldValue::Choice(option.clone())), notes: cleaned.notes }),
        None => Err(Unreadable::new(code::UNKNOWN_VALUE, written, "is none of the options")),
    }
}

fn listed<'o>(options: &'o [String], value: &str) -> Option<&'o String> {
    options
        .iter()
        .find(|option| *option == value)
        .or_else(|| options.iter().find(|option| fold_name(option) == fold_name(value)))
}

/// Several options; those the mapping does not list are dropped, each with a note.
fn chosen(field: &Field, written: &str) -> Outcome<Option<Read>> {
    let Cleaned { value, mut notes } = match &field.split {
        Some(split) if split.part.is_none() => choices::options_at(written, &split.at),
        _ => choices::options(written),
    };
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for option in value {
        let too_long = option.chars().count() > field.max_length;
        let known = match &field.extra {
            Extra::Options(options) => listed(options, &option).cloned(),
            _ => Some(option.clone()),
        };
        match known {
            Some(known) if !too_long => {
                kept.insert(known);
            }
            _ => {
                let code = if too_long { code::TOO_LONG } else { code::UNKNOWN_VALUE };
                notes.push(Note::new(code, format!("{:?} is no option; left out", shown(&option))));
            }
        }
    }
    let value = if kept.is_empty() { None } else { one(FieldValue::Choices(kept)) };
    Ok(Cleaned { value, notes })
}

/// Addresses or numbers with their label; in a custom field, which holds one text, joined.
fn contacts(
    field: &Field,
    cleaned: Cleaned<Vec<String>>,
    wrap: impl FnOnce(Vec<ContactValue>) -> FieldValue,
) -> Outcome<Option<Read>> {
    if matches!(field.target, Target::Custom(_)) {
        return limited(cleaned.map(|values| values.join("; ")), field, FieldValue::Text);
    }
    let label = match &field.extra {
        Extra::Label(label) => label.as_str(),
        _ => "work",
    };
    let Cleaned { value, notes } = cleaned;
    let values: Vec<ContactValue> =
        value.into_iter().map(|value| ContactValue { value, label: label.to_owned() }).collect();
    let value = if values.is_empty() { None } else { one(wrap(values)) };
    Ok(Cleaned { value, notes })
}

/// HTML with the mapping's footer, within its length. Cut HTML is cleaned again, which closes what the cut left open.
pub(super) fn body(row: &Row<'_>, field: &Field, written: &str) -> Outcome<Option<Read>> {
    /// Room for the closing tags of cut HTML.
    const CLOSING_BYTES: usize = 1_000;
    let Cleaned { value: mut body, mut notes } = html::html(written);
    let footer = footer(row, field);
    let room = field.max_length.saturating_sub(footer.len());
    if body.len() > room {
        let length = body.len();
        if !field.cut {
            let reason = format!("is {length} bytes long, more than the {} that Pipedrive keeps", field.max_length);
            return Err(Unreadable::new(code::TOO_LONG, &body, reason));
        }
        let mut end = room.saturating_sub(CLOSING_BYTES);
        let mut cut = html::html(start_of(&body, end)).value;
        // Deeply nested text closes with more tags than that; half as much always fits in the end.
        while cut.len() > room {
            end /= 2;
            cut = html::html(start_of(&body, end)).value;
        }
        body = cut;
        notes.push(Note::new(code::CUT, format!("the text was cut from {length} to {} bytes", body.len())));
    }
    body.push_str(&footer);
    let value = if body.is_empty() { None } else { one(FieldValue::Html(body)) };
    Ok(Cleaned { value, notes })
}

/// At most so many bytes from the start of a text, whole characters only.
fn start_of(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn footer(row: &Row<'_>, field: &Field) -> String {
    let Extra::Footer(templates) = &field.extra else { return String::new() };
    let lines = templates.iter().filter_map(|template| template.render(row.payload, &row.mapping.owners));
    lines
        .map(|line| format!("<p>{}</p>", line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")))
        .collect()
}

/// A link; the id `0` is how some systems write "none".
fn link(row: &Row<'_>, field: &Field, written: &str) -> Option<Read> {
    let Extra::Link(rule) = &field.extra else { return None };
    if written == "0" {
        return None;
    }
    let meant = match rule.by {
        LinkBy::Id => Meant::One(written.to_owned()),
        LinkBy::Email | LinkBy::Name => row.mapping.called.meant(rule, written),
    };
    let (value, several) = match meant {
        Meant::One(id) => (id, Vec::new()),
        Meant::Several(ids) => (written.to_owned(), ids),
        Meant::Nobody => (written.to_owned(), Vec::new()),
    };
    one(FieldValue::Link(LinkTarget { object: rule.object, role: rule.role.clone(), value, several }))
}

/// A stage. Where the mapping declares the pipelines, unknown names become its fallback here; else `resolve` does it.
fn stage(row: &Row<'_>, field: &Field, written: &str) -> Cleaned<Option<Read>> {
    let pipeline = match &field.extra {
        Extra::Pipeline(column) => column.text(row.payload).map(Cow::into_owned),
        Extra::PipelineNamed(name) => Some(name.clone()),
        _ => None,
    };
    let Cleaned { value: name, mut notes } = text::line(written);
    let pipelines = &row.mapping.pipelines;
    let stage = match pipelines.declared(pipeline.as_deref()) {
        None => name,
        Some(declared) => match (declared.stage(&name), declared.fallback(&pipelines.fallback)) {
            (Some(stage), _) => stage.name.clone(),
            (None, Some(fallback)) if pipelines.fallback != Fallback::Park => {
                notes.push(Note::new(
                    code::UNKNOWN_STAGE,
                    format!("{name:?} is no stage of {}; {} was used", declared.name, fallback.name),
                ));
                fallback.name.clone()
            }
            (None, _) => name,
        },
    };
    Cleaned { value: one(FieldValue::Stage { pipeline, stage }), notes }
}

/// Cuts a text that is too long, where the mapping allows it.
pub(super) fn within_length(text: String, field: &Field) -> Outcome<String> {
    if text.len() <= field.max_length {
        return Ok(Cleaned::plain(text));
    }
    let Some((end, _)) = text.char_indices().nth(field.max_length) else { return Ok(Cleaned::plain(text)) };
    let length = text.chars().count();
    if !field.cut {
        let reason = format!("is {length} characters long, more than the {} that Pipedrive keeps", field.max_length);
        return Err(Unreadable::new(code::TOO_LONG, &text, reason));
    }
    let note =
        Note::new(code::CUT, format!("{:?} was cut from {length} to {} characters", shown(&text), field.max_length));
    Ok(Cleaned { value: text[..end].trim_end().to_owned(), notes: vec![note] })
}
