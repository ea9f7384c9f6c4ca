//! Recordings: both sides of a call, beside each other (left: the caller) in a stereo WAV or Ogg Opus file, sealed where there
//! is a key.
//!
//! ```text
//!  call tasks ─ 20 ms of both sides ─► queue (8,192) ─► thread "recorder" ─► DIR/CALL.wav or .opus, or either .sealed
//! ```
//!
//! A disk that is too slow costs holes in recordings, never in calls: what finds the queue full is dropped and counted
//! (`antevox_recording_dropped_total`). A recording can be paused and goes on: what is said meanwhile is silence in it.

mod file;
mod ogg;
pub mod sealed;
mod wav;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use dashmap::DashMap;

use self::file::Kept;
use self::ogg::OggOpus;
use self::sealed::Key;
use self::wav::Wav;
use crate::audio::Frame;
use crate::units::CallId;

/// Pieces that wait for the disk: 50 calls for three seconds, 640 bytes twice each.
const QUEUE: usize = 8_192;

/// The two sides of 20 ms: caller, hotline or agent.
pub type Sides = [Frame; 2];

/// What a recording is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// 16-bit stereo WAV: every sample as it was, 3.8 MB a minute.
    #[default]
    Wav,
    /// Ogg Opus (RFC 7845), stereo: a tenth of that.
    Opus,
}

impl Format {
    /// What files are called after the name of the call.
    const fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Opus => "opus",
        }
    }
}

/// Where recordings go. Clones share the thread that writes them, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Recorder {
    folder: PathBuf,
    format: Format,
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
    pub fn new(folder: &Path, format: Format, key: Option<Key>) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (queue, jobs) = sync_channel(QUEUE);
        let is_sealed = key.is_some();
        thread::Builder::new().name("recorder".to_owned()).spawn(move || write_all(&jobs, format, key.as_ref()))?;
        Ok(Self { folder: folder.to_owned(), format, is_sealed, queue, paused: Arc::default() })
    }

    /// Begins to record a call. `None` when too much waits for the disk already.
    pub fn begin(&self, id: &CallId) -> Option<Recording> {
        let name = format!("{id}.{}{}", self.format.extension(), if self.is_sealed { ".sealed" } else { "" });
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

fn write_all(jobs: &Receiver<Job>, format: Format, key: Option<&Key>) {
    let mut open: HashMap<CallId, Writing> = HashMap::new();
    for job in jobs {
        let done = match job {
            Job::Begin(id, path) => Writing::begin(&path, format, key).map(|file| drop(open.insert(id, file))),
            Job::Sound(id, sides) => open.get_mut(&id).map_or(Ok(()), |file| file.add(&sides)),
            Job::End(id) => open.remove(&id).map_or(Ok(()), Writing::finish),
        };
        if let Err(error) = done {
            tracing::error!(%error, "a recording cannot be written");
            metrics::counter!("antevox_recording_dropped_total").increment(1);
        }
    }
    open.into_values().for_each(|file| drop(file.finish()));
}

/// One recording's file.
enum Writing {
    Wav(Wav),
    Opus(Box<OggOpus>),
}

impl Writing {
    fn begin(path: &Path, format: Format, key: Option<&Key>) -> io::Result<Self> {
        let file = Kept::create(path, key)?;
        Ok(match format {
            Format::Wav => Self::Wav(Wav::begin(file)?),
            Format::Opus => Self::Opus(Box::new(OggOpus::begin(file)?)),
        })
    }

    fn add(&mut self, sides: &Sides) -> io::Result<()> {
        match self {
            Self::Wav(wav) => wav.add(sides),
            Self::Opus(opus) => opus.add(sides),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Wav(wav) => wav.finish(),
            Self::Opus(opus) => opus.finish(),
        }
    }
}

/// Opens the seal of a recording: the file within; the length of a WAV is put right.
///
/// # Errors
/// See [`sealed::open`].
pub fn open(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, sealed::SealError> {
    let mut file = sealed::open(key, sealed)?;
    if let Some(length) = file.len().checked_sub(wav::HEAD).filter(|_| file.starts_with(b"RIFF")) {
        file[..wav::HEAD].copy_from_slice(&wav::head(length as u32));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{FRAME_SAMPLES, opus::TwoVoices};

    fn record(format: Format, key: Option<Key>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path(), format, key).unwrap();
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
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, wav::RATE));
        let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(samples.len(), 50 * 2 * FRAME_SAMPLES);
        assert_eq!(samples[2 * 40 * FRAME_SAMPLES..][..2], [100, -40]);
        assert_eq!(samples[2 * 25 * FRAME_SAMPLES..][..2], [0, 0], "paused");
    }

    #[test]
    fn both_sides_are_kept_beside_each_other() {
        let (_folder, path) = record(Format::Wav, None);
        check(&std::fs::read(path).unwrap());
    }

    #[test]
    fn a_sealed_one_is_opened_with_its_key() {
        let key = || Key::new([7; 32]);
        let (_folder, path) = record(Format::Wav, Some(key()));
        let sealed = std::fs::read(path).unwrap();
        assert!(hound::WavReader::new(&sealed[..]).is_err());
        check(&open(&key(), &sealed).unwrap());
    }

    /// Packets as another reader finds them, and how much is to be heard of them (ticks of 48 kHz).
    fn packets(file: Vec<u8>) -> (Vec<Vec<u8>>, u64) {
        let mut reader = ::ogg::PacketReader::new(io::Cursor::new(file));
        let (mut packets, mut end) = (Vec::new(), 0);
        while let Some(packet) = reader.read_packet().unwrap() {
            end = packet.absgp_page();
            packets.push(packet.data);
        }
        (packets, end)
    }

    fn check_opus(file: Vec<u8>) {
        let (packets, end) = packets(file);
        let (head, tags) = (&packets[0], &packets[1]);
        assert!(head.starts_with(b"OpusHead\x01\x02") && tags.starts_with(b"OpusTags"));
        let skip = u64::from(u16::from_le_bytes([head[10], head[11]]));
        assert_eq!(end - skip, 50 * 960, "a second, to the sample");
        let mut decoder = ::opus::Decoder::new(wav::RATE, ::opus::Channels::Stereo).unwrap();
        let mut sound = Vec::new();
        for packet in &packets[2..] {
            let mut room = [0; 2 * 5_760];
            let length = decoder.decode(packet, &mut room, false).unwrap();
            sound.extend_from_slice(&room[..2 * length]);
        }
        let level = |range: std::ops::Range<usize>, side: usize| {
            let of_side = sound[2 * range.start..2 * range.end].iter().skip(side).step_by(2);
            (of_side.map(|s| f64::from(*s).powi(2)).sum::<f64>() / range.len() as f64).sqrt()
        };
        // The caller hums in the first half, the hotline in the second; a pause of 200 ms in the middle.
        let (first, pause, second) = (1_000..6_000, 7_300..9_000, 10_500..15_000);
        for (range, side) in [(first, 0), (second, 1)] {
            let (own, other) = (level(range.clone(), side), level(range, 1 - side));
            assert!(own > 3_000.0 && other < own / 10.0, "side {side}: {own} beside {other}");
        }
        assert!(level(pause.clone(), 0) < 300.0 && level(pause, 1) < 300.0, "paused");
    }

    /// A second in which each side hums for a while.
    fn hum(key: Option<Key>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(folder.path(), Format::Opus, key).unwrap();
        let id = CallId("c-1".into());
        let recording = recorder.begin(&id).unwrap();
        let path = folder.path().join(recording.name());
        for n in 0..50 {
            let at = |i: usize| (n * FRAME_SAMPLES + i) as f32 * std::f32::consts::TAU * 200.0 / 16_000.0;
            let tone = Frame(std::array::from_fn(|i| (8_000.0 * at(i).sin()) as i16));
            recorder.pause(&id, (20..30).contains(&n));
            recording.add(&if n < 25 { [tone, Frame::SILENCE] } else { [Frame::SILENCE, tone] });
        }
        drop(recording);
        let next = recorder.begin(&CallId("c-2".into())).unwrap();
        while !folder.path().join(next.name()).exists() {
            thread::yield_now();
        }
        (folder, path)
    }

    #[test]
    fn opus_keeps_the_sides_apart_and_the_time_exact() {
        let (_folder, path) = hum(None);
        let file = std::fs::read(&path).unwrap();
        assert!(path.ends_with("c-1.opus") && file.len() < 20_000, "{} bytes a second", file.len());
        assert!(TwoVoices::default().delay() > 0);
        check_opus(file);
        match std::process::Command::new("opusinfo").arg(&path).output() {
            Err(error) => println!("skipped: opusinfo (Debian's opus-tools) does not start: {error}"),
            Ok(said) => {
                let said = String::from_utf8_lossy(&said.stdout).into_owned();
                assert!(said.contains("Playback length: 0m:01.000s") && !said.contains("WARNING"), "{said}");
            }
        }
    }

    #[test]
    fn a_sealed_one_in_opus_is_opened_with_its_key() {
        let key = || Key::new([7; 32]);
        let (_folder, path) = hum(Some(key()));
        let sealed = std::fs::read(&path).unwrap();
        assert!(path.ends_with("c-1.opus.sealed") && !sealed.windows(4).any(|bytes| bytes == b"OggS"));
        check_opus(open(&key(), &sealed).unwrap());
    }
}
