//! Key presses as RTP packets (RFC 4733).
//!
//! One press of 100 ms, as it is sent and as it may arrive; all packets carry the timestamp of its beginning:
//!
//! ```text
//!   packet     1      2      3      4      5      6      7
//!   marker     1
//!   duration  160    320    480    640    800    800    800   (ticks)
//!   end                                    1      1      1     sent three times, because one may be lost (§2.5.1.4)
//! ```
//!
//! The receiver answers each press once, at the first packet of it that arrives, whichever that is.

use crate::units::RtpTimestamp;

/// Bytes of an event (RFC 4733 §2.3).
pub const PAYLOAD_BYTES: usize = 4;
/// Keys by event code (RFC 4733 §3.2, Table 3).
const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// Bit that marks the last packet of a press.
const END: u8 = 0x80;
/// How loud our presses are (−dBm0).
const VOLUME: u8 = 10;

/// Frames of 20 ms that a press of ours lasts: 100 ms; Q.24 asks receivers to accept 40 ms.
const PRESS_FRAMES: u32 = 5;
/// How often the end is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u32 = 3;
/// Frames between the last end packet and the next press: together 100 ms from key up to key down.
const PAUSE_FRAMES: u32 = 3;
/// Most keys that wait to be sent; more are refused.
pub const MAX_WAITING: usize = 64;

/// Finds key presses in the packets of one source.
#[derive(Clone, Debug, Default)]
pub struct KeyReceiver {
    last: Option<Press>,
}

/// The press that is going on or went on last.
#[derive(Clone, Copy, Debug)]
struct Press {
    code: u8,
    start: RtpTimestamp,
    duration: u16,
    ended: bool,
}

impl KeyReceiver {
    /// Takes one event packet; answers the key when this is the first sign of its press.
    pub fn receive(&mut self, timestamp: RtpTimestamp, payload: &[u8]) -> Option<char> {
        let &[code, flags, high, low] = payload.first_chunk::<PAYLOAD_BYTES>()?;
        let key = *KEYS.get(usize::from(code))?;
        let duration = u16::from_be_bytes([high, low]);
        let press = Press { code, start: timestamp, duration, ended: flags & END != 0 };
        match &mut self.last {
            Some(last) if last.start == timestamp => {
                last.duration = last.duration.max(duration);
                last.ended |= press.ended;
                None
            }
            Some(last) if (timestamp.0.wrapping_sub(last.start.0) as i32) < 0 => None,
            last => {
                let goes_on = last.is_some_and(|last| last.goes_on_as(&press));
                *last = Some(press);
                (!goes_on).then_some(key)
            }
        }
    }

    /// Another source sends now: its timestamps have nothing to do with those before.
    pub fn restart(&mut self) {
        self.last = None;
    }
}

impl Press {
    /// A key held for longer than the duration field can say goes on as a new event that begins where the old one stops
    /// (RFC 4733 §2.5.1.3). The last packets of the old segment may be lost, so only its upper half is asked for.
    fn goes_on_as(&self, next: &Self) -> bool {
        let passed = next.start.0.wrapping_sub(self.start.0);
        !self.ended && self.code == next.code && self.duration > u16::MAX / 2 && passed <= u32::from(u16::MAX)
    }
}

/// Types keys: one packet each 20 ms while a press lasts.
#[derive(Clone, Debug)]
pub struct KeySender {
    waiting: [u8; MAX_WAITING],
    from: usize,
    until: usize,
    state: Typing,
}

#[derive(Clone, Copy, Debug)]
enum Typing {
    Idle,
    /// `frames` of the press and its end packets are sent.
    Pressing {
        code: u8,
        start: RtpTimestamp,
        frames: u32,
    },
    Pausing {
        frames: u32,
    },
}

/// One packet of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// The first packet of a press.
    pub marker: bool,
    /// When the press began.
    pub start: RtpTimestamp,
    /// What to send.
    pub payload: [u8; PAYLOAD_BYTES],
}

impl EventPacket {
    /// The key that is pressed.
    pub fn key(&self) -> Option<char> {
        KEYS.get(usize::from(self.payload[0])).copied()
    }

    /// Whether the key is up again.
    pub const fn is_end(&self) -> bool {
        self.payload[1] & END != 0
    }
}

impl Default for KeySender {
    fn default() -> Self {
        Self { waiting: [0; MAX_WAITING], from: 0, until: 0, state: Typing::Idle }
    }
}

impl KeySender {
    /// Queues `keys` behind those that wait. Answers how many were taken: what is no key is passed over, and what goes
    /// beyond [`MAX_WAITING`] is left.
    pub fn press(&mut self, keys: &str) -> usize {
        self.waiting.copy_within(self.from..self.until, 0);
        self.until -= std::mem::take(&mut self.from);
        let codes = keys.chars().filter_map(|key| KEYS.iter().position(|&known| known == key.to_ascii_uppercase()));
        let mut taken = 0;
        for (place, code) in self.waiting[self.until..].iter_mut().zip(codes) {
            *place = code as u8;
            taken += 1;
        }
        self.until += taken;
        taken
    }

    /// Whether keys wait or one is being pressed.
    pub fn is_busy(&self) -> bool {
        self.from < self.until || !matches!(self.state, Typing::Idle)
    }

    /// The packet that takes the place of the frame at `now`, which lasts `ticks`; `None` when sound may be sent.
    pub fn step(&mut self, now: RtpTimestamp, ticks: u32) -> Option<EventPacket> {
        self.state = match self.state {
            Typing::Pausing { frames } if frames > 1 => Typing::Pausing { frames: frames - 1 },
            Typing::Pausing { .. } => Typing::Idle,
            Typing::Idle if self.from < self.until => {
                let code = self.waiting[self.from];
                self.from += 1;
                Typing::Pressing { code, start: now, frames: 0 }
            }
            state => state,
        };
        let Typing::Pressing { code, start, frames } = self.state else { return None };
        let sent = frames + 1;
        self.state = if sent == PRESS_FRAMES + END_PACKETS - 1 {
            Typing::Pausing { frames: PAUSE_FRAMES }
        } else {
            Typing::Pressing { code, start, frames: sent }
        };
        let duration = (sent.min(PRESS_FRAMES) * ticks).min(u32::from(u16::MAX)) as u16;
        let [high, low] = duration.to_be_bytes();
        let end = if sent >= PRESS_FRAMES { END } else { 0 };
        Some(EventPacket { marker: frames == 0, start, payload: [code, end | VOLUME, high, low] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All packets that typing `keys` takes, with the frame in which each is sent.
    fn typed(keys: &str) -> Vec<EventPacket> {
        let mut sender = KeySender::default();
        assert_eq!(sender.press(keys), keys.len());
        let mut packets = Vec::new();
        let mut now = RtpTimestamp(u32::MAX - 1_000);
        while sender.is_busy() {
            packets.extend(sender.step(now, 160));
            now = RtpTimestamp(now.0.wrapping_add(160));
        }
        packets
    }

    fn heard(packets: impl IntoIterator<Item = EventPacket>) -> String {
        let mut receiver = KeyReceiver::default();
        packets.into_iter().filter_map(|packet| receiver.receive(packet.start, &packet.payload)).collect()
    }

    #[test]
    fn a_press_is_sent_as_the_table_says() {
        let packets = typed("7");
        let durations: Vec<_> = packets.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let ends: Vec<_> = packets.iter().map(|p| p.payload[1] & END != 0).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
        assert!(packets.iter().enumerate().all(|(i, p)| p.marker == (i == 0) && p.start == packets[0].start));
    }

    #[test]
    fn what_is_no_key_is_not_typed_and_the_queue_is_bounded() {
        let mut sender = KeySender::default();
        assert_eq!(sender.press("1x2 #"), 3);
        assert_eq!(sender.press(&"5".repeat(100)), MAX_WAITING - 3);
        assert_eq!(sender.press("6"), 0);
        sender.step(RtpTimestamp(0), 160);
        assert_eq!(sender.press("66"), 1, "one has left the queue");
    }

    #[test]
    fn a_key_held_for_ten_seconds_is_one_press() {
        let mut receiver = KeyReceiver::default();
        let mut keys = String::new();
        for (segment, longest) in [(0u32, 65_440u32), (65_440, 14_560)] {
            for duration in (160..=longest).step_by(160) {
                let [high, low] = (duration as u16).to_be_bytes();
                keys.extend(receiver.receive(RtpTimestamp(segment), &[11, VOLUME, high, low]));
            }
        }
        keys.extend(receiver.receive(RtpTimestamp(65_440), &[11, END | VOLUME, 0x38, 0xe0]));
        assert_eq!(keys, "#");
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        let mut receiver = KeyReceiver::default();
        assert_eq!(receiver.receive(RtpTimestamp(1), &[1, 0, 0]), None);
        assert_eq!(receiver.receive(RtpTimestamp(1), &[16, 0, 0, 160]), None, "hook flash");
        assert_eq!(receiver.receive(RtpTimestamp(1), &[10, 0, 0, 160]), Some('*'));
    }

    /// Captures of telephones that others have built, where there are some.
    #[test]
    fn captured_presses_are_heard_once() {
        /// Bytes of the file's header, of each record's, and of Ethernet, IPv4 and UDP in front of RTP.
        const HEADERS: (usize, usize, usize) = (24, 16, 42);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/rtp/sipp");
        for (name, key) in KEYS[..12].iter().map(|&key| match key {
            '*' => ("star".to_owned(), key),
            '#' => ("pound".to_owned(), key),
            digit => (digit.to_string(), digit),
        }) {
            let Ok(capture) = std::fs::read(format!("{folder}/dtmf_2833_{name}.pcap")) else {
                println!("skipped: no captures in {folder}");
                return;
            };
            let mut receiver = KeyReceiver::default();
            let (mut rest, mut heard) = (&capture[HEADERS.0..], String::new());
            while let Some((header, body)) = rest.split_at_checked(HEADERS.1) {
                let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
                let (packet, after) = body.split_at(length);
                rest = after;
                let packet = crate::rtp::Packet::parse(&packet[HEADERS.2..]).expect("RTP");
                heard.extend(receiver.receive(packet.timestamp, packet.payload));
            }
            assert_eq!(heard, key.to_string());
        }
    }

    proptest! {
        #[test]
        fn every_key_is_heard_once_while_one_packet_of_it_arrives(
            keys in "[0-9*#A-D]{1,40}", fate in prop::collection::vec(0u8..4, 7 * 40), survivor in 0usize..7,
        ) {
            // 0, 1: lost; 2: arrives; 3: arrives twice. One packet of each press always arrives.
            let packets = typed(&keys).into_iter().zip(fate).enumerate().flat_map(|(i, (packet, fate))| {
                let times = if i % 7 == survivor { usize::from(fate).max(1) } else { usize::from(fate).saturating_sub(1) };
                std::iter::repeat_n(packet, times)
            });
            prop_assert_eq!(heard(packets), keys);
        }
    }
}
