//! What whoever sent us to somebody else is told: NOTIFY after NOTIFY (RFC 3515 §2.4.4), never two at once.
//!
//! One that overtakes another is refused as out of order, and so is a BYE that overtakes the last. News that come while a
//! NOTIFY waits for its answer replace each other: only the latest matters.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Header, Method, Request, StatusCode};
use tokio::time::Instant;

use super::dialog::Dialog;
use super::exchange::Asking;
use super::lane::Lane;
use super::leg::LegTask;

/// Head start of the 202 over the first NOTIFY: the RFC lets it be overtaken, but telephones do not expect that.
const HEAD_START: Duration = Duration::from_millis(50);

/// News of a move.
#[derive(Default)]
pub(super) struct Tidings {
    /// The latest status that was not told yet, and whether it is the last.
    waiting: Option<(u16, bool)>,
    /// A NOTIFY waits for its answer.
    under_way: bool,
    /// Nothing is told before.
    pub(super) from: Option<Instant>,
    /// The dialog that was left, and its way: it is told the rest, and then ended.
    former: Option<(Dialog, Arc<Lane>, SocketAddr)>,
}

impl std::fmt::Debug for Tidings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tidings({:?})", self.waiting)
    }
}

impl LegTask {
    /// A REFER was accepted: its 202 goes first.
    pub(super) fn begin_tidings(&mut self) {
        self.tidings = Tidings { from: Some(Instant::now() + HEAD_START), ..Tidings::default() };
    }

    /// Tells a status, as soon as the one before has arrived.
    pub(super) async fn inform(&mut self, status: u16, is_last: bool) {
        self.tidings.waiting = Some((status, is_last));
        self.go_on_informing().await;
    }

    /// A NOTIFY was answered, or its time has come.
    pub(super) async fn go_on_informing(&mut self) {
        if self.tidings.under_way || self.tidings.from.is_some_and(|from| Instant::now() < from) {
            return;
        }
        self.tidings.from = None;
        let Some((status, is_last)) = self.tidings.waiting.take() else {
            return self.end_former();
        };
        self.tidings.under_way = true;
        let contact = format!("<{}>", self.lane.contact(self.peer));
        match self.tidings.former.take() {
            Some((mut dialog, lane, peer)) => {
                let notify = notify(&mut dialog, contact, status, is_last);
                self.tidings.former = Some((dialog, Arc::clone(&lane), peer));
                self.send_by(notify, lane, peer);
            }
            None => {
                let notify = notify(&mut self.dialog, contact, status, is_last);
                self.ask(notify).await;
            }
        }
    }

    /// The answer to a NOTIFY, whatever it says: who does not want to know is not told less.
    pub(super) async fn informed_them(&mut self) {
        self.tidings.under_way = false;
        self.go_on_informing().await;
    }

    /// Ends a dialog that has had its day, once it was told everything: this status last, where it asked for the move.
    pub(super) async fn send_off(&mut self, old: Dialog, (lane, peer): (Arc<Lane>, SocketAddr), last: Option<u16>) {
        self.entry.remove(&(old.call_id().to_owned(), old.local_tag().to_owned()));
        self.tidings.former = Some((old, lane, peer));
        self.tidings.waiting = last.map(|status| (status, true));
        self.go_on_informing().await;
    }

    /// The leg is over: a dialog that still waits for its end gets it now.
    pub(super) fn end_former(&mut self) {
        if let Some((mut dialog, lane, peer)) = self.tidings.former.take() {
            let bye = dialog.request(Method::Bye);
            self.send_by(bye, lane, peer);
        }
    }

    fn send_by(&self, mut request: Request, lane: Arc<Lane>, peer: SocketAddr) {
        request.headers.push_front(Header::Via(lane.via(peer).into()));
        request.headers.push(Header::UserAgent(self.shared.config.user_agent.clone().into()));
        let credentials = self.credentials.clone();
        Asking { request, lane, peer, credentials }.start(self.inbox());
    }
}

fn notify(dialog: &mut Dialog, contact: String, status: u16, is_last: bool) -> Request {
    let mut notify = dialog.request(Method::Notify);
    let state = if is_last { "terminated;reason=noresource" } else { "active;expires=60" };
    notify.headers.push(Header::Contact(contact.into()));
    for (name, value) in [("Event", "refer"), ("Subscription-State", state)] {
        notify.headers.push(Header::Other(name.to_owned(), value.to_owned()));
    }
    notify.headers.push(Header::ContentType("message/sipfrag;version=2.0".into()));
    notify.body = format!("SIP/2.0 {}\r\n", StatusCode::from(status)).into_bytes();
    notify
}
