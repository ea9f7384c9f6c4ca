//! Fetching models by HTTP from whoever publishes them.
//!
//! ```text
//! URL ─► models/NAME.part (goes on where it was interrupted) ─► SHA-256 ─► zip unpacked, or one file ─► models/NAME
//! ```
//!
//! The folder appears when everything in it is right, and not before. What was interrupted stays as `NAME.part`, and the next
//! run asks for the rest of it (RFC 9110 §14).

use std::fs;
use std::io::{self, IsTerminal as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{StatusCode, header};
use http_body_util::BodyExt as _;

use super::fetch::{self, FetchError};
use crate::server::http_client::{self, HttpError};
use crate::server::sentence_model::sha256;

/// How often an interrupted transfer is taken up again within one run.
const ATTEMPTS: u32 = 5;
/// How long is waited before that, for each attempt so far.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the server may send nothing.
const STALLED: Duration = Duration::from_secs(30);

/// A model that somebody publishes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Download {
    /// Where it lies, without the file's name.
    pub(super) base: &'static str,
    /// The file's name there.
    pub(super) file: &'static str,
    /// What it should be, where that is known from more than one source; no publisher tells it beside the file.
    pub(super) sha256: Option<&'static str>,
    /// What is made of it.
    pub(super) form: Form,
}

/// What a downloaded file is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A zip file with one folder in it, which becomes the model's.
    Zip,
    /// The model itself, under this name in its folder.
    File(&'static str),
}

/// Why a model did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    /// No connection, or no HTTP.
    #[error("{url}: {source}; check the network, or give a mirror with --base URL")]
    Http {
        /// Which.
        url: String,
        /// What went wrong.
        source: HttpError,
    },
    /// The server has no such file.
    #[error("{url}: the server answered {status}; give another place with --base URL")]
    Refused {
        /// Which.
        url: String,
        /// What it answered.
        status: StatusCode,
    },
    /// The transfer broke off again and again.
    #[error("{url}: broke off after {have} of {want} bytes; run this again, and it goes on from there")]
    BrokenOff {
        /// Which.
        url: String,
        /// How much is there.
        have: u64,
        /// How much there is.
        want: u64,
    },
    /// What arrived is something else.
    #[error("{url}: checksum {found} instead of {wanted}; what came is damaged or another model, and was removed")]
    OtherChecksum {
        /// Which.
        url: String,
        /// SHA-256 of what came.
        found: String,
        /// SHA-256 of what should have come.
        wanted: &'static str,
    },
    /// A file cannot be written.
    #[error("{}: {source}; free space or choose another folder with --models", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The zip file does not unpack.
    #[error(transparent)]
    Unpacked(#[from] FetchError),
    /// The zip file holds something else.
    #[error("{url}: expected a zip file with one folder in it; what came was removed")]
    OtherForm {
        /// Which.
        url: String,
    },
}

/// How one attempt ended.
enum Progress {
    Whole,
    BrokenOff { have: u64, want: u64 },
}

impl Download {
    /// Puts the model into the folder `to`, from `base` in place of where it is published if there is one.
    pub(super) fn fetch(&self, to: &Path, base: Option<&str>) -> Result<(), DownloadError> {
        let url = format!("{}/{}", base.unwrap_or(self.base).trim_end_matches('/'), self.file);
        let part = to.with_file_name(format!("{}.part", to.file_name().unwrap_or_default().to_string_lossy()));
        let models = to.parent().unwrap_or(Path::new("."));
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| DownloadError::Unwritable { path, source }
        };
        fs::create_dir_all(models).map_err(unwritable(models))?;
        transfer_whole(&url, &part)?;
        let found = sha256(&part).map_err(unwritable(&part))?;
        match self.sha256 {
            Some(wanted) if found != wanted => {
                fs::remove_file(&part).map_err(unwritable(&part))?;
                return Err(DownloadError::OtherChecksum { url, found, wanted });
            }
            Some(_) => eprintln!("{}: the checksum is right", self.file),
            None => eprintln!("{}: no checksum is known to compare with; its SHA-256 is {found}", self.file),
        }
        // Beside its place, so that the last step is a change of name.
        let work = tempfile::tempdir_in(models).map_err(unwritable(models))?;
        let ready = match self.form {
            Form::File(name) => {
                let ready = work.path().join("ready");
                fs::create_dir(&ready).map_err(unwritable(&ready))?;
                fs::rename(&part, ready.join(name)).map_err(unwritable(&ready))?;
                ready
            }
            Form::Zip => {
                let unpacked = work.path().join("unpacked");
                let outcome = fetch::unpack(&part, &unpacked);
                fs::remove_file(&part).map_err(unwritable(&part))?;
                outcome?;
                only_folder(&unpacked).ok_or(DownloadError::OtherForm { url })?
            }
        };
        if to.exists() {
            fs::remove_dir_all(to).map_err(unwritable(to))?;
        }
        fs::rename(&ready, to).map_err(unwritable(to))
    }
}

fn only_folder(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?.flatten();
    let only = entries.next()?.path();
    (entries.next().is_none() && only.is_dir()).then_some(only)
}

/// Transfers `url` into the file `part`, taking it up again where it breaks off.
fn transfer_whole(url: &str, part: &Path) -> Result<(), DownloadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| DownloadError::Unwritable { path: part.to_owned(), source })?;
    runtime.block_on(async {
        let (mut have, mut want) = (0, 0);
        for attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
            match transfer(url, part).await? {
                Progress::Whole => return Ok(()),
                // An attempt that ended before the server said how much there is leaves what another one heard.
                Progress::BrokenOff { have: now, want: told } => (have, want) = (now, want.max(told)),
            }
        }
        Err(DownloadError::BrokenOff { url: url.to_owned(), have, want })
    })
}

/// One attempt: asks for what is missing, and appends what comes.
async fn transfer(url: &str, part: &Path) -> Result<Progress, DownloadError> {
    let unwritable = |source| DownloadError::Unwritable { path: part.to_owned(), source };
    let http = |source| DownloadError::Http { url: url.to_owned(), source };
    let opened = fs::OpenOptions::new().create(true).write(true).truncate(false).open(part);
    let mut file = opened.map_err(unwritable)?;
    let mut have = file.seek(SeekFrom::End(0)).map_err(unwritable)?;
    let range = [(header::RANGE, format!("bytes={have}-"))];
    let asked = http_client::get(url, if have > 0 { &range } else { &[] });
    let response = match tokio::time::timeout(STALLED, asked).await {
        Ok(Err(HttpError::Broken(_))) => return Ok(Progress::BrokenOff { have, want: 0 }),
        Ok(response) => response.map_err(http)?,
        Err(_) => return Ok(Progress::BrokenOff { have, want: 0 }),
    };
    let number = |name| response.headers().get(name)?.to_str().ok()?.parse::<u64>().ok();
    let length = number(header::CONTENT_LENGTH);
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {}
        // There is nothing after what we have, or the file is another one by now: begin again, the checksum will tell.
        StatusCode::RANGE_NOT_SATISFIABLE => {
            file.set_len(0).map_err(unwritable)?;
            return Ok(Progress::BrokenOff { have: 0, want: have });
        }
        StatusCode::OK => {
            file.set_len(0).and_then(|()| file.rewind()).map_err(unwritable)?;
            have = 0;
        }
        status => return Err(DownloadError::Refused { url: url.to_owned(), status }),
    }
    let want = length.map(|length| have + length);
    let mut body = response.into_body();
    loop {
        let data = match tokio::time::timeout(STALLED, body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            // Without a length, the end of the connection is the end of the file.
            Ok(None) if want.is_none_or(|want| have == want) => break,
            Ok(None | Some(Err(_))) | Err(_) => {
                return Ok(Progress::BrokenOff { have, want: want.unwrap_or(have) });
            }
        };
        file.write_all(&data).map_err(unwritable)?;
        have += data.len() as u64;
        show(have, want);
    }
    if io::stderr().is_terminal() {
        eprintln!();
    }
    Ok(Progress::Whole)
}

fn show(have: u64, want: Option<u64>) {
    const MEGA: u64 = 1_000_000;
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        let of = want.map_or(String::new(), |want| format!(" of {}", want / MEGA));
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(terminal, "\r{}{of} MB", have / MEGA);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use axum::body::{Body, Bytes};
    use axum::extract::Request;
    use axum::http::Response;
    use futures_util::StreamExt as _;

    use super::*;

    /// What a server does with one request after the other; the last holds for all that follow.
    #[derive(Clone, Copy)]
    enum Mood {
        /// Sends all that is asked for.
        Fine,
        /// Says how much there is, and breaks off after so many bytes.
        BreaksOff(usize),
        /// Knows nothing of ranges.
        SendsAll,
    }

    fn content() -> Vec<u8> {
        (0..200_000_u32).flat_map(|i| i.wrapping_mul(i).to_le_bytes()).collect()
    }

    const SHA256_OF_CONTENT: &str = "a9ce9d98379e820893333d75e33454d1e4ad28d323739679bee2971aa11b129e";

    /// Serves [`content`]; tells the `Range` of each request.
    fn server(moods: &'static [Mood]) -> (String, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let log = asked.clone();
        let answer = move |request: Request| {
            let mut log = log.lock().unwrap();
            let mood = moods[log.len().min(moods.len() - 1)];
            let range = request.headers().get(header::RANGE).map_or("", |range| range.to_str().unwrap()).to_owned();
            log.push(range.clone());
            let from =
                range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()).unwrap_or(0);
            let (from, most) = match mood {
                Mood::Fine => (from, usize::MAX),
                Mood::BreaksOff(most) => (from, most),
                Mood::SendsAll => (0, usize::MAX),
            };
            let rest = content()[from..].to_vec();
            let status = if from > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
            let sent = Bytes::from(rest[..most.min(rest.len())].to_vec());
            let whole = sent.len() == rest.len();
            // What was sent is on its way before the connection breaks.
            let later = futures_util::stream::once(async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Err(io::Error::other("broken off"))
            });
            let body = futures_util::stream::iter([Ok(sent)]).chain(later);
            let body = Body::from_stream(body.take(if whole { 1 } else { 2 }));
            let response = Response::builder().status(status).header(header::CONTENT_LENGTH, rest.len());
            std::future::ready(response.body(body).unwrap())
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = axum::Router::new().route("/model.bin", axum::routing::get(answer));
                axum::serve(listener, router).await.unwrap();
            });
        });
        (format!("http://{address}"), asked)
    }

    fn download(sha256: Option<&'static str>) -> Download {
        Download { base: "http://127.0.0.1:1", file: "model.bin", sha256, form: Form::File("ggml.bin") }
    }

    #[test]
    fn an_interrupted_download_goes_on_where_it_broke_off() {
        let models = tempfile::tempdir().unwrap();
        let to = models.path().join("whisper");
        let (base, asked) = server(&[Mood::BreaksOff(300_000), Mood::BreaksOff(100_000), Mood::Fine]);
        download(Some(SHA256_OF_CONTENT)).fetch(&to, Some(&base)).unwrap();
        assert_eq!(fs::read(to.join("ggml.bin")).unwrap(), content());
        let asked = asked.lock().unwrap();
        let from: Vec<usize> = asked[1..].iter().map(|range| range[6..range.len() - 1].parse().unwrap()).collect();
        // How much of what was sent arrives is the system's business; no more is asked for twice than what did not.
        assert_eq!((asked[0].as_str(), from.len()), ("", 2));
        assert!(0 < from[0] && from[0] <= 300_000 && from[0] <= from[1] && from[1] <= from[0] + 100_000, "{from:?}");
        assert_eq!(fs::read_dir(models.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_breaks_off_for_good_is_told_and_kept_for_the_next_run() {
        let models = tempfile::tempdir().unwrap();
        let to = models.path().join("whisper");
        let (base, _) = server(&[Mood::BreaksOff(1_000)]);
        let told = download(None).fetch(&to, Some(&base)).unwrap_err().to_string();
        assert!(told.contains("of 800000 bytes") && told.contains("run this again"), "{told}");
        assert!(!to.exists());
        let (base, asked) = server(&[Mood::Fine]);
        download(None).fetch(&to, Some(&base)).unwrap();
        assert_eq!(fs::read(to.join("ggml.bin")).unwrap(), content());
        assert!(asked.lock().unwrap()[0].starts_with("bytes="), "{asked:?}");
    }

    #[test]
    fn a_server_without_ranges_sends_it_all_again() {
        let models = tempfile::tempdir().unwrap();
        let to = models.path().join("whisper");
        let (base, _) = server(&[Mood::BreaksOff(1_000), Mood::SendsAll]);
        download(Some(SHA256_OF_CONTENT)).fetch(&to, Some(&base)).unwrap();
        assert_eq!(fs::read(to.join("ggml.bin")).unwrap(), content());
    }

    #[test]
    fn another_file_is_refused_and_removed() {
        let models = tempfile::tempdir().unwrap();
        let to = models.path().join("whisper");
        let (base, _) = server(&[Mood::Fine]);
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let told = download(Some(wanted)).fetch(&to, Some(&base)).unwrap_err();
        assert!(matches!(told, DownloadError::OtherChecksum { .. }), "{told}");
        assert_eq!(fs::read_dir(models.path()).unwrap().count(), 0);
        let zip = Download { form: Form::Zip, ..download(None) };
        // Without Python the answer is another, and nothing is left all the same.
        assert!(matches!(zip.fetch(&to, Some(&base)), Err(DownloadError::Unpacked(_))));
        assert_eq!(fs::read_dir(models.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_there_is_told_with_the_remedy() {
        let models = tempfile::tempdir().unwrap();
        let (base, _) = server(&[Mood::Fine]);
        let elsewhere = Download { file: "other.bin", ..download(None) };
        let told = elsewhere.fetch(&models.path().join("m"), Some(&base)).unwrap_err().to_string();
        assert!(told.contains("404") && told.contains("--base"), "{told}");
        let nobody = download(None).fetch(&models.path().join("m"), None).unwrap_err().to_string();
        assert!(nobody.contains("cannot connect"), "{nobody}");
    }
}
