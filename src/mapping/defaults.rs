//! What a source leaves unsaid: currency, zone, order of day and month, country of phone numbers, decimal sign.

use std::fmt;

use jiff::tz::TimeZone;
use phonenumber::country::Id as Country;
use serde::{Deserialize, Serialize};

use crate::record::named_enum;

named_enum! {
    /// Which comes first where `03/05/2024` could be either.
    DayOrder {
        /// Month, day: the fifth of March.
        MonthFirst = "month_first",
        /// Day, month: the third of May.
        DayFirst = "day_first",
    }
}

named_enum! {
    /// The mark before the fraction of a number, where `1.250` could be either.
    DecimalSign {
        /// A point: one and a quarter.
        Point = "point",
        /// A comma: `1.250` is one thousand two hundred and fifty.
        Comma = "comma",
    }
}

impl DecimalSign {
    /// The mark as an ASCII byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            DecimalSign::Point => b'.',
            DecimalSign::Comma => b',',
        }
    }
}

/// The `[defaults]` of a mapping.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// ISO 4217 code of amounts that name no currency.
    pub currency: String,
    /// Zone of times written without one, and of the days that instants fall on.
    pub time_zone: TimeZone,
    /// Order of day and month in ambiguous dates.
    pub day_order: DayOrder,
    /// Country of phone numbers written without a country code.
    pub phone_country: Country,
    /// The decimal sign of ambiguous numbers.
    pub decimal_sign: DecimalSign,
}

impl Defaults {
    /// The defaults of the default mapping: United States, central time.
    #[must_use]
    pub fn promox() -> Self {
        Self {
            currency: "USD".to_owned(),
            time_zone: TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC),
            day_order: DayOrder::MonthFirst,
            phone_country: Country::US,
            decimal_sign: DecimalSign::Point,
        }
    }
}
