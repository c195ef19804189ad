//! The many spellings of one value: money, days, times, phones, e-mails, names, markup.
//!
//! Pure functions. The clean value comes in, the form that a careless CRM keeps goes out.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Rules of the account's zone, [`super::account::TIME_ZONE`], written out (POSIX TZ, in force since 2007) so that the
/// account does not depend on the machine's zone tables.
const ZONE_RULES: &str = "CST6CDT,M3.2.0,M11.1.0";

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Money as a JSON number with two places, or none if it is whole: `1250.50`, `1250`.
pub(super) fn money_number(cents: i64) -> Value {
    let amount = Decimal::new(cents, 2);
    let text = if cents % 100 == 0 { amount.trunc().to_string() } else { amount.to_string() };
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// Money with separators: `1,250.00`, `-120.50`.
pub(super) fn money_separators(cents: i64) -> String {
    let whole = (cents / 100).unsigned_abs().to_string();
    let mut text = String::from(if cents < 0 { "-" } else { "" });
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{:02}", (cents % 100).abs())
}

/// Negative money as accountants write it: `(120.50)`.
pub(super) fn money_parentheses(cents: i64) -> String {
    format!("({})", money_separators(cents.abs()))
}

/// The account's day of an instant.
pub(super) fn day(seconds: i64) -> Date {
    local(seconds).date()
}

/// A day as `YYYY-MM-DD`, some days after another.
pub(super) fn iso_day(start: Date, days_later: i64) -> String {
    start.saturating_add(Span::new().days(days_later)).to_string()
}

/// A day as `MM/DD/YYYY`.
pub(super) fn us_day(day: Date) -> String {
    format!("{:02}/{:02}/{}", day.month(), day.day(), day.year())
}

/// A time in the account's zone that does not say so: `YYYY-MM-DD HH:MM:SS`.
pub(super) fn without_zone(seconds: i64) -> String {
    local(seconds).to_string().replace('T', " ")
}

/// Seconds since 1970 of a time as [`without_zone`] writes it.
pub(super) fn naive_instant(text: &str) -> Option<i64> {
    let local: DateTime = text.replacen(' ', "T", 1).parse().ok()?;
    let is_naive = text.len() == "YYYY-MM-DD HH:MM:SS".len();
    is_naive.then(|| zone().to_ambiguous_timestamp(local).compatible().ok()).flatten().map(Timestamp::as_second)
}

/// The account's zone.
pub(super) fn zone() -> TimeZone {
    TimeZone::posix(ZONE_RULES).expect("the rule is a valid POSIX TZ string")
}

pub(super) fn local(seconds: i64) -> DateTime {
    zone().to_datetime(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// A phone's digits: area code, the fixed 555, and the last four.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phone {
    /// Area code.
    pub(super) area: &'static str,
    /// 100 to 199: 555-01XX is reserved for fiction.
    pub(super) line: u16,
}

impl Phone {
    /// One of the usual forms; `style` picks it.
    pub(super) fn plain(self, style: usize) -> String {
        let Phone { area, line } = self;
        match style % 5 {
            0 => format!("({area}) 555-{line:04}"),
            1 => format!("{area}.555.{line:04}"),
            2 => format!("{area}-555-{line:04}"),
            3 => format!("+1 {area} 555 {line:04}"),
            _ => format!("{area}555{line:04}"),
        }
    }

    /// With an extension; the digit comes from the line.
    pub(super) fn extension(self) -> String {
        format!("({}) 555-{:04} x{}", self.area, self.line, self.line % 9 + 1)
    }

    /// In letters.
    pub(super) fn vanity(self) -> String {
        let word = ["MUGS", "CAPS", "PENS", "LOGO"][usize::from(self.line) % 4];
        format!("{}-555-{word}", self.area)
    }

    /// With a spreadsheet's guard quote.
    pub(super) fn guarded(self) -> String {
        format!("'+1{}555{:04}", self.area, self.line)
    }

    /// Two numbers in one cell.
    pub(super) fn two(self) -> String {
        format!("{}-555-{:04} / {:04}", self.area, self.line, (self.line - 99) % 100 + 100)
    }
}

/// The separators of several e-mails in one cell; `style` picks one.
pub(super) fn email_separator(style: usize) -> &'static str {
    [";", ", ", " ", "\n"][style % 4]
}

/// The same name in another case or with other spaces, equal under [`crate::record::fold_name`].
pub(super) fn respelled(name: &str, style: usize) -> String {
    match style % 4 {
        0 => name.to_uppercase(),
        1 => format!(" {name} "),
        2 if name.contains(' ') => name.replacen(' ', "  ", 1),
        2 => format!("{name} "),
        _ => name.to_lowercase(),
    }
}

/// Markup around some sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// A paragraph.
    Plain,
    /// With a `<script>`.
    Script,
    /// With an inline `data:` image, one transparent pixel.
    InlineImage,
    /// As Word puts it on the clipboard.
    Word,
    /// Escaped into entities inside a paragraph.
    Escaped,
}

/// Sentences as the HTML that a CRM keeps of them.
pub(super) fn html(sentences: &str, markup: Markup) -> String {
    match markup {
        Markup::Plain => format!("<p>{sentences}</p>"),
        Markup::Script => {
            format!("<p>{sentences}</p><script>window.tracker && tracker.push('opened');</script>")
        }
        Markup::InlineImage => format!(
            "<p>{sentences}</p><p><img alt=\"logo\" src=\"data:image/gif;base64,\
             R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7\"></p>"
        ),
        Markup::Word => format!(
            "<!--[if gte mso 9]><xml><w:WordDocument></w:WordDocument></xml><![endif]--><p class=\"MsoNormal\" \
             style=\"mso-margin-top-alt:auto\"><span style=\"font-family:Calibri\">{sentences}<o:p></o:p></span></p>"
        ),
        Markup::Escaped => format!("<p>&lt;b&gt;{sentences}&lt;/b&gt;&amp;nbsp;&lt;br&gt;</p>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_its_forms() {
        for (cents, number, separators) in [
            (125_000, "1250", "1,250.00"),
            (125_050, "1250.50", "1,250.50"),
            (-12_050, "-120.50", "-120.50"),
            (100_000_007, "1000000.07", "1,000,000.07"),
            (5, "0.05", "0.05"),
            (-5, "-0.05", "-0.05"),
        ] {
            assert_eq!(money_number(cents).to_string(), number);
            assert_eq!(money_separators(cents), separators);
        }
        assert_eq!(money_parentheses(-12_050), "(120.50)");
    }

    #[test]
    fn times_follow_the_accounts_zone() {
        let check = |utc: &str, local: &str| {
            let at = utc.parse::<Timestamp>().expect("a valid instant");
            assert_eq!(without_zone(at.as_second()), local);
        };
        check("2024-03-05T14:22:10Z", "2024-03-05 08:22:10");
        check("2024-07-05T03:00:00Z", "2024-07-04 22:00:00");
        assert_eq!(us_day(day(1_720_148_400)), "07/04/2024");
    }

    #[test]
    fn phones_have_their_forms() {
        let phone = Phone { area: "602", line: 142 };
        assert_eq!(phone.plain(0), "(602) 555-0142");
        assert_eq!(phone.extension(), "(602) 555-0142 x8");
        assert_eq!(phone.guarded(), "'+16025550142");
        assert_eq!(phone.two(), "602-555-0142 / 0143");
        assert_eq!(Phone { area: "602", line: 199 }.two(), "602-555-0199 / 0100");
    }

    #[test]
    fn another_spelling_folds_to_the_same_name() {
        for style in 0..4 {
            for name in ["Harbor Foods", "Åsa Ångström", "Velmar"] {
                let other = respelled(name, style);
                assert_ne!(other, name);
                assert_eq!(crate::record::fold_name(&other), crate::record::fold_name(name));
            }
        }
    }
}
