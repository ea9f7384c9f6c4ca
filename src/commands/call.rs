//! `antevox call`: place a scripted call over real SIP and RTP, and say what a caller would have noticed.
//!
//! ```text
//! steps ─► script ─► caller (20 ms ticks) ─► phone ─► line ─► RTP       SIP: server::sip, as for any other leg
//!                         ▲                            │
//!                         └──── audible? ◄─────────────┴─► figures ─► table or JSON
//! ```

#![allow(clippy::disallowed_methods, reason = "a command reads the clock")]

mod caller;
pub(super) mod figures;
mod line;
pub(super) mod phone;
mod script;
pub(super) mod sound;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::leg::LegEvent;
use crate::sdp::Direction;
use crate::server::rtp::{DEFAULT_RANGE, RtpPorts};
use crate::server::sip::{Credentials, Dial, SipConfig, SipEdge, Tls, Transport, local_address_towards, resolve};
use crate::speech::tts::Voice;
use crate::units::{Lang, Pii};
use caller::{Act, Caller, Request, frames};
use figures::Report;
use line::Line;
use phone::{News, Phone, Ringing};
use script::Step;
use sound::Utterance;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Place a scripted call over real SIP and RTP.
#[derive(Debug, clap::Args)]
pub struct Call {
    /// Whom to call: sip:USER@HOST[:PORT][;transport=tcp|tls].
    uri: String,
    /// What to do, in order: say:F.wav text:WORDS barge:S:F.wav barge:S:text:WORDS listen[:S] dtmf:KEYS wait:S hold resume
    /// hangup.
    #[arg(value_name = "STEP", default_value = "listen")]
    steps: Vec<String>,
    /// The number to call from.
    #[arg(long, default_value = "13800000001")]
    from: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Record both sides: the caller left, the server right.
    #[arg(long, value_name = "F.wav")]
    out: Option<PathBuf>,
    /// Longest call \[s\].
    #[arg(long, value_name = "S", default_value_t = 90.0)]
    max: f64,
    /// Language of `text:` steps; chooses the voice where none is named.
    #[arg(long, value_enum, default_value_t = LangName::En)]
    lang: LangName,
    /// Voice of `text:` steps, one of `antevox speak --list`.
    #[arg(long)]
    voice: Option<String>,
    /// User name, where the server asks for one.
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// Certificates to believe when calling by TLS, PEM; the certificate of the server itself will do.
    #[arg(long, value_name = "F.pem")]
    tls_roots: Option<PathBuf>,
    /// Password for --user.
    #[arg(long, requires = "user")]
    password: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LangName {
    En,
    Zh,
}

impl Call {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let acts = self.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (report, line) = runtime.block_on(self.place(acts))?;
        if let (Some(path), Some(line)) = (&self.out, &line) {
            line.write_wav(path).map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
        }
        if self.json {
            println!("{}", report.json());
        } else {
            println!("{}", report.table());
        }
        report.error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Reads the steps and loads their sound, so that a mistake shows before anybody is called.
    fn load(&self) -> Result<Vec<(String, Act)>, Failure> {
        let lang = match self.lang {
            LangName::En => Lang::En,
            LangName::Zh => Lang::Zh,
        };
        let voice = self.voice.as_deref().map_or_else(|| Ok(Voice::default_for(lang)), str::parse)?;
        if !(0.0..=86_400.0).contains(&self.max) {
            return Err("--max: give a number of seconds from 0 to 86400".into());
        }
        let mut loaded: HashMap<String, Arc<Utterance>> = HashMap::new();
        let mut load = |source: &script::Source| -> Result<Arc<Utterance>, Failure> {
            let key = format!("{source:?}");
            if let Some(utterance) = loaded.get(&key) {
                return Ok(Arc::clone(utterance));
            }
            let utterance = Arc::new(Utterance::load(source, &voice)?);
            loaded.insert(key, Arc::clone(&utterance));
            Ok(utterance)
        };
        let mut acts = Vec::new();
        for text in &self.steps {
            let act = match text.parse::<Step>()? {
                Step::Say(source) => Act::Say(load(&source)?),
                Step::Barge { after, source } => Act::Barge { after: frames(after), utterance: load(&source)? },
                Step::Listen { quiet } => Act::Listen { quiet: frames(quiet) },
                Step::Wait(time) => Act::Wait(frames(time)),
                Step::Keys(keys) => Act::Keys(keys),
                Step::Hold => Act::Hold,
                Step::Resume => Act::Resume,
                Step::HangUp => Act::HangUp,
            };
            acts.push((text.clone(), act));
        }
        Ok(acts)
    }

    async fn place(&self, acts: Vec<(String, Act)>) -> Result<(Report, Option<Line>), Failure> {
        let (transport, peer) = resolve(&self.uri).await?;
        let local = local_address_towards(peer).ok_or_else(|| format!("{}: there is no way to {peer}", self.uri))?;
        let mut listen = vec![(Transport::Udp, SocketAddr::new(local, 0))];
        if transport == Transport::Tcp {
            listen.push((Transport::Tcp, SocketAddr::new(local, 0)));
        }
        let cancel = CancellationToken::new();
        let tls = self.tls_roots.as_deref().map(Tls::calling).transpose()?;
        if transport == Transport::Tls && tls.is_none() {
            return Err(format!("{}: say with --tls-roots which certificates to believe", self.uri).into());
        }
        let (edge, _calls) =
            SipEdge::start(SipConfig { listen, tls, max_calls: 0, ..SipConfig::default() }, cancel).await?;
        let credentials = self.user.clone().zip(self.password.clone());
        let dial = Dial {
            target: self.uri.clone(),
            from: self.from.clone(),
            credentials: credentials.map(|(user, password)| Credentials { user, password: Pii(password), realm: None }),
            ..Dial::default()
        };
        let ringing = Ringing::dial(&edge, &RtpPorts::new(local, DEFAULT_RANGE)?, dial).await?;
        let mut report = Report::default();
        let phone = match ringing.answered().await {
            Ok(phone) => phone,
            Err(error) => {
                report.error = Some(error);
                return Ok((report, None));
            }
        };
        report.answered = true;
        report.setup = Some(phone.setup);
        let mut talk = Talk { phone, caller: Caller::new(acts) };
        talk.run(Duration::from_secs_f64(self.max), &mut report).await;
        Ok((talk.finish(report, &edge).await, Some(talk.phone.line)))
    }
}

/// An answered call.
struct Talk {
    phone: Phone,
    caller: Caller,
}

impl Talk {
    async fn run(&mut self, max: Duration, report: &mut Report) {
        while !self.caller.is_done() {
            match self.phone.next().await {
                News::Tick if self.phone.elapsed() > max => self.caller.cut_off("the time was up"),
                News::Tick => self.frame().await,
                News::Sound(frames) => frames.into_iter().for_each(|(frame, audible)| self.caller.hear(frame, audible)),
                News::Leg(event) => self.take(event, report),
            }
        }
    }

    async fn frame(&mut self) {
        let deeds = self.caller.tick(self.phone.line.is_pressing());
        match deeds.request {
            Some(Request::Press(keys)) if !self.phone.line.press(&keys) => {
                self.caller.cut_off("the server does not take keys");
            }
            Some(Request::Hold) => self.update(Direction::SendOnly),
            Some(Request::Resume) => self.update(Direction::SendReceive),
            Some(Request::Press(_) | Request::HangUp) | None => {}
        }
        self.phone.send(deeds.sound).await;
    }

    fn update(&mut self, direction: Direction) {
        if !self.phone.update(direction) {
            self.caller.updated(false);
        }
    }

    fn take(&mut self, event: Option<LegEvent>, report: &mut Report) {
        match event {
            Some(LegEvent::Answered { sdp }) => self.caller.updated(self.phone.updated(&sdp)),
            Some(LegEvent::UpdateRefused { .. }) => self.caller.updated(false),
            Some(LegEvent::Updated { sdp }) => {
                self.caller.note("server changed the media");
                self.phone.answer_update(sdp.as_deref());
            }
            Some(LegEvent::Referred { status }) => report.referred_to = Some(status),
            Some(
                LegEvent::Rang | LegEvent::Progressed { .. } | LegEvent::Acknowledged { .. } | LegEvent::Pressed { .. },
            ) => {}
            Some(LegEvent::Ended { .. }) | None => {
                self.caller.note("server hung up");
                self.caller.cut_off("the server hung up");
            }
        }
    }

    /// Hangs up and gathers the figures.
    async fn finish(&mut self, mut report: Report, edge: &SipEdge) -> Report {
        self.phone.hang_up();
        for _ in 0..100 {
            if edge.legs() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        report.frames = self.caller.now();
        report.error = self.caller.error.take();
        report.spoken = std::mem::take(&mut self.caller.spoken);
        report.events = std::mem::take(&mut self.caller.events);
        report.audible = self.phone.audible();
        report.traffic = std::mem::take(&mut self.phone.line.traffic);
        report
    }
}
