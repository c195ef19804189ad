//! The plan's page.

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::conflicts::Found;
use super::daily::following;
use super::forecast::{Effort, span};
use super::{Comparison, Ends, Plan, StagingPlan, chart, conflicts, type_words};
use crate::report::Report;
use crate::report::handover::deviations_section;
use crate::report::page::{
    Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, decimal, instant, number, title_case,
};

/// From so many days on a date without its year says too little, and the days say enough.
const DATED_DAYS: u64 = 300;

impl Report for Plan {
    fn page(&self) -> Page {
        let records = counted(self.record_count(), "record", "records");
        let tokens = number(self.forecast.tokens);
        let says;
        let time = match (self.schedule.finishes_at, self.allowance.plan) {
            (Some(at), _) => format!("done in {}, on {}", self.duration(), instant(at)),
            (None, Some(_)) => "but what is kept back leaves no tokens for them".to_owned(),
            (None, None) => "without limits of tokens".to_owned(),
        };
        let blockers = self.blockers().len() as u64;
        let (beyond, tone) = match (self.fits(), self.schedule.seconds, self.allowance.plan) {
            _ if blockers > 0 => {
                let things = counted(blockers, "thing stands", "things stand");
                says = format!(" {things} in its way: it cannot be approved before they are solved.");
                (&*says, Tone::Bad)
            }
            (true, None, Some(_)) => ("", Tone::Bad),
            (true, ..) => ("", Tone::Plain),
            (false, ..) => (" Not everything fits into the account's limits: see below what to do.", Tone::Bad),
        };
        let allowance = match (self.allowance.plan, self.allowance.tokens_day) {
            (Some(plan), Some(tokens)) => Figure::new("Tokens a day", number(tokens)).note(format!(
                "{} with {}",
                title_case(plan.as_str()),
                counted(u64::from(self.allowance.seats), "seat", "seats")
            )),
            _ => Figure::new("Tokens a day", "no limit"),
        };
        let finished = match self.schedule.finishes_at.map(instant) {
            Some(at) => {
                let (day, time_of_day) = at.split_once(' ').unwrap_or((&at, ""));
                let begun = instant(self.schedule.start.at);
                Figure::new("Loaded", day).note(format!("{time_of_day}, if begun {begun}"))
            }
            None => Figure::new("Loaded", "–"),
        };
        Page {
            title: "Plan".to_owned(),
            says: format!("{records} will be created in Pipedrive for about {tokens} tokens, {time}.{beyond}"),
            tone,
            figures: vec![
                Figure::new("Records to create", number(self.record_count())).note(self.waiting_words()),
                Figure::new("Tokens at the least", number(self.minimum.tokens)),
                Figure::new("Tokens expected", number(self.forecast.tokens)).note(self.overhead()),
                allowance,
                Figure::new("Takes", self.duration()).note(self.days()),
                finished,
            ],
            sections: self.sections(),
        }
    }
}

impl Plan {
    fn duration(&self) -> String {
        self.schedule.seconds.map_or_else(|| "–".to_owned(), span)
    }

    fn days(&self) -> String {
        self.schedule.days.map_or_else(String::new, |days| format!("the budget of {}", counted(days, "day", "days")))
    }

    /// Records that will not be made before somebody is invited; empty when there are none.
    pub(super) fn waiting_words(&self) -> String {
        match self.waiting {
            0 => String::new(),
            1 => "1 of them waits for an owner without a user".to_owned(),
            many => format!("{} of them wait for owners without a user", number(many)),
        }
    }

    /// What comes on top of the minimum, in tenths of a percent.
    fn overhead(&self) -> String {
        let (least, all) = (u128::from(self.minimum.tokens.max(1)), u128::from(self.forecast.tokens));
        let tenths = all.saturating_sub(least) * 1_000 / least;
        format!("{}.{} % above the least", tenths / 10, tenths % 10)
    }

    fn sections(&self) -> Vec<Section> {
        let names = |title: &str, column: &'static str, names: &[String], empty: &'static str| {
            let rows = names.iter().map(|name| Row::new(vec![Cell::words(name)])).collect();
            Section::new(title, "", Table::new(&[column], rows, empty))
        };
        let mut sections = vec![
            conflicts::section(&self.conflicts),
            Section::new("When it is done", self.schedule_intro(), self.reserve_table()).chart(chart::tokens(self)),
            Section::new("Records", "", self.records_table()),
            Section::new("What it costs", COSTS_INTRO, self.costs_table()),
            Section::new("How long it takes on each plan", COMPARISON_INTRO, self.comparison_table()),
            Section::new("What each day costs", DAILY_INTRO, self.daily_table()),
            Section::new("Limits of the account's plan", CAPS_INTRO, self.caps_table()),
            Section::new("Custom fields", "Leads use the fields of deals.", self.fields_table()),
            Section::new("Pipelines and stages", "", self.pipelines_table()),
            names("Lead labels", "Label", &self.lead_labels, "None."),
            names("Activity types", "Type", &self.activity_types, "None."),
            names("What else happens", "Effect", &self.side_effects, "Nothing else."),
            deviations_section(&self.deviations),
        ];
        sections.splice(1..1, self.preflight.sections());
        sections.splice(0..0, self.staging.iter().map(StagingPlan::section));
        sections
    }

    fn records_table(&self) -> Table {
        let rows = self
            .records
            .iter()
            .map(|(entity, count)| Row::new(vec![Cell::text(title_case(entity.as_str())), Cell::count(*count)]));
        Table::new(&["Pipedrive records", "To create"], rows.collect(), "None.")
    }

    fn costs_table(&self) -> Table {
        let cells = |what: &str, part: &str, effort: Effort| {
            vec![Cell::text(what), Cell::text(part), Cell::count(effort.requests), Cell::count(effort.tokens)]
        };
        let part = |minimum: bool| if minimum { "minimum" } else { "on top" };
        let mut rows: Vec<Row> =
            self.costs.iter().map(|cost| Row::new(cells(&cost.what, part(cost.minimum), cost.effort))).collect();
        rows.push(Row::total(cells("Minimum", "", self.minimum)));
        rows.push(Row::total(cells("Everything", "", self.forecast)));
        Table::new(&["What for", "Part of", "Requests", "Tokens"], rows, "")
    }

    fn schedule_intro(&self) -> String {
        let Some(reserve) = self.reserve else {
            return "Without limits nothing but this machine sets the pace.".into();
        };
        let others = match (reserve.others_tokens_day, self.allowance.tokens_day) {
            (0, _) => "Nothing else was seen to spend tokens of this account.".to_owned(),
            (others, allowed) => {
                let whole = self.schedule.start.tokens_day.unwrap_or(allowed.unwrap_or(0) + reserve.tokens_day).max(1);
                let percent = (others * 100 + whole / 2) / whole;
                let shown = number(others);
                format!(
                    "The company's other tools spend about {shown} tokens a day ({percent} %), as Pipedrive's answers show; \
                     the forecast counts with them. What they need on a day must be in the reserve, or they are refused \
                     once the load has spent the rest."
                )
            }
        };
        let learned = self.schedule.start.tokens_day.zip(self.allowance.tokens_day);
        let learned = learned.filter(|(day, allowed)| *day != allowed + reserve.tokens_day).map(|(day, _)| {
            format!(" Pipedrive says {} tokens a day, which is not what plan and seats come to.", number(day))
        });
        format!("Tokens spent as time passes. {others}{}", learned.unwrap_or_default())
    }

    fn reserve_table(&self) -> Table {
        let Some(reserve) = self.reserve else { return Table::default() };
        let row = |what: String, tokens_day: u64, schedule: super::Schedule| {
            Row::new(vec![
                Cell::text(what),
                Cell::count(tokens_day),
                Cell { numeric: true, ..Cell::text(schedule.seconds.map_or_else(|| "never".to_owned(), span)) },
                Cell::text(schedule.finishes_at.map_or_else(|| "–".to_owned(), instant)),
            ])
        };
        let mut rows = vec![row("As set: reserve_tokens_day".to_owned(), reserve.tokens_day, self.schedule)];
        if reserve.tokens_day > 0 {
            rows.push(row("Without a reserve".to_owned(), 0, reserve.without));
        }
        Table::new(&["Tokens kept back", "A day", "Load takes", "Done"], rows, "")
    }

    fn daily_table(&self) -> Table {
        let cells = |what: &str, how_often: &str, effort: Effort| {
            let share = self.allowance.tokens_day.map_or_else(String::new, |day| share(effort.tokens, day));
            let share = Cell { numeric: true, ..Cell::text(share) };
            vec![
                Cell::words(what),
                Cell::words(how_often),
                Cell::count(effort.requests),
                Cell::count(effort.tokens),
                share,
            ]
        };
        let lines = |of: bool| self.daily.iter().filter(move |line| line.following == of);
        let row = |line: &super::Daily| Row::new(cells(&line.what, &line.how_often, line.effort));
        let mut rows: Vec<Row> = lines(true).map(row).collect();
        rows.push(Row::total(cells("A day of following", "until the source is frozen", following(&self.daily))));
        rows.extend(lines(false).map(row));
        Table::new(&["What for", "How often", "Requests", "Tokens", "Of a day's"], rows, "")
    }

    fn comparison_table(&self) -> Table {
        let seats: Vec<u32> =
            self.comparison.first().map(|line| line.seats.keys().copied().collect()).unwrap_or_default();
        let row = |line: &Comparison| {
            let mut cells = vec![Cell::text(title_case(line.plan.as_str()))];
            for (seats, ends) in &line.seats {
                let own = self.allowance.plan == Some(line.plan) && self.allowance.seats == *seats;
                let tone = match (ends.fits, own) {
                    (false, _) => Tone::Bad,
                    (true, true) => Tone::Good,
                    (true, false) => Tone::Plain,
                };
                cells.push(Cell { numeric: true, ..Cell::text(ends_words(ends)) }.tone(tone));
            }
            Row::new(cells)
        };
        let mut columns = vec!["Plan".to_owned()];
        columns.extend(seats.iter().map(|seats| counted(u64::from(*seats), "seat", "seats")));
        Table::with_columns(columns, self.comparison.iter().map(row).collect(), "")
    }

    fn caps_table(&self) -> Table {
        let rows = self.caps.iter().map(|cap| {
            Row::new(vec![
                Cell::words(&title_case(&cap.what)),
                Cell::maybe(cap.existing, "–"),
                Cell::count(cap.added),
                Cell::maybe(cap.allowed, "no limit"),
                Cell::verdict(cap.fits),
                Cell::words(&cap.advice),
            ])
        });
        let columns = ["What", "There already", "Added", "Allowed", "Fits", "What to do, or to know"];
        Table::new(&columns, rows.collect(), "The account has no limits.")
    }

    fn fields_table(&self) -> Table {
        let rows = self.fields.iter().map(|field| {
            let options = if field.options == 0 { None } else { Some(field.options) };
            Row::new(vec![
                Cell::text(title_case(field.entity.as_str())),
                Cell::text(&*field.name),
                Cell::text(type_words(&field.field_type)),
                Cell::maybe(options, ""),
                Cell {
                    numeric: true,
                    ..Cell::text(field.filled.map_or_else(String::new, |n| share(n, field.records)))
                },
                Cell::text(match (field.found.is_there(), field.new_options) {
                    (true, 1) => "there already, 1 option is added".to_owned(),
                    (true, 2..) => format!("there already, {} options are added", number(field.new_options)),
                    _ => field.found.words().to_owned(),
                })
                .tone(if field.found == Found::InTheWay { Tone::Bad } else { Tone::Plain }),
            ])
        });
        let columns = ["Of", "Name", "Type", "Options", "Filled", ""];
        Table::new(&columns, rows.collect(), "None.").whole(Whole::File("plan-fields".to_owned()))
    }

    fn pipelines_table(&self) -> Table {
        let rows = self.pipelines.iter().flat_map(|pipeline| {
            pipeline.stages.iter().enumerate().map(|(position, stage)| {
                let percent =
                    stage.probability.map_or_else(String::new, |value| format!("{} %", decimal(value.normalize())));
                Row::new(vec![
                    Cell::text(&*pipeline.name),
                    Cell::count(position as u64 + 1),
                    Cell::text(&*stage.name),
                    Cell { numeric: true, ..Cell::text(percent) },
                    Cell::text(stage.found.words()),
                ])
            })
        });
        let columns = ["Pipeline", "Place", "Stage", "Probability", ""];
        Table::new(&columns, rows.collect(), "None.").whole(Whole::File("plan-stages".to_owned()))
    }
}

/// A part of a whole in percent, as people read it.
fn share(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    match (part, tenths) {
        (0, _) => "0 %".to_owned(),
        (_, 0) => "under 0.1 %".to_owned(),
        (_, tenths) if tenths < 100 => format!("{}.{} %", tenths / 10, tenths % 10),
        (_, tenths) => format!("{} %", tenths / 10),
    }
}

/// Days of the budget and the date of the end: `3 days, 26 Nov`. On the first day the time says more.
pub(super) fn ends_words(ends: &Ends) -> String {
    let (Some(seconds), Some(days)) = (ends.seconds, ends.days) else { return "never".to_owned() };
    let date = |at: Timestamp| strtime::format("%-d %b", at).unwrap_or_default();
    let date = ends.finishes_at.map(date).unwrap_or_default();
    match days {
        1 => span(seconds),
        days if days < DATED_DAYS => format!("{}, {date}", counted(days, "day", "days")),
        days => counted(days, "day", "days"),
    }
}

const COSTS_INTRO: &str = "Pipedrive counts every request against the day's tokens of the whole company. The minimum is one \
    create for each record and each part of the workspace at Pipedrive's price.";
const COMPARISON_INTRO: &str = "The same load begun at the same moment, with the same reserve and the same other tools: days of \
    the budget that it touches, and the date of its end; on the first day the time that it takes. The account's own plan and seats are \
    shown in green; in red stands what is too small for the leads and deals, or for the custom fields.";
const DAILY_INTRO: &str = "What is spent beside the load, on a day on which it happens. Changes are carried across on every day \
    from the load's end until the source is frozen.";
const CAPS_INTRO: &str =
    "Limits that Pipedrive publishes for the plan. Deals that are won or lost count; archived ones do not.";
