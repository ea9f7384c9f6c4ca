//! Where packets wait, each in the slot that its number names; what lies ahead of the one that was heard last.

use super::io::Arrival;
use crate::units::SeqNo;

/// Packets kept at most: 1.28 s at 20 ms. A newer packet takes the place of one that is this much older.
pub const SLOTS: usize = 64;
/// Room that each slot has from the beginning (bytes): 30 ms of G.711. A slot grows once for more.
const USUAL_PAYLOAD_BYTES: usize = 240;

/// The packets.
#[derive(Debug)]
pub(super) struct Slots(Box<[Slot]>);

#[derive(Clone, Debug, Default)]
struct Slot {
    seq: u16,
    content: Content,
    /// First tick, counted past the wrap.
    start: i64,
    ticks: u32,
    payload: Vec<u8>,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    #[default]
    Vacant,
    /// A packet that waits.
    Sound,
    /// A packet that holds no sound.
    NoSound,
    /// One that was played, left out or late.
    Done,
}

/// Where the next sound is.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextSound {
    pub(super) seq: SeqNo,
    /// First tick, counted past the wrap.
    pub(super) start: i64,
    pub(super) ticks: u32,
    /// A packet before it is missing.
    pub(super) after_loss: bool,
}

impl Slots {
    pub(super) fn new() -> Self {
        let slot = || Slot { payload: Vec::with_capacity(USUAL_PAYLOAD_BYTES), ..Slot::default() };
        Self(std::iter::repeat_with(slot).take(SLOTS).collect())
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        for slot in &mut self.0 {
            slot.content = Content::Vacant;
        }
    }

    /// Whether the packet has been here, as far back as slots reach.
    pub(super) fn knows(&self, seq: SeqNo) -> bool {
        let slot = &self.0[index(seq)];
        slot.content != Content::Vacant && slot.seq == seq.0
    }

    /// Puts a packet into its slot, in the place of an older one.
    pub(super) fn put(&mut self, packet: &Arrival<'_>, start: i64, content: Content) {
        let slot = &mut self.0[index(packet.seq)];
        (slot.seq, slot.start, slot.ticks, slot.content) = (packet.seq.0, start, packet.ticks, content);
        slot.payload.clear();
        slot.payload.extend_from_slice(packet.payload);
    }

    /// The packet does not wait any more: it is played, or left out.
    pub(super) fn done(&mut self, seq: SeqNo) {
        self.0[index(seq)].content = Content::Done;
    }

    /// Its coded sound.
    pub(super) fn payload(&self, seq: SeqNo) -> &[u8] {
        &self.0[index(seq)].payload
    }

    /// The packet whose sound begins first: its number and first tick.
    pub(super) fn earliest(&self) -> Option<(SeqNo, i64)> {
        let sounds = self.0.iter().filter(|slot| slot.content == Content::Sound);
        sounds.min_by_key(|slot| slot.start).map(|slot| (SeqNo(slot.seq), slot.start))
    }

    /// The first packet of sound after `last`, up to `highest`.
    pub(super) fn next_sound(&self, last: SeqNo, highest: SeqNo) -> Option<NextSound> {
        let mut after_loss = false;
        for seq in after(last, highest) {
            let slot = &self.0[index(seq)];
            let here = slot.seq == seq.0;
            match slot.content {
                Content::Sound if here => {
                    return Some(NextSound { seq, start: slot.start, ticks: slot.ticks, after_loss });
                }
                Content::NoSound if here => {}
                _ => after_loss = true,
            }
        }
        None
    }

    /// Whether all that came after `last` is packets without sound, and there are some.
    pub(super) fn only_soundless(&self, last: SeqNo, highest: SeqNo) -> bool {
        let soundless = |seq| {
            let slot = &self.0[index(seq)];
            slot.seq == seq.0 && slot.content == Content::NoSound
        };
        let mut following = after(last, highest);
        following.next().is_some_and(soundless) && following.all(soundless)
    }
}

/// The numbers after `last` up to `highest`, as far as slots reach.
fn after(last: SeqNo, highest: SeqNo) -> impl Iterator<Item = SeqNo> {
    let ahead = highest.distance(last).max(0);
    let first = ahead - ahead.min(SLOTS as i32);
    (first..ahead).map(move |n| SeqNo(last.0.wrapping_add(n as u16 + 1)))
}

const fn index(seq: SeqNo) -> usize {
    seq.0 as usize % SLOTS
}
