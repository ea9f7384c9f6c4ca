//! Figures and findings for people to read.

use std::io::{self, Write};

use crate::commands::Outcome;
use crate::nlu::eval::Report;
use crate::nlu::review::Review;

pub(super) fn report(report: &Report) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "sentences            {:>7}", report.sentences)?;
    writeln!(out, "accuracy             {:>7.1} %", 100.0 * report.accuracy)?;
    writeln!(out, "macro F1             {:>7.1} %", 100.0 * report.macro_f1)?;
    writeln!(out, "calibration error    {:>7.1} %", 100.0 * report.ece)?;
    writeln!(out, "main scene accuracy  {:>7.1} %", 100.0 * report.main_accuracy)?;
    if let (Some(recall), Some(accuracy)) = (report.oos_recall, report.in_scope_accuracy) {
        writeln!(out, "out of scope found   {:>7.1} %", 100.0 * recall)?;
        writeln!(out, "in-scope accuracy    {:>7.1} %", 100.0 * accuracy)?;
    }
    for label in &report.unknown_labels {
        writeln!(out, "the model does not know label {label}")?;
    }
    writeln!(out, "\n  times  label -> answer")?;
    for pair in &report.confusions {
        writeln!(out, "{:>7}  {} -> {}", pair.times, pair.truth, pair.answer)?;
    }
    Ok(())
}

pub(super) fn review(review: &Review) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "\nscenes that are taken for each other: {}", none_or_count(review.confusing_pairs.len()))?;
    for pair in &review.confusing_pairs {
        writeln!(
            out,
            "{:>7}  {} / {}   \"{}\"",
            pair.times,
            pair.scenes[0],
            pair.scenes[1],
            pair.examples.join("\", \"")
        )?;
    }
    writeln!(out, "\nsentences that stand there more than once: {}", none_or_count(review.duplicates.len()))?;
    for twice in &review.duplicates {
        writeln!(out, "{:>7}  \"{}\" under {}", twice.times, twice.text, twice.labels.join(", "))?;
    }
    writeln!(out, "\nexamples that seem to belong elsewhere: {}", none_or_count(review.likely_mislabelled.len()))?;
    for suspect in &review.likely_mislabelled {
        writeln!(
            out,
            "{:>5.0} %  \"{}\" is under {}; rather {}",
            100.0 * suspect.p,
            suspect.text,
            suspect.label,
            suspect.suggested
        )?;
    }
    writeln!(out, "\nscenes with too few examples: {}", none_or_count(review.too_few_examples.len()))?;
    for few in &review.too_few_examples {
        writeln!(out, "{:>7}  {} (at least {})", few.examples, few.scene, few.wanted)?;
    }
    Ok(())
}

fn none_or_count(count: usize) -> String {
    if count == 0 { "none".to_owned() } else { count.to_string() }
}
