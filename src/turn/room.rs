//! How loud it is where the caller is when nobody speaks.

use super::speech::Voice;

/// Much of such a frame may be our own voice.
const MAYBE_ECHO: f32 = 0.25;
/// How fast the level rises with a louder frame and falls with a softer one \[dB a frame\]: five frames of six are softer.
/// Measured with an office 18 dB below a voice: the last frame that counts comes 30 ms after its end, without this 130 ms; if nine
/// frames of ten were softer, every tenth voice would end 90 ms too early.
const RISE: f32 = 0.5;
const FALL: f32 = 0.1;
/// The level before anything was heard, and the lowest \[dBov\].
const LOWEST: f32 = -65.0;
/// Who speaks is louder than the room by so much at least \[dB\].
const ABOVE: f32 = 12.0;

/// The sound of the caller's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Room {
    /// Five of six frames in which nobody speaks are softer \[dBov\].
    level: f32,
}

impl Default for Room {
    fn default() -> Self {
        Self { level: LOWEST }
    }
}

impl Room {
    /// One more frame.
    pub(super) fn learn(&mut self, voice: Voice) {
        if !voice.speech && voice.echo < MAYBE_ECHO {
            let step = if voice.level > self.level { RISE } else { -FALL };
            self.level = (self.level + step).max(LOWEST);
        }
    }

    /// Whether `voice` is no more than the room, while somebody speaks whose loudest frame is `loudest` \[dBov\]: a detector takes
    /// noise for voice for a fifth of a second after a voice.
    pub(super) fn drowns(self, voice: Voice, loudest: f32) -> bool {
        voice.level <= self.level.min(loudest - ABOVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_after_a_voice_is_told_from_a_voice_that_dies_away() {
        let noise = |n: u32| Voice { level: -40.0 - (n % 10) as f32, played: -127.0, ..Voice::default() };
        let mut room = Room::default();
        let soft = Voice { speech: true, level: -44.0, ..noise(0) };
        assert!(!room.drowns(soft, -20.0), "on a quiet line it is theirs");
        (0..200).for_each(|n| room.learn(noise(n)));
        assert!(room.drowns(soft, -20.0));
        assert!(!room.drowns(Voice { level: -36.0, ..soft }, -20.0));
        assert!(!room.drowns(soft, -36.0), "somebody who speaks as softly is heard out");
        // What our own voice leaves is not the room.
        (0..200).for_each(|_| room.learn(Voice { echo: 0.9, level: -25.0, ..noise(0) }));
        assert!(!room.drowns(Voice { level: -36.0, ..soft }, -20.0));
    }
}
