//! Where Pipedrive cannot do what a customer may expect, in the customer's words, read before the start (design: section
//! 9). Facts: Pipedrive's API documents v1 and v2, published 2026-08-18.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One deviation, as it concerns one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deviation {
    /// What it is about.
    pub about: Cow<'static, str>,
    /// What one would expect.
    pub expected: Cow<'static, str>,
    /// What happens instead.
    pub instead: Cow<'static, str>,
    /// Pipedrive records that it concerns, where that can be counted.
    pub records: Option<u64>,
}

/// What the data of an account holds, as far as deviations depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Affected {
    /// Leads to be made.
    pub leads: u64,
    /// Deals to be made.
    pub deals: u64,
    /// Activities to be made.
    pub activities: u64,
    /// Notes to be made.
    pub notes: u64,
    /// Records that wait for owners without a user.
    pub waiting: u64,
    /// Values that are left out or cut, because they are too long.
    pub too_long: u64,
}

impl Affected {
    /// Something of everything.
    pub const ALL: Self = Self { leads: 1, deals: 1, activities: 1, notes: 1, waiting: 1, too_long: 1 };
}

/// Whom a deviation concerns.
enum Of {
    /// Everybody; nothing is counted.
    All,
    /// Those who have so many of something; nobody without any.
    Those(fn(&Affected) -> u64),
    /// The same, where the number says nothing to the reader.
    Having(fn(&Affected) -> u64),
}

struct Entry {
    of: Of,
    about: &'static str,
    expected: &'static str,
    instead: &'static str,
}

/// The deviations that concern an account.
#[must_use]
pub fn deviations(affected: &Affected) -> Vec<Deviation> {
    let line = |entry: &Entry| {
        let records = match entry.of {
            Of::All => None,
            Of::Those(count) => Some(count(affected)).filter(|count| *count > 0).map(Some)?,
            Of::Having(count) => (count(affected) > 0).then_some(None)?,
        };
        let Entry { about, expected, instead, .. } = *entry;
        Some(Deviation { about: about.into(), expected: expected.into(), instead: instead.into(), records })
    };
    ENTRIES.iter().filter_map(line).collect()
}

/// All of them.
pub fn all() -> Vec<Deviation> {
    let uncounted = |deviation| Deviation { records: None, ..deviation };
    deviations(&Affected::ALL).into_iter().map(uncounted).collect()
}

const ENTRIES: &[Entry] = &[
    Entry {
        of: Of::Having(|own| own.leads),
        about: "Order of the load",
        expected: "Leads and persons first.",
        instead: "Organizations, then persons, then leads: Pipedrive refuses a lead without an existing person or organization.",
    },
    Entry {
        of: Of::Those(|own| own.leads),
        about: "Lead stages",
        expected: "Leads stand in the stages of their pipeline.",
        instead: "A lead in Pipedrive has no stage. The stage becomes a label of the lead, and a field keeps its name.",
    },
    Entry {
        of: Of::Those(|own| own.leads),
        about: "Lead scores and routing",
        expected: "Fields of the lead.",
        instead: "Leads have no fields of their own. They use the custom fields of deals, which they keep when they are converted.",
    },
    Entry {
        of: Of::Those(|own| own.deals + own.activities),
        about: "Created dates of deals and activities",
        expected: "The dates of the source.",
        instead: "Pipedrive sets the moment of the load and lets nobody change it. A deal keeps the original date in a date \
                  field, an activity at the end of its text. Notes, organizations and persons keep their own dates.",
    },
    Entry {
        of: Of::Having(|own| own.deals),
        about: "Projects without a value",
        expected: "No value.",
        instead: "The deal gets the value 0 and the record is listed in the findings.",
    },
    Entry {
        of: Of::Those(|own| own.deals),
        about: "History of stages",
        expected: "When a deal went through each stage.",
        instead: "Pipedrive records only what happens from now on. Dates that the source keeps as fields become date fields.",
    },
    Entry {
        of: Of::Having(|own| own.deals),
        about: "Commissions",
        expected: "Records with formulas that compute them.",
        instead: "Amounts are copied into fields of the deal as they are, never computed again. The API cannot create formula \
                  fields; rules for splits and tiers are for an administrator to rebuild.",
    },
    Entry {
        of: Of::Those(|own| own.waiting),
        about: "Owners without a Pipedrive user",
        expected: "Every record has its owner.",
        instead: "Pipedrive takes only its own users as owners. Records of others wait, with what hangs on them, or go to a user of your choice with \
                  the original owner kept in a field.",
    },
    Entry {
        of: Of::Having(|own| own.deals),
        about: "Stages that no longer exist",
        expected: "Deals keep their stage.",
        instead: "The deal goes into the stage that the mapping names, and the record is listed in the findings.",
    },
    Entry {
        of: Of::Having(|own| own.notes + own.activities),
        about: "Long notes",
        expected: "The whole text.",
        instead: "Pipedrive takes about 100,000 characters of a note. What is longer is cut and listed in the findings; \
                  scripts and embedded pictures are taken out of texts.",
    },
    Entry {
        of: Of::Having(|own| own.activities),
        about: "E-mails",
        expected: "Messages in the mailbox.",
        instead: "Pipedrive has no way to import mail. The text of an e-mail becomes the note of an activity.",
    },
    Entry {
        of: Of::All,
        about: "Custom objects",
        expected: "Objects of their own.",
        instead: "Pipedrive's API has none. They become fields of the record they belong to where there is one for each; \
                  otherwise as the mapping says.",
    },
    Entry {
        of: Of::All,
        about: "Automations, task rules, integrations and dashboards",
        expected: "They go on as before.",
        instead: "They cannot be created through the API. They are for an administrator to rebuild in Pipedrive.",
    },
    Entry {
        of: Of::All,
        about: "Who did it",
        expected: "The people of the source as authors.",
        instead: "Pipedrive shows the user whose token was used as the creator of records; owners and authors of notes are set \
                  as in the source.",
    },
    Entry {
        of: Of::All,
        about: "Changes by both sides at the same moment",
        expected: "Impossible.",
        instead: "Pipedrive has no lock on a record. Before each change we look whether somebody changed it meanwhile; what \
                  falls into the moment between is found afterwards and listed.",
    },
    Entry {
        of: Of::Having(|own| own.leads),
        about: "Leads without a client",
        expected: "A lead that stands alone.",
        instead: "Pipedrive refuses a lead without a person or organization. It gets a person, and a company if it names one, from \
                  its own name, e-mail, phone and company, merged with those that are there by the same keys.",
    },
    Entry {
        of: Of::Those(|own| own.activities),
        about: "When tasks were done",
        expected: "The day on which they were done.",
        instead: "A task that is done shows its own due date, but Pipedrive stamps the moment of the load as the time at which it \
                  was marked done.",
    },
    Entry {
        of: Of::Those(|own| own.too_long),
        about: "Long values",
        expected: "The whole value.",
        instead: "A text of Pipedrive takes 255 characters, a large text 65,000. What is longer is left out, or cut where the \
                  mapping says so, and each is listed in the findings.",
    },
    Entry {
        of: Of::All,
        about: "Yes and no, web addresses, formulas",
        expected: "Fields of these types.",
        instead: "Pipedrive's API makes no such fields. Yes and no become a list with two options, a web address a text, and what a \
                  formula computed its last value.",
    },
    Entry {
        of: Of::All,
        about: "Tables that fit no field",
        expected: "Tables within the record.",
        instead: "Rows that belong to a record become lines of a large text or of a note, as the mapping says.",
    },
    Entry {
        of: Of::All,
        about: "Files and presentations",
        expected: "Their dates and authors.",
        instead: "Pipedrive stamps a file with the moment at which it is uploaded and with the user whose token is used.",
    },
    Entry {
        of: Of::All,
        about: "Record numbers",
        expected: "The numbers of the source.",
        instead: "Pipedrive gives every record a number of its own. The source's stands in the field that the mapping names as its \
                  marker, or in the last line of notes and activities.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_what_concerns_it_and_how_much_of_it() {
        let about = |affected: &Affected, name: &str| {
            let all = deviations(affected);
            all.into_iter().find(|deviation| deviation.about == name).map(|deviation| deviation.records)
        };
        let own = Affected { deals: 7, activities: 2, ..Affected::default() };
        assert_eq!(about(&own, "Created dates of deals and activities"), Some(Some(9)));
        assert_eq!(about(&own, "Lead stages"), None);
        assert_eq!(about(&own, "Owners without a Pipedrive user"), None);
        assert_eq!(about(&own, "Automations, task rules, integrations and dashboards"), Some(None));
        assert_eq!(all().len(), ENTRIES.len());
    }
}
