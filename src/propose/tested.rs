//! What single values look like: each is put to every test, and what passed is counted.

use phonenumber::country::Id as Country;

use crate::clean::{choices, code, dates, emails, money, numbers, phones};
use crate::mapping::defaults::{DecimalSign, Defaults};

/// How many of the tested values passed which test.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each is the count of the test it is named after")]
pub struct Tests {
    pub tested: u64,
    pub email: u64,
    pub url: u64,
    pub html: u64,
    pub flag: u64,
    pub number: u64,
    pub integer: u64,
    pub signed_money: u64,
    pub percent: u64,
    pub day: u64,
    pub instant: u64,
    pub clock: u64,
    pub phone: u64,
    pub several: u64,
    pub long: u64,
    pub name: u64,
    pub currency: u64,
    pub list: u64,
    pub object: u64,
    pub letters: u64,
    /// Days that can only be month first, or only day first.
    pub month_first: u64,
    pub day_first: u64,
    pub decimal_comma: u64,
    pub decimal_point: u64,
    /// Times without a zone.
    pub zoneless: u64,
}

impl Tests {
    /// Counts a value; answers whether it looks like a phone number.
    pub(super) fn text(&mut self, text: &str) -> bool {
        let defaults = Defaults::promox();
        let mut count = |passed: bool, counter: fn(&mut Tests) -> &mut u64| *counter(self) += u64::from(passed);
        count(text.chars().any(char::is_alphabetic), |tests| &mut tests.letters);
        count(text.contains('@') && !emails::emails(text).value.is_empty(), |tests| &mut tests.email);
        count(is_url(text), |tests| &mut tests.url);
        count(is_html(text), |tests| &mut tests.html);
        count(matches!(choices::flag(text).map(|flag| flag.value), Ok(Some(_))), |tests| &mut tests.flag);
        let number =
            [DecimalSign::Point, DecimalSign::Comma].into_iter().any(|sign| numbers::number(text, sign).is_ok());
        // A zero in front belongs to a key, and would be lost in a number.
        let is_key = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = number && !is_key;
        count(number, |tests| &mut tests.number);
        count(number && text.bytes().all(|byte| byte.is_ascii_digit()), |tests| &mut tests.integer);
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        let amount = has_digit && money::from_text(text, None, &defaults).is_ok();
        count(amount && !number, |tests| &mut tests.signed_money);
        let percent = text.ends_with('%') && numbers::percent(text, DecimalSign::Point).is_ok();
        count(percent, |tests| &mut tests.percent);
        count(percent && !number, |tests| &mut tests.number);
        count(text.len() == 3 && money::currency(text, &defaults).is_some(), |tests| &mut tests.currency);
        let is_clock = dates::time_of_day(text).is_ok_and(|time| time.value.is_some()) && text.len() <= 11;
        count(is_clock, |tests| &mut tests.clock);
        let day = if number || is_clock || !has_digit { None } else { dates::date(text, &defaults).ok() };
        match day.map(|day| day.value.is_some()) {
            Some(true) => {
                let is_instant = text.contains(':');
                count(is_instant, |tests| &mut tests.instant);
                count(!is_instant, |tests| &mut tests.day);
                count(is_instant && !has_zone(text), |tests| &mut tests.zoneless);
                self.day_order(text);
            }
            // `0000-00-00` says that there is no day, which only a column of days does.
            Some(false) => count(text.contains(['-', '/', '.']), |tests| &mut tests.day),
            None => {}
        }
        let mut count = |passed: bool, counter: fn(&mut Tests) -> &mut u64| *counter(self) += u64::from(passed);
        let is_number = is_phone(text, defaults.phone_country);
        count(is_number, |tests| &mut tests.phone);
        let several = text.contains([';', ',', '|']) && !number && text.len() <= 200;
        count(several && choices::options(text).value.len() > 1, |tests| &mut tests.several);
        count(text.len() > 120 || text.contains('\n'), |tests| &mut tests.long);
        count(is_name(text), |tests| &mut tests.name);
        self.decimals(text);
        is_number
    }

    /// Whether a day can be read in one order only: `25/12/2024`.
    fn day_order(&mut self, text: &str) {
        let day = text.split([' ', 'T']).next().unwrap_or_default();
        let figures: Vec<u32> = day.split(['/', '.', '-']).filter_map(|part| part.parse().ok()).collect();
        if let [first, second, _] = figures.as_slice() {
            self.day_first += u64::from(*first > 12 && *first <= 31 && *second <= 12);
            self.month_first += u64::from(*second > 12 && *second <= 31 && *first <= 12);
        }
    }

    /// Which sign stands before a fraction: `1.250,00`, `12,5`.
    fn decimals(&mut self, text: &str) {
        let reads = |sign| numbers::number(text, sign).ok().and_then(|cleaned| cleaned.value);
        let digits_after =
            |sign: char| text.rsplit_once(sign).map_or(0, |(_, rest)| rest.trim_end_matches(['€', ' ']).len());
        let (point, comma) = (digits_after('.'), digits_after(','));
        if reads(DecimalSign::Comma).is_some() || money::from_text(text, None, &Defaults::promox()).is_ok() {
            self.decimal_comma += u64::from(matches!(comma, 1 | 2) && (point == 0 || point > comma));
            self.decimal_point += u64::from(matches!(point, 1 | 2) && (comma == 0 || comma > point));
        }
    }
}

fn is_url(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = !text.contains([' ', '@', ',']) && text.contains('.');
    bare && (lower.starts_with("http://")
        || lower.starts_with("https://")
        || lower.starts_with("www.")
        || is_domain(&lower))
}

/// `name.tld`, with a top level of letters only, and not a name of a file.
fn is_domain(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|sign| sign.is_alphanumeric() || sign == '-');
    labels.len() >= 2
        && labels.iter().all(is_label)
        && labels.last().is_some_and(|top| top.len() >= 2 && top.chars().all(char::is_alphabetic))
        && !matches!(
            labels.last(),
            Some(&("pdf" | "png" | "jpg" | "doc" | "docx" | "xls" | "xlsx" | "ai" | "eps" | "csv"))
        )
}

fn is_html(text: &str) -> bool {
    ["<p", "<br", "<div", "<span", "<a ", "<ul", "<li", "<b>", "<table", "</", "&lt;p"]
        .iter()
        .any(|tag| text.contains(tag))
}

fn has_zone(text: &str) -> bool {
    let time = text.split_once(':').map_or("", |(_, time)| time);
    time.contains(['Z', 'z', '+']) || time.contains('-') || time.ends_with("UTC") || time.ends_with("GMT")
}

fn is_phone(text: &str, country: Country) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if !(7..=30).contains(&digits) || !(text.contains(['+', '(', '-', ' ', '/', '.']) || text.starts_with('0')) {
        return false;
    }
    let letters = text.chars().filter(|sign| sign.is_alphabetic()).count();
    let found = phones::phones(text, country);
    let is_doubtful = found.notes.iter().any(|note| note.code == code::INVALID_PHONE);
    // A number of another country than the default's is no valid one, and still looks like nothing else.
    letters <= 4
        && !found.value.is_empty()
        && (!is_doubtful || text.starts_with('0') || text.starts_with('+'))
        && dates::date(text, &Defaults::promox()).map_or(true, |date| date.value.is_none())
}

fn is_name(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &&str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|sign| sign.is_alphabetic() || matches!(sign, '.' | '-' | '\'' | '’' | ','))
    };
    (2..=4).contains(&words.len()) && words.iter().all(is_word) && text.len() <= 50
}
