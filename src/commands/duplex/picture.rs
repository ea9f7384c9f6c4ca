//! Pictures of what happened: who spoke when, and how long it took.

use std::fmt::Write;

use super::case::Case;
use super::play::{Played, What};

const WIDTH: f64 = 960.0;
/// Room for a lane's name.
const LEFT: f64 = 90.0;
const LANE: f64 = 22.0;
/// The lane of the caller; between it and the prompt's is room for five rows of labels.
const CALLER: f64 = 4.2;
const STYLE: &str = "font-family=\"sans-serif\" font-size=\"10\"";

/// One strip for each case: the prompt above, the caller below, and between them what was decided.
pub(super) fn timelines(cases: &[(&Case, &Played)]) -> String {
    let strip = (CALLER + 1.0) * LANE + 34.0;
    let mut svg = open(strip * cases.len() as f64 + 10.0);
    for (i, (case, played)) in cases.iter().enumerate() {
        strip_of(&mut svg, case, played, strip * i as f64 + 10.0);
    }
    svg + "</svg>\n"
}

fn strip_of(svg: &mut String, case: &Case, played: &Played, top: f64) {
    let spoken = case.spans().last().map_or(0, |(_, to)| to);
    let last = played.happened.last().map_or(0, |(at, _)| *at);
    let end = played.prompt.map_or(0, |(_, to)| to).max(spoken).max(last) + 500;
    let x = |ms: u64| LEFT + (WIDTH - LEFT - 20.0) * ms as f64 / end as f64;
    let mut bar = |from: u64, to: u64, lane: f64, colour: &str, height: f64| {
        let (y, width) = (top + lane * LANE + (LANE - height) / 2.0, x(to) - x(from));
        let _ = writeln!(
            svg,
            r#"<rect x="{:.1}" y="{y:.1}" width="{width:.1}" height="{height}" fill="{colour}"/>"#,
            x(from)
        );
    };
    if let Some((from, to)) = played.prompt {
        bar(from, to, 1.0, "#2b6cb0", 14.0);
    }
    // What was turned down is lighter, and what was paused is white.
    let until = |from: u64, ends: fn(&What) -> bool| {
        played.happened.iter().find(|(at, what)| *at > from && ends(what)).map_or(end, |(at, _)| *at)
    };
    for (from, what) in &played.happened {
        match what {
            What::Ducked => {
                let ends = |what: &What| is_over(what) || *what == What::Hushed;
                bar(*from, until(*from, ends), 1.0, "#90cdf4", 14.0);
            }
            What::Hushed => {
                let ends = is_over;
                bar(*from, until(*from, ends), 1.0, "#ffffff", 14.0);
                bar(*from, until(*from, ends), 1.0, "#90cdf4", 2.0);
            }
            What::Stopped | What::PromptEnded => bar(*from, end, 1.0, "#ffffff", 14.0),
            What::Answered => {
                let ends = |what: &What| matches!(what, What::Stopped | What::WentOn);
                bar(*from, until(*from, ends), 1.0, "#2f855a", 14.0);
            }
            What::Restored | What::TurnEnded | What::WentOn | What::Said(_) | What::Heard(_) => {}
        }
    }
    for (from, to) in case.spans() {
        bar(from, to, CALLER, "#c05621", 14.0);
    }
    for second in 1..=end / 1_000 {
        let x = x(second * 1_000);
        let (y, below) = (top + (CALLER + 1.0) * LANE, top + (CALLER + 1.0) * LANE + 4.0);
        let _ = writeln!(svg, r##"<line x1="{x:.1}" x2="{x:.1}" y1="{y:.1}" y2="{below:.1}" stroke="#718096"/>"##);
        let _ = writeln!(
            svg,
            r##"<text x="{x:.1}" y="{:.1}" {STYLE} fill="#718096" text-anchor="middle">{second} s</text>"##,
            below + 9.0
        );
    }
    for (lane, name) in [(1.0, "prompt"), (CALLER, "caller")] {
        let _ = writeln!(svg, r#"<text x="4" y="{:.1}" {STYLE}>{name}</text>"#, top + lane * LANE + 15.0);
    }
    let said = case.text.as_deref().unwrap_or_default();
    let _ = writeln!(
        svg,
        r#"<text x="4" y="{:.1}" {STYLE} font-weight="bold">{} {}</text>"#,
        top + 12.0,
        escaped(&case.id),
        escaped(said)
    );
    // Labels of what happened at about the same time stand below each other.
    let (mut row, mut free_from) = (0.0, [f64::NEG_INFINITY; 5]);
    for (at, what) in &played.happened {
        let (x, y, label) = (x(*at), top + 2.0 * LANE, format!("{what} {at}"));
        let width = 6.6 * label.chars().count() as f64;
        let (anchor, beside, from) = match x + width > WIDTH {
            true => ("end", -2.0, x - width),
            false => ("start", 2.0, x),
        };
        if let Some(free) = free_from.iter().position(|free| *free <= from) {
            row = free as f64;
            free_from[free] = from + width;
        }
        let _ = writeln!(
            svg,
            r#"<line x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}" stroke="black"/>"#,
            y - LANE,
            top + (CALLER + 1.0) * LANE
        );
        let _ = writeln!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" {STYLE} text-anchor="{anchor}">{}</text>"#,
            x + beside,
            y + 6.0 + row * 9.0,
            escaped(&label)
        );
    }
}

/// Whether the prompt is no longer turned down or paused then.
fn is_over(what: &What) -> bool {
    matches!(what, What::Restored | What::Stopped | What::PromptEnded | What::WentOn)
}

/// A histogram for each kind of time.
pub(in crate::commands) fn distributions(times: &[(&str, Vec<u64>)]) -> String {
    const HEIGHT: f64 = 150.0;
    const BIN: u64 = 20;
    let mut svg = open(HEIGHT * times.len() as f64 + 10.0);
    let last = times.iter().flat_map(|(_, times)| times).max().copied().unwrap_or(0).div_ceil(200) * 200 + BIN;
    let x = |ms: u64| 40.0 + (WIDTH - 60.0) * ms as f64 / last as f64;
    for (i, (name, times)) in times.iter().enumerate() {
        let base = HEIGHT * (i + 1) as f64 - 20.0;
        let mut counts = vec![0usize; (last / BIN) as usize + 1];
        for time in times {
            counts[(time / BIN) as usize] += 1;
        }
        let most = counts.iter().max().copied().unwrap_or(0).max(1) as f64;
        let _ = writeln!(
            svg,
            r#"<text x="40" y="{:.1}" {STYLE} font-weight="bold">{name}: {} cases, median {} ms, 95 of 100 within {} ms</text>"#,
            base - HEIGHT + 35.0,
            times.len(),
            quantile(times, 0.5),
            quantile(times, 0.95)
        );
        for (q, colour) in [(0.5, "#c05621"), (0.95, "#c53030")] {
            let x = x(quantile(times, q));
            let from = base - HEIGHT + 42.0;
            let _ = writeln!(svg, r#"<line x1="{x:.1}" x2="{x:.1}" y1="{from:.1}" y2="{base:.1}" stroke="{colour}"/>"#);
        }
        for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (height, width) = (count as f64 / most * (HEIGHT - 60.0), x(BIN) - x(0) - 1.0);
            let (x, y) = (x(bin as u64 * BIN), base - height);
            let _ = writeln!(
                svg,
                r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="#2b6cb0"/>"##
            );
        }
        for mark in (0..=last).step_by(200) {
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" {STYLE} text-anchor="middle">{mark} ms</text>"#,
                x(mark),
                base + 13.0
            );
        }
    }
    svg + "</svg>\n"
}

/// Nearest rank; 0 for none.
fn quantile(times: &[u64], q: f64) -> u64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(((times.len() as f64 * q).ceil() as usize).saturating_sub(1)).copied().unwrap_or(0)
}

fn open(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
