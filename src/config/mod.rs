//! Settings: defaults, then `antevox.toml`, then `ANTEVOX_SECTION__KEY`, then the command line; the later one wins.
//!
//! ```text
//! antevox.toml ─┐
//! environment ──┼─► (section, key, Given) ─► Settings::set ─► Settings
//! flags ────────┘                                 └─► Diagnostics, all of them at once
//! ```
//!
//! There is one list of keys, in [`Settings::set`], and it serves all three. The environment and the file are handed in as
//! text; nothing here reads them.

mod layers;
mod lines;
mod settings;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

pub use layers::{Flag, layered};
pub use settings::{
    Encryption, EngineSettings, HotlineSettings, LogFormat, RecordingSettings, RtpSettings, Settings, SipSettings,
};

use crate::sdp::Codec;
use crate::server::engines::choice::Engine;
use crate::server::engines::remote::OpenAi;
use crate::server::recording::Format;
use crate::server::sentence_model::Backend;
use crate::server::sip::{Rate, Strangers};
use crate::units::Pii;

/// A value as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// One value: a string, number or truth value.
    One(String),
    /// A list of them.
    Many(Vec<String>),
}

/// What names hashes.
const DIGESTS: &str = "a list of \"SHA-256\" and \"MD5\"";

/// Why a value was not taken: what is expected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such key; the names of those that exist.
    UnknownKey(Vec<&'static str>),
    /// The value does not fit; what would.
    Expected(&'static str),
}

/// All keys, as they stand in the file.
pub const KEYS: &[&str] = &[
    "sip.listen",
    "sip.listen_tls",
    "sip.listen_ws",
    "sip.listen_wss",
    "sip.digests",
    "sip.external",
    "sip.max_calls",
    "sip.realm",
    "sip.requests_per_second",
    "sip.stir_anchors",
    "sip.stir_certificates",
    "sip.strangers",
    "sip.tls_certificate",
    "sip.tls_key",
    "sip.tls_roots",
    "rtp.codecs",
    "rtp.encryption",
    "rtp.ports",
    "http.listen",
    "store.dir",
    "hotline.agents",
    "hotline.dialplan",
    "hotline.corpus",
    "engines.models",
    "engines.openai_key",
    "engines.openai_model",
    "engines.openai_speech_model",
    "engines.openai_url",
    "engines.openai_voice",
    "engines.prompts_mb",
    "engines.recogniser",
    "engines.understanding",
    "engines.recognisers",
    "engines.threads",
    "engines.cache_mb",
    "engines.server_timeout_ms",
    "engines.vosk_model",
    "engines.vosk_server",
    "engines.whisper_model",
    "recording.dir",
    "recording.format",
    "recording.key",
    "recording.announcement",
    "log.format",
    "calls_out.allow",
    "calls_out.at_once",
    "calls_out.max_hops",
    "calls_out.per_day",
    "calls_out.per_minute",
    "calls_out.redirects",
    "trunks.N.…",
    "phones.N.…",
];

impl Settings {
    /// Sets `key` (`section.name`).
    ///
    /// # Errors
    /// [`Refused::UnknownKey`] or, with what would fit, [`Refused::Expected`].
    pub fn set(&mut self, key: &str, given: Given) -> Result<(), Refused> {
        if let Some(key) = key.strip_prefix("trunks.") {
            return self.set_trunk(key, &given);
        }
        if let Some(key) = key.strip_prefix("phones.") {
            return self.set_phone(key, &given);
        }
        if let Some(name) = key.strip_prefix("calls_out.") {
            return self.set_calls_out(name, &given);
        }
        match key {
            "sip.listen" => {
                self.sip.listen = addresses(&given)
                    .filter(|list| !list.is_empty())
                    .ok_or(Refused::Expected("a list of ADDRESS:PORT, such as [\"0.0.0.0:5060\"]"))?;
            }
            "sip.listen_tls" => {
                let expected = Refused::Expected("a list of ADDRESS:PORT, such as [\"0.0.0.0:5061\"]");
                self.sip.listen_tls = addresses(&given).ok_or(expected)?;
            }
            "sip.listen_ws" => {
                let expected = Refused::Expected("a list of ADDRESS:PORT, such as [\"0.0.0.0:8088\"]");
                self.sip.listen_ws = addresses(&given).ok_or(expected)?;
            }
            "sip.listen_wss" => {
                let expected = Refused::Expected("a list of ADDRESS:PORT, such as [\"0.0.0.0:8089\"]");
                self.sip.listen_wss = addresses(&given).ok_or(expected)?;
            }
            "sip.tls_certificate" => self.sip.tls.certificate = path(&given)?,
            "sip.tls_key" => self.sip.tls.key = path(&given)?,
            "sip.tls_roots" => self.sip.tls.roots = Some(path(&given)?),
            "sip.requests_per_second" => {
                let per_second =
                    number(&given, 0..=100_000, "requests a second from each source, 0 (no limit) to 100000")?;
                self.sip.rate = Rate { per_second: per_second as u32, burst: 2 * per_second as u32 };
            }
            "sip.max_calls" => self.sip.max_calls = number(&given, 1..=10_000, "a number of calls from 1 to 10000")?,
            "sip.strangers" => {
                self.sip.strangers = match given.one() {
                    Some("welcome") => Strangers::Welcome,
                    Some("challenged") => Strangers::Challenged,
                    Some("refused") => Strangers::Refused,
                    _ => return Err(Refused::Expected("\"welcome\", \"challenged\" or \"refused\"")),
                };
            }
            "sip.digests" => {
                let digests: Vec<_> = lines::parsed(&given, DIGESTS)?;
                self.sip.digests = Some(digests).filter(|named| !named.is_empty()).ok_or(Refused::Expected(DIGESTS))?;
            }
            "sip.realm" => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                let name = given.one().filter(|name| !name.is_empty() && name.chars().all(is_word));
                self.sip.realm = name.ok_or(Refused::Expected("a name such as \"hotline.example.org\""))?.to_owned();
            }
            "sip.stir_anchors" => self.stir().0 = path(&given)?,
            "sip.stir_certificates" => self.stir().1 = path(&given)?,
            "sip.external" => {
                let address = given.one().and_then(|text| text.parse().ok());
                self.sip.external = Some(address.ok_or(Refused::Expected("an IP address"))?);
            }
            "rtp.codecs" => self.rtp.codecs = codecs(&given)?,
            "rtp.encryption" => {
                self.rtp.encryption = match given.one() {
                    Some("off") => Encryption::Off,
                    Some("allowed") => Encryption::Allowed,
                    Some("required") => Encryption::Required,
                    _ => return Err(Refused::Expected("\"off\", \"allowed\" or \"required\"")),
                };
            }
            "rtp.ports" => self.rtp.ports = ports(&given)?,
            "http.listen" => {
                self.http = given
                    .one()
                    .and_then(address)
                    .ok_or(Refused::Expected("ADDRESS:PORT, such as \"127.0.0.1:8080\""))?;
            }
            "store.dir" => self.data = path(&given)?,
            "hotline.agents" => {
                let agents = given.one().and_then(address);
                self.hotline.agents =
                    Some(agents.ok_or(Refused::Expected("ADDRESS:PORT, such as \"127.0.0.1:5080\""))?);
            }
            "hotline.dialplan" => self.hotline.dialplan = path(&given)?,
            "hotline.corpus" => self.hotline.corpus = given.many().iter().map(PathBuf::from).collect(),
            "engines.recogniser" => self.engines.recogniser = recognisers(&given)?,
            "engines.models" => self.engines.places.models = path(&given)?,
            "engines.vosk_model" => self.engines.places.vosk_model = Some(text(&given, "the name of a model")?),
            "engines.whisper_model" => self.engines.places.whisper_model = Some(text(&given, "the name of a model")?),
            "engines.vosk_server" => {
                self.engines.places.vosk_server = Some(text(&given, "a URL such as \"ws://127.0.0.1:2700\"")?);
            }
            "engines.server_timeout_ms" => {
                let patience = number(&given, 100..=60_000, "milliseconds from 100 to 60000")?;
                let patience = Duration::from_millis(patience as u64);
                self.engines.places.vosk_server_patience = patience;
                self.openai().patience = patience;
            }
            "engines.openai_url" => {
                self.openai().url = text(&given, "a URL such as \"http://127.0.0.1:8000/v1\"")?;
            }
            "engines.openai_model" => self.openai().model = text(&given, "the name of a model")?,
            "engines.openai_speech_model" => self.openai().speech_model = text(&given, "the name of a model")?,
            "engines.openai_voice" => self.openai().voice = Some(text(&given, "the name of a voice")?),
            "engines.openai_key" => self.openai().key = Some(Pii(text(&given, "a key")?)),
            "engines.understanding" => {
                self.engines.understanding = match given.one() {
                    Some("auto") => Backend::Auto,
                    Some("linear") => Backend::Linear,
                    Some("minilm") => Backend::Minilm,
                    _ => return Err(Refused::Expected("\"auto\", \"linear\" or \"minilm\"")),
                };
            }
            "engines.recognisers" => self.engines.recognisers = number(&given, 1..=256, "a number from 1 to 256")?,
            "engines.threads" => self.engines.threads = number(&given, 1..=64, "a number from 1 to 64")?,
            "engines.cache_mb" => self.engines.cache_mb = number(&given, 1..=4_096, "MiB from 1 to 4096")?,
            "engines.prompts_mb" => self.engines.prompts_mb = number(&given, 0..=65_536, "MiB from 0 to 65536")?,
            "recording.dir" => self.recording.dir = Some(path(&given)?),
            "recording.format" => {
                self.recording.format = match given.one() {
                    Some("wav") => Format::Wav,
                    Some("opus") => Format::Opus,
                    _ => return Err(Refused::Expected("\"wav\" or \"opus\"")),
                };
            }
            "recording.key" => self.recording.key = Some(path(&given)?),
            "recording.announcement" => {
                let text = given.one().filter(|text| !text.trim().is_empty());
                self.recording.announcement = Some(text.ok_or(Refused::Expected("what callers are told"))?.to_owned());
            }
            "log.format" => {
                self.log = match given.one() {
                    Some("text") => LogFormat::Text,
                    Some("json") => LogFormat::Json,
                    _ => return Err(Refused::Expected("\"text\" or \"json\"")),
                };
            }
            _ => return Err(Refused::UnknownKey(KEYS.to_vec())),
        }
        Ok(())
    }

    /// Anchors and certificates; what is not named is in `certs/`.
    fn stir(&mut self) -> &mut (PathBuf, PathBuf) {
        self.sip.stir.get_or_insert(("certs/stir-anchors.pem".into(), "certs/stir".into()))
    }

    fn set_calls_out(&mut self, name: &str, given: &Given) -> Result<(), Refused> {
        const PATTERNS: &str = "a list of patterns, such as [\"sip:*@10.0.0.5\", \"sip:+4930*\"]";
        let out = &mut self.calls_out;
        match name {
            "allow" => out.allow = lines::parsed(given, PATTERNS)?,
            "redirects" => out.redirects = lines::parsed(given, PATTERNS)?,
            "max_hops" => out.max_hops = number(given, 0..=10, "a number from 0 to 10")? as u32,
            "per_minute" => out.per_minute = number(given, 1..=100_000, "a number from 1 to 100000")? as u32,
            "at_once" => out.at_once = number(given, 0..=10_000, "a number from 0 to 10000")?,
            "per_day" => out.per_day = number(given, 0..=10_000_000, "a number from 0 to 10000000")? as u32,
            _ => return Err(Refused::UnknownKey(KEYS.to_vec())),
        }
        Ok(())
    }
}

impl Settings {
    /// The server that speaks OpenAI's protocol, of which the keys come one by one.
    fn openai(&mut self) -> &mut OpenAi {
        self.engines.places.openai.get_or_insert_with(OpenAi::default)
    }
}

impl Given {
    fn one(&self) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Many(_) => None,
        }
    }

    /// A single text may stand for a list, its parts parted by commas: that is how the environment writes one.
    fn many(&self) -> Vec<String> {
        match self {
            Self::One(text) => {
                text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
            }
            Self::Many(list) => list.clone(),
        }
    }
}

/// `host:port`; a bare port means all addresses, a name is not looked up.
fn address(text: &str) -> Option<SocketAddr> {
    let text = text.strip_prefix("localhost").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1{port}"));
    text.parse().ok().or_else(|| Some(SocketAddr::from(([0, 0, 0, 0], text.strip_prefix(':')?.parse().ok()?))))
}

fn addresses(given: &Given) -> Option<Vec<SocketAddr>> {
    given.many().iter().map(|text| address(text)).collect()
}

fn number(given: &Given, range: RangeInclusive<usize>, expected: &'static str) -> Result<usize, Refused> {
    given
        .one()
        .and_then(|text| text.parse().ok())
        .filter(|value| range.contains(value))
        .ok_or(Refused::Expected(expected))
}

fn path(given: &Given) -> Result<PathBuf, Refused> {
    given.one().filter(|text| !text.is_empty()).map(PathBuf::from).ok_or(Refused::Expected("a path"))
}

fn text(given: &Given, expected: &'static str) -> Result<String, Refused> {
    given.one().filter(|text| !text.trim().is_empty()).map(str::to_owned).ok_or(Refused::Expected(expected))
}

/// Names of recognisers, each once.
fn recognisers(given: &Given) -> Result<Vec<Engine>, Refused> {
    let named: Option<Vec<Engine>> = given.many().iter().map(|name| Engine::named(name)).collect();
    let is_once = |list: &Vec<Engine>| list.iter().all(|engine| list.iter().filter(|e| *e == engine).count() == 1);
    named.filter(|list| !list.is_empty() && is_once(list)).ok_or(Refused::Expected(
        "a list of \"pocketsphinx\", \"vosk\", \"whisper\", \"vosk-server\" and \"openai\", best first",
    ))
}

/// Names of codecs, each once.
fn codecs(given: &Given) -> Result<Vec<Codec>, Refused> {
    let named: Option<Vec<Codec>> = given.many().iter().map(|name| Codec::named(name)).collect();
    let is_once = |codecs: &Vec<Codec>| codecs.iter().all(|codec| codecs.iter().filter(|c| *c == codec).count() == 1);
    named
        .filter(|codecs| !codecs.is_empty() && is_once(codecs))
        .ok_or(Refused::Expected("a list of \"opus\", \"G722\", \"PCMU\" and \"PCMA\", best first"))
}

/// `LOW-HIGH`, at least one even/odd pair (RFC 3550 §11).
fn ports(given: &Given) -> Result<RangeInclusive<u16>, Refused> {
    let expected = Refused::Expected("LOW-HIGH with at least two ports, such as \"20000-29999\"");
    let Some((low, high)) = given.one().and_then(|text| text.split_once('-')) else { return Err(expected) };
    match (low.trim().parse(), high.trim().parse()) {
        (Ok(low), Ok(high)) if low > 0 && low < high => Ok(low..=high),
        _ => Err(expected),
    }
}
