//! The plan as lines for a terminal: what a person wants to know before approving, without opening the page.

use super::daily::following;
use super::forecast::{Effort, span};
use super::page::ends_words;
use super::{Ends, Plan};
use crate::report::page::{counted, instant, number, title_case};
use crate::report::preflight::Outcome;
use crate::report::summary::{Field, table};

impl Plan {
    /// The plan in words, several lines, ending with a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: &str| {
            text.push_str(line.trim_end());
            text.push('\n');
        };
        table(&self.record_lines()).iter().for_each(|row| line(row));
        line("");
        self.facts().iter().for_each(|(name, fact)| line(&format!("{name:<13} {fact}")));
        if let Some(staging) = &self.staging {
            line(&format!("{:<13} {}", "Staging", staging.says()));
        }
        if self.waiting > 0 {
            let words = self.waiting_words();
            line(&format!("{:<13} {words}; the forecast of the run leaves them out", "Waiting"));
        }
        if let Some(line_of_others) = self.others_line() {
            line(&format!("{:<13} {line_of_others}", "Other tools"));
        }
        line("");
        line("On other plans and seats (days of the budget, and the end):");
        table(&self.comparison_lines()).iter().for_each(|row| line(&format!("  {row}")));
        self.account_lines().iter().for_each(|text| line(text));
        let over: Vec<_> = self.caps.iter().filter(|cap| !cap.fits && !cap.blocks).collect();
        line("");
        if over.is_empty() && self.fits() {
            line("Everything fits into the limits of the account's plan.");
        }
        for cap in over {
            let (there, added) = (cap.existing.map_or_else(|| "?".to_owned(), number), number(cap.added));
            let allowed = cap.allowed.map_or_else(|| "?".to_owned(), number);
            line(&format!("DOES NOT FIT: {}: {there} there, {added} added, {allowed} allowed", cap.what));
            // Each way to go on a line of its own.
            line(&format!("  {}", cap.advice.replace("; or ", ";\n  or ")));
        }
        text
    }

    /// What the account has already and what is to be confirmed.
    fn account_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let notices: Vec<_> = self.conflicts.iter().filter(|conflict| !conflict.blocks).collect();
        if !notices.is_empty() {
            lines.push(String::new());
            lines.push("What the account has already:".to_owned());
            lines.extend(notices.iter().map(|conflict| format!("  {}", conflict.line())));
        }
        let looks =
            self.preflight.checks.iter().filter(|check| matches!(check.outcome, Outcome::Look | Outcome::Unknown));
        let looks: Vec<String> = looks.map(|check| format!("  {}: {}", check.about, check.says)).collect();
        if !looks.is_empty() {
            lines.push(String::new());
            lines.push("To look at in the account:".to_owned());
            lines.extend(looks);
        }
        if !self.preflight.to_confirm.is_empty() {
            lines.push(String::new());
            lines.push("Whoever approves the plan confirms:".to_owned());
            lines.extend(self.preflight.to_confirm.iter().map(|item| format!("  {item}")));
        }
        let blockers = self.blockers();
        if !blockers.is_empty() {
            lines.push(String::new());
            lines.push("IN THE WAY: the plan cannot be approved before this is solved:".to_owned());
            lines.extend(blockers.iter().map(|blocker| format!("  {}", blocker.replace(", or ", ",\n    or "))));
        }
        lines
    }

    fn record_lines(&self) -> Vec<Vec<Field>> {
        let right = |text: String| Field::Right(text);
        let heading = ["To create", "records", "requests", "tokens"].map(str::to_owned);
        let mut lines: Vec<Vec<Field>> = Vec::new();
        let row = |[name, records, requests, tokens]: [String; 4]| {
            vec![Field::Left(name), right(records), right(requests), right(tokens)]
        };
        lines.push(row(heading));
        for (entity, count) in &self.records {
            let tokens = count * u64::from(crate::pipedrive::route(*entity).create);
            lines.push(row([title_case(entity.as_str()), number(*count), number(*count), number(tokens)]));
        }
        let created: u64 =
            self.records.iter().map(|(entity, count)| count * u64::from(crate::pipedrive::route(*entity).create)).sum();
        let records = self.record_count();
        let rest = self.forecast.less(Effort { requests: records, tokens: created, seconds: 0 });
        lines.push(row(["Everything else".into(), String::new(), number(rest.requests), number(rest.tokens)]));
        let all = [number(records), number(self.forecast.requests), number(self.forecast.tokens)];
        let [records, requests, tokens] = all;
        lines.push(row(["All".into(), records, requests, tokens]));
        lines
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        let allowance = match (self.allowance.plan, self.allowance.tokens_day) {
            (Some(plan), Some(tokens)) => {
                let seats = counted(u64::from(self.allowance.seats), "seat", "seats");
                format!("{} with {seats}: {} tokens a day may be spent", title_case(plan.as_str()), number(tokens))
            }
            _ => "no limits".to_owned(),
        };
        facts.push(("Plan", allowance));
        match (self.schedule.seconds, self.schedule.days, self.schedule.finishes_at) {
            (Some(seconds), Some(days), Some(at)) => {
                let budget = counted(days, "day", "days");
                facts.push(("Load takes", format!("{}, the budget of {budget}", span(seconds))));
                facts.push(("Load is done", format!("{}, if it begins now", instant(at))));
            }
            _ if self.allowance.plan.is_some() => {
                facts.push(("Load is done", "never: what is kept back leaves nothing".to_owned()));
            }
            _ => {}
        }
        if let Some(reserve) = self.reserve.filter(|reserve| reserve.tokens_day > 0) {
            let end = reserve.without.finishes_at.map_or_else(|| "never".to_owned(), instant);
            facts.push(("Reserve", format!("{} tokens a day; without it: {end}", number(reserve.tokens_day))));
        }
        let Effort { requests, tokens, .. } = following(&self.daily);
        facts.push(("Following", format!("{} tokens and {} requests a day", number(tokens), number(requests))));
        let Effort { requests, tokens, .. } = self.verification;
        facts.push(("Verification", format!("{} tokens and {} requests, once", number(tokens), number(requests))));
        facts
    }

    fn others_line(&self) -> Option<String> {
        let others = self.reserve?.others_tokens_day;
        (others > 0).then(|| format!("spend about {} tokens a day, as Pipedrive's answers show", number(others)))
    }

    fn comparison_lines(&self) -> Vec<Vec<Field>> {
        let Some(first) = self.comparison.first() else { return Vec::new() };
        let seats = first.seats.keys().map(|seats| Field::Right(counted(u64::from(*seats), "seat", "seats")));
        let mut lines = vec![std::iter::once(Field::Left(String::new())).chain(seats).collect::<Vec<_>>()];
        for line in &self.comparison {
            let cell = |ends: &Ends| {
                let mark = if ends.fits { "" } else { " !" };
                Field::Right(format!("{}{mark}", ends_words(ends)))
            };
            let name = Field::Left(title_case(line.plan.as_str()));
            lines.push(std::iter::once(name).chain(line.seats.values().map(cell)).collect());
        }
        if self.comparison.iter().any(|line| line.seats.values().any(|ends| !ends.fits)) {
            lines.push(vec![Field::Left("!  too small for this data".to_owned())]);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::input;
    use super::*;

    #[test]
    fn the_text_says_what_matters_and_what_does_not_fit() {
        let text = Plan::build(input()).text();
        for expected in [
            "Deal              24,000    24,000  120,000",
            "Growth with 5 seats: 300,000 tokens a day may be spent",
            "Load takes    23 min, the budget of 1 day",
            "Load is done  2026-11-23 08:23 UTC, if it begins now",
            "Waiting       120 of them wait for owners without a user",
            "Verification  580 tokens and 54 requests, once",
            "DOES NOT FIT: active leads and deals: 10 there, 26,000 added, 25,000 allowed",
            "  1,010 too many. 9,000 of the 24,000 deals to create are won or lost",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
