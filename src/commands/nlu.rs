//! `antevox nlu`: train, test and use the intent classifier; find values in sentences.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Zoned;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Outcome;
use crate::nlu::eval::{self, Report};
use crate::nlu::{
    Corpus, Endings, Entity, Example, Expect, Heard, SceneScore, Understanding, Value, corpus, entities, text,
};
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

/// What to learn from.
#[derive(Debug, clap::Args)]
struct Material {
    /// Table of examples: text<TAB>label[<TAB>main label]. May be given several times.
    #[arg(long, value_name = "F.tsv")]
    corpus: Vec<PathBuf>,
    /// Dialplan whose scenes' examples are used.
    #[arg(long, value_name = "DIR")]
    dialplan: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Train {
    #[command(flatten)]
    material: Material,
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
    /// Table of test sentences: text<TAB>label[<TAB>main label].
    #[arg(long, value_name = "F.tsv")]
    test: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Classify {
    /// A trained model.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
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
        let begun = Instant::now();
        let understanding = Understanding::train(&corpus)?;
        let seconds = begun.elapsed().as_secs_f32();
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
        let understanding = match &self.model {
            Some(model) => load(model)?,
            None => Understanding::train(&self.material.read()?)?,
        };
        let test = read_table(&self.test)?;
        let report = eval::evaluate(understanding.intents(), &test.examples);
        if self.json {
            return print(&serde_json::to_value(&report)?);
        }
        show(&report);
        Ok(())
    }
}

fn show(report: &Report) {
    println!("sentences            {:>7}", report.sentences);
    println!("accuracy             {:>7.1} %", 100.0 * report.accuracy);
    println!("macro F1             {:>7.1} %", 100.0 * report.macro_f1);
    println!("calibration error    {:>7.1} %", 100.0 * report.ece);
    println!("main scene accuracy  {:>7.1} %", 100.0 * report.main_accuracy);
    if let (Some(recall), Some(accuracy)) = (report.oos_recall, report.in_scope_accuracy) {
        println!("out of scope found   {:>7.1} %", 100.0 * recall);
        println!("in-scope accuracy    {:>7.1} %", 100.0 * accuracy);
    }
    for label in &report.unknown_labels {
        println!("the model does not know label {label}");
    }
    println!("\n  times  label -> answer");
    for pair in &report.confusions {
        println!("{:>7}  {} -> {}", pair.times, pair.truth, pair.answer);
    }
}

impl Classify {
    fn run(self) -> Outcome {
        let understanding = load(&self.model)?;
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
    println!("{json}");
    Ok(())
}

fn load(model: &Path) -> Result<Understanding, Box<dyn std::error::Error + Send + Sync>> {
    let bytes = fs::read(model).map_err(|error| at(model, &error))?;
    Ok(Understanding::from_bytes(&bytes).map_err(|error| at(model, &error))?)
}

fn read_table(file: &Path) -> Result<Corpus, Box<dyn std::error::Error + Send + Sync>> {
    let table = fs::read_to_string(file).map_err(|error| at(file, &error))?;
    corpus::parse(file, &table).map_err(|mistakes| mistakes.to_string().into())
}

fn at(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}

impl Material {
    fn read(&self) -> Result<Corpus, Box<dyn std::error::Error + Send + Sync>> {
        let mut corpus = match &self.dialplan {
            Some(folder) => read_dialplan(folder)?,
            None if self.corpus.is_empty() => {
                return Err("nothing to learn from: name --corpus F.tsv or --dialplan DIR".into());
            }
            None => Corpus::default(),
        };
        for file in &self.corpus {
            corpus.extend(read_table(file)?);
        }
        corpus.lang = text::guess_lang(corpus.examples.iter().map(|example| example.text.as_str()));
        Ok(corpus)
    }
}

/// What of a scene file concerns the classifier.
#[derive(Deserialize)]
struct SceneFile {
    main_scene: String,
    #[serde(default)]
    vague: Vec<String>,
    scenes: Vec<SceneEntry>,
}

#[derive(Deserialize)]
struct SceneEntry {
    scene: String,
    examples: Vec<String>,
}

fn read_dialplan(folder: &Path) -> Result<Corpus, Box<dyn std::error::Error + Send + Sync>> {
    let scenes = folder.join("scenes");
    let mut files: Vec<PathBuf> = fs::read_dir(&scenes)
        .map_err(|error| at(&scenes, &error))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort_unstable();
    let mut corpus = Corpus::default();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| at(&file, &error))?;
        let parsed: SceneFile = serde_saphyr::from_str(&text).map_err(|error| at(&file, &error))?;
        let example = |text: String, scene: &str| Example {
            text,
            scene: scene.into(),
            main_scene: parsed.main_scene.as_str().into(),
        };
        for entry in parsed.scenes {
            corpus.examples.extend(entry.examples.into_iter().map(|text| example(text, &entry.scene)));
        }
        corpus.vague.extend(parsed.vague.into_iter().map(|text| example(text, "")));
    }
    Ok(corpus)
}
