//! Starting: everything that calls need, in the order in which it is most likely to be wrong.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{Timestamp, Zoned};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::certificate::CertificateError;
use super::engines::prompt_store::PromptStore;
use super::engines::{EarPool, MouthPool, choice, voices};
use super::hotline::{HotlineError, Prepared};
use super::http::{self, Site};
use super::learned;
use super::recording::Recorder;
use super::recording::sealed::{Key, SealError};
use super::rendering::Rendering;
use super::rtp::{RtpError, RtpPorts};
use super::sentence_model::{self, Backend, REMEDY, SentenceModelError};
use super::shelf::{HotlineShelf, Source};
use super::sip::{IncomingCall, SipConfig, SipEdge, SipError, Stir, Tls, Transport};
use super::store::{Store, StoreError};
use super::{Clock, House, Ready, Server, calls, certificate, telemetry, who};
use crate::config::{Encryption, Settings};
use crate::speech::asr::AsrError;
use crate::speech::tts::{ClauseCache, TtsError, Voice};

/// What keeps a server from starting, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Dialplan or corpora.
    #[error(transparent)]
    Hotline(#[from] HotlineError),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Recognition.
    #[error("speech recognition cannot start: {0}")]
    Ears(#[from] AsrError),
    /// Understanding.
    #[error("what callers say cannot be understood: {0}")]
    Sentences(#[from] SentenceModelError),
    /// Synthesis.
    #[error("speech synthesis cannot start: {0}")]
    Mouth(#[from] TtsError),
    /// Media.
    #[error(transparent)]
    Rtp(#[from] RtpError),
    /// Keys for media.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Signalling.
    #[error(transparent)]
    Sip(#[from] SipError),
    /// Counting.
    #[error("figures cannot be collected: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// The key of recordings.
    #[error(transparent)]
    Key(#[from] SealError),
    /// The folder of recordings.
    #[error("{}: recordings cannot be kept there: {source}; choose another folder with recording.dir", .folder.display())]
    Recording {
        /// Where.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The page.
    #[error("cannot listen for HTTP on {address}: {source}; choose another address with --http")]
    Http {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Server {
    /// Starts everything. When this returns, calls are taken.
    ///
    /// # Errors
    /// The first thing that is wrong; what was started before it is stopped again.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        Self::start_with_clock(settings, Arc::new(|_| Zoned::now())).await
    }

    /// The same, for calls that go by another clock.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with_clock(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let metrics = telemetry::count()?;
        let closing = CancellationToken::new();
        let hang_up = CancellationToken::new();
        let http = TcpListener::bind(settings.http)
            .await
            .map_err(|source| StartError::Http { address: settings.http, source })?;
        let http_address = http.local_addr().map_err(|source| StartError::Http { address: settings.http, source })?;
        let store = open_store(&settings).await?;
        let guess = who::model(&store).await?;
        let Engines { source, prepared, is_complete, ears, mouths, rendering } = {
            let settings = settings.clone();
            let products = store.products().await?;
            // Learning and loading take seconds of computing: not on a thread that serves sockets.
            tokio::task::spawn_blocking(move || engines(&settings, products)).await.unwrap_or_else(|panicked| {
                std::panic::resume_unwind(panicked.into_panic());
            })?
        };
        let (edge, incoming) = SipEdge::start(sip_config(&settings)?, CancellationToken::new()).await?;
        let board = Arc::new(Board::default());
        let hotlines = Arc::new(HotlineShelf::new(source, prepared.hotline, is_complete));
        let recorder = open_recorder(&settings)?;
        let house = Arc::new(House {
            hotlines: hotlines.clone(),
            guess: tokio::sync::RwLock::new(guess),
            learning: tokio::sync::Mutex::default(),
            store,
            ears,
            mouths,
            sip: edge.clone(),
            ports: RtpPorts::new(settings.sip.listen[0].ip(), settings.rtp.ports.clone())?,
            codecs: settings.rtp.codecs.clone(),
            encryption: settings.rtp.encryption,
            engine: match settings.rtp.encryption {
                Encryption::Off => None,
                Encryption::Allowed | Encryption::Required => Some(certificate::engine()?),
            },
            recorder: recorder.clone(),
            announcement: settings.recording.announcement.clone().filter(|_| recorder.is_some()),
            board: board.clone(),
            clock,
            started: Timestamp::now(),
            hang_up: hang_up.clone(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(take_calls(house, incoming, tasks.clone(), closing.clone()));
        tasks.spawn(hotlines.clone().watch(closing.clone()));
        if let Some(rendering) = rendering {
            tasks.spawn(rendering.keep_up(hotlines.served(), closing.clone()));
        }
        let site = Site { board: board.clone(), hotlines, recorder, metrics, closing: closing.clone() };
        tasks.spawn(async move {
            if let Err(error) = http::serve(http, site).await {
                tracing::error!(%error, "the page is gone");
            }
        });
        let sip =
            edge.bound().iter().map(|(transport, address)| format!("{}:{address}", transport.name().to_lowercase()));
        let ready = Ready { ready: true, sip: sip.collect(), http: http_address };
        let (sip, out) = (&settings.sip, &settings.calls_out);
        tracing::info!(
            strangers = ?sip.strangers, max_calls = sip.max_calls, trunks = settings.trunks.len(), phones = settings.phones.len(),
            out_per_minute = out.per_minute, out_at_once = out.at_once, out_per_day = out.per_day, "limits"
        );
        if let Ok(limits) = serde_json::to_string(&edge.limits()) {
            tracing::info!(%limits, "strangers");
        }
        tracing::info!(sip = ?ready.sip, http = %ready.http, "ready");
        Ok(Self { ready, board, sip: edge, tasks, closing, hang_up })
    }
}

/// Opens the folder of recordings, where there shall be some.
fn open_recorder(settings: &Settings) -> Result<Option<Recorder>, StartError> {
    let recording = &settings.recording;
    let Some(folder) = &recording.dir else { return Ok(None) };
    let key = recording.key.as_deref().map(Key::from_file).transpose()?;
    let recorder = Recorder::new(folder, recording.format, key);
    Ok(Some(recorder.map_err(|source| StartError::Recording { folder: folder.clone(), source })?))
}

/// Opens the store; the first start puts the demo set into it.
async fn open_store(settings: &Settings) -> Result<Store, StoreError> {
    let store = Store::open(&settings.data).await?;
    if store.import_demo(Zoned::now().datetime()).await? {
        tracing::info!("the store holds the demo set; put your own tables into it with `antevox import`");
    }
    Ok(store)
}

/// What takes seconds of computing to make ready.
struct Engines {
    /// Where the hotline comes from, now and when its files change.
    source: Source,
    prepared: Prepared,
    /// Whether there is nothing left to learn.
    is_complete: bool,
    ears: EarPool,
    mouths: MouthPool,
    rendering: Option<Rendering>,
}

/// Where rendered prompts are kept, in the folder of the store.
const PROMPTS: &str = "prompts";

/// `products` are names that callers may say.
fn engines(settings: &Settings, products: Vec<String>) -> Result<Engines, StartError> {
    let (hotline, engines) = (&settings.hotline, &settings.engines);
    let encoder = sentence_model::open(&engines.places.models, engines.understanding)?;
    if encoder.is_none() && engines.understanding == Backend::Auto {
        tracing::info!("the sentence model is not installed; `{REMEDY}` brings it, and callers are understood better");
    }
    let source = Source {
        folder: hotline.dialplan.clone(),
        more: hotline.corpus.clone(),
        agents: hotline.agents,
        encoder,
        learned: settings.data.join(learned::FILE),
    };
    let (mut prepared, is_complete) = source.prepare_quickly()?;
    prepared.material.names = products;
    let model = choice::load(&engines.recogniser, &engines.places, &prepared.material)?;
    // Recognisers that wait for a network must not wait for each other.
    let threads = if model.is_slow() { engines.recognisers } else { engines.threads };
    let ears = EarPool::new(&*model, engines.recognisers, threads)?;
    let plan = &prepared.hotline.plan;
    let voice = match &plan.voice {
        Some(name) => name.parse()?,
        None => Voice::default_for(plan.lang),
    };
    let voice = voice.clear();
    let cache = Arc::new(clause_cache(settings));
    let server = engines.places.openai.as_ref();
    // A mouth that waits for a network must not keep others waiting.
    let threads =
        if server.is_some_and(|server| server.voice.is_some()) { engines.recognisers } else { engines.threads };
    let mouths = (0..threads).map(|_| voices::mouth(cache.clone(), server)).collect::<Result<_, _>>()?;
    let mouths = MouthPool::new(mouths, &voice)?;
    let rendering = Rendering::new(voices::mouth(cache, server)?, voice);
    let rendering = (engines.prompts_mb > 0).then_some(rendering);
    Ok(Engines { source, prepared, is_complete, ears, mouths, rendering })
}

fn clause_cache(settings: &Settings) -> ClauseCache {
    let engines = &settings.engines;
    let cache = ClauseCache::new(engines.cache_mb << 20);
    if engines.prompts_mb == 0 {
        return cache;
    }
    let folder = settings.data.join(PROMPTS);
    match PromptStore::open(folder.clone(), (engines.prompts_mb as u64) << 20) {
        Ok(store) => cache.backed_by(Arc::new(store)),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "rendered prompts are not kept from one start to the next");
            cache
        }
    }
}

fn sip_config(settings: &Settings) -> Result<SipConfig, SipError> {
    let sip = &settings.sip;
    let both = |&address: &SocketAddr| [(Transport::Udp, address), (Transport::Tcp, address)];
    let others =
        [(Transport::Tls, &sip.listen_tls), (Transport::Ws, &sip.listen_ws), (Transport::Wss, &sip.listen_wss)];
    let others = others.into_iter().flat_map(|(kind, list)| list.iter().map(move |&address| (kind, address)));
    let listen: Vec<_> = sip.listen.iter().flat_map(both).chain(others).collect();
    let is_encrypted = listen.iter().any(|(transport, _)| transport.is_encrypted());
    Ok(SipConfig {
        listen,
        tls: if is_encrypted { Some(Tls::load(&sip.tls)?) } else { None },
        max_calls: sip.max_calls,
        external: sip.external,
        trunks: settings.trunks.clone(),
        phones: settings.phones.clone(),
        strangers: sip.strangers,
        realm: sip.realm.clone(),
        digests: sip.digests.clone(),
        stir: match &sip.stir {
            Some((anchors, certificates)) => Some(Stir::load(anchors, certificates)?),
            None => None,
        },
        calls_out: settings.calls_out.clone(),
        rate: sip.rate,
        ..SipConfig::default()
    })
}

/// One task for each call, until no more are taken.
async fn take_calls(
    house: Arc<House>,
    mut incoming: mpsc::Receiver<IncomingCall>,
    tasks: TaskTracker,
    closing: CancellationToken,
) {
    let numbers = AtomicU64::new(1);
    loop {
        let call = tokio::select! {
            () = closing.cancelled() => return,
            call = incoming.recv() => call,
        };
        let Some(call) = call else { return };
        tasks.spawn(calls::serve(house.clone(), call, numbers.fetch_add(1, Ordering::Relaxed)));
    }
}
