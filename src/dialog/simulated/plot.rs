//! The funnel and the turns histogram of a report, as one SVG picture.

use std::fmt::Write;

use super::Report;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
/// Length of the longest bar [px].
const LONGEST: f64 = 220.0;

impl Report {
    /// Draws the funnel (calls answered, identified, right, confirmed) and how many turns it took.
    pub fn svg(&self) -> String {
        let figures = &self.figures;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let stages = [
            ("answered", 1.0),
            ("identified", figures.coverage),
            ("right", figures.coverage * figures.correct),
            ("confirmed", figures.confirmed),
        ];
        heading(&mut svg, 20.0, &format!("{} calls", figures.calls));
        for (i, (name, share)) in stages.into_iter().enumerate() {
            bar(&mut svg, (20.0, 60.0 + 42.0 * i as f64), name, share, &format!("{:.1} %", 100.0 * share));
        }
        heading(&mut svg, 400.0, &format!("turns until the problem stands, mean {:.2}", figures.turns_mean));
        let most = figures.turns.values().copied().max().unwrap_or(1).max(1) as f64;
        for (i, (turns, calls)) in figures.turns.iter().take(8).enumerate() {
            let at = (400.0, 60.0 + 28.0 * i as f64);
            bar(&mut svg, at, &turns.to_string(), *calls as f64 / most, &calls.to_string());
        }
        svg.push_str("</svg>\n");
        svg
    }
}

// Writing into a String cannot fail.
fn heading(svg: &mut String, x: f64, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x}\" y=\"34\" font-weight=\"bold\">{text}</text>");
}

fn bar(svg: &mut String, (x, y): (f64, f64), name: &str, share: f64, value: &str) {
    let (left, length) = (x + 76.0, (LONGEST * share).max(1.0));
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{}\">{name}</text><rect x=\"{left}\" y=\"{y}\" width=\"{length:.1}\" height=\"20\" \
         fill=\"#3b6ea5\"/><text x=\"{:.1}\" y=\"{}\">{value}</text>",
        y + 15.0,
        left + length + 6.0,
        y + 15.0
    );
}
