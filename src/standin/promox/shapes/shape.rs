//! The shape of an API: one value of each dimension, written as text and read back.

use std::fmt;
use std::str::FromStr;

use rand::Rng as _;

use super::choices::*;
use super::dimension::Dimension;
use super::rules;
use crate::error::{Error, Kind, Result};
use crate::standin::promox::invent::{Dice, dice};

/// A dimension as the texts of its values with their weights, for help texts and for counting draws.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Name in `--shape`.
    pub key: &'static str,
    /// Text and weight of each value; the first is what a shape has that says nothing.
    pub values: Vec<(&'static str, u32)>,
}

macro_rules! shape {
    ($($field:ident: $kind:ty),+ $(,)?) => {
        /// The shape of an API. Its text is a list of `key=value` for all that differs from the first value of its
        /// dimension, or `default`; [`Shape::from_str`] reads it, and draws where it is a number.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Shape {
            $(
                #[doc = concat!("See [`", stringify!($kind), "`].")]
                pub $field: $kind
            ),+
        }

        impl Default for Shape {
            fn default() -> Self {
                Self { $($field: <$kind>::first()),+ }
            }
        }

        impl Shape {
            /// Every dimension.
            #[must_use]
            pub fn choices() -> Vec<Choice> {
                vec![$(choice::<$kind>()),+]
            }

            /// The text of one dimension's value; `None` if there is no such dimension.
            #[must_use]
            pub fn get(&self, key: &str) -> Option<&'static str> {
                match key {
                    $(_ if key == <$kind>::KEY => Some(self.$field.text()),)+
                    _ => None,
                }
            }

            /// Sets one dimension by its texts; false if there is none such.
            fn set(&mut self, key: &str, text: &str) -> bool {
                match key {
                    $(_ if key == <$kind>::KEY => {
                        <$kind>::read(text).map(|value| self.$field = value).is_some()
                    })+
                    _ => false,
                }
            }

            /// Draws every dimension for itself, before the rules.
            #[must_use]
            pub fn draw_loose(seed: u64) -> Self {
                Self { $($field: drawn::<$kind>(seed)),+ }
            }
        }
    };
}

shape! {
    protocol: Protocol, wsdl: Wsdl, base: Base, host: Host, version: VersionHeader, site: Site, docs: Docs,
    auth: Auth, odd_header: OddHeader, query_key: QueryKey, basic_form: BasicForm, second: Second,
    login: Login, session_at: SessionAt, session_use: SessionUse, lifetime: Lifetime, challenge: Challenge,
    identity: Identity,
    paging: Paging, page_param: PageParam, page_base: PageBase, offset_param: OffsetParam, size_param: SizeParam,
    page_default: PageDefault, page_max: PageMax, oversize: Oversize, past_end: PastEnd, cursor_form: CursorForm,
    next_form: NextForm, keyset_param: KeysetParam, cap: Cap, paging_flaw: PagingFlaw, mixed: Mixed, order: Order,
    sort: SortParam, envelope: Envelope, nesting: Nesting, single: Single, empty: Empty, meta_row: MetaRow, total: Total,
    words: Words, paths: PathStyle, gated: Gated, spelling: Spelling, ids: Ids, id_key: IdKey, links: Links,
    custom: Custom, definitions: Definitions, options: Options, nulls: Nulls, dates: Dates, zone: Zone, money: Money,
    currency: Currency, text: Text,
    delta: Delta, delta_zone: DeltaZone, delta_grain: DeltaGrain, delta_edge: DeltaEdge, delta_flaw: DeltaFlaw,
    stamp: Stamp, stamp_name: StampName, deleted: Deleted, gone: Gone, hidden: Hidden, files: Files,
    limits: Limits, reset: Reset, window: Window, errors: Errors, unknown: Unknown, absent: Absent,
}

fn choice<D: Dimension>() -> Choice {
    Choice { key: D::KEY, values: D::VALUES.iter().map(|(_, text, weight)| (*text, *weight)).collect() }
}

/// One value by the weights. Dice of its own for each dimension, so that a new one leaves the others as they were.
fn drawn<D: Dimension>(seed: u64) -> D {
    drawn_by(seed, |_, weight| weight)
}

/// The same by weights made of the given ones.
fn drawn_by<D: Dimension>(seed: u64, weigh: impl Fn(D, u32) -> u32) -> D {
    let stream = blake3::hash(D::KEY.as_bytes());
    let stream = stream.as_bytes().first_chunk::<8>().copied().map_or(0, u64::from_le_bytes);
    let mut dice: Dice = dice(seed, stream);
    let all: u32 = D::VALUES.iter().map(|(value, _, weight)| weigh(*value, *weight)).sum();
    let mut left = dice.random_range(0..all.max(1));
    for (value, _, weight) in D::VALUES {
        let weight = weigh(*value, *weight);
        if left < weight {
            return *value;
        }
        left -= weight;
    }
    D::first()
}

/// Envelopes beside a paging: bare arrays have no place for cursors and next addresses, 30 of 100, so they are as much more
/// frequent beside the rest, and each envelope keeps its share of the whole.
fn envelope_beside(paging: Paging, seed: u64) -> Envelope {
    let needs_wrap = matches!(paging, Paging::Cursor | Paging::NextUrl);
    drawn_by(seed, |envelope, weight| match (envelope == Envelope::Bare, needs_wrap) {
        (true, true) => 0,
        (true, false) => weight * 1_000,
        // (100 - 25 / 0.7) of 75, in units in which the bare ones are 25 / 0.7 of 25.
        (false, false) => weight * 600,
        (false, true) => weight,
    })
}

impl Shape {
    /// The shape of a seed: every dimension by its weights, and then what contradicts itself made whole by one table of
    /// rules.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut shape = Self::draw_loose(seed);
        shape.envelope = envelope_beside(shape.paging, seed);
        rules::settle(&mut shape);
        shape
    }

    /// The same with one dimension set, for tests and for drift.
    ///
    /// # Errors
    /// `Settings` where there is no such dimension or value.
    pub fn with(mut self, key: &str, text: &str) -> Result<Self> {
        if self.set(key, text) {
            return Ok(self);
        }
        let known: Vec<&str> = Self::choices().iter().map(|choice| choice.key).collect();
        let message = match Self::choices().into_iter().find(|choice| choice.key == key) {
            None => format!("shape: there is no {key}; known are {}", known.join(", ")),
            Some(choice) => {
                let values: Vec<&str> = choice.values.iter().map(|(text, _)| *text).collect();
                format!("shape: {key} is not {text}; it is one of {}", values.join(", "))
            }
        };
        Err(Error::new(Kind::Settings, message))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for Choice { key, values } in Self::choices() {
            let (Some(own), Some((first, _))) = (self.get(key), values.first()) else { continue };
            if own != *first {
                write!(f, "{separator}{key}={own}")?;
                separator = ",";
            }
        }
        f.write_str(if separator.is_empty() { "default" } else { "" })
    }
}

impl FromStr for Shape {
    type Err = Error;

    /// A number draws; anything else is a list of `key=value`. A number may be followed by such a list, which then stands
    /// before what was drawn.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',').map(str::trim).filter(|part| !part.is_empty()).peekable();
        let mut shape = Self::default();
        if let Some(first) = parts.peek().copied() {
            if let Ok(seed) = first.parse::<u64>() {
                shape = Self::draw(seed);
                parts.next();
            } else if first == "default" {
                parts.next();
            }
        }
        for part in parts {
            let Some((key, value)) = part.split_once('=') else {
                return Err(Error::new(Kind::Settings, format!("shape: `{part}` is not KEY=VALUE")));
            };
            shape = shape.with(key.trim(), value.trim())?;
        }
        match rules::broken(&shape) {
            None => Ok(shape),
            Some(why) => Err(Error::new(Kind::Settings, format!("shape: {why}"))),
        }
    }
}
