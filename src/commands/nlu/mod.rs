//! `antevox nlu`: train, test and use the intent classifier; find values in sentences.

mod material;
mod show;

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::Zoned;
use jiff::civil::DateTime;
use serde_json::{Value as Json, json};

use self::material::{Material, read_table};
use super::Outcome;
use super::sentences::Sentences;
use crate::nlu::discover::{self, Limits};
use crate::nlu::eval::{self, Split};
use crate::nlu::minilm::Encoder;
use crate::nlu::review;
use crate::nlu::{Endings, Entity, Expect, Heard, SceneScore, Understanding, Value, entities, text};
use crate::units::Lang;

/// Train, test and use the intent classifier.
#[derive(Debug, clap::Args)]
pub struct Nlu {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, clap::Subcommand)]
enum Job {
    /// Learn from example sentences.
    Train(Train),
    /// Test a model, or training material by itself, on labelled sentences.
    Eval(Eval),
    /// Say which scene each sentence is about.
    Classify(Classify),
    /// Find amounts, days, times and numbers.
    Extract(Extract),
    /// Group sentences that no scene covers into proposed new scenes.
    Discover(Discover),
    /// Learn from sentences of any kind how they end: makes `models/endings-en.bin`.
    Endings(Learn),
}

#[derive(Debug, clap::Args)]
struct Learn {
    /// Whole sentences, one a line.
    sentences: PathBuf,
    /// Where to write the weights.
    #[arg(short, long, value_name = "F.bin")]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Train {
    #[command(flatten)]
    material: Material,
    #[command(flatten)]
    sentences: Sentences,
    /// Where to write the model.
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Eval {
    /// A trained model; without it one is trained from --corpus or --dialplan.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["corpus", "dialplan"])]
    model: Option<PathBuf>,
    #[command(flatten)]
    material: Material,
    #[command(flatten)]
    sentences: Sentences,
    /// Table of test sentences: text<TAB>label[<TAB>main label]. Without it the material is tested on itself, by
    /// cross-validation, and looked through for mistakes.
    #[arg(long, value_name = "F.tsv")]
    test: Option<PathBuf>,
    /// Parts of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "N", conflicts_with = "test", value_parser = clap::value_parser!(u32).range(2..))]
    folds: u32,
    /// Instead of parts: learn from so many examples of each label, and test on the others.
    #[arg(long, value_name = "K", conflicts_with_all = ["test", "folds"], value_parser = clap::value_parser!(u32).range(1..))]
    shots: Option<u32>,
    /// How often those are drawn.
    #[arg(long, default_value_t = 5, value_name = "N", requires = "shots", value_parser = clap::value_parser!(u32).range(1..))]
    draws: u32,
    /// Only test: do not look the material through.
    #[arg(long)]
    no_review: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Classify {
    /// A trained model.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    sentences: Sentences,
    /// The sentence; without one, sentences are read from standard input, one a line.
    text: Option<String>,
    /// How many scenes to name.
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
}

#[derive(Debug, clap::Args)]
struct Extract {
    /// Language, en or zh; without it, every line is read in the language that it is written in.
    #[arg(long, value_name = "L", value_parser = lang)]
    lang: Option<Lang>,
    /// Local time that "yesterday" refers to, ISO 8601; now when left out.
    #[arg(long, value_name = "T")]
    now: Option<DateTime>,
    /// The sentence; without one, sentences are read from standard input, one a line.
    text: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Discover {
    /// A trained model; without it one is trained from --corpus or --dialplan.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["corpus", "dialplan"])]
    model: Option<PathBuf>,
    #[command(flatten)]
    material: Material,
    #[command(flatten)]
    sentences: Sentences,
    /// File of sentences, one a line (what follows a tab is not read); without it, standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A sentence is covered when a scene is more probable than this.
    #[arg(long, default_value_t = 0.5, value_name = "P")]
    below: f32,
    /// Sentences that make a group.
    #[arg(long, default_value_t = 5, value_name = "N")]
    smallest: usize,
    /// How near sentences of a group are, 0-1: higher makes smaller, purer groups. Without it, what suits the back end.
    #[arg(long, value_name = "X")]
    near: Option<f32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn lang(name: &str) -> Result<Lang, &'static str> {
    match name {
        "en" => Ok(Lang::En),
        "zh" => Ok(Lang::Zh),
        _ => Err("languages are en and zh"),
    }
}

impl Nlu {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        match self.job {
            Job::Train(train) => train.run(),
            Job::Eval(eval) => eval.run(),
            Job::Classify(classify) => classify.run(),
            Job::Extract(extract) => extract.run(),
            Job::Discover(discover) => discover.run(),
            Job::Endings(learn) => learn.run(),
        }
    }
}

impl Learn {
    fn run(self) -> Outcome {
        let sentences = fs::read_to_string(&self.sentences).map_err(|error| at(&self.sentences, &error))?;
        let endings = Endings::default().learn(sentences.lines());
        fs::write(&self.output, endings.to_bytes()).map_err(|error| at(&self.output, &error))?;
        println!("{}: learned from {} sentences", self.output.display(), sentences.lines().count());
        Ok(())
    }
}

impl Train {
    #[expect(clippy::disallowed_methods, reason = "a command times its own work")]
    fn run(self) -> Outcome {
        let corpus = self.material.read()?;
        let encoder = self.sentences.open()?;
        let begun = Instant::now();
        let understanding = self.material.learn(&corpus, encoder.as_ref())?;
        let seconds = begun.elapsed().as_secs_f32();
        self.sentences.keep(encoder.as_ref())?;
        let bytes = understanding.to_bytes();
        fs::write(&self.output, &bytes).map_err(|error| at(&self.output, &error))?;
        let (scenes, examples) = (understanding.intents().scenes().len(), corpus.examples.len());
        if self.json {
            return print(&json!({"scenes": scenes, "examples": examples, "seconds": seconds, "bytes": bytes.len()}));
        }
        println!("{}: {scenes} scenes from {examples} examples in {seconds:.1} s", self.output.display());
        Ok(())
    }
}

impl Eval {
    fn run(self) -> Outcome {
        let encoder = self.sentences.open()?;
        let (report, review) = match &self.test {
            Some(test) => {
                let understanding = match &self.model {
                    Some(model) => load(model, encoder.as_ref())?,
                    None => self.material.learn(&self.material.read()?, encoder.as_ref())?,
                };
                (eval::evaluate(understanding.intents(), &read_table(test)?.examples), None)
            }
            None if self.model.is_some() => return Err("nothing to test the model on: name --test F.tsv".into()),
            None => {
                let corpus = self.material.read()?;
                let plan = match self.shots {
                    Some(shots) => Split::Draws { shots: shots as usize, draws: self.draws as usize },
                    None => Split::Folds(self.folds as usize),
                };
                let report = eval::cross_validate(&corpus, encoder.as_ref(), plan)
                    .map_err(|error| self.material.blame(&error))?;
                let looks = !self.no_review && self.shots.is_none();
                (report, looks.then(|| review::review(&corpus, encoder.as_ref())).transpose()?)
            }
        };
        self.sentences.keep(encoder.as_ref())?;
        if self.json {
            let mut json = serde_json::to_value(&report)?;
            if let Some(review) = &review {
                json["review"] = serde_json::to_value(review)?;
            }
            return print(&json);
        }
        show::report(&report)?;
        review.map_or(Ok(()), |review| show::review(&review))
    }
}

impl Classify {
    fn run(self) -> Outcome {
        let understanding = load(&self.model, self.sentences.open()?.as_ref())?;
        for_each_line(self.text.as_deref(), |line| {
            let heard = Heard { text: line.to_owned(), confidence: 1.0, n_best: Vec::new() };
            let turn = understanding.understand(&heard, &Expect::default());
            json!({
                "text": turn.text,
                "scenes": scores(&turn.scenes, self.top),
                "main_scenes": scores(&turn.main_scenes, self.top),
                "out_of_scope": turn.out_of_scope,
                "acts": turn.acts.iter().map(|act| format!("{act:?}").to_lowercase()).collect::<Vec<_>>(),
            })
        })
    }
}

fn scores(scenes: &[SceneScore], top: usize) -> Vec<Json> {
    scenes.iter().take(top).map(|score| json!({"scene": score.scene.as_str(), "p": score.p})).collect()
}

impl Discover {
    fn run(self) -> Outcome {
        if !(0.0..=1.0).contains(&self.below) {
            return Err(format!("--below {} does not lie between 0 and 1", self.below).into());
        }
        let encoder = self.sentences.open()?;
        let understanding = match &self.model {
            Some(model) => load(model, encoder.as_ref())?,
            None => self.material.learn(&self.material.read()?, encoder.as_ref())?,
        };
        let text = match &self.file {
            Some(file) => fs::read_to_string(file).map_err(|error| at(file, &error))?,
            None => io::read_to_string(io::stdin().lock())?,
        };
        let sentence = |line| str::split(line, '\t').next().unwrap_or_default().trim();
        let sentences: Vec<&str> = text.lines().map(sentence).filter(|text| !text.is_empty()).collect();
        if sentences.is_empty() {
            let source = self.file.as_ref().map_or("standard input".to_owned(), |file| file.display().to_string());
            return Err(format!("{source}: no sentences in it: write one a line").into());
        }
        let limits = Limits { below: self.below, smallest: self.smallest, near: self.near };
        let found = discover::discover(understanding.intents(), &sentences, limits);
        if self.json {
            return print(&serde_json::to_value(&found)?);
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{} sentences, {} covered by no scene", found.sentences, found.uncovered)?;
        for group in &found.groups {
            writeln!(out, "\n{}: {} sentences; nearest scene {}", group.name, group.size, group.nearest.0)?;
            group.examples.iter().try_for_each(|example| writeln!(out, "  - {example}"))?;
        }
        writeln!(out, "\n{} in no group", found.left_over)?;
        Ok(())
    }
}

impl Extract {
    fn run(self) -> Outcome {
        let now = self.now.unwrap_or_else(|| Zoned::now().datetime());
        for_each_line(self.text.as_deref(), |line| {
            let lang = self.lang.unwrap_or_else(|| text::guess_lang([line]));
            let found = entities::find(line, lang, now);
            json!({
                "text": line,
                "written": entities::written(line, lang, now),
                "entities": found.iter().map(entity).collect::<Vec<_>>(),
            })
        })
    }
}

fn entity(entity: &Entity) -> Json {
    let mut json = match &entity.value {
        Value::Amount { cents, currency } => {
            json!({"kind": "amount", "value": *cents as f64 / 100.0, "currency": currency})
        }
        Value::Date(date) => json!({"kind": "date", "value": date.to_string()}),
        Value::Time(time) => json!({"kind": "time", "value": time.strftime("%H:%M:%S").to_string()}),
        Value::Number(number) => json!({"kind": "number", "value": number}),
        Value::Digits(digits) => json!({"kind": "digits", "value": digits}),
    };
    json["span"] = json!([entity.span.start, entity.span.end]);
    json
}

/// Prints what `answer` makes of the text, or of every line of standard input.
fn for_each_line(text: Option<&str>, answer: impl Fn(&str) -> Json) -> Outcome {
    let mut out = io::stdout().lock();
    match text {
        Some(text) => writeln!(out, "{}", answer(text))?,
        None => {
            for line in io::stdin().lock().lines() {
                writeln!(out, "{}", answer(&line?))?;
            }
        }
    }
    Ok(())
}

fn print(json: &Json) -> Outcome {
    writeln!(io::stdout().lock(), "{json}")?;
    Ok(())
}

fn load(
    model: &Path,
    encoder: Option<&Arc<Encoder>>,
) -> Result<Understanding, Box<dyn std::error::Error + Send + Sync>> {
    let bytes = fs::read(model).map_err(|error| at(model, &error))?;
    Ok(Understanding::from_bytes(&bytes, encoder).map_err(|error| at(model, &error))?)
}

fn at(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}
