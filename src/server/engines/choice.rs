//! Which recogniser a hotline hears with, and which one when that fails.
//!
//! ```text
//! names, best first ─► load each ─► WatchedModel (crashes, hangs) ─► Fallbacks (in mid-utterance) ─► EarPool
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::remote::openai::OpenAiModel;
use super::remote::vosk_server::VoskServerModel;
use super::remote::{OpenAi, PATIENCE};
use super::watched::WatchedModel;
use crate::speech::asr::fallback::Fallbacks;
use crate::speech::asr::lm::LanguageMaterial;
use crate::speech::asr::{AsrError, RecogniserModel, pocketsphinx};
use crate::units::Lang;

/// A recogniser by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// PocketSphinx, the embedded one.
    Pocketsphinx,
    /// Vosk in this process; a feature of the build.
    Vosk,
    /// Whisper in this process; a feature of the build.
    Whisper,
    /// A vosk-server, by WebSocket.
    VoskServer,
    /// A server that speaks OpenAI's protocol.
    Openai,
}

impl Engine {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Pocketsphinx, Self::Vosk, Self::Whisper, Self::VoskServer, Self::Openai];

    /// As settings and the command line write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pocketsphinx => "pocketsphinx",
            Self::Vosk => "vosk",
            Self::Whisper => "whisper",
            Self::VoskServer => "vosk-server",
            Self::Openai => "openai",
        }
    }

    /// The engine that is written `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

/// Where engines find what they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Folder of the model files.
    pub models: PathBuf,
    /// Vosk's model among them; without it the small one of the language.
    pub vosk_model: Option<String>,
    /// Whisper's model among them; without it `base` of the language.
    pub whisper_model: Option<String>,
    /// A vosk-server's URL.
    pub vosk_server: Option<String>,
    /// How long it may take over anything.
    pub vosk_server_patience: Duration,
    /// A server that speaks OpenAI's protocol.
    pub openai: Option<OpenAi>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            models: "models".into(),
            vosk_model: None,
            whisper_model: None,
            vosk_server: None,
            vosk_server_patience: PATIENCE,
            openai: None,
        }
    }
}

/// The folder of Vosk's library among the models, and the library in it.
pub const VOSK_LIBRARY: [&str; 2] = ["libvosk", "libvosk.so"];
/// The one file in the folder of a Whisper model.
pub const WHISPER_FILE: &str = "ggml.bin";

/// Vosk's model for a language where none is named.
pub const fn vosk_model(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "vosk-en-us-small",
        Lang::Zh => "vosk-cn-small",
    }
}

/// Whisper's model for a language where none is named.
pub const fn whisper_model(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "whisper-base.en",
        Lang::Zh => "whisper-base",
    }
}

/// The recogniser that asks `engines` in this order. Servers are not connected before somebody speaks.
///
/// # Errors
/// What keeps one of them from being used: an engine that is named and cannot work is no fall-back.
pub fn load(
    engines: &[Engine],
    places: &Places,
    material: &LanguageMaterial,
) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    let models = engines.iter().map(|engine| Ok(watched(open(*engine, places, material)?)));
    let mut models = models.collect::<Result<Vec<_>, AsrError>>()?;
    if models.len() == 1
        && let Some(only) = models.pop()
    {
        return Ok(only);
    }
    let mut models = models.into_iter();
    let first = models.next().ok_or(AsrError::EngineFailed("choose one of no engines"))?;
    Ok(Arc::new(Fallbacks::new(first, models)))
}

fn watched(model: Arc<dyn RecogniserModel>) -> Arc<dyn RecogniserModel> {
    Arc::new(WatchedModel::new(model))
}

fn open(engine: Engine, places: &Places, material: &LanguageMaterial) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    let needs = |setting| AsrError::NoServer { engine: engine.name(), setting };
    Ok(match engine {
        Engine::Pocketsphinx => Arc::new(pocketsphinx::Bands::load(&places.models, material)?),
        Engine::Vosk => vosk(places, material)?,
        Engine::Whisper => whisper(places, material.lang)?,
        Engine::VoskServer => {
            let url = places.vosk_server.as_deref().ok_or(needs("engines.vosk_server"))?;
            Arc::new(VoskServerModel::new(url, places.vosk_server_patience, material)?)
        }
        Engine::Openai => {
            let server = places.openai.as_ref().filter(|server| !server.url.is_empty());
            Arc::new(OpenAiModel::new(server.ok_or(needs("engines.openai_url"))?, material.lang)?)
        }
    })
}

#[cfg(feature = "vosk")]
fn vosk(places: &Places, material: &LanguageMaterial) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    let [folder, file] = VOSK_LIBRARY;
    let name = places.vosk_model.as_deref().unwrap_or(vosk_model(material.lang));
    let ours = places.models.join(folder).join(file);
    // Where we brought none, the system's linker may know one.
    let library = if ours.exists() { ours } else { PathBuf::from(file) };
    Ok(Arc::new(crate::speech::asr::vosk::Model::load(&library, &places.models.join(name), material)?))
}

#[cfg(not(feature = "vosk"))]
fn vosk(_: &Places, _: &LanguageMaterial) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    Err(AsrError::NotBuiltIn("vosk"))
}

#[cfg(feature = "whisper")]
fn whisper(places: &Places, lang: Lang) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    let name = places.whisper_model.as_deref().unwrap_or(whisper_model(lang));
    let file = places.models.join(name).join(WHISPER_FILE);
    Ok(Arc::new(crate::speech::asr::whisper::Model::load(&file, lang)?))
}

#[cfg(not(feature = "whisper"))]
fn whisper(_: &Places, _: Lang) -> Result<Arc<dyn RecogniserModel>, AsrError> {
    Err(AsrError::NotBuiltIn("whisper"))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn settings_and_command_line_name_engines_alike() {
        for engine in Engine::ALL {
            assert_eq!(engine.to_possible_value().unwrap().get_name(), engine.name());
            assert_eq!(Engine::named(engine.name()), Some(engine));
        }
        assert_eq!(Engine::named("ears"), None);
    }

    #[test]
    fn what_an_engine_lacks_is_named_with_the_remedy() {
        let why = |engine| {
            let loaded = load(&[engine], &Places::default(), &LanguageMaterial::default());
            loaded.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(why(Engine::VoskServer).contains("engines.vosk_server"));
        assert!(why(Engine::Openai).contains("engines.openai_url"));
        #[cfg(not(feature = "vosk"))]
        assert!(why(Engine::Vosk).contains("--features vosk"));
        #[cfg(not(feature = "whisper"))]
        assert!(why(Engine::Whisper).contains("--features whisper"));
    }
}
