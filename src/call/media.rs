//! Sound in a call: which party's packets and frames go where, by how far the call is.
//!
//! ```text
//! talking:        caller ─► conversation ─► caller
//! agent rings:    what the agent's network says ─► caller; the agent hears silence
//! bridged:        caller ◄─► agent, packets as they came where both speak the same, else frames
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::line::Line;
use super::record::Party;
use super::transfer::{Bridge, Transferring};
use super::{Call, Stage, Timer};
use crate::audio::{FRAME_MS, Frame};
use crate::units::LegId;

/// A party who sends no media for this long, and is not on hold, is gone.
const MAX_SILENT_LINE: Duration = Duration::from_secs(60);
/// A tick that is later than this is not made up for: the machine stalled, and the caller would hear a burst.
const MAX_LAG: Duration = Duration::from_millis(200);

impl Call {
    /// Media flows from here on.
    pub(super) fn run_media(&mut self, now: Instant) {
        self.times.last_packet = now;
        self.times.next_tick = now;
        self.timers.set(Timer::Media, now);
    }

    pub(super) fn packet(&mut self, now: Instant, leg: LegId, from: SocketAddr, bytes: &[u8]) {
        let Some(line) = &mut self.line else { return };
        match (&mut self.stage, leg) {
            (Stage::Bridged(Bridge { agent, .. }), LegId::CALLER) => line.receive_for(now, from, bytes, agent),
            (_, LegId::CALLER) => line.receive(now, from, bytes),
            (
                Stage::Bridged(Bridge { agent, .. })
                | Stage::Transferring(Transferring::Dialling { early: Some(agent), .. }),
                _,
            ) => {
                agent.receive_for(now, from, bytes, line);
            }
            _ => {}
        }
    }

    /// 20 ms of media in each direction.
    pub(super) fn tick(&mut self, now: Instant) {
        // Media time goes on evenly, however late we are.
        let Some(sides) = self.exchange(self.times.next_tick.min(now)) else { return };
        if let Some(recorded) = &mut self.recorded {
            recorded.push(sides);
        }
        if let Some(gone) = self.gone(now) {
            tracing::info!("the {gone}'s media stopped");
            return self.hang_up(now, Party::Server);
        }
        if now.saturating_duration_since(self.times.next_tick) > MAX_LAG {
            self.times.next_tick = now;
        }
        self.times.next_tick += Duration::from_millis(FRAME_MS);
        self.timers.set(Timer::Media, self.times.next_tick);
    }

    /// Who has sent nothing for too long.
    fn gone(&mut self, now: Instant) -> Option<&'static str> {
        let is_gone = |line: &mut Line, last_packet: &mut Instant| {
            if line.is_held() || line.has_news() {
                *last_packet = now;
            }
            now.saturating_duration_since(*last_packet) > MAX_SILENT_LINE
        };
        if self.line.as_mut().is_some_and(|line| is_gone(line, &mut self.times.last_packet)) {
            return Some("caller");
        }
        let Stage::Bridged(Bridge { agent, last_packet, .. }) = &mut self.stage else { return None };
        is_gone(agent, last_packet).then_some("human")
    }

    /// What the caller says in the 20 ms that begin at `due`, and what is said to them.
    fn exchange(&mut self, due: Instant) -> Option<[Frame; 2]> {
        let line = self.line.as_mut()?;
        let mut heard = line.pull(due);
        let pressed = std::mem::take(&mut self.pressed);
        let said = match &mut self.stage {
            Stage::Bridged(Bridge { agent, .. }) => {
                let said = agent.pull(due);
                agent.say_of(line, &heard);
                agent.press(&pressed);
                line.say_of(agent, &said);
                said.frame
            }
            // What the agent's network says while it rings. Nobody there hears the caller yet.
            Stage::Transferring(Transferring::Dialling { early: Some(agent), .. }) => {
                let said = agent.pull(due);
                agent.say(&Frame::SILENCE);
                line.say_of(agent, &said);
                self.conversation.hear(&heard.frame, "");
                said.frame
            }
            _ if line.is_held() => {
                line.say(&Frame::SILENCE);
                Frame::SILENCE
            }
            _ => {
                pressed.chars().for_each(|key| heard.keys.push(key));
                self.conversation.hear(&heard.frame, &heard.keys);
                let said = self.conversation.say();
                line.say(&said);
                said
            }
        };
        Some([heard.frame, said])
    }
}
