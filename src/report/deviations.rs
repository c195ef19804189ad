//! Where Pipedrive cannot do what a customer may expect, in the customer's words, read before the start (design: section
//! 9). Facts: Pipedrive's API documents v1 and v2, published 2026-08-18.

use serde::Serialize;

/// One deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// What it is about.
    pub about: &'static str,
    /// What one would expect.
    pub expected: &'static str,
    /// What happens instead.
    pub instead: &'static str,
}

/// All of them.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        about: "Order of the load",
        expected: "Leads and persons first.",
        instead: "Organizations, then persons, then leads: Pipedrive refuses a lead without an existing person or organization.",
    },
    Deviation {
        about: "Lead stages",
        expected: "Leads stand in the stages of their pipeline.",
        instead: "A lead in Pipedrive has no stage. The stage becomes a label of the lead, and a field keeps its name.",
    },
    Deviation {
        about: "Lead scores and routing",
        expected: "Fields of the lead.",
        instead: "Leads have no fields of their own. They use the custom fields of deals, which they keep when they are converted.",
    },
    Deviation {
        about: "Created dates of deals and activities",
        expected: "The dates of the source.",
        instead: "Pipedrive sets the moment of the load and lets nobody change it. A deal keeps the original date in a date \
                  field, an activity at the end of its text. Notes, organizations and persons keep their own dates.",
    },
    Deviation {
        about: "Projects without a value",
        expected: "No value.",
        instead: "The deal gets the value 0 and the record is listed in the findings.",
    },
    Deviation {
        about: "History of stages",
        expected: "When a deal went through each stage.",
        instead: "Pipedrive records only what happens from now on. Dates that the source keeps as fields become date fields.",
    },
    Deviation {
        about: "Commissions",
        expected: "Records with formulas that compute them.",
        instead: "Amounts are copied into fields of the deal as they are, never computed again. The API cannot create formula \
                  fields; rules for splits and tiers are for an administrator to rebuild.",
    },
    Deviation {
        about: "Owners without a Pipedrive user",
        expected: "Every record has its owner.",
        instead: "Pipedrive takes only its own users as owners. Records of others wait, or go to a user of your choice with \
                  the original owner kept in a field.",
    },
    Deviation {
        about: "Stages that no longer exist",
        expected: "Deals keep their stage.",
        instead: "The deal goes into the stage that the mapping names, and the record is listed in the findings.",
    },
    Deviation {
        about: "Long notes",
        expected: "The whole text.",
        instead: "Pipedrive takes about 100,000 characters of a note. What is longer is cut and listed in the findings; \
                  scripts and embedded pictures are taken out of texts.",
    },
    Deviation {
        about: "E-mails",
        expected: "Messages in the mailbox.",
        instead: "Pipedrive has no way to import mail. The text of an e-mail becomes the note of an activity.",
    },
    Deviation {
        about: "Custom objects",
        expected: "Objects of their own.",
        instead: "Pipedrive's API has none. They become fields of the record they belong to where there is one for each; \
                  otherwise as the mapping says.",
    },
    Deviation {
        about: "Automations, task rules, integrations and dashboards",
        expected: "They go on as before.",
        instead: "They cannot be created through the API. They are for an administrator to rebuild in Pipedrive.",
    },
    Deviation {
        about: "Who did it",
        expected: "The people of the source as authors.",
        instead: "Pipedrive shows the user whose token was used as the creator of records; owners and authors of notes are set \
                  as in the source.",
    },
    Deviation {
        about: "Changes by both sides at the same moment",
        expected: "Impossible.",
        instead: "Pipedrive has no lock on a record. Before each change we look whether somebody changed it meanwhile; what \
                  falls into the moment between is found afterwards and listed.",
    },
];
