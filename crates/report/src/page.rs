//! The tear sheet: one HTML file that needs nothing but itself.
//!
//! For: putting figures, tables and charts into the template, every text escaped. Not for:
//! what the figures are (`statistics`) or how charts are drawn (`page/*.js`).

use candlewick_model::run::Run;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use crate::json::UNKNOWN;
use crate::statistics::Statistics;
use crate::{chart, histogram, sheets, stress, tiles};

const TEMPLATE: &str = include_str!("page/template.html");
const SHEET: &str = include_str!("page/sheet.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPTS: [&str; 5] = [
    include_str!("page/data.js"),
    include_str!("page/scale.js"),
    include_str!("page/draw.js"),
    include_str!("page/chart.js"),
    include_str!("page/page.js"),
];

/// `report.html`: the whole report as one page.
#[must_use]
pub fn render(run: &Run, statistics: &Statistics) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report", TEMPLATE).expect("the template is ours and tested");
    environment.add_template("sheet", SHEET).expect("the template is ours and tested");
    let [page, sheet] = ["report", "sheet"].map(|name| environment.get_template(name).expect("added above"));
    let table = |s: sheets::Sheet| {
        let body = sheet.render(context! { s => of(&s) }).expect("the template is ours and tested");
        context! { total => &s.total, empty => s.is_empty(), body => Value::from_safe_string(body) }
    };
    let section = stress::section(run, statistics);
    let safe = |text: String| Value::from_safe_string(text);
    page.render(context! {
        style => safe(STYLE.to_owned()),
        script => safe(SCRIPTS.join("\n")),
        data => safe(chart::data(run, statistics)),
        head => of(tiles::head(run, statistics)),
        tiles => of(tiles::tiles(run, statistics)),
        callouts => of(tiles::callouts(run, statistics)),
        compared => of(sheets::compared(statistics)),
        trading => of(sheets::trading(run, statistics)),
        histogram => of(histogram::histogram(&statistics.trips.closed)),
        years => of(sheets::years(statistics)),
        drawdowns => of(sheets::drawdowns(statistics)),
        trades => table(sheets::trades(run, statistics)),
        rejections => table(sheets::rejections(run)),
        refusals => of(sheets::refusals(statistics)),
        orders => table(sheets::orders(run)),
        gaps => table(sheets::gaps(run)),
        halted => run.markets.iter().any(|market| !market.halts.is_empty()),
        stress => section.map(|s| {
            let said = of(&s);
            context! { late => table(s.late), episodes => table(s.episodes), ..said }
        }),
        assumptions => of(sheets::assumptions(run)),
        band => of(tiles::band(run, statistics)),
        models => of(run.markets.iter().map(|m| (m.symbol, tiles::fill_model(m))).collect::<Vec<_>>()),
        markets => of(sheets::markets(run, statistics)),
        provenance => of(tiles::provenance(run)),
        unknown => UNKNOWN.to_vec(),
        notes => run.filter_notes.clone(),
    })
    .expect("the template is ours and tested")
}

/// Any plain value, for the template.
fn of(value: impl Serialize) -> Value {
    Value::from(Serde(value))
}
