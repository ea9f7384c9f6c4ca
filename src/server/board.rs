//! What happens in the calls that are up, for whoever watches: the live page, the demo, tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use tokio::sync::broadcast;

use crate::call::{CallEvent, Happened};
use crate::units::CallId;

/// Events that a slow watcher may lag behind. One that lags more is told so, and reloads what is on the board.
const WATCHERS: usize = 1_024;
/// Events kept of one call: a long conversation. Older ones than that make room.
const EVENTS: usize = 600;
/// Calls that are over and still shown.
const RECENT: usize = 20;

/// The board.
pub struct Board {
    live: DashMap<CallId, VecDeque<CallEvent>>,
    recent: Mutex<VecDeque<Vec<CallEvent>>>,
    news: broadcast::Sender<Arc<CallEvent>>,
}

impl Default for Board {
    fn default() -> Self {
        Self { live: DashMap::new(), recent: Mutex::default(), news: broadcast::channel(WATCHERS).0 }
    }
}

impl Board {
    /// Puts an event up.
    pub fn post(&self, event: CallEvent) {
        let id = event.call_id.clone();
        let is_over = matches!(event.what, Happened::Ended { .. });
        {
            let mut events = self.live.entry(id.clone()).or_default();
            if events.len() >= EVENTS {
                events.pop_front();
            }
            // A partial text replaces the one before: only the latest is worth keeping.
            if matches!(event.what, Happened::Hearing { .. })
                && matches!(events.back().map(|last| &last.what), Some(Happened::Hearing { .. }))
            {
                events.pop_back();
            }
            events.push_back(event.clone());
        }
        if is_over && let Some((_, events)) = self.live.remove(&id) {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.push_front(events.into());
            recent.truncate(RECENT);
        }
        // Nobody watching is no error.
        self.news.send(Arc::new(event)).ok();
    }

    /// Follows what is put up from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<CallEvent>> {
        self.news.subscribe()
    }

    /// Everything of the calls that are up.
    pub fn live(&self) -> Vec<Vec<CallEvent>> {
        self.live.iter().map(|events| events.iter().cloned().collect()).collect()
    }

    /// Everything of the last calls that are over, newest first.
    pub fn recent(&self) -> Vec<Vec<CallEvent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many calls are up.
    pub fn calls_up(&self) -> usize {
        self.live.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, what: Happened) -> CallEvent {
        CallEvent { v: 1, call_id: CallId(id.into()), at_ms: 0, what }
    }

    #[test]
    fn partial_texts_do_not_pile_up() {
        let board = Board::default();
        board.post(event("a", Happened::Started { from: "1".into(), to: "2".into() }));
        for text in ["my", "my card", "my card was"] {
            board.post(event("a", Happened::Hearing { text: text.into() }));
        }
        assert_eq!(board.calls_up(), 1);
        assert_eq!(board.live()[0].len(), 2);
    }

    #[test]
    fn a_watcher_sees_what_comes_after_it() {
        let board = Board::default();
        board.post(event("a", Happened::Held));
        let mut watcher = board.watch();
        board.post(event("a", Happened::Resumed));
        assert_eq!(watcher.try_recv().unwrap().what, Happened::Resumed);
        assert!(watcher.try_recv().is_err());
    }
}
