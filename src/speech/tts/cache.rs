//! Clauses that have been rendered, so that a repeated prompt costs nothing.
//!
//! Shared between worker threads behind a lock that is held for a look-up only. Bounded: when the sound in it exceeds its
//! capacity, the clauses that were not heard for the longest time are dropped. It holds callers' names, so it lives in
//! memory only and prints no text. Behind it may stand a [`ClauseStore`] of clauses that name nobody, which outlives it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Piece;
use super::voice::{Rate, Timbre, Voice};

/// What a rendered clause is known by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who renders, where it is not the voice's own engine.
    by: Option<Arc<str>>,
    voice: &'static str,
    rate: Rate,
    timbre: Timbre,
    text: Arc<str>,
}

impl Key {
    /// `clause` as it is handed to the engine, which is the voice's own or the one named `by`.
    pub(super) fn new(by: Option<Arc<str>>, voice: &Voice, clause: &str) -> Self {
        Self { by, voice: voice.name(), rate: voice.rate, timbre: voice.timbre, text: clause.into() }
    }

    /// Everything in one text, for a store that looks for clauses by it.
    pub fn written(&self) -> String {
        let by = self.by.as_deref().unwrap_or_default();
        format!("{by}\n{}\n{}\n{:?}\n{}", self.voice, self.rate.percent(), self.timbre, self.text)
    }
}

/// Rendered clauses that outlive the process. Only what [`Mouth::prepare`](super::Mouth::prepare) renders is kept in it.
pub trait ClauseStore: Send + Sync {
    /// The sound of a clause, 16 kHz mono, if it is there and whole.
    fn find(&self, key: &Key) -> Option<Vec<i16>>;

    /// Keeps the sound of a clause. Where that fails, it is rendered again next time.
    fn keep(&self, key: &Key, pcm: &[i16]);
}

/// How well the cache serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Clauses that were found.
    pub hits: u64,
    /// Clauses that had to be rendered.
    pub misses: u64,
    /// Clauses held.
    pub clauses: usize,
    /// Sound held [bytes].
    pub bytes: usize,
}

/// Least-recently-used cache of rendered clauses.
pub struct ClauseCache {
    capacity: usize,
    shelf: Mutex<Shelf>,
    store: Option<Arc<dyn ClauseStore>>,
}

#[derive(Default)]
struct Shelf {
    clauses: HashMap<Key, Rendered>,
    /// By last use, oldest first.
    order: BTreeMap<u64, Key>,
    /// Counts uses; stands for time.
    uses: u64,
    stats: CacheStats,
}

struct Rendered {
    pieces: Arc<[Piece]>,
    bytes: usize,
    used: u64,
}

impl ClauseCache {
    /// What a server wants [bytes]: about half an hour of speech at 32 kB a second.
    pub const SERVER_CAPACITY: usize = 64 << 20;

    /// An empty cache that holds up to `capacity` bytes of sound.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, shelf: Mutex::default(), store: None }
    }

    /// The same with a store behind it.
    pub fn backed_by(self, store: Arc<dyn ClauseStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// How well it serves so far.
    pub fn stats(&self) -> CacheStats {
        let shelf = self.shelf();
        CacheStats { clauses: shelf.clauses.len(), ..shelf.stats }
    }

    /// The pieces of a clause, if it was rendered before: here, or where the store was filled.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<[Piece]>> {
        if let Some(held) = self.find_held(key) {
            return Some(held);
        }
        // Read outside the lock: others go on meanwhile.
        let stored = self.store.as_ref()?.find(key)?;
        self.keep(key.clone(), vec![stored.into()]);
        self.find_held(key)
    }

    /// Keeps a finished clause in the store, if there is one.
    pub(super) fn keep_for_good(&self, key: &Key, pieces: &[Piece]) {
        if let Some(store) = &self.store {
            store.keep(key, &pieces.concat());
        }
    }

    fn find_held(&self, key: &Key) -> Option<Arc<[Piece]>> {
        let shelf = &mut *self.shelf();
        let Some(rendered) = shelf.clauses.get_mut(key) else {
            shelf.stats.misses += 1;
            return None;
        };
        shelf.stats.hits += 1;
        shelf.uses += 1;
        shelf.order.remove(&rendered.used);
        shelf.order.insert(shelf.uses, key.clone());
        rendered.used = shelf.uses;
        Some(Arc::clone(&rendered.pieces))
    }

    /// Keeps a finished clause. One that alone exceeds the capacity is not kept.
    pub(super) fn keep(&self, key: Key, pieces: Vec<Piece>) {
        let bytes = pieces.iter().map(|piece| size_of_val(&**piece)).sum();
        if bytes > self.capacity {
            return;
        }
        let shelf = &mut *self.shelf();
        shelf.uses += 1;
        let rendered = Rendered { pieces: pieces.into(), bytes, used: shelf.uses };
        shelf.order.insert(shelf.uses, key.clone());
        shelf.stats.bytes += bytes;
        // Two threads may have rendered the same clause; the later one stays.
        if let Some(earlier) = shelf.clauses.insert(key, rendered) {
            shelf.order.remove(&earlier.used);
            shelf.stats.bytes -= earlier.bytes;
        }
        while shelf.stats.bytes > self.capacity {
            let Some((_, oldest)) = shelf.order.pop_first() else { break };
            shelf.stats.bytes -= shelf.clauses.remove(&oldest).map_or(0, |dropped| dropped.bytes);
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ClauseCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClauseCache").field("capacity", &self.capacity).field("stats", &self.stats()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> Key {
        Key::new(None, &Voice::default(), text)
    }

    fn pieces(samples: usize) -> Vec<Piece> {
        vec![vec![7; samples].into()]
    }

    #[test]
    fn what_was_kept_is_found_under_the_same_voice_rate_and_text() {
        let cache = ClauseCache::new(1_000);
        assert!(cache.find(&key("hello")).is_none());
        cache.keep(key("hello"), pieces(10));
        assert_eq!(*cache.find(&key("hello")).unwrap(), *pieces(10));
        assert!(cache.find(&key("Hello")).is_none());
        let slow = Voice::default().at(Rate::SLOWEST);
        assert!(cache.find(&Key::new(None, &slow, "hello")).is_none());
        assert!(cache.find(&Key::new(None, &Voice::default().clear(), "hello")).is_none());
        assert!(cache.find(&Key::new(None, &"rms".parse().unwrap(), "hello")).is_none());
        assert_eq!(cache.stats(), CacheStats { hits: 1, misses: 5, clauses: 1, bytes: 20 });
    }

    #[test]
    fn the_longest_unheard_goes_first() {
        let cache = ClauseCache::new(60);
        for text in ["a", "b", "c"] {
            cache.keep(key(text), pieces(10));
        }
        cache.find(&key("a"));
        cache.keep(key("d"), pieces(10));
        assert!(cache.find(&key("b")).is_none());
        assert!(["a", "c", "d"].iter().all(|text| cache.find(&key(text)).is_some()));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let cache = ClauseCache::new(60);
        cache.keep(key("a"), pieces(10));
        cache.keep(key("long"), pieces(31));
        assert!(cache.find(&key("long")).is_none());
        assert!(cache.find(&key("a")).is_some());
    }

    #[test]
    fn its_text_does_not_print() {
        let cache = ClauseCache::new(60);
        cache.keep(key("Ms Li"), pieces(10));
        assert!(!format!("{cache:?}").contains("Li"));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_capacity(uses in prop::collection::vec((0..12_u8, 1..40_usize), 0..200)) {
            let cache = ClauseCache::new(200);
            for (text, samples) in uses {
                let key = key(&text.to_string());
                if cache.find(&key).is_none() {
                    cache.keep(key, pieces(samples));
                }
                let shelf = cache.shelf();
                prop_assert!(shelf.stats.bytes <= 200);
                prop_assert_eq!(shelf.stats.bytes, shelf.clauses.values().map(|r| r.bytes).sum::<usize>());
                prop_assert_eq!(shelf.order.len(), shelf.clauses.len());
            }
        }
    }
}
