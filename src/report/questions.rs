//! What the customer must decide.

use serde::Serialize;

use super::Report;
use super::page::{Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, number, title_case};
use crate::error::Result;
use crate::journal::Journal;

/// One open question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenQuestion {
    /// What it is about: `owner`, `copy`, …
    pub topic: String,
    /// The record or value it is about.
    pub subject: String,
    /// The question in words.
    pub text: String,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Questions {
    /// Every open question, in the order they were asked.
    pub open: Vec<OpenQuestion>,
}

impl Questions {
    /// Reads the open questions.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn build(journal: &Journal) -> Result<Self> {
        let open = journal.questions().await?.into_iter();
        let open =
            open.map(|question| OpenQuestion { topic: question.topic, subject: question.subject, text: question.text });
        Ok(Self { open: open.collect() })
    }
}

impl Report for Questions {
    fn page(&self) -> Page {
        let count = self.open.len() as u64;
        let rows = self.open.iter().map(|question| {
            let cells = [&title_case(&question.topic), &question.subject, &question.text];
            Row::new(cells.map(|text| Cell::text(text.as_str())).to_vec())
        });
        let table = Table::new(&["About", "Which", "Question"], rows.collect(), "There is nothing to decide.")
            .whole(Whole::File("questions".to_owned()));
        let (says, tone) = match count {
            0 => ("There is nothing to decide.".to_owned(), Tone::Good),
            _ => (format!("{} for your answer.", counted(count, "question waits", "questions wait")), Tone::Attention),
        };
        Page {
            title: "Questions".to_owned(),
            says,
            tone,
            figures: vec![Figure::new("Open questions", number(count))],
            sections: vec![Section::new("Open questions", "", table)],
        }
    }
}
