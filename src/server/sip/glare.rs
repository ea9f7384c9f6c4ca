//! Both sides offered at once: each waits, and the one that waits less tries again (RFC 3261 §14.1).

use std::time::Duration;

use tokio::time::Instant;

use super::leg::{LegTask, State, Talking};
use crate::leg::LegEvent;

/// How often an offer is tried again before the call is told.
const TRIES: u32 = 3;

/// An offer of ours that waits.
#[derive(Debug)]
pub(super) struct Postponed {
    sdp: String,
    tries: u32,
    /// When it is tried again; `None` while it is under way.
    pub(super) again: Option<Instant>,
}

impl LegTask {
    /// Our offer, for the first time.
    pub(super) async fn offer(&mut self, sdp: &str) {
        self.postponed = Some(Postponed { sdp: sdp.to_owned(), tries: 0, again: None });
        self.offer_again().await;
    }

    /// Tries our offer, or puts it off while another one is open.
    pub(super) async fn offer_again(&mut self) {
        if !matches!(self.state, State::Talking(Talking::Settled)) {
            return self.postpone();
        }
        if let Some(postponed) = &mut self.postponed {
            postponed.again = None;
            let sdp = postponed.sdp.clone();
            self.send_offer(&sdp).await;
        }
    }

    /// Waits for a random time, so that both sides do not meet again: who made the Call-ID 2.1–4 s, the other 0–2 s, in
    /// steps of 10 ms.
    pub(super) fn postpone(&mut self) {
        let Some(postponed) = &mut self.postponed else { return };
        postponed.tries += 1;
        if postponed.tries > TRIES {
            self.postponed = None;
            self.tell(LegEvent::UpdateRefused { status: 491 });
            return;
        }
        let steps = if self.dialog.is_ours() { fastrand::u64(210..=400) } else { fastrand::u64(0..=200) };
        postponed.again = Some(Instant::now() + Duration::from_millis(10 * steps));
    }
}
