//! Recordings: both sides of a call, beside each other in a stereo WAV (left: the caller), sealed where there is a key.
//!
//! ```text
//!  call tasks ─ 20 ms of both sides ─► queue (8,192) ─► thread "recorder" ─► DIR/CALL.wav, or DIR/CALL.wav.sealed
//! ```
//!
//! A disk that is too slow costs holes in recordings, never in calls: what finds the queue full is dropped and counted
//! (`antevox_recording_dropped_total`). A recording can be paused and goes on: what is said meanwhile is silence in it.

pub mod sealed;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use dashmap::DashMap;

use crate::audio::{FRAME_SAMPLES, Frame};
use crate::units::CallId;
use sealed::{Key, Sealing};

/// Pieces that wait for the disk: 50 calls for three seconds, 640 bytes twice each.
const QUEUE: usize = 8_192;
/// Bytes of the head of a WAV with 16-bit samples.
const HEAD: usize = 44;
/// Samples a second, of each side.
const RATE: u32 = 16_000;

/// The two sides of 20 ms: caller, hotline or agent.
pub type Sides = [Frame; 2];

/// Where recordings go. Clones share the thread that writes them, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Recorder {
    folder: PathBuf,
    is_sealed: bool,
    queue: SyncSender<Job>,
    /// Which recordings are under way, and whether they are paused.
    paused: Arc<DashMap<CallId, Arc<AtomicBool>>>,
}

/// One call's recording; ends when dropped.
#[derive(Debug)]
pub struct Recording {
    name: String,
    id: CallId,
    is_paused: Arc<AtomicBool>,
    all: Arc<DashMap<CallId, Arc<AtomicBool>>>,
    queue: SyncSender<Job>,
}

enum Job {
    Begin(CallId, PathBuf),
    Sound(CallId, Box<Sides>),
    End(CallId),
}

impl Recorder {
    /// A recorder that writes into `folder`, which is made if it is not there; sealed with `key`, if there is one.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(folder: &Path, key: Option<Key>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (queue, jobs) = sync_channel(QUEUE);
        let is_sealed = key.is_some();
        thread::Builder::new().name("recorder".to_owned()).spawn(move || write_all(&jobs, key.as_ref()))?;
        Ok(Self { folder: folder.to_owned(), is_sealed, queue, paused: Arc::default() })
    }

    /// Begins to record a call. `None` when too much waits for the disk already.
    pub fn begin(&self, id: &CallId) -> Option<Recording> {
        let name = format!("{id}.wav{}", if self.is_sealed { ".sealed" } else { "" });
        let queue = self.queue.clone();
        queue.try_send(Job::Begin(id.clone(), self.folder.join(&name))).ok()?;
        let is_paused = Arc::new(AtomicBool::new(false));
        self.paused.insert(id.clone(), is_paused.clone());
        Some(Recording { name, id: id.clone(), is_paused, all: self.paused.clone(), queue })
    }

    /// Leaves out what is said in a call from now on, or no longer. Answers whether that call is being recorded.
    pub fn pause(&self, id: &CallId, is_paused: bool) -> bool {
        self.paused.get(id).is_some_and(|flag| {
            flag.store(is_paused, Ordering::Relaxed);
            true
        })
    }
}

impl Recording {
    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends 20 ms.
    pub fn add(&self, sides: &Sides) {
        let sides = if self.is_paused.load(Ordering::Relaxed) { [Frame::SILENCE; 2] } else { *sides };
        if self.queue.try_send(Job::Sound(self.id.clone(), Box::new(sides))).is_err() {
            metrics::counter!("antevox_recording_dropped_total").increment(1);
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.all.remove(&self.id);
        // An end that finds no room comes with the server's own: the head of the file says so until then.
        let _ = self.queue.try_send(Job::End(self.id.clone()));
    }
}

fn write_all(jobs: &Receiver<Job>, key: Option<&Key>) {
    let mut open: HashMap<CallId, Wav> = HashMap::new();
    for job in jobs {
        let done = match job {
            Job::Begin(id, path) => Wav::create(&path, key).map(|wav| drop(open.insert(id, wav))),
            Job::Sound(id, sides) => open.get_mut(&id).map_or(Ok(()), |wav| wav.add(&sides)),
            Job::End(id) => open.remove(&id).map_or(Ok(()), Wav::finish),
        };
        if let Err(error) = done {
            tracing::error!(%error, "a recording cannot be written");
            metrics::counter!("antevox_recording_dropped_total").increment(1);
        }
    }
    open.into_values().for_each(|wav| drop(wav.finish()));
}

/// A WAV that grows. In a sealed one the head cannot be mended at the end, so it says "as long as it goes on"; whoever opens
/// the seal writes the length.
enum Wav {
    Plain(BufWriter<File>, u32),
    Sealed(Box<Sealing<BufWriter<File>>>),
}

impl Wav {
    fn create(path: &Path, key: Option<&Key>) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        match key {
            None => {
                file.write_all(&head(0))?;
                Ok(Self::Plain(file, 0))
            }
            Some(key) => {
                let mut sealing = Sealing::new(key, file)?;
                sealing.write_all(&head(u32::MAX))?;
                Ok(Self::Sealed(Box::new(sealing)))
            }
        }
    }

    fn add(&mut self, [left, right]: &Sides) -> io::Result<()> {
        let mut bytes = [0; 4 * FRAME_SAMPLES];
        for (place, (l, r)) in bytes.chunks_exact_mut(4).zip(left.0.iter().zip(&right.0)) {
            place[..2].copy_from_slice(&l.to_le_bytes());
            place[2..].copy_from_slice(&r.to_le_bytes());
        }
        match self {
            Self::Plain(file, length) => {
                *length += bytes.len() as u32;
                file.write_all(&bytes)
            }
            Self::Sealed(sealing) => sealing.write_all(&bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut file, length) => {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&head(length))?;
                file.flush()
            }
            Self::Sealed(sealing) => sealing.finish(),
        }
    }
}

/// The head of a stereo WAV with so many bytes of sound.
pub(crate) fn head(length: u32) -> [u8; HEAD] {
    const CHANNELS: u16 = 2;
    const BYTES: u16 = 2;
    let mut head = [0; HEAD];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        head[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&length.saturating_add(HEAD as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&CHANNELS.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * u32::from(CHANNELS * BYTES)).to_le_bytes());
    put(&(CHANNELS * BYTES).to_le_bytes());
    put(&(8 * BYTES).to_le_bytes());
    put(b"data");
    put(&length.to_le_bytes());
    head
}

/// Opens the seal of a recording: the WAV within, its length put right.
///
/// # Errors
/// See [`sealed::open`].
pub fn open(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, sealed::SealError> {
    let mut wav = sealed::open(key, sealed)?;
    if wav.len() >= HEAD {
        let length = (wav.len() - HEAD) as u32;
        wav[..HEAD].copy_from_slice(&head(length));
    }
    Ok(wav)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: Option<Key>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path(), key).unwrap();
        let recording = recorder.begin(&CallId("c-1".into())).unwrap();
        let path = folder.path().join(recording.name());
        for n in 0..50 {
            assert!(recorder.pause(&CallId("c-1".into()), (20..30).contains(&n)));
            recording.add(&[Frame([100; FRAME_SAMPLES]), Frame([-n; FRAME_SAMPLES])]);
        }
        drop(recording);
        assert!(!recorder.pause(&CallId("c-1".into()), true), "it is over");
        // The thread ends when nobody can send to it any more; what it wrote is there when the next call's file is.
        let next = recorder.begin(&CallId("c-2".into())).unwrap();
        while !folder.path().join(next.name()).exists() {
            thread::yield_now();
        }
        (folder, path)
    }

    fn check(wav: &[u8]) {
        let mut reader = hound::WavReader::new(wav).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, RATE));
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples.len(), 50 * 2 * FRAME_SAMPLES);
        assert_eq!(samples[2 * 40 * FRAME_SAMPLES..][..2], [100, -40]);
        assert_eq!(samples[2 * 25 * FRAME_SAMPLES..][..2], [0, 0], "paused");
    }

    #[test]
    fn both_sides_are_kept_beside_each_other() {
        let (_folder, path) = record(None);
        check(&std::fs::read(path).unwrap());
    }

    #[test]
    fn a_sealed_one_is_opened_with_its_key() {
        let key = || Key::new([7; 32]);
        let (_folder, path) = record(Some(key()));
        let sealed = std::fs::read(path).unwrap();
        assert!(hound::WavReader::new(&sealed[..]).is_err());
        check(&open(&key(), &sealed).unwrap());
    }
}
