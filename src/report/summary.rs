//! What stands on the terminal at the end of a run: a text for people, or one line of JSON for scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::page::{counted, number, title_case};
use super::plan::forecast::span;
use super::reconciliation::{Fates, ObjectFates, Reconciliation, fate_words};
use super::verification::{Compared, Verification};
use crate::error::{Error, Kind, Result};
use crate::record::{Fate, Object};

/// Reasons that the text names; the rest is in the report.
const REASONS_MAX: usize = 8;

/// Kinds of findings that the text names.
const NOTED_MAX: usize = 3;

/// Requests of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Requests {
    /// All.
    pub total: u64,
    /// Of these, refused for going too fast.
    pub rate_limited: u64,
}

/// Tokens of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tokens {
    /// Spent.
    pub spent: u64,
    /// The least that the work could have cost, as the simulated Pipedrive counts it.
    pub minimum: u64,
}

/// What was forecast and what came, on the migration's clock.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Forecast {
    /// Seconds as forecast before the first write.
    pub forecast_seconds: f64,
    /// Seconds as it was.
    pub actual_seconds: f64,
    /// Tokens as forecast, for the load and the verification.
    pub forecast_tokens: u64,
    /// Tokens that these cost; what else was spent went into following changes.
    pub actual_tokens: u64,
}

/// What a run measured about itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Run {
    /// Requests.
    pub requests: Requests,
    /// Tokens.
    pub tokens: Tokens,
    /// Forecast and actual time.
    pub forecast: Forecast,
    /// Seconds that the run took for whoever waited for it.
    pub elapsed_seconds: f64,
    /// Whether the time passed on a simulated clock only.
    pub simulated: bool,
    /// Plan and seats in words: `Growth with 5 seats`.
    pub plan: String,
    /// Where the index of the reports is.
    pub reports: String,
}

/// Why records are not in Pipedrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Kind of the source records.
    pub object: Object,
    /// What happened.
    pub fate: Option<Fate>,
    /// Why.
    pub reason: String,
    /// How many.
    pub records: u64,
}

/// Everything that the end of a run says.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// All records.
    pub totals: Fates,
    /// By object.
    pub objects: Vec<ObjectFates>,
    /// Why records are not in Pipedrive, most frequent first.
    pub reasons: Vec<Reason>,
    /// What was noted about values, and how often, most frequent first.
    pub noted: Vec<(String, u64)>,
    /// Reads that brought nothing new.
    pub unchanged_reads: u64,
    /// Whether everything adds up.
    pub balanced: bool,
    /// What was verified.
    pub verification: Compared,
    /// Whether both layers of the verification agree.
    pub verified: bool,
    /// What the run measured.
    pub run: Run,
}

impl Summary {
    /// Takes what matters out of the two reports.
    #[must_use]
    pub fn new(reconciliation: &Reconciliation, verification: &Verification, run: Run) -> Self {
        let reasons = reconciliation.left_out.groups().into_iter().map(|(key, group)| Reason {
            object: key.object,
            fate: key.fate,
            reason: key.reason.clone(),
            records: group.count,
        });
        Self {
            totals: reconciliation.totals,
            objects: reconciliation.objects.clone(),
            reasons: reasons.collect(),
            noted: noted(reconciliation),
            unchanged_reads: reconciliation.unchanged_reads,
            balanced: reconciliation.balanced,
            verification: verification.totals,
            verified: verification.is_clean(),
            run,
        }
    }

    /// The line for scripts (design: section 11).
    ///
    /// # Errors
    /// `Bug` when it cannot be written.
    pub fn json_line(&self) -> Result<String> {
        let Fates { loaded, merged, folded, matched, parked, rejected, skipped, .. } = self.totals;
        // Scripts check that the seven add up to `extracted`; what has no fate yet shows in `balanced`.
        let extracted = loaded + merged + folded + matched + parked + rejected + skipped;
        let line = Line {
            records: Records { extracted, loaded, merged, folded, matched, parked, rejected, skipped },
            unchanged_reads: self.unchanged_reads,
            balanced: self.balanced,
            verification: self.verification,
            requests: self.run.requests,
            tokens: self.run.tokens,
            forecast: self.run.forecast,
            elapsed_seconds: self.run.elapsed_seconds,
        };
        serde_json::to_string(&line).map_err(|error| Error::new(Kind::Bug, "the summary as JSON").because(error))
    }
}

#[derive(Serialize)]
struct Records {
    extracted: u64,
    loaded: u64,
    merged: u64,
    folded: u64,
    matched: u64,
    parked: u64,
    rejected: u64,
    skipped: u64,
}

#[derive(Serialize)]
struct Line {
    records: Records,
    unchanged_reads: u64,
    balanced: bool,
    verification: Compared,
    requests: Requests,
    tokens: Tokens,
    forecast: Forecast,
    elapsed_seconds: f64,
}

/// The text for people, several lines, ending with a line break.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    table(&fate_lines(summary)).into_iter().for_each(&mut line);
    line(String::new());
    if !summary.reasons.is_empty() {
        line("Not in Pipedrive, and why:".to_owned());
        table(&reason_lines(&summary.reasons)).into_iter().for_each(|row| line(format!("  {row}")));
        if let Some(more) = summary.reasons.get(REASONS_MAX..).filter(|more| !more.is_empty()) {
            let records: u64 = more.iter().map(|reason| reason.records).sum();
            line(format!("  and {} for other reasons, in the report", counted(records, "record", "records")));
        }
        line(String::new());
    }
    facts(summary).into_iter().for_each(|(name, fact)| line(format!("{name:<13} {fact}")));
    text
}

fn fate_lines(summary: &Summary) -> Vec<Vec<Field>> {
    let names = ["", "read", "loaded", "merged", "folded", "matched", "waiting", "rejected", "left out"];
    let mut lines: Vec<Vec<Field>> = vec![names.iter().enumerate().map(heading).collect()];
    let row = |name: String, fates: &Fates| {
        let Fates { extracted, loaded, merged, folded, matched, parked, rejected, skipped, .. } = *fates;
        let counts = [extracted, loaded, merged, folded, matched, parked, rejected, skipped];
        let counts = counts.map(|count| Field::Right(if count == 0 { "·".to_owned() } else { number(count) }));
        std::iter::once(Field::Left(name)).chain(counts).collect::<Vec<_>>()
    };
    lines.extend(summary.objects.iter().map(|line| row(title_case(line.object.as_str()), &line.fates)));
    lines.push(row("All".to_owned(), &summary.totals));
    lines
}

fn heading((position, name): (usize, &&str)) -> Field {
    if position == 0 { Field::Left((*name).to_owned()) } else { Field::Right((*name).to_owned()) }
}

fn reason_lines(reasons: &[Reason]) -> Vec<Vec<Field>> {
    let line = |reason: &Reason| {
        vec![
            Field::Right(number(reason.records)),
            Field::Left(reason.object.to_string()),
            Field::Left(fate_words(reason.fate).to_owned()),
            Field::Left(reason.reason.clone()),
        ]
    };
    reasons.iter().take(REASONS_MAX).map(line).collect()
}

/// Findings by what they are, over all objects.
fn noted(reconciliation: &Reconciliation) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::<String, u64>::new();
    for (kind, group) in reconciliation.findings.groups() {
        *counts.entry(kind.code.replace('_', " ")).or_default() += group.count;
    }
    let mut noted: Vec<_> = counts.into_iter().collect();
    noted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    noted
}

fn noted_words(noted: &[(String, u64)]) -> String {
    let mut words: Vec<String> =
        noted.iter().take(NOTED_MAX).map(|(what, count)| format!("{} × {what}", number(*count))).collect();
    let more: u64 = noted.iter().skip(NOTED_MAX).map(|(_, count)| count).sum();
    if more > 0 {
        words.push(format!("{} more in the report", number(more)));
    }
    words.join(", ")
}

fn facts(summary: &Summary) -> Vec<(&'static str, String)> {
    let Summary { totals, verification, run, .. } = summary;
    let balance = match (summary.balanced, totals.without_fate) {
        (true, _) => "everything adds up: each record has exactly one fate".to_owned(),
        (false, 0) => "NOT BALANCED: Pipedrive shows another number of our records than the journal".to_owned(),
        (false, open) => format!("NOT BALANCED: {} without a fate", counted(open, "record is", "records are")),
    };
    let Compared { compared, fields, mismatched, missing, extra } = *verification;
    let read = format!("{}, {}", counted(compared, "record", "records"), counted(fields, "field", "fields"));
    let verified = match (verification.is_clean(), summary.verified) {
        (true, true) => format!("{read}: all as promised"),
        (true, false) => format!("{read}: all as promised, but TOTALS DISAGREE with the source"),
        (false, _) => {
            format!("{read}: {} DIFFER, {} MISSING, {} EXTRA", number(mismatched), number(missing), number(extra))
        }
    };
    let above = match run.tokens.minimum {
        0 => String::new(),
        least => {
            let tenths = u128::from(run.tokens.spent.saturating_sub(least)) * 1_000 / u128::from(least);
            format!(" ({}.{} % above the minimum of {})", tenths / 10, tenths % 10, number(least))
        }
    };
    let mut facts = vec![
        ("Balance", balance),
        ("Verified", verified),
        (
            "Tokens",
            format!(
                "{} spent{above}; load and verification {}, forecast {}",
                number(run.tokens.spent),
                number(run.forecast.actual_tokens),
                number(run.forecast.forecast_tokens)
            ),
        ),
        (
            "Requests",
            format!("{}, {} refused for going too fast", number(run.requests.total), number(run.requests.rate_limited)),
        ),
        (
            if run.simulated { "For real" } else { "Took" },
            format!(
                "{} on {}; forecast {}",
                span(whole(run.forecast.actual_seconds)),
                run.plan,
                span(whole(run.forecast.forecast_seconds))
            ),
        ),
        ("This run", format!("{:.1} s", run.elapsed_seconds)),
    ];
    if !summary.noted.is_empty() {
        facts.insert(2, ("Noted", noted_words(&summary.noted)));
    }
    if !run.reports.is_empty() {
        facts.push(("Reports", run.reports.clone()));
    }
    facts
}

/// Seconds without their fraction; nonsense is nothing.
fn whole(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds).map(|time| time.as_secs()).unwrap_or(0)
}

/// One field of an aligned line.
pub(super) enum Field {
    /// Stands at the left of its column.
    Left(String),
    /// Stands at the right.
    Right(String),
}

impl Field {
    fn text(&self) -> &str {
        match self {
            Field::Left(text) | Field::Right(text) => text,
        }
    }
}

/// Lines with their columns aligned. Widths are counted in characters.
pub(super) fn table(lines: &[Vec<Field>]) -> Vec<String> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|field| field.text().chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let align = |(field, width): (&Field, &usize)| match field {
        Field::Left(text) => format!("{text:<width$}"),
        Field::Right(text) => format!("{text:>width$}"),
    };
    lines.iter().map(|line| line.iter().zip(&widths).map(align).collect::<Vec<_>>().join("  ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let totals = Fates {
            extracted: 5_012,
            loaded: 4_000,
            merged: 100,
            folded: 800,
            matched: 10,
            parked: 12,
            rejected: 30,
            skipped: 60,
            without_fate: 0,
        };
        let reason = |fate, reason: &str, records| Reason {
            object: Object::Lead,
            fate: Some(fate),
            reason: reason.to_owned(),
            records,
        };
        Summary {
            totals,
            objects: vec![ObjectFates { object: Object::Lead, fates: totals, balanced: true }],
            reasons: vec![
                reason(Fate::Skipped, "was converted: its project is loaded", 60),
                reason(Fate::Rejected, "has neither a name nor a company", 30),
                reason(Fate::Parked, "owner … has no user", 12),
            ],
            noted: [("missing value", 1_200), ("guessed date", 34), ("html", 5), ("late", 3)]
                .map(|(what, count)| (what.to_owned(), count))
                .to_vec(),
            unchanged_reads: 7,
            balanced: true,
            verification: Compared { compared: 4_000, fields: 52_000, ..Compared::default() },
            verified: true,
            run: Run {
                requests: Requests { total: 4_300, rate_limited: 0 },
                tokens: Tokens { spent: 25_500, minimum: 25_000 },
                forecast: Forecast {
                    forecast_seconds: 215.0,
                    actual_seconds: 220.4,
                    forecast_tokens: 25_600,
                    actual_tokens: 25_400,
                },
                elapsed_seconds: 6.25,
                simulated: true,
                plan: "Growth with 5 seats".into(),
                reports: "rehearsal/reports/index.html".into(),
            },
        }
    }

    #[test]
    fn the_text_is_aligned_and_says_everything() {
        let text = text(&summary());
        let expected = "       read  loaded  merged  folded  matched  waiting  rejected  left out
Lead  5,012   4,000     100     800       10       12        30        60
All   5,012   4,000     100     800       10       12        30        60

Not in Pipedrive, and why:
  60  lead  left out  was converted: its project is loaded
  30  lead  rejected  has neither a name nor a company
  12  lead  waiting   owner … has no user

Balance       everything adds up: each record has exactly one fate
Verified      4,000 records, 52,000 fields: all as promised
Noted         1,200 × missing value, 34 × guessed date, 5 × html, 3 more in the report
Tokens        25,500 spent (2.0 % above the minimum of 25,000); load and verification 25,400, forecast 25,600
Requests      4,300, 0 refused for going too fast
For real      3 min 40 s on Growth with 5 seats; forecast 3 min 35 s
This run      6.2 s
Reports       rehearsal/reports/index.html
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_line_for_scripts_is_fixed() {
        assert_eq!(
            summary().json_line().expect("a line"),
            concat!(
                r#"{"records":{"extracted":5012,"loaded":4000,"merged":100,"folded":800,"matched":10,"parked":12,"#,
                r#""rejected":30,"skipped":60},"unchanged_reads":7,"balanced":true,"verification":{"compared":4000,"#,
                r#""fields":52000,"mismatched":0,"missing":0,"extra":0},"requests":{"total":4300,"rate_limited":0},"#,
                r#""tokens":{"spent":25500,"minimum":25000},"forecast":{"forecast_seconds":215.0,"#,
                r#""actual_seconds":220.4,"forecast_tokens":25600,"actual_tokens":25400},"elapsed_seconds":6.25}"#
            )
        );
    }
}
