//! What the values of a column look like, from their declared type or from the values themselves.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::mapping::field::Kind;
use crate::record::named_enum;

named_enum! {
    /// What the values of a column look like.
    Shape {
        /// Nothing is known, or there are no values.
        Unknown = "unknown",
        /// One line of text.
        Text = "text",
        /// Several lines of text.
        LongText = "long_text",
        /// Text with tags.
        Html = "html",
        /// E-mail addresses.
        Email = "email",
        /// Phone numbers.
        Phone = "phone",
        /// Addresses on the web.
        Url = "url",
        /// Amounts with a currency sign, or fractions of two digits.
        Money = "money",
        /// Numbers.
        Number = "number",
        /// Numbers with a percent sign, or declared as such.
        Percent = "percent",
        /// Days.
        Date = "date",
        /// Instants, or days with a time.
        Datetime = "datetime",
        /// Times of day.
        Time = "time",
        /// Yes and no.
        Bool = "bool",
        /// One of few words.
        Enum = "enum",
        /// Several of few words.
        Set = "set",
        /// A key of its own.
        Id = "id",
        /// A key of another table.
        Reference = "reference",
        /// A user of the source.
        User = "user",
        /// Postal addresses.
        Address = "address",
        /// Names of people.
        PersonName = "person_name",
        /// Codes of currencies.
        Currency = "currency",
        /// Names or codes of countries.
        Country = "country",
        /// Files and pictures.
        File = "file",
        /// Lists of objects.
        List = "list",
        /// Objects that are not taken apart.
        Object = "object",
        /// What the source computes.
        Formula = "formula",
    }
}

impl Shape {
    /// Pipedrive's type of a new custom field for such values (`pipedrive-api.md` section 5.10).
    #[must_use]
    pub const fn custom_type(self) -> &'static str {
        match self {
            Shape::LongText | Shape::Html | Shape::Object => "text",
            Shape::Phone => "phone",
            Shape::Money => "monetary",
            Shape::Number | Shape::Percent => "double",
            Shape::Date | Shape::Datetime => "date",
            Shape::Time => "time",
            Shape::Bool | Shape::Enum | Shape::Currency | Shape::Country => "enum",
            Shape::Set => "set",
            Shape::User => "user",
            Shape::Address => "address",
            _ => "varchar",
        }
    }

    /// How the mapping reads such values into a custom field.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Shape::LongText | Shape::Object => Kind::LongText,
            Shape::Html => Kind::Html,
            Shape::Email => Kind::Emails,
            Shape::Phone => Kind::Phones,
            Shape::Money => Kind::Money,
            Shape::Number => Kind::Number,
            Shape::Percent => Kind::Percent,
            Shape::Date | Shape::Datetime => Kind::Date,
            Shape::Time => Kind::Time,
            Shape::Bool => Kind::Bool,
            Shape::Enum | Shape::Currency | Shape::Country => Kind::Enum,
            Shape::Set => Kind::Set,
            Shape::User => Kind::Owner,
            Shape::Address => Kind::Address,
            Shape::PersonName => Kind::Name,
            _ => Kind::Text,
        }
    }

    /// How well values of this shape go with a concept whose values have the shape `wanted`: 0 to 1.
    #[must_use]
    pub fn fits(self, wanted: Shape) -> f64 {
        use Shape as S;
        if self == wanted {
            return 1.0;
        }
        match (self, wanted) {
            // Where nothing is known, words are likelier than what a system counts.
            (S::Unknown, S::Number | S::Formula | S::Id) => 0.95,
            (S::Unknown, _) | (_, S::Unknown) => 0.97,
            // A declared "string" may hold anything that is written as text.
            (S::Text, S::Bool | S::Formula | S::File | S::List) => 0.75,
            (S::Text, S::Number | S::Percent | S::Money) => 0.9,
            (S::Text, _) => 0.95,
            (S::LongText, S::Text | S::Html | S::Address) => 0.9,
            (S::Html, S::LongText | S::Text) => 0.95,
            (S::Enum, S::Text | S::Country | S::Currency | S::Set | S::Reference | S::Id) => 0.9,
            (S::Enum, S::PersonName | S::User | S::Bool | S::Number) => 0.8,
            (S::Set, S::Text | S::Enum) => 0.9,
            (S::Number, S::Money | S::Percent | S::Id | S::Enum | S::Time) | (S::Money, S::Number) => 0.95,
            (S::Number, S::Bool | S::Reference | S::Formula | S::Datetime) => 0.8,
            (S::Number, S::Date) => 0.7,
            (S::Number, S::Text | S::Phone) => 0.65,
            (S::Percent, S::Number) => 0.95,
            (S::Date, S::Datetime) | (S::Datetime, S::Date) => 0.98,
            (S::Datetime | S::Date, S::Time) => 0.8,
            (S::Bool, S::Enum | S::Number) => 0.8,
            (S::Id, S::Reference | S::Text | S::Number | S::User) => 0.9,
            (S::Reference, S::Id | S::User | S::Text | S::Enum) => 0.9,
            (S::User, S::Reference | S::Text | S::PersonName) => 0.9,
            (S::PersonName, S::Text | S::User) => 0.97,
            (S::Country | S::Currency, S::Enum | S::Text | S::Reference) => 0.95,
            (S::Address | S::Object, S::Text | S::LongText | S::Address) => 0.9,
            (S::Url | S::Email | S::Phone, S::Text) => 0.75,
            (S::List, S::Email | S::Phone | S::Url | S::Address | S::Set) => 0.9,
            (S::Object, S::Email | S::Phone | S::Url | S::Money | S::Reference | S::User | S::Enum) => 0.85,
            (S::List, S::Reference) => 0.8,
            (S::LongText, S::Enum | S::Phone | S::Email | S::Url | S::PersonName) => 0.75,
            (S::Formula, S::Number | S::Money | S::Text) => 0.8,
            (S::Time, S::Number | S::Datetime) => 0.85,
            _ => 0.45,
        }
    }

    /// The shape in words, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Shape::Unknown => "no values",
            Shape::Text => "text",
            Shape::LongText => "long text",
            Shape::Html => "text with HTML",
            Shape::Email => "e-mail addresses",
            Shape::Phone => "phone numbers",
            Shape::Url => "web addresses",
            Shape::Money => "amounts of money",
            Shape::Number => "numbers",
            Shape::Percent => "percentages",
            Shape::Date => "days",
            Shape::Datetime => "times",
            Shape::Time => "times of day",
            Shape::Bool => "yes or no",
            Shape::Enum => "one of a few values",
            Shape::Set => "several of a few values",
            Shape::Id => "keys",
            Shape::Reference => "keys of another table",
            Shape::User => "users of the source",
            Shape::Address => "postal addresses",
            Shape::PersonName => "names of people",
            Shape::Currency => "currencies",
            Shape::Country => "countries",
            Shape::File => "files",
            Shape::List => "lists of records",
            Shape::Object => "nested values",
            Shape::Formula => "computed values",
        }
    }
}
