//! What ends a call because time has passed, in virtual time.

#![allow(clippy::disallowed_methods, reason = "virtual time has to begin somewhere")]

use super::*;
use crate::dialog::Transfer;
use crate::dialog::testing::plan;
use crate::leg::MediaLeg;
use crate::rtp::Seeds;
use crate::sdp::Local;
use crate::speech::vad::VoiceDetector;

const SECOND: Duration = Duration::from_secs(1);

/// Nobody says anything.
struct Deaf;

impl VoiceDetector for Deaf {
    fn speech_probability(&mut self, _: &Frame) -> f32 {
        0.0
    }

    fn reset(&mut self) {}
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

/// A party's telephone at the address `n`, which agreed on `sdp` with us.
fn telephone(n: u8, offer: &str) -> (MediaLeg, String) {
    let local = Local::new(address(n), n.into());
    let agreed = sdp::negotiate(&local, offer).expect("both speak the same");
    let seeds = Seeds { ssrc: n.into(), seq: 0, timestamp: 0 };
    (MediaLeg::new(LegId(n.into()), &agreed, seeds), agreed.answer_sdp())
}

/// A call, and what it asked of its legs.
struct Running {
    call: Call,
    now: Instant,
    asked: Vec<(LegId, LegRequest)>,
    happened: Vec<Happened>,
    /// Who sends a packet each second.
    senders: Vec<(LegId, SocketAddr, MediaLeg)>,
}

impl Running {
    /// A caller who sends sound, and says nothing.
    fn new() -> Self {
        let plan = plan();
        let understanding = Understanding::train(&plan.corpus(), None).unwrap();
        let hotline = Hotline { plan: Arc::new(plan), understanding, recordings: Arc::default() };
        let arrival = Arrival {
            id: CallId("c-1".into()),
            from: Pii("1".into()),
            to: "95188".into(),
            facts: CallFacts::default(),
            offer: None,
            hears_early: false,
            local: Local::new(address(10), 10),
            engine: None,
            at: Timestamp::UNIX_EPOCH,
            local_time: "2026-08-12T10:00:00".parse().unwrap(),
            seed: 1,
        };
        let now = Instant::now();
        let (leg, answer) = telephone(1, &sdp::offer(&arrival.local));
        let mut call = Call::new(now, Arc::new(hotline), arrival, Box::new(Deaf));
        call.handle(now, Input::Leg(LegId::CALLER, LegEvent::Acknowledged { sdp: Some(answer) }));
        let senders = vec![(LegId::CALLER, address(1), leg)];
        Self { call, now, asked: Vec::new(), happened: Vec::new(), senders }
    }

    /// The caller is to talk to a human, whose telephone rings.
    fn ringing() -> Self {
        let mut running = Self::new();
        let transfer = Transfer { queue: "general".into(), reason: "caller_asked", summary: String::new() };
        running.call.transfer(running.now, transfer);
        running.call.handle(running.now, Input::Dialled(Box::new(Local::new(address(11), 11))));
        running
    }

    /// The human has answered.
    fn bridged() -> Self {
        let mut running = Self::ringing();
        let (leg, sdp) = telephone(2, &sdp::offer(&Local::new(address(11), 11)));
        running.senders.push((LegId::AGENT, address(2), leg));
        running.tell_of_agent(LegEvent::Answered { sdp });
        running.asked.clear();
        running
    }

    fn tell_of_agent(&mut self, event: LegEvent) {
        self.call.handle(self.now, Input::Leg(LegId::AGENT, event));
        self.listen();
    }

    /// Lets so many seconds pass.
    fn pass(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.now += SECOND;
            for (leg, from, telephone) in &mut self.senders {
                let mut bytes = Vec::new();
                telephone.send(&Frame::SILENCE, self.now, &mut bytes);
                self.call.handle(self.now, Input::Packet { leg: *leg, from: *from, bytes: &bytes });
            }
            self.call.handle(self.now, Input::Timeout);
            self.listen();
        }
    }

    fn listen(&mut self) {
        loop {
            match self.call.poll(self.now, &mut Vec::new()) {
                Output::Deadline(_) => return,
                Output::Leg(leg, request) => self.asked.push((leg, request)),
                Output::Event(event) => self.happened.push(event.what),
                _ => {}
            }
        }
    }

    /// Who has ended the call, if it is over.
    fn ended_by(&self) -> Option<Party> {
        self.happened.iter().find_map(|what| match what {
            Happened::Ended { record } => Some(record.hangup_by),
            _ => None,
        })
    }
}

#[test]
fn a_human_s_telephone_rings_as_long_as_the_queue_says() {
    let mut running = Running::ringing();
    running.tell_of_agent(LegEvent::Rang);
    running.pass(19);
    assert!(!running.happened.contains(&Happened::TransferFailed));
    running.pass(1);
    assert!(running.happened.contains(&Happened::TransferFailed));
    assert!(running.asked.contains(&(LegId::AGENT, LegRequest::HangUp)));
    assert_eq!(running.ended_by(), None, "the caller is told");
}

#[test]
fn who_sends_nothing_for_a_minute_is_gone_whichever_side_it_is() {
    for gone in [LegId::CALLER, LegId::AGENT] {
        let mut running = Running::bridged();
        running.pass(100);
        running.senders.retain(|(leg, ..)| *leg != gone);
        running.pass(59);
        assert_eq!(running.ended_by(), None);
        running.pass(3);
        assert_eq!(running.ended_by(), Some(Party::Server));
        assert_eq!(running.asked, [LegId::CALLER, LegId::AGENT].map(|leg| (leg, LegRequest::HangUp)));
    }
}

#[test]
fn who_is_on_hold_may_be_silent() {
    let mut running = Running::bridged();
    running.senders.retain(|(leg, ..)| *leg != LegId::AGENT);
    let offer = sdp::offer(&Local::new(address(2), 2)).replace("a=sendrecv", "a=inactive");
    running.tell_of_agent(LegEvent::Updated { sdp: Some(offer) });
    assert!(matches!(running.asked.as_slice(), [(LegId::AGENT, LegRequest::AcceptUpdate { .. })]));
    running.pass(600);
    assert_eq!(running.ended_by(), None);
}

#[test]
fn nobody_talks_to_a_machine_for_an_hour_and_people_for_as_long_as_they_like() {
    let mut running = Running::new();
    running.pass(3_599);
    assert_eq!(running.ended_by(), None);
    running.pass(1);
    assert_eq!(running.ended_by(), Some(Party::Server));
    let mut running = Running::bridged();
    running.pass(2 * 3_600);
    assert_eq!(running.ended_by(), None);
}
