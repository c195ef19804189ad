//! The plan's page.

use super::forecast::{Effort, span, whole_days};
use super::{Comparison, Plan};
use crate::report::Report;
use crate::report::handover::deviations_section;
use crate::report::page::{
    Cell, Figure, Page, Row, Section, Table, Tone, Whole, counted, decimal, instant, number, title_case,
};

impl Report for Plan {
    fn page(&self) -> Page {
        let records = counted(self.record_count(), "record", "records");
        let tokens = number(self.forecast.tokens);
        let time = match self.schedule.finishes_at {
            Some(at) => format!("done in {}, on {}", self.duration(), instant(at)),
            None => "without limits of tokens".to_owned(),
        };
        let over = self.caps.iter().filter(|cap| !cap.fits).count() as u64;
        let (beyond, tone) = match over {
            0 => (String::new(), Tone::Plain),
            _ => (" The account's plan is too small for this data: see its limits below.".to_owned(), Tone::Bad),
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
                Figure::new("Finished", day).note(format!("{time_of_day}, if begun {begun}"))
            }
            None => Figure::new("Finished", "–"),
        };
        Page {
            title: "Plan".to_owned(),
            says: format!("{records} will be created in Pipedrive for about {tokens} tokens, {time}.{beyond}"),
            tone,
            figures: vec![
                Figure::new("Records to create", number(self.record_count())),
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
        vec![
            Section::new("Records", "", self.records_table()),
            Section::new("What it costs", COSTS_INTRO, self.costs_table()),
            Section::new("How long it takes on each plan", COMPARISON_INTRO, self.comparison_table()),
            Section::new("Limits of the account's plan", CAPS_INTRO, self.caps_table()),
            Section::new("Custom fields", "Leads use the fields of deals.", self.fields_table()),
            Section::new("Pipelines and stages", "", self.pipelines_table()),
            names("Lead labels", "Label", &self.lead_labels, "None."),
            names("Activity types", "Type", &self.activity_types, "None."),
            names("What else happens", "Effect", &self.side_effects, "Nothing else."),
            deviations_section(self.deviations),
        ]
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

    fn comparison_table(&self) -> Table {
        let seats: Vec<u32> =
            self.comparison.first().map(|line| line.seconds.keys().copied().collect()).unwrap_or_default();
        let row = |line: &Comparison| {
            let mut cells = vec![Cell::text(title_case(line.plan.as_str())), Cell::count(line.tokens_seat_day)];
            for (seats, seconds) in &line.seconds {
                let own = self.allowance.plan == Some(line.plan) && self.allowance.seats == *seats;
                let tone = if own { Tone::Good } else { Tone::Plain };
                cells.push(Cell { numeric: true, ..Cell::text(whole_days(*seconds)) }.tone(tone));
            }
            Row::new(cells)
        };
        let mut columns = vec!["Plan".to_owned(), "Tokens a seat and day".to_owned()];
        columns.extend(seats.iter().map(|seats| counted(u64::from(*seats), "seat", "seats")));
        Table::with_columns(columns, self.comparison.iter().map(row).collect(), "")
    }

    fn caps_table(&self) -> Table {
        let rows = self.caps.iter().map(|cap| {
            Row::new(vec![
                Cell::text(title_case(cap.what)),
                Cell::count(cap.existing),
                Cell::count(cap.added),
                Cell::maybe(cap.allowed, "no limit"),
                Cell::verdict(cap.fits),
            ])
        });
        let columns = ["What", "There already", "Added", "Allowed", "Fits"];
        Table::new(&columns, rows.collect(), "The account has no limits.")
    }

    fn fields_table(&self) -> Table {
        let rows = self.fields.iter().map(|field| {
            let options = if field.options == 0 { None } else { Some(field.options) };
            Row::new(vec![
                Cell::text(title_case(field.entity.as_str())),
                Cell::text(&*field.name),
                Cell::text(field_type(&field.field_type)),
                Cell::maybe(options, ""),
            ])
        });
        let columns = ["Of", "Name", "Type", "Options"];
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
                ])
            })
        });
        let columns = ["Pipeline", "Place", "Stage", "Probability"];
        Table::new(&columns, rows.collect(), "None.").whole(Whole::File("plan-stages".to_owned()))
    }
}

/// Pipedrive's type as its screens name it; unknown ones as they are.
fn field_type(name: &str) -> &str {
    match name {
        "varchar" => "Text",
        "varchar_auto" => "Autocomplete",
        "text" => "Large text",
        "double" => "Numerical",
        "monetary" => "Monetary",
        "date" => "Date",
        "time" => "Time",
        "enum" => "Single option",
        "set" => "Multiple options",
        "phone" => "Phone",
        "address" => "Address",
        "int" => "Whole number",
        other => other,
    }
}

const COSTS_INTRO: &str = "Pipedrive counts every request against the day's tokens of the whole company. The minimum is one \
    create for each record and each part of the workspace at Pipedrive's price.";
const COMPARISON_INTRO: &str = "The same work from the beginning of a day, with nothing else running and no tokens kept \
    back. The account's own plan and seats are shown in green.";
const CAPS_INTRO: &str =
    "Limits that Pipedrive publishes for the plan. Deals that are won or lost count; archived ones do not.";
