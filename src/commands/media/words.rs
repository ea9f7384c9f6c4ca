//! Words that are misheard because packets do not arrive, or not in time.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::MediaBench;
use super::trip::Trip;
use crate::audio::resample::Resampler;
use crate::rtp::network::Network;
use crate::sdp::Codec;
use crate::server::dialplan_files;
use crate::speech::asr::lm::{self, LanguageMaterial};
use crate::speech::asr::pocketsphinx::{Model, model_name};
use crate::speech::asr::score::WordErrors;
use crate::speech::asr::{Listening, Recogniser, RecogniserModel};
use crate::speech::tts::{ClauseCache, Mouth, Voice};
use crate::units::{Lang, SampleRate};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Who says the sentences.
const VOICES: [&str; 3] = ["slt", "rms", "awb"];
/// Silence before and after a sentence (samples at 16 kHz).
const AROUND: usize = 8_000;

/// What a sentence goes through, by name: the first is what the others are compared with.
fn lines() -> Vec<(&'static str, Network)> {
    let bad = |loss, burst, jitter| Network { loss, burst, jitter: Duration::from_millis(jitter), ..Network::PERFECT };
    vec![
        ("clean", bad(0.0, 1.0, 0)),
        ("jitter 60 ms", bad(0.0, 1.0, 60)),
        ("loss 5 %", bad(0.05, 1.0, 0)),
        ("loss 5 %, jitter 60 ms", bad(0.05, 1.0, 60)),
        ("loss 5 % in bursts of 3, jitter 60 ms", bad(0.05, 3.0, 60)),
        ("loss 10 %, jitter 60 ms", bad(0.1, 1.0, 60)),
    ]
}

/// Word error rates by line.
pub(super) fn errors(bench: &MediaBench) -> Result<Value, Failure> {
    let (plan, _) = dialplan_files::load(&bench.dialplan).map_err(|mistakes| mistakes.to_string())?;
    let material = LanguageMaterial { lang: Lang::En, sentences: plan.sentences(), ..LanguageMaterial::default() };
    let model = Model::load(&bench.models.join(model_name(Lang::En)), &material)?;
    let mut recogniser = model.recogniser()?;
    let mut sentences = sentences(&bench.sentences)?;
    sentences.truncate(bench.most.unwrap_or(usize::MAX));
    let mut mouth = Mouth::new(Arc::new(ClauseCache::new(0)));
    let lines = lines();
    let mut totals = vec![WordErrors::default(); lines.len()];
    for (n, text) in sentences.iter().enumerate() {
        let sound = say(&mut mouth, VOICES[n % VOICES.len()], text)?;
        let said = lm::units(text, Lang::En);
        for ((_, network), total) in lines.iter().zip(&mut totals) {
            let network = Network { seed: n as u64 + 1, ..*network };
            let arrived = Trip { network, codec: Codec::Pcmu, ptime_ms: 20 }.carry(&sound);
            let heard = hear(recogniser.as_mut(), &arrived.sound)?;
            *total += WordErrors::count(&said, &lm::units(&heard, Lang::En));
        }
    }
    let row = |((name, _), errors): (&(&str, Network), &WordErrors)| {
        json!({"line": name, "words": errors.words, "wer": errors.rate(),
            "substituted": errors.substituted, "deleted": errors.deleted, "inserted": errors.inserted})
    };
    Ok(lines.iter().zip(&totals).map(row).collect())
}

/// The sentences of both columns, the first told anew by the second.
fn sentences(path: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = text.lines().skip(1).map(|line| line.split('\t').skip(3).map(str::to_owned).collect::<Vec<_>>());
    let all: Vec<String> = rows.flatten().filter(|sentence| !sentence.is_empty()).collect();
    if all.is_empty() { Err(format!("{}: there are no sentences in it", path.display())) } else { Ok(all) }
}

fn say(mouth: &mut Mouth, voice: &str, text: &str) -> Result<Vec<i16>, Failure> {
    let voice: Voice = voice.parse()?;
    let mut sound = vec![0; AROUND];
    mouth.speak(&voice, text, &mut |piece| {
        sound.extend_from_slice(&piece);
        ControlFlow::Continue(())
    })?;
    sound.extend([0; AROUND]);
    Ok(sound)
}

fn hear(recogniser: &mut dyn Recogniser, sound: &[i16]) -> Result<String, Failure> {
    let mut narrow = Vec::new();
    let mut resampler = Resampler::new(SampleRate::WIDEBAND, recogniser.sample_rate());
    resampler.push(sound, &mut narrow);
    resampler.finish(&mut narrow);
    recogniser.begin(&Listening::default())?;
    for piece in narrow.chunks(160) {
        recogniser.feed(piece)?;
    }
    Ok(recogniser.finish()?.text)
}
