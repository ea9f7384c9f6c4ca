//! What a scripted caller is told to do, one word of the command line a step.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Silence of the server that ends `listen` unless another is named.
const QUIET: Duration = Duration::from_millis(800);

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Speak, then go on.
    Say(Source),
    /// Speak as soon as the server has been speaking for so long.
    Barge { after: Duration, source: Source },
    /// Wait until the server has spoken and then been silent for so long.
    Listen { quiet: Duration },
    /// Be silent for so long.
    Wait(Duration),
    /// Press keys.
    Keys(String),
    /// Put the server on hold.
    Hold,
    /// Take it back.
    Resume,
    /// End the call.
    HangUp,
}

/// Where a caller's words come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// A WAV file.
    File(PathBuf),
    /// Text for the speech synthesis.
    Text(String),
}

/// Why a word is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{step}`: {fault}; steps are say:F.wav text:WORDS barge:S:F.wav barge:S:text:WORDS listen[:S] dtmf:KEYS wait:S hold \
     resume hangup"
)]
pub(super) struct StepError {
    step: Box<str>,
    fault: &'static str,
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(step: &str) -> Result<Self, StepError> {
        let fault = |fault| StepError { step: step.into(), fault };
        let (name, value) = step.split_once(':').unwrap_or((step, ""));
        let seconds = |text: &str| {
            let seconds: f64 = text.parse().map_err(|_| fault("not a number of seconds"))?;
            let valid = (0.0..=3_600.0).contains(&seconds);
            valid.then(|| Duration::from_secs_f64(seconds)).ok_or_else(|| fault("seconds go from 0 to 3600"))
        };
        match (name, value) {
            ("hold", "") => Ok(Self::Hold),
            ("resume", "") => Ok(Self::Resume),
            ("hangup", "") => Ok(Self::HangUp),
            ("listen", "") => Ok(Self::Listen { quiet: QUIET }),
            ("listen", quiet) => Ok(Self::Listen { quiet: seconds(quiet)? }),
            ("wait", time) => Ok(Self::Wait(seconds(time)?)),
            ("say" | "text" | "barge" | "dtmf", "") => Err(fault("nothing follows the colon")),
            ("say", file) => Ok(Self::Say(Source::File(file.into()))),
            ("text", words) => Ok(Self::Say(Source::text(words))),
            ("barge", value) => {
                let (after, source) = value.split_once(':').ok_or_else(|| fault("a time and a file are needed"))?;
                let source = match source.strip_prefix("text:") {
                    Some(words) => Source::text(words),
                    None => Source::File(source.into()),
                };
                Ok(Self::Barge { after: seconds(after)?, source })
            }
            ("dtmf", keys) if keys.chars().all(|key| "0123456789*#ABCDabcd".contains(key)) => {
                Ok(Self::Keys(keys.to_owned()))
            }
            ("dtmf", _) => Err(fault("keys are 0-9 * # A-D")),
            _ => Err(fault("unknown step")),
        }
    }
}

impl Source {
    fn text(words: &str) -> Self {
        Self::Text(words.trim_matches('"').to_owned())
    }

    /// The source as a report names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Text(words) => words.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        let words = || Source::Text("yes please".to_owned());
        let file = || Source::File("a:b.wav".into());
        for (text, step) in [
            ("say:a:b.wav", Step::Say(file())),
            ("text:\"yes please\"", Step::Say(words())),
            ("barge:1.5:a:b.wav", Step::Barge { after: Duration::from_millis(1_500), source: file() }),
            ("barge:0:text:yes please", Step::Barge { after: Duration::ZERO, source: words() }),
            ("listen", Step::Listen { quiet: QUIET }),
            ("listen:2", Step::Listen { quiet: Duration::from_secs(2) }),
            ("wait:0.5", Step::Wait(Duration::from_millis(500))),
            ("dtmf:12#", Step::Keys("12#".to_owned())),
            ("hold", Step::Hold),
            ("hangup", Step::HangUp),
        ] {
            assert_eq!(text.parse(), Ok(step), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for text in
            ["say:", "barge:x:a.wav", "barge:1", "wait:-1", "wait:nan", "dtmf:1x", "dtmf:", "hold:1", "sing:a", ""]
        {
            let error = text.parse::<Step>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}`: ")), "{error}");
        }
    }
}
