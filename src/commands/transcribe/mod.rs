//! `antevox transcribe`: recognise WAV files and measure the recogniser.
//!
//! ```text
//! WAV… ─► recogniser, 20 ms at a time ─► text, partials with their times ─┐
//! --refs ─────────────────────────────────────────────────────────────────┴─► word error rate, real-time factor, latency
//! ```

mod report;
mod sources;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use std::io::{IsTerminal, Write as _};

use self::report::{FileReport, Partial, Summary};
use super::Outcome;
use crate::server::engines::choice::{self, Engine, Places};
use crate::server::engines::remote::{OpenAi, PATIENCE};
use crate::speech::asr::lm::LanguageMaterial;
use crate::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, Transcript};
use crate::units::{Ask, Lang, Pii};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Recognise WAV files and measure the recogniser.
#[derive(Debug, clap::Args)]
pub struct Transcribe {
    /// Recogniser; several, best first and parted by commas, take over from each other.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pocketsphinx")]
    engine: Vec<Engine>,
    /// Language spoken: en or zh.
    #[arg(long, default_value = "en", value_parser = parse_lang)]
    lang: Lang,
    /// Expect what callers of this dialplan say.
    #[arg(long, value_name = "DIR")]
    dialplan: Option<PathBuf>,
    /// Expect sentences like these, one `text<TAB>scene` a line; may be given several times.
    #[arg(long, value_name = "F.tsv")]
    corpus: Vec<PathBuf>,
    /// Expect the names of what was bought, as the store in this folder has them.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What is really said, one `file<TAB>text` a line (further columns are passed over): gives the word error rate, in Mandarin that of characters.
    #[arg(long, value_name = "F.tsv")]
    refs: Option<PathBuf>,
    /// The question that is answered: open, yes_no, digits or choice.
    #[arg(long, default_value = "open", value_parser = parse_ask)]
    ask: Ask,
    /// Take all files for one caller's, in order: what is learnt about the line is carried on.
    #[arg(long)]
    one_caller: bool,
    /// The files are of a wideband line, 16 kHz: hear them with what the engine has for such.
    #[arg(long)]
    wideband: bool,
    #[command(flatten)]
    places: PlaceFlags,
    /// Draw how long words and final texts were waited for.
    #[arg(long, value_name = "F.svg")]
    plot: Option<PathBuf>,
    /// Make so many recognisers more, and as many again, let each hear the first file, and tell the memory of each of the latter.
    #[arg(long, value_name = "N")]
    decoders: Option<usize>,
    /// Print a JSON line for each file and a summary.
    #[arg(long)]
    json: bool,
    /// Sound files.
    #[arg(value_name = "WAV", required = true)]
    files: Vec<PathBuf>,
}

/// Where engines find what they need.
#[derive(Debug, clap::Args)]
struct PlaceFlags {
    /// Folder that holds the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// Model of `vosk` or `whisper` among them; without it the usual one of the language.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Server of the engine `vosk-server`, as ws://HOST:PORT.
    #[arg(long, value_name = "URL")]
    vosk_server: Option<String>,
    /// Server of the engine `openai`, up to its version, as http://HOST:PORT/v1.
    #[arg(long, value_name = "URL")]
    openai_url: Option<String>,
    /// Its model.
    #[arg(long, value_name = "NAME", default_value = "whisper-1")]
    openai_model: String,
    /// Its key, best from the environment.
    #[arg(long, value_name = "KEY", env = "ANTEVOX_ENGINES__OPENAI_KEY", hide_env_values = true)]
    openai_key: Option<String>,
}

impl PlaceFlags {
    fn places(&self) -> Places {
        let (model, key) = (self.openai_model.clone(), self.openai_key.clone().map(Pii));
        Places {
            models: self.models.clone(),
            vosk_model: self.model.clone(),
            whisper_model: self.model.clone(),
            vosk_server: self.vosk_server.clone(),
            vosk_server_patience: PATIENCE,
            openai: self.openai_url.clone().map(|url| OpenAi { url, model, key, ..OpenAi::default() }),
        }
    }
}

fn parse_ask(name: &str) -> Result<Ask, &'static str> {
    match name {
        "open" => Ok(Ask::Open),
        "yes_no" => Ok(Ask::YesNo),
        "digits" => Ok(Ask::Digits),
        "choice" => Ok(Ask::Choice),
        _ => Err("choose one of: open, yes_no, digits, choice"),
    }
}

fn parse_lang(name: &str) -> Result<Lang, &'static str> {
    match name {
        "en" => Ok(Lang::En),
        "zh" => Ok(Lang::Zh),
        _ => Err("choose one of: en, zh"),
    }
}

/// How much sound is fed at once \[ms\]: what a call feeds.
const PIECE_MS: u64 = 20;

impl Transcribe {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let references = self.refs.as_deref().map(sources::references).transpose()?;
        let material = self.material()?;
        let model = choice::load(&self.engine, &self.places.places(), &material)?;
        let mut recogniser = self.recogniser(&*model)?;
        let mut summary = Summary::default();
        let mut listening = Listening { ask: self.ask, is_wideband: self.wideband, channel: None };
        for (done, path) in self.files.iter().enumerate() {
            self.show_progress(done);
            let pcm = sources::wav(path, recogniser.sample_rate())?;
            let (heard, partials, busy) = listen(recogniser.as_mut(), &listening, &pcm)?;
            if self.one_caller {
                listening.channel.clone_from(&heard.channel);
            }
            let audio = recogniser.sample_rate().duration(pcm.len() as u64);
            let reference =
                references.as_ref().and_then(|references| references.of(path)).map(|said| (said, self.lang));
            let report = FileReport::new(path, &heard, partials, audio, busy, reference);
            summary.add(&report);
            self.print(&report);
        }
        self.show_progress(self.files.len());
        summary.decoder_mb = self.decoders.map(|count| self.decoder_mb(&*model, count)).transpose()?.flatten();
        self.print_summary(&summary);
        if let Some(path) = &self.plot {
            std::fs::write(path, summary.plot()).map_err(|error| cannot_read(path, error))?;
        }
        Ok(())
    }

    fn recogniser(&self, model: &dyn RecogniserModel) -> Result<Box<dyn Recogniser>, Failure> {
        if !self.wideband {
            return Ok(model.recogniser()?);
        }
        let none = "the engine has none for wideband lines; `antevox models get en-us-16k` makes one for pocketsphinx";
        Ok(model.wideband_recogniser()?.ok_or(none)?)
    }

    /// Memory of each of `count` further recognisers that have heard the first file [MB]; `None` where nothing tells it. As
    /// many are made before: they take up what the process kept of the memory that loading needed and gave back.
    fn decoder_mb(&self, model: &dyn RecogniserModel, count: usize) -> Result<Option<f64>, Failure> {
        let mut others = Vec::new();
        let mut held = Vec::new();
        for _ in 0..2 {
            for _ in 0..count {
                let mut other = self.recogniser(model)?;
                let pcm = sources::wav(&self.files[0], other.sample_rate())?;
                listen(other.as_mut(), &Listening { ask: self.ask, ..Listening::default() }, &pcm)?;
                others.push(other);
            }
            held.push(report::private_memory_mb());
        }
        let grown = held[1].zip(held[0]).map(|(after, before)| after - before);
        Ok(grown.map(|mb| mb / count.max(1) as f64))
    }

    fn material(&self) -> Result<LanguageMaterial, Failure> {
        let mut material = LanguageMaterial { lang: self.lang, ..LanguageMaterial::default() };
        if let Some(dialplan) = &self.dialplan {
            material.sentences.extend(sources::dialplan_examples(dialplan)?);
        }
        for corpus in &self.corpus {
            material.sentences.extend(sources::corpus(corpus)?);
        }
        if let Some(data) = &self.data {
            material.names = sources::products(data)?;
        }
        Ok(material)
    }

    fn show_progress(&self, done: usize) {
        let mut terminal = std::io::stderr();
        if terminal.is_terminal() && self.files.len() > 1 {
            let end = if done == self.files.len() { "\n" } else { "" };
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(terminal, "\r{done} of {} files{end}", self.files.len());
        }
    }

    fn print(&self, report: &FileReport) {
        if self.json { println!("{}", report.to_json()) } else { println!("{report}") }
    }

    fn print_summary(&self, summary: &Summary) {
        if self.json { println!("{}", summary.to_json()) } else { println!("{summary}") }
    }
}

/// Lets `recogniser` hear `pcm` as it would come over the line, and keeps the time of each partial text: when it would
/// have been there had the sound come in real time.
#[allow(clippy::disallowed_methods)] // measures how long the engine takes
fn listen(
    recogniser: &mut dyn Recogniser,
    listening: &Listening,
    pcm: &[i16],
) -> Result<(Transcript, Vec<Partial>, Duration), AsrError> {
    let rate = recogniser.sample_rate();
    let piece = (u64::from(rate.hertz()) * PIECE_MS / 1_000) as usize;
    let (mut partials, mut busy, mut now) = (Vec::new(), Duration::ZERO, Duration::ZERO);
    let mut timed = |work: &mut dyn FnMut() -> Result<Option<String>, AsrError>, arrived: Duration| {
        let began = Instant::now();
        let text = work()?;
        let took = began.elapsed();
        busy += took;
        now = now.max(arrived) + took;
        if let Some(text) = text {
            partials.push(Partial { at: now, text });
        }
        Ok::<(), AsrError>(())
    };
    timed(&mut || recogniser.begin(listening).map(|()| None), Duration::ZERO)?;
    for (i, sound) in pcm.chunks(piece).enumerate() {
        let arrived = rate.duration((i * piece + sound.len()) as u64);
        timed(&mut || recogniser.feed(sound), arrived)?;
    }
    let mut heard = Transcript::default();
    let mut finish = || {
        heard = recogniser.finish()?;
        Ok(Some(heard.text.clone()))
    };
    timed(&mut finish, Duration::ZERO)?;
    Ok((heard, partials, busy))
}

/// What is wrong with an input file, in one line.
fn cannot_read(path: &Path, why: impl std::fmt::Display) -> String {
    format!("{}: {why}", path.display())
}
