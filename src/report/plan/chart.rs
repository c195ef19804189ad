//! The plan's chart: tokens over time, on the account's plan and on the others. SVG without scripts, so that it is part of
//! the page and prints with it.

use plotters::prelude::*;

use super::forecast::DAY_SECONDS;
use super::{Curve, Plan};
use crate::report::page::{number, title_case};

/// Pixels of the drawing; the page scales it.
const SIZE: (u32, u32) = (1_000, 340);

/// Room above the highest line, so that it does not touch the edge.
const HEADROOM: f64 = 1.08;

/// Below this many seconds the axis counts minutes, below the next hours, and days beyond.
const MINUTES_BELOW: f64 = 2.0 * 3_600.0;
const HOURS_BELOW: f64 = 2.0 * DAY_SECONDS as f64;

/// The account's own line, and the others by their place: told apart by lightness too, for print.
const OWN: RGBColor = RGBColor(0x20, 0x50, 0x8a);
const OTHERS: [RGBColor; 4] =
    [RGBColor(0xb3, 0x26, 0x1e), RGBColor(0xd9, 0x8a, 0x00), RGBColor(0x1b, 0x7f, 0x4d), RGBColor(0x8e, 0x6b, 0xbf)];
const INK: RGBColor = RGBColor(0x5b, 0x68, 0x75);
const LINE: RGBColor = RGBColor(0xdd, 0xe3, 0xe8);

/// The chart of a plan; `None` where there are no limits, and where drawing fails, which no reader should pay for with the
/// whole page.
pub(super) fn tokens(plan: &Plan) -> Option<String> {
    let edge = plan.curves.iter().flat_map(|curve| &curve.points).map(|(at, _)| *at).max()?;
    let most = plan.curves.iter().flat_map(|curve| &curve.points).map(|(_, tokens)| *tokens).max()?;
    if edge == 0 || most == 0 {
        return None;
    }
    let mut svg = String::new();
    draw(&mut svg, &plan.curves, (edge as f64, most as f64 * HEADROOM)).ok()?;
    Some(svg)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(svg: &mut String, curves: &[Curve], (edge, most): (f64, f64)) -> Drawn {
    let (unit, seconds) = match edge {
        edge if edge < MINUTES_BELOW => ("minutes", 60.0),
        edge if edge < HOURS_BELOW => ("hours", 3_600.0),
        _ => ("days", DAY_SECONDS as f64),
    };
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(0.0..edge / seconds, 0.0..most)?;
    let text = |size: i32, color: &RGBColor| ("sans-serif", size).into_font().color(color);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(LINE)
        .light_line_style(TRANSPARENT)
        .axis_style(LINE)
        .label_style(text(14, &INK))
        .axis_desc_style(text(14, &INK))
        .x_desc(format!("{unit} from the beginning"))
        .y_desc("tokens")
        .x_label_formatter(&|time| format!("{time}"))
        .y_label_formatter(&|tokens| number(tokens.round() as u64))
        .draw()?;
    let mut others = OTHERS.iter();
    for curve in curves {
        let color = if curve.own { OWN } else { *others.next().unwrap_or(&INK) };
        let style = color.stroke_width(if curve.own { 4 } else { 2 });
        let points = curve.points.iter().map(|(at, tokens)| (*at as f64 / seconds, *tokens as f64));
        let name = title_case(curve.plan.as_str());
        let name = if curve.own { format!("{name}, as it is") } else { name };
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 22, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(LINE)
        .label_font(text(14, &INK))
        .draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_has_a_line_for_each_plan_and_the_right_unit() {
        let mut plan = Plan::build(super::super::tests::input());
        let svg = tokens(&plan).expect("a chart");
        for expected in ["Growth, as it is", "Lite", "Premium", "Ultimate", "minutes from the beginning", "100,000"] {
            assert!(svg.contains(expected), "{expected}: {svg}");
        }
        assert!(svg.matches("<polyline").count() >= 4, "{svg}");
        assert!(!svg.contains("<script") && !svg.contains("http-equiv"), "{svg}");
        plan.curves.iter_mut().for_each(|curve| curve.points = vec![(0, 0), (400_000, 5)]);
        assert!(tokens(&plan).expect("a chart").contains("days from the beginning"));
        plan.curves.clear();
        assert_eq!(tokens(&plan), None);
    }
}
