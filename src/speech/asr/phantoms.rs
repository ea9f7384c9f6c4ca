//! What models like Whisper hear where nobody spoke, and how it is told from speech.
//!
//! Such a model writes fluent text whatever it is given. Over silence and noise that is a phrase of its training subtitles
//! ("Thank you for watching"), or one phrase again and again. Three signs give it away: the model itself holds speech for
//! unlikely, the text repeats itself, or it is one of the known phrases and the sound is quiet.

/// What is known of a stretch of text besides the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The model's own probability that nobody spoke, 0–1.
    pub no_speech: f32,
    /// Mean logarithm (base e) of the probability of its tokens.
    pub log_probability: f32,
    /// Level of the loudest second of the sound \[dBov\].
    pub level_dbov: f32,
}

/// Silence by the model's own word, where its text is no better than [`UNSURE`]: the thresholds of Whisper's reference
/// implementation (`no_speech_threshold`, `logprob_threshold` in `transcribe.py`).
const NO_SPEECH: f32 = 0.6;
const UNSURE: f32 = -1.0;
/// Speech on a line is at −20 to −35 dBov; a second without any of this much is a quiet line.
const QUIET_DBOV: f32 = -45.0;
/// Below this there is nothing on the line but the codec's own noise.
const SILENT_DBOV: f32 = -75.0;
/// So many times in a row says nobody the same words.
const MOST_REPEATS: usize = 4;
/// Repeated phrases of up to so many words are looked for.
const LONGEST_PHRASE: usize = 8;

/// Phrases of subtitles, without punctuation, in lower case.
const SUBTITLES: &[&str] = &[
    "you",
    "thank you",
    "thank you very much",
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "please subscribe",
    "please like and subscribe",
    "subtitles by the amara org community",
    "bye",
    "bye bye",
    "谢谢观看",
    "谢谢大家",
    "请不吝点赞订阅转发打赏支持明镜与点点栏目",
    "字幕由amara org社区提供",
];

/// Whether `text` was probably not said.
pub fn is_phantom(text: &str, evidence: Evidence) -> bool {
    let words = words(text);
    if words.is_empty() {
        return true;
    }
    let doubtful = evidence.no_speech > NO_SPEECH && evidence.log_probability < UNSURE;
    let quiet = evidence.level_dbov < QUIET_DBOV;
    let subtitle = SUBTITLES.contains(&words.join(" ").as_str());
    let silent = evidence.level_dbov < SILENT_DBOV;
    silent || doubtful || repeats(&words) || (subtitle && (quiet || evidence.no_speech > NO_SPEECH))
}

/// Level of the loudest second of `pcm` \[dBov\]; −∞ where there is none.
pub fn loudest_second(pcm: &[i16], samples_a_second: usize) -> f32 {
    let power = |second: &[i16]| second.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / second.len() as f64;
    let loudest = pcm.chunks(samples_a_second.max(1)).map(power).fold(0.0, f64::max);
    (10.0 * (loudest / (32_768.0 * 32_768.0)).log10()) as f32
}

fn words(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '\'';
    let lower = text.to_lowercase();
    lower.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether some phrase stands there more than [`MOST_REPEATS`] times in a row. A single digit may ("zero zero zero"), as far
/// as people go.
fn repeats(words: &[String]) -> bool {
    (1..=LONGEST_PHRASE).any(|length| {
        let most = if length == 1 { 2 * MOST_REPEATS } else { MOST_REPEATS };
        let mut same = 0;
        words.iter().zip(words.iter().skip(length)).any(|(word, later)| {
            same = if word == later { same + 1 } else { 0 };
            same >= most * length
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: Evidence = Evidence { no_speech: 0.05, log_probability: -0.3, level_dbov: -24.0 };

    #[test]
    fn what_was_said_stays() {
        for said in ["thank you", "I lost my card.", "zero zero zero zero one", "no no no no no", "你好"] {
            assert!(!is_phantom(said, SPEECH), "{said}");
        }
    }

    #[test]
    fn subtitles_over_a_quiet_line_go() {
        let quiet = Evidence { level_dbov: -60.0, ..SPEECH };
        assert!(is_phantom(" Thank you for watching!", quiet));
        assert!(is_phantom("谢谢观看", quiet));
        assert!(!is_phantom("I lost my card", quiet), "a soft voice is a voice");
    }

    #[test]
    fn silence_says_nothing_at_all() {
        assert!(is_phantom("I lost my card", Evidence { level_dbov: f32::NEG_INFINITY, ..SPEECH }));
    }

    #[test]
    fn a_text_that_goes_in_circles_goes() {
        assert!(is_phantom(&"I'm sorry. ".repeat(6), SPEECH));
        assert!(is_phantom(&"oh ".repeat(30), SPEECH));
        assert!(is_phantom("[ ♪ ]", SPEECH));
    }

    #[test]
    fn the_model_is_believed_when_it_doubts_itself() {
        assert!(is_phantom("where is it", Evidence { no_speech: 0.8, log_probability: -1.4, ..SPEECH }));
        assert!(!is_phantom("where is it", Evidence { no_speech: 0.8, log_probability: -0.4, ..SPEECH }));
    }

    #[test]
    fn levels_are_those_of_the_loudest_second() {
        let mut pcm = vec![0; 8_000];
        pcm.extend(vec![i16::MIN; 8_000]);
        assert!(loudest_second(&pcm, 8_000).abs() < 0.01);
        assert_eq!(loudest_second(&[], 8_000), f32::NEG_INFINITY);
    }
}
