//! Every kind of mess that is planted into the account, its rate, and how many of each were planted.
//!
//! Rates are exact, not chances: of every `n` rows one has the mess, at a seeded place, so that even a small account shows
//! most kinds and tests can count. Where a row cannot take a mess that is due, the next row that can takes it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Object, named_enum};

named_enum! {
    /// A kind of mess.
    Mess {
        /// Client: a company without a person.
        CompanyOnly = "company_only",
        /// Client: a person without a company.
        PersonOnly = "person_only",
        /// Client: one more person of a known company, whose name is spelled with other case or spaces.
        CompanySpelling = "company_spelling",
        /// Client: the same e-mail, company and name as an earlier one, up to case and spaces.
        ExactDuplicate = "exact_duplicate",
        /// Client: the e-mail of an earlier client, with another name and another company. Both must stay.
        SharedEmail = "shared_email",
        /// Phone with an extension: `(602) 555-0142 x3`.
        PhoneExtension = "phone_extension",
        /// Phone with letters: `602-555-MUGS`.
        PhoneVanity = "phone_vanity",
        /// Phone with a spreadsheet's guard quote: `'+16025550142`.
        PhoneGuard = "phone_guard",
        /// Two phones in one cell: `602-555-0142 / 0143`.
        PhoneTwo = "phone_two",
        /// No phone.
        PhoneMissing = "phone_missing",
        /// Several e-mails in one cell, separated by `;`, `,`, a space or a line break in turn.
        EmailSeveral = "email_several",
        /// E-mail as a link: `mailto:…`.
        EmailMailto = "email_mailto",
        /// E-mail with the name before it: `Dana Ruiz <dana@…>`.
        EmailDisplayName = "email_display_name",
        /// A well-known placeholder instead of an e-mail.
        EmailPlaceholder = "email_placeholder",
        /// No e-mail.
        EmailMissing = "email_missing",
        /// `Last, First` in the last-name field, the first name empty.
        NameLastFirst = "name_last_first",
        /// The name in capitals.
        NameAllCaps = "name_all_caps",
        /// The company's name in the last-name field, the first name empty.
        NameCompanyInLast = "name_company_in_last",
        /// An emoji in the name.
        NameEmoji = "name_emoji",
        /// A typographic apostrophe in the name.
        NameApostrophe = "name_apostrophe",
        /// Letters beyond ASCII in the name.
        NameLetters = "name_letters",
        /// A name whose UTF-8 was once read as Windows-1252.
        NameMojibake = "name_mojibake",
        /// An option of a list in another case or with stray spaces.
        OptionSpelling = "option_spelling",
        /// An option the list no longer has.
        OptionRetired = "option_retired",
        /// An option by its number instead of its label.
        OptionCode = "option_code",
        /// A day that means "none": `0000-00-00`, or `1970-01-01` in birthdays.
        DateZero = "date_zero",
        /// `N/A` instead of a day.
        DateNotAvailable = "date_not_available",
        /// An empty day.
        DateMissing = "date_missing",
        /// `created_at` without zone, in the account's zone.
        CreatedWithoutZone = "created_without_zone",
        /// Markup with a `<script>`.
        HtmlScript = "html_script",
        /// Markup with an inline `data:` image.
        HtmlInlineImage = "html_inline_image",
        /// Markup pasted from Word.
        HtmlWord = "html_word",
        /// Markup escaped into entities inside markup.
        HtmlEscaped = "html_escaped",
        /// Lead: became a client and a project, but is still listed.
        LeadConverted = "lead_converted",
        /// Lead: not converted, but names its client.
        LeadWithClient = "lead_with_client",
        /// Lead: has the e-mail of a client but does not name it.
        LeadOfKnownEmail = "lead_of_known_email",
        /// Lead: neither name nor company. It cannot be loaded.
        LeadNameless = "lead_nameless",
        /// Lead: no score.
        LeadWithoutScore = "lead_without_score",
        /// Project: no value.
        ValueMissing = "value_missing",
        /// Money as text with separators: `1,250.00`.
        ValueSeparators = "value_separators",
        /// Money as text with its sign: `$1,250.00`.
        ValueDollar = "value_dollar",
        /// Negative money as accountants write it: `(120.50)`.
        ValueParentheses = "value_parentheses",
        /// Project: `TBD` instead of a value.
        ValueToBeDone = "value_tbd",
        /// Project: a value of zero, which is not a missing one.
        ValueZero = "value_zero",
        /// Project: `$` instead of a currency.
        CurrencySign = "currency_sign",
        /// Project: no currency.
        CurrencyMissing = "currency_missing",
        /// Stage in another case or with stray spaces.
        StageSpelling = "stage_spelling",
        /// Project: a stage that its pipeline no longer has.
        StageRetired = "stage_retired",
        /// Project: names a client that does not exist.
        OrphanProject = "orphan_project",
        /// Project: names no client.
        ProjectWithoutClient = "project_without_client",
        /// Project: has the number of another project.
        NumberTwice = "number_twice",
        /// Project: a test order among the real ones.
        TestOrder = "test_order",
        /// Commission: the second of its project.
        CommissionSplit = "commission_split",
        /// Commission: the splits of its project do not add up to 100.
        SplitNotWhole = "split_not_whole",
        /// Commission: negative, as after a credit memo.
        CommissionNegative = "commission_negative",
        /// Commission: the amount is not base times rate; someone edited it.
        CommissionEdited = "commission_edited",
        /// Commission: names a project that does not exist.
        OrphanCommission = "orphan_commission",
        /// Task: names a record that does not exist.
        OrphanTask = "orphan_task",
        /// Note: names a record that does not exist.
        OrphanNote = "orphan_note",
        /// Task or note deleted before the migration: hidden, except from lists by change time. Not one of the records.
        DeletedBefore = "deleted_before",
        /// Owner: e-mail in another case, with a trailing space.
        OwnerEmailSpelling = "owner_email_spelling",
    }
}

impl Mess {
    /// The rate: one row in so many of its object has the mess.
    ///
    /// The common ones (missing values, money as text, converted leads) are as frequent as migrations see them; the rare
    /// ones are kept above one in a hundred, so that the 150 clients and 100 projects of 500 records hold each of them.
    #[must_use]
    pub const fn one_in(self) -> usize {
        match self {
            Mess::CommissionSplit | Mess::LeadWithoutScore | Mess::ValueSeparators | Mess::OwnerEmailSpelling => 6,
            Mess::LeadConverted | Mess::CurrencySign => 8,
            Mess::ValueDollar | Mess::CompanySpelling => 9,
            Mess::LeadWithClient | Mess::DateMissing => 10,
            Mess::CompanyOnly | Mess::CurrencyMissing => 12,
            Mess::PersonOnly | Mess::PhoneMissing => 14,
            Mess::HtmlWord | Mess::PhoneExtension | Mess::LeadOfKnownEmail => 15,
            Mess::EmailMissing => 16,
            Mess::OptionSpelling => 18,
            Mess::StageSpelling | Mess::ValueMissing | Mess::CommissionEdited => 20,
            Mess::HtmlScript | Mess::HtmlInlineImage | Mess::HtmlEscaped | Mess::SplitNotWhole => 25,
            Mess::DateNotAvailable | Mess::CommissionNegative | Mess::NameLetters => 30,
            Mess::EmailSeveral | Mess::NameAllCaps => 35,
            Mess::CreatedWithoutZone | Mess::ExactDuplicate | Mess::StageRetired | Mess::OrphanCommission => 40,
            Mess::DateZero | Mess::PhoneGuard => 45,
            Mess::EmailPlaceholder | Mess::NameApostrophe | Mess::LeadNameless | Mess::OrphanProject => 50,
            Mess::ValueZero | Mess::OptionRetired => 55,
            Mess::SharedEmail | Mess::PhoneTwo | Mess::OptionCode | Mess::ProjectWithoutClient => 60,
            Mess::ValueParentheses | Mess::OrphanTask | Mess::OrphanNote => 60,
            Mess::NameLastFirst | Mess::TestOrder | Mess::NumberTwice => 70,
            Mess::EmailDisplayName => 75,
            Mess::EmailMailto | Mess::PhoneVanity => 80,
            Mess::NameCompanyInLast => 85,
            Mess::NameMojibake | Mess::DeletedBefore => 90,
            Mess::NameEmoji => 95,
            Mess::ValueToBeDone => 100,
        }
    }
}

/// What was planted, and a few totals that a test can hold a migration against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Rows with each kind of mess, over all objects; kinds without any are left out.
    pub planted: BTreeMap<Mess, u64>,
    /// Different companies among the clients, names compared without case and spaces. A company that stands only in a
    /// last-name field counts by the company field of its row.
    pub companies: u64,
    /// Clients with a person's name, duplicates included.
    pub clients_with_person: u64,
    /// Projects whose client exists.
    pub projects_with_client: u64,
}

impl Truth {
    /// How many rows have a kind of mess.
    #[must_use]
    pub fn count(&self, mess: Mess) -> u64 {
        self.planted.get(&mess).copied().unwrap_or(0)
    }
}

/// Decides row by row of one object which mess is due. Rows come in order.
pub(super) struct Planter {
    salt: u64,
    row: usize,
    taken: BTreeMap<Mess, u64>,
}

impl Planter {
    /// A planter for the rows of one object.
    pub(super) fn new(seed: u64, object: Object) -> Self {
        Self { salt: mixed(seed ^ mixed(object as u64 + 1)), row: 0, taken: BTreeMap::new() }
    }

    /// Moves on to the row of this number, from 0.
    pub(super) fn at(&mut self, row: usize) {
        self.row = row;
    }

    /// True if the mess is due; it is then counted as planted.
    pub(super) fn takes(&mut self, mess: Mess) -> bool {
        let every = mess.one_in();
        let (block, place) = (self.row / every, self.row % every);
        let hit = mixed(self.salt ^ mixed((mess as u64) << 32 | block as u64)) % every as u64;
        let due = block as u64 + u64::from(hit <= place as u64);
        let taken = self.taken.entry(mess).or_default();
        let is_due = due > *taken;
        *taken += u64::from(is_due);
        is_due
    }

    /// Adds what was planted to the truth.
    pub(super) fn report(self, truth: &mut Truth) {
        for (mess, count) in self.taken.into_iter().filter(|(_, count)| *count > 0) {
            *truth.planted.entry(mess).or_default() += count;
        }
    }
}

/// SplitMix64's finalizer: spreads neighbouring numbers over all of u64.
pub(super) const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_over_whole_blocks() {
        for mess in Mess::ALL {
            let mut planter = Planter::new(7, Object::Client);
            let rows = mess.one_in() * 10;
            let hits = (0..rows).filter(|row| {
                planter.at(*row);
                planter.takes(*mess)
            });
            assert_eq!(hits.count(), 10, "{mess}");
        }
    }

    #[test]
    fn what_is_due_waits_for_a_row_that_can_take_it() {
        let mut planter = Planter::new(7, Object::Client);
        planter.at(Mess::ValueZero.one_in() - 1);
        assert!(planter.takes(Mess::ValueZero));
        assert!(!planter.takes(Mess::ValueZero));
    }
}
