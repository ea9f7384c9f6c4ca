//! Reads the sounds that a dialplan names in place of words.

use std::fs;
use std::path::{Path, PathBuf};

use crate::audio::file::{self, FileError};
use crate::diag::Diagnostics;
use crate::dialog::dialplan::{Plan, Recording};
use crate::speech::tts::Recordings;

/// Why a recording cannot be heard.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Undecodable(#[from] FileError),
    #[error("the file holds nothing but silence")]
    Silent,
}

/// The sounds of `plan`, whose files lie in `folder`, and what is wrong with them. Words whose sound cannot be heard are
/// left to the voice: a hotline need not stand still for them.
pub fn load(plan: &Plan, folder: &Path) -> (Recordings, Diagnostics) {
    let (mut recordings, mut found) = (Recordings::default(), Diagnostics::default());
    for recording in &plan.recordings {
        if let Err(unheard) = add(&mut recordings, recording, folder) {
            let text = fs::read_to_string(&recording.file).unwrap_or_default();
            let message = format!("the recording {}: {unheard}", recording.sound.display());
            let help = match unheard {
                Unheard::Unreadable(_) => "put the file there, or take `<audio>` away: the voice says the words then",
                _ => "record it anew (a WAV is always understood), or take `<audio>` away",
            };
            found.error(&recording.file, &text, recording.place, message, help);
        }
    }
    (recordings, found)
}

/// The files that [`load`] reads.
pub fn files<'a>(plan: &'a Plan, folder: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    plan.recordings.iter().map(|recording| folder.join(&recording.sound))
}

fn add(recordings: &mut Recordings, recording: &Recording, folder: &Path) -> Result<(), Unheard> {
    let pcm = file::decode(fs::read(folder.join(&recording.sound))?)?;
    if recordings.add(&recording.words, &pcm) { Ok(()) } else { Err(Unheard::Silent) }
}
