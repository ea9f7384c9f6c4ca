//! `antevox check`: list a dialplan's mistakes with their place and remedy.

use std::path::PathBuf;

use serde_json::json;

use super::Outcome;
use crate::diag::{Diagnostic, Severity};
use crate::dialog::dialplan::Plan;
use crate::server::{dialplan_files, sounds};

/// List a dialplan's mistakes with their place and remedy.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The dialplan's folder
    path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Carries the command out.
    ///
    /// # Errors
    /// The number of mistakes, when there are any; they are printed before.
    pub fn run(self) -> Outcome {
        let (plan, found) = match dialplan_files::load(&self.path) {
            Ok((plan, mut found)) => {
                found.0.extend(sounds::load(&plan, &self.path).1.0);
                ((!found.has_errors()).then_some(plan), found)
            }
            Err(found) => (None, found),
        };
        if self.json {
            let findings: Vec<_> = found.0.iter().map(as_json).collect();
            let counts = plan.as_ref().map(|plan| {
                json!({
                    "main_scenes": plan.main_scenes.len(),
                    "scenes": plan.scenes.len(),
                    "examples": examples(plan),
                })
            });
            println!("{}", json!({ "ok": plan.is_some(), "plan": counts, "findings": findings }));
        } else {
            for finding in &found.0 {
                println!("{finding}");
            }
        }
        let errors = found.0.iter().filter(|finding| finding.severity == Severity::Error).count();
        let Some(plan) = plan else {
            let plural = if errors == 1 { "" } else { "s" };
            return Err(format!("{}: {errors} mistake{plural}, listed above", self.path.display()).into());
        };
        if !self.json {
            let (mains, scenes, examples) = (plan.main_scenes.len(), plan.scenes.len(), examples(&plan));
            println!("{}: {scenes} scenes in {mains} main scenes, {examples} examples: good", self.path.display());
        }
        Ok(())
    }
}

fn examples(plan: &Plan) -> usize {
    plan.scenes.iter().map(|scene| scene.examples.len()).sum()
}

fn as_json(finding: &Diagnostic) -> serde_json::Value {
    json!({
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "file": finding.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "message": finding.message,
        "help": finding.help,
    })
}
