//! Speech engines on threads of their own, watched: when one crashes or hangs, the clause goes to another voice.
//!
//! ```text
//! clause ─► [speech server] ─► the voice's engine ─► another engine's voice of the language
//!             each only where the one before failed before its first sound
//! ```

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::remote::OpenAi;
use super::remote::openai_speech::RemoteVoice;
use crate::speech::tts::{ClauseCache, Mouth, Renderer, TtsError, Voice};

/// How long an engine may take over its next piece of sound: ten times what flite needs for a long clause on a machine that
/// is busy with other things.
const PATIENCE: Duration = Duration::from_secs(8);
/// Pieces that may wait; an engine that is ahead of its listener by so many waits itself.
const AHEAD: usize = 16;

/// A mouth that outlives its engines; with a `server` that has a voice, that one speaks first.
///
/// # Errors
/// [`TtsError::EngineFailed`]: the server's runtime cannot be started.
pub fn mouth(cache: Arc<ClauseCache>, server: Option<&OpenAi>) -> Result<Mouth, TtsError> {
    let mut renderers: Vec<Box<dyn Renderer>> = Vec::new();
    if let Some(server) = server.filter(|server| server.voice.is_some()) {
        renderers.push(Box::new(RemoteVoice::new(server.clone())?));
    }
    renderers.push(Box::new(Watched { which: Which::Own, patience: PATIENCE }));
    renderers.push(Box::new(Watched { which: Which::StandIn, patience: PATIENCE }));
    Ok(Mouth::with(cache, renderers))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Own,
    StandIn,
}

struct Watched {
    which: Which,
    patience: Duration,
}

impl Which {
    fn of(self, voice: &Voice) -> Option<Voice> {
        match self {
            Self::Own => Some(*voice),
            Self::StandIn => voice.stand_in(),
        }
    }
}

impl Renderer for Watched {
    fn by(&self) -> Option<Arc<str>> {
        (self.which == Which::StandIn).then(|| "stand-in".into())
    }

    fn gain_db(&self, voice: &Voice) -> f32 {
        self.which.of(voice).map_or(0.0, |voice| voice.gain_db())
    }

    fn render(
        &mut self,
        voice: &Voice,
        clause: &str,
        sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
    ) -> Result<(), TtsError> {
        let voice = self.which.of(voice).ok_or(TtsError::EngineFailed("find another voice of the language"))?;
        let clause = clause.to_owned();
        let work = move |hand_over: &mut dyn FnMut(&[i16]) -> ControlFlow<()>| {
            voice.synthesiser()?.synthesise(&clause, hand_over)
        };
        watched(self.patience, work, sink)
    }
}

/// Runs `work` on a thread of its own and hands its sound to `sink`.
fn watched(
    patience: Duration,
    work: impl FnOnce(&mut dyn FnMut(&[i16]) -> ControlFlow<()>) -> Result<(), TtsError> + Send + 'static,
    sink: &mut dyn FnMut(&[i16]) -> ControlFlow<()>,
) -> Result<(), TtsError> {
    enum Told {
        Sound(Box<[i16]>),
        Ended(Result<(), TtsError>),
    }
    let (tell, told) = sync_channel(AHEAD);
    let run = move || {
        let outcome = work(&mut |pcm| match tell.send(Told::Sound(pcm.into())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        // Nobody may be there any more.
        let _ = tell.send(Told::Ended(outcome));
    };
    thread::Builder::new().name("voice".to_owned()).spawn(run).map_err(|_| TtsError::EngineFailed("start a thread"))?;
    loop {
        match told.recv_timeout(patience) {
            Ok(Told::Sound(pcm)) => {
                if sink(&pcm).is_break() {
                    return Ok(());
                }
            }
            Ok(Told::Ended(outcome)) => return outcome,
            Err(lost) => {
                metrics::counter!("antevox_voices_lost_total").increment(1);
                return Err(match lost {
                    RecvTimeoutError::Timeout => TtsError::Hung,
                    RecvTimeoutError::Disconnected => TtsError::Crashed,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_named() {
        // Long where an end is awaited, and long enough for the first sound of who hangs, so that no busy machine decides.
        let (short, long) = (Duration::from_secs(2), Duration::from_secs(60));
        let mut heard = Vec::new();
        let mut sink = |pcm: &[i16]| {
            heard.extend_from_slice(pcm);
            ControlFlow::Continue(())
        };
        let crashes = watched(long, |_| panic!("as it was told"), &mut sink);
        let hangs = watched(
            short,
            |hand_over| {
                let _ = hand_over(&[1, 2]);
                loop {
                    thread::park();
                }
            },
            &mut sink,
        );
        let fine = watched(
            long,
            |hand_over| {
                let _ = hand_over(&[3]);
                Ok(())
            },
            &mut sink,
        );
        assert_eq!((crashes, hangs, fine), (Err(TtsError::Crashed), Err(TtsError::Hung), Ok(())));
        assert_eq!(heard, [1, 2, 3]);
    }

    #[test]
    fn it_sounds_like_the_voice_itself() {
        let say = |mouth: &mut Mouth| {
            let mut pcm = Vec::new();
            let sink = &mut |piece: crate::speech::tts::Piece| {
                pcm.extend_from_slice(&piece);
                ControlFlow::Continue(())
            };
            mouth.speak(&Voice::default(), "Good morning. Please wait.", sink).unwrap();
            pcm
        };
        let cache = || Arc::new(ClauseCache::new(1 << 20));
        // flite never renders a clause twice alike: its noise is drawn by chance.
        let (watched, plain) = (say(&mut mouth(cache(), None).unwrap()), say(&mut Mouth::new(cache())));
        assert!(watched.len().abs_diff(plain.len()) < 1_600, "{} and {} samples", watched.len(), plain.len());
    }
}
