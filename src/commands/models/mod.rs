//! `antevox models`: list, fetch and locate model files.

mod download;
mod fetch;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::download::{Download, Form};
use super::Outcome;
use crate::server::engines::choice::{VOSK_LIBRARY, WHISPER_FILE};
use crate::server::sentence_model::{self, MINILM, sha256};
use crate::speech::asr::pocketsphinx::folder::{self, Line};
use crate::speech::asr::pocketsphinx::{WIDEBAND_MODEL, mandarin, model_name};
use crate::speech::asr::{AsrError, vosk};
use crate::units::Lang;

/// List, fetch and locate model files.
#[derive(Debug, clap::Args)]
pub struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show every model, what it is for, and whether it is there.
    List {
        #[command(flatten)]
        place: Place,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make or fetch a model.
    Get {
        /// Its name, as `list` shows it.
        name: String,
        #[command(flatten)]
        place: Place,
        /// What it is made of: Debian's model folder (en-us-8k, en-us-16k), the model folder of PocketSphinx 0.7 (zh-cn-8k), a wheel that was downloaded before (minilm, libvosk).
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
        /// Where the file lies, in place of the site of whoever publishes it (vosk-…, whisper-…).
        #[arg(long, value_name = "URL", env = "ANTEVOX_MODELS_BASE")]
        base: Option<String>,
        /// Make en-us-8k or en-us-16k as it was before callers' speech taught it, to train on (`benches/train_telephone`).
        #[arg(long, hide = true)]
        unadapted: bool,
    },
    /// Print the folder of a model that is there and undamaged.
    Path {
        /// Its name, as `list` shows it.
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// Folder that holds the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
}

/// A model by name.
struct Known {
    name: &'static str,
    what: &'static str,
    origin: Origin,
}

/// Where a model comes from.
enum Origin {
    /// Computed out of Debian's, for such lines.
    Debian(Line),
    /// Computed out of what somebody still has.
    PocketSphinx07,
    /// In a Python package.
    SentenceModel,
    /// In another one.
    VoskLibrary,
    /// A folder for Vosk, offered for download.
    Vosk(Download),
    /// A file for Whisper, offered for download.
    Whisper(Download),
}

/// The recogniser's acoustic models for telephone lines.
const EN_US_8K: &str = model_name(Lang::En);
const ZH_CN_8K: &str = model_name(Lang::Zh);

/// A model of <https://alphacephei.com/vosk/models>.
const fn vosk_model(file: &'static str, sha256: Option<&'static str>) -> Origin {
    Origin::Vosk(Download { base: "https://alphacephei.com/vosk/models", file, sha256, form: Form::Zip })
}

/// A model of <https://huggingface.co/ggerganov/whisper.cpp>.
const fn whisper_model(file: &'static str, sha256: &'static str) -> Origin {
    let base = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main";
    Origin::Whisper(Download { base, file, sha256: Some(sha256), form: Form::File(WHISPER_FILE) })
}

const KNOWN: [Known; 13] = [
    Known {
        name: EN_US_8K,
        what: "English at 8 kHz for PocketSphinx, made of Debian's pocketsphinx-en-us",
        origin: Origin::Debian(Line::Narrowband),
    },
    Known {
        name: WIDEBAND_MODEL,
        what: "the same at 16 kHz, for callers who come by G.722 or Opus",
        origin: Origin::Debian(Line::Wideband),
    },
    Known {
        name: ZH_CN_8K,
        what: "Mandarin at 8 kHz for PocketSphinx, made of the model folder of PocketSphinx 0.7",
        origin: Origin::PocketSphinx07,
    },
    Known {
        name: MINILM,
        what: "what English sentences mean (all-MiniLM-L6-v2), from a Python package; 91 MB",
        origin: Origin::SentenceModel,
    },
    Known {
        name: VOSK_LIBRARY[0],
        what: "the library of the engine vosk for x86-64, from a Python package; 26 MB",
        origin: Origin::VoskLibrary,
    },
    Known {
        name: "vosk-en-us-small",
        what: "English for vosk, grammars; 40 MB",
        origin: vosk_model(
            "vosk-model-small-en-us-0.15.zip",
            Some("30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498"),
        ),
    },
    Known {
        name: "vosk-en-us-lgraph",
        what: "English for vosk, grammars, better and slower; 128 MB",
        origin: vosk_model(
            "vosk-model-en-us-0.22-lgraph.zip",
            Some("d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334"),
        ),
    },
    Known {
        name: "vosk-cn-small",
        what: "Mandarin for vosk, grammars; 42 MB",
        origin: vosk_model("vosk-model-small-cn-0.22.zip", None),
    },
    Known {
        name: "vosk-cn",
        what: "Mandarin for vosk, better and slower; 1.3 GB",
        origin: vosk_model("vosk-model-cn-0.22.zip", None),
    },
    Known {
        name: "whisper-tiny.en",
        what: "English for whisper; 78 MB",
        origin: whisper_model("ggml-tiny.en.bin", "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f"),
    },
    Known {
        name: "whisper-base.en",
        what: "English for whisper, better and slower; 148 MB",
        origin: whisper_model("ggml-base.en.bin", "a03779c86df3323075f5e796cb2ce5029f00ec8869eee3fdfb897afe36c6d002"),
    },
    Known {
        name: "whisper-tiny",
        what: "many languages, Mandarin among them, for whisper; 78 MB",
        origin: whisper_model("ggml-tiny.bin", "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21"),
    },
    Known {
        name: "whisper-base",
        what: "the same, better and slower; 148 MB",
        origin: whisper_model("ggml-base.bin", "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe"),
    },
];

impl Models {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        match self.action {
            Action::List { place, json } => list(&place.models, json),
            Action::Get { name, place, from, unadapted: true, .. } => {
                let from = from.unwrap_or_else(|| folder::DEBIAN_FOLDER.into());
                let Known { name, origin: Origin::Debian(line), .. } = known(&name)? else {
                    return Err("--unadapted is for en-us-8k and en-us-16k".into());
                };
                Ok(folder::make_unadapted(&from, &place.models.join(name), *line)?)
            }
            Action::Get { name, place, from, base, .. } => {
                known(&name)?.get(&place.models, from.as_deref(), base.as_deref())
            }
            Action::Path { name, place } => {
                let known = known(&name)?;
                known.check(&place.models)?;
                println!("{}", place.models.join(known.name).display());
                Ok(())
            }
        }
    }
}

fn known(name: &str) -> Result<&'static Known, String> {
    KNOWN.iter().find(|known| known.name == name).ok_or_else(|| {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        format!("there is no model `{name}`; choose one of: {}", names.join(", "))
    })
}

fn list(models: &Path, as_json: bool) -> Outcome {
    for known in &KNOWN {
        let Known { name, what, .. } = known;
        let problem = known.check(models).err().map(|error| error.to_string());
        if as_json {
            let path = models.join(name).display().to_string();
            println!(
                "{}",
                json!({"name": name, "what": what, "path": path, "installed": problem.is_none(), "problem": problem})
            );
        } else {
            println!("{name:<17} {:<10} {what}", if problem.is_none() { "installed" } else { "missing" });
        }
    }
    Ok(())
}

impl Known {
    /// Whether the model is there and undamaged.
    fn check(&self, models: &Path) -> Outcome {
        let folder = models.join(self.name);
        match &self.origin {
            Origin::Debian(_) => Ok(folder::check(&folder, Lang::En)?),
            Origin::PocketSphinx07 => Ok(folder::check(&folder, Lang::Zh)?),
            Origin::SentenceModel => Ok(sentence_model::check(&folder)?),
            Origin::VoskLibrary => is_file(folder.join(VOSK_LIBRARY[1])),
            Origin::Vosk(_) => Ok(vosk::check(&folder)?),
            Origin::Whisper(download) => {
                let file = folder.join(WHISPER_FILE);
                let found = sha256(&file).map_err(|_| AsrError::ModelFileMissing(file.clone()))?;
                let is_right = download.sha256.is_none_or(|wanted| wanted == found);
                if is_right { Ok(()) } else { Err(AsrError::ModelFileDamaged(file).into()) }
            }
        }
    }

    /// Makes or fetches the model and checks it, so that success means that it works.
    fn get(&self, models: &Path, from: Option<&Path>, base: Option<&str>) -> Outcome {
        let to = models.join(self.name);
        if self.check(models).is_ok() {
            eprintln!("{} is there and undamaged", to.display());
            return Ok(());
        }
        eprintln!("getting {} …", to.display());
        match &self.origin {
            Origin::Debian(line) => folder::make(from.unwrap_or(Path::new(folder::DEBIAN_FOLDER)), &to, *line)?,
            Origin::PocketSphinx07 => {
                let from = from.ok_or(
                    "nobody offers this model for download any more; give the `model` folder of PocketSphinx 0.7's source with --from",
                )?;
                mandarin::make(from, &to)?;
            }
            Origin::SentenceModel => fetch::fetch(fetch::MINILM, &to, from)?,
            Origin::VoskLibrary => fetch::fetch(fetch::LIBVOSK, &to, from)?,
            Origin::Vosk(download) | Origin::Whisper(download) => download.fetch(&to, base)?,
        }
        self.check(models)?;
        eprintln!("{} is ready", to.display());
        Ok(())
    }
}

fn is_file(file: PathBuf) -> Outcome {
    if file.is_file() { Ok(()) } else { Err(AsrError::ModelFileMissing(file).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_model_is_answered_with_the_known_ones() {
        assert!(known("klingon").is_err_and(|error| error.contains(EN_US_8K)));
        assert!(known(EN_US_8K).is_ok());
    }
}
