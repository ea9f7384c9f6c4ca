//! What can be set, and what it is when nobody sets it.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::sdp::Codec;
use crate::server::engines::choice::{Engine, Places};
use crate::server::recording::Format;
use crate::server::sentence_model::Backend;
use crate::server::sip::{Algorithm, CallsOut, Login, Rate, Strangers, TlsFiles, Trunk};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `sip.*`: where calls arrive.
    pub sip: SipSettings,
    /// `rtp.*`: how sound goes.
    pub rtp: RtpSettings,
    /// `http.listen`: the live page, `/health`, `/metrics`.
    pub http: SocketAddr,
    /// `store.dir`: where the embedded database lives.
    pub data: PathBuf,
    /// `hotline.*`: what is said.
    pub hotline: HotlineSettings,
    /// `engines.*`: recognisers and synthesisers.
    pub engines: EngineSettings,
    /// `recording.*`: what is kept of calls.
    pub recording: RecordingSettings,
    /// `log.format`: `text` or `json`.
    pub log: LogFormat,
    /// `[[trunks]]`: lines to other people's switches.
    pub trunks: Vec<Trunk>,
    /// `[[phones]]`: telephones that may register.
    pub phones: Vec<Login>,
    /// `calls_out.*`: which calls are placed for callers.
    pub calls_out: CallsOut,
}

/// `sip.*`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipSettings {
    /// `sip.listen`: addresses to take calls at, each over UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// `sip.listen_tls`: addresses to take calls at over TLS.
    pub listen_tls: Vec<SocketAddr>,
    /// `sip.listen_ws`: addresses to take calls of browsers at (RFC 7118).
    pub listen_ws: Vec<SocketAddr>,
    /// `sip.listen_wss`: the same, encrypted.
    pub listen_wss: Vec<SocketAddr>,
    /// `sip.requests_per_second`: what each source may ask for outside of dialogs; twice as much at once.
    pub rate: Rate,
    /// `sip.tls_certificate`, `sip.tls_key`, `sip.tls_roots`: files that TLS needs.
    pub tls: TlsFiles,
    /// `sip.max_calls`: calls beyond that get 503 and `Retry-After`.
    pub max_calls: usize,
    /// `sip.strangers`: what becomes of calls that come over no trunk.
    pub strangers: Strangers,
    /// `sip.realm`: the name under which passwords are asked for, and the host of our telephones.
    pub realm: String,
    /// `sip.digests`: by which hashes telephones prove themselves, best first.
    pub digests: Vec<Algorithm>,
    /// `sip.external`: our address as others see it, behind a NAT.
    pub external: Option<IpAddr>,
    /// `sip.stir_anchors`, `sip.stir_certificates`: whose signatures under a caller's number are believed: a file with trust
    /// anchors, and a folder with the networks' certificates.
    pub stir: Option<(PathBuf, PathBuf)>,
}

/// `rtp.*`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpSettings {
    /// `rtp.ports`: UDP ports for media, `LOW-HIGH`.
    pub ports: RangeInclusive<u16>,
    /// `rtp.codecs`: what is spoken, best first. Who calls chooses among them; in our own calls the order counts.
    pub codecs: Vec<Codec>,
    /// `rtp.encryption`: whether sound is protected by SRTP.
    pub encryption: Encryption,
}

/// `rtp.encryption`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Never; who demands it is refused.
    Off,
    /// With those who offer it.
    Allowed,
    /// Always; who does not offer it is refused.
    Required,
}

/// `hotline.*`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotlineSettings {
    /// `hotline.dialplan`: folder of the dialplan.
    pub dialplan: PathBuf,
    /// `hotline.agents`: where humans are reached, in place of the host and port in the dialplan's queues.
    pub agents: Option<SocketAddr>,
    /// `hotline.corpus`: further example sentences, `text<TAB>scene` a line.
    pub corpus: Vec<PathBuf>,
}

/// `engines.*`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// `engines.recogniser`: who recognises, best first; the next one takes over when one fails.
    pub recogniser: Vec<Engine>,
    /// `engines.models`, `engines.vosk_model`, `engines.whisper_model`, `engines.vosk_server`, `engines.openai_*`: where the
    /// recognisers find what they need.
    pub places: Places,
    /// `engines.understanding`: whether the sentence model is used: `linear` (not), `auto` (where it is installed), `minilm`.
    pub understanding: Backend,
    /// `engines.recognisers`: utterances that can be recognised at the same time.
    pub recognisers: usize,
    /// `engines.threads`: threads for recognition, and as many again for synthesis.
    pub threads: usize,
    /// `engines.cache_mb`: memory for rendered prompts \[MiB\].
    pub cache_mb: usize,
    /// `engines.prompts_mb`: disk for prompts that are rendered before anybody hears them \[MiB\]; 0: none are.
    pub prompts_mb: usize,
}

/// `recording.*`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingSettings {
    /// `recording.dir`: folder of the recordings; without it there are none.
    pub dir: Option<PathBuf>,
    /// `recording.format`: what they are written as.
    pub format: Format,
    /// `recording.key`: file with the key that seals them (64 hexadecimal digits); without it anybody can play them.
    pub key: Option<PathBuf>,
    /// `recording.announcement`: what callers are told before the greeting.
    pub announcement: Option<String>,
}

/// `log.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sip: SipSettings {
                listen: vec![SocketAddr::from(([0, 0, 0, 0], 5060))],
                listen_tls: Vec::new(),
                listen_ws: Vec::new(),
                rate: Rate::default(),
                listen_wss: Vec::new(),
                tls: TlsFiles { certificate: "certs/dev.pem".into(), key: "certs/dev.key".into(), roots: None },
                max_calls: 60,
                strangers: Strangers::Welcome,
                realm: "antevox".to_owned(),
                digests: Algorithm::ALL.to_vec(),
                external: None,
                stir: None,
            },
            rtp: RtpSettings { ports: 20_000..=29_999, codecs: Codec::ALL.to_vec(), encryption: Encryption::Allowed },
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: "data".into(),
            hotline: HotlineSettings { dialplan: "dialplans/hotline-en".into(), agents: None, corpus: Vec::new() },
            engines: EngineSettings {
                recogniser: vec![Engine::Pocketsphinx],
                places: Places::default(),
                understanding: Backend::Auto,
                recognisers: 8,
                threads: 2,
                cache_mb: 64,
                prompts_mb: 256,
            },
            recording: RecordingSettings::default(),
            log: LogFormat::Text,
            trunks: Vec::new(),
            phones: Vec::new(),
            calls_out: CallsOut::default(),
        }
    }
}
