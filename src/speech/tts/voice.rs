//! Which voices there are, how fast they speak, and whether they are made clear for a listener in noise.
//!
//! A voice is written `slt` or, with a rate in percent, `slt@120`; [`Voice`] parses and prints that form.

use std::ffi::CStr;
use std::fmt;
use std::str::FromStr;

use super::espeak::Espeak;
use super::flite::{Flite, FliteVoice};
use super::{Synthesiser, TtsError};
use crate::units::Lang;

/// Speaking rate in percent of the voice's own, 50–200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u16);

impl Rate {
    /// As the voice speaks of its own accord.
    pub const NORMAL: Self = Self(100);
    /// Half as fast, the slowest that is still speech.
    pub const SLOWEST: Self = Self(50);
    /// Twice as fast.
    pub const FASTEST: Self = Self(200);

    /// `None` outside 50–200 %.
    pub const fn new(percent: u16) -> Option<Self> {
        if percent >= Self::SLOWEST.0 && percent <= Self::FASTEST.0 { Some(Self(percent)) } else { None }
    }

    /// In percent of the voice's own rate.
    pub const fn percent(self) -> u16 {
        self.0
    }

    /// This rate, scaled by another and held within the range: what markup inside a faster voice asks for.
    pub fn scaled(self, by: Self) -> Self {
        let percent = u32::from(self.0) * u32::from(by.0) / 100;
        Self((percent as u16).clamp(Self::SLOWEST.0, Self::FASTEST.0))
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl FromStr for Rate {
    type Err = TtsError;

    fn from_str(text: &str) -> Result<Self, TtsError> {
        let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
        percent.and_then(Self::new).ok_or_else(|| TtsError::UnknownRate(text.into()))
    }
}

/// Who renders a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Flite(FliteVoice),
    /// The name by which espeak-ng knows it, and its words per minute at 100 %.
    Espeak(&'static CStr, u16),
}

/// A voice that can be asked for by name.
#[derive(Debug, PartialEq)]
pub struct VoiceEntry {
    /// As it is written on the command line and in configuration.
    pub name: &'static str,
    /// The language it speaks.
    pub lang: Lang,
    /// What it sounds like, for a list.
    pub about: &'static str,
    engine: Engine,
    /// What brings the engine's active speech level to [`level::TARGET_DBOV`](super::level::TARGET_DBOV) \[dB\].
    gain_db: f32,
    /// What is lacking besides where the voice is made clear \[dB\].
    clear_db: f32,
}

/// How a voice is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timbre {
    /// As its engine renders it.
    #[default]
    Natural,
    /// High frequencies raised against low ones at the same loudness, by [`level::EMPHASIS`](super::level::EMPHASIS):
    /// for who listens on a telephone, where it is noisy.
    Clear,
}

const fn flite(
    name: &'static str,
    voice: FliteVoice,
    [gain_db, clear_db]: [f32; 2],
    about: &'static str,
) -> VoiceEntry {
    VoiceEntry { name, lang: Lang::En, about, engine: Engine::Flite(voice), gain_db, clear_db }
}

const fn espeak(
    name: &'static str,
    lang: Lang,
    id: &'static CStr,
    [gain_db, clear_db]: [f32; 2],
    about: &'static str,
) -> VoiceEntry {
    // espeak-ng counts English words. At its own 175 it speaks three Mandarin syllables a second; a person speaks
    // four or more.
    let words_per_minute = match lang {
        Lang::En => 165,
        Lang::Zh => 240,
    };
    VoiceEntry { name, lang, about, engine: Engine::Espeak(id, words_per_minute), gain_db, clear_db }
}

/// All voices; the first of a language is its default.
///
/// The gains are measured: what the active speech level of sentences rendered without gain lacks to the target. Over 300
/// English sentences a voice then varies by ±1 dB (5th to 95th percentile), over 200 Mandarin ones by ±1.7 dB. The second
/// figure is what the emphasis takes away.
pub static VOICES: &[VoiceEntry] = &[
    flite("slt", FliteVoice::Slt, [-7.1, 9.5], "woman, United States, statistical"),
    flite("rms", FliteVoice::Rms, [-1.3, 7.4], "man, United States, statistical"),
    flite("awb", FliteVoice::Awb, [-2.2, 8.8], "man, Scotland, statistical"),
    flite("kal", FliteVoice::Kal, [-2.8, 8.6], "man, United States, diphones at 8 kHz"),
    espeak("cmn", Lang::Zh, c"cmn", [-0.8, 6.9], "man, Mandarin, formants"),
    espeak("cmn-f", Lang::Zh, c"cmn+f3", [-0.8, 6.2], "woman, Mandarin, formants"),
    espeak("en-us", Lang::En, c"en-us", [-1.3, 6.5], "man, United States, formants"),
    espeak("en-us-nyc", Lang::En, c"en-us-nyc", [-1.5, 6.4], "man, New York, formants"),
    espeak("en-gb", Lang::En, c"en", [-2.0, 6.4], "man, Great Britain, formants"),
    espeak("en-gb-rp", Lang::En, c"en-gb-x-rp", [-1.9, 6.5], "man, Received Pronunciation, formants"),
    espeak("en-gb-lancaster", Lang::En, c"en-gb-x-gbclan", [-2.8, 6.5], "man, Lancaster, formants"),
    espeak("en-gb-midlands", Lang::En, c"en-gb-x-gbcwmd", [-2.4, 6.5], "man, West Midlands, formants"),
    espeak("en-scotland", Lang::En, c"en-gb-scotland", [-2.7, 6.7], "man, Scotland, formants"),
    espeak("en-caribbean", Lang::En, c"en-029", [-2.4, 6.7], "man, Caribbean, formants"),
    espeak("en-us-f", Lang::En, c"en-us+f3", [-1.8, 5.6], "woman, United States, formants"),
];

/// A voice, its rate and its timbre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    entry: &'static VoiceEntry,
    /// How fast it speaks.
    pub rate: Rate,
    /// How it is coloured.
    pub timbre: Timbre,
}

impl Voice {
    const fn of(entry: &'static VoiceEntry) -> Self {
        Self { entry, rate: Rate::NORMAL, timbre: Timbre::Natural }
    }

    /// The voice that speaks `lang` where none is asked for.
    pub fn default_for(lang: Lang) -> Self {
        let entry = VOICES.iter().find(|entry| entry.lang == lang);
        Self::of(entry.expect("VOICES holds one of each language, as a test shows"))
    }

    /// As it is written in lists, without the rate.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The language it speaks.
    pub fn lang(&self) -> Lang {
        self.entry.lang
    }

    /// Whether the voice was made from recordings of a person, rather than from rules about sounds. Recognition trained on
    /// people hears the former about as well as people, the latter as a strong accent.
    pub fn is_of_a_person(&self) -> bool {
        match self.entry.engine {
            Engine::Flite(_) => true,
            Engine::Espeak(..) => false,
        }
    }

    /// All voices, each at its own rate.
    pub fn all() -> impl Iterator<Item = Self> {
        VOICES.iter().map(Self::of)
    }

    /// A voice of the same language and rate that another engine renders, for when this one's cannot.
    pub fn stand_in(&self) -> Option<Self> {
        let is_flite = |entry: &VoiceEntry| matches!(entry.engine, Engine::Flite(_));
        let differs = |entry: &&VoiceEntry| entry.lang == self.lang() && is_flite(entry) != is_flite(self.entry);
        VOICES.iter().find(differs).map(|entry| Self { entry, ..*self })
    }

    /// The same voice at another rate.
    pub fn at(self, rate: Rate) -> Self {
        Self { rate, ..self }
    }

    /// The same voice, made clear for listeners in noise.
    pub fn clear(self) -> Self {
        Self { timbre: Timbre::Clear, ..self }
    }

    /// What brings this voice to the common loudness \[dB\].
    pub fn gain_db(&self) -> f32 {
        match self.timbre {
            Timbre::Natural => self.entry.gain_db,
            Timbre::Clear => self.entry.gain_db + self.entry.clear_db,
        }
    }

    /// Makes a synthesiser that speaks with this voice; cheap enough to make one for each clause.
    ///
    /// # Errors
    /// [`TtsError::EngineFailed`]: the engine or its data is not installed.
    pub fn synthesiser(&self) -> Result<Box<dyn Synthesiser>, TtsError> {
        Ok(match self.entry.engine {
            Engine::Flite(voice) => Box::new(Flite::new(voice, self.rate)?),
            Engine::Espeak(id, words_per_minute) => {
                Box::new(Espeak::new(id, self.lang(), words_per_minute, self.rate)?)
            }
        })
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self::default_for(Lang::default())
    }
}

impl FromStr for Voice {
    type Err = TtsError;

    fn from_str(text: &str) -> Result<Self, TtsError> {
        let (name, rate) = match text.split_once('@') {
            Some((name, rate)) => (name, rate.parse()?),
            None => (text, Rate::NORMAL),
        };
        let entry = VOICES.iter().find(|entry| entry.name == name);
        Ok(Self { rate, ..Self::of(entry.ok_or_else(|| TtsError::UnknownVoice(name.into()))?) })
    }
}

impl fmt::Display for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.name)?;
        if self.rate == Rate::NORMAL { Ok(()) } else { write!(f, "@{}", self.rate.percent()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_parse_as_they_print() {
        for entry in VOICES {
            for rate in ["", "@50", "@120"] {
                let written = format!("{}{rate}", entry.name);
                assert_eq!(written.parse::<Voice>().unwrap().to_string(), written);
            }
        }
    }

    #[test]
    fn each_language_has_a_default() {
        assert_eq!(Voice::default_for(Lang::En).name(), "slt");
        assert_eq!(Voice::default_for(Lang::Zh).name(), "cmn");
    }

    #[test]
    fn another_engine_stands_in() {
        let stand_in = |name: &str| name.parse::<Voice>().unwrap().stand_in().map(|voice| voice.to_string());
        assert_eq!(stand_in("slt@120"), Some("en-us@120".to_owned()));
        assert_eq!(stand_in("en-gb"), Some("slt".to_owned()));
        assert_eq!(stand_in("cmn"), None, "nobody else speaks Mandarin");
    }

    #[test]
    fn what_is_no_voice_is_refused_by_name() {
        assert_eq!("bob".parse::<Voice>(), Err(TtsError::UnknownVoice("bob".into())));
        for rate in ["0", "49", "201", "fast", "", "-100", "100.5"] {
            assert_eq!(format!("slt@{rate}").parse::<Voice>(), Err(TtsError::UnknownRate(rate.into())));
        }
    }

    #[test]
    fn a_scaled_rate_stays_in_range() {
        assert_eq!(Rate::FASTEST.scaled(Rate::FASTEST), Rate::FASTEST);
        assert_eq!(Rate::SLOWEST.scaled(Rate::SLOWEST), Rate::SLOWEST);
        assert_eq!(Rate(120).scaled(Rate(50)), Rate(60));
    }
}
