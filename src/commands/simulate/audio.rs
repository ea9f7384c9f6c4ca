//! Simulated callers on the telephone: everything between their words and the dialog is real.
//!
//! ```text
//! Profile ─► Talk ─ words ─► synthesis ─► G.711, RTP, SIP on loopback ─► server in this process ─► CallRecord ─► report
//!             ▲                                                             │
//!             └──────────── board: what is asked (Happened::Listening) ◄────┘
//! ```
//!
//! A call is found on the board by the number that it calls: each caller calls one of their own. The server works on a copy
//! of the store, since it keeps records and learns from its calls; the operator's data stays as it was.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;
use jiff::tz::TimeZone;
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::talk::{Deed, Held, Talk};
use crate::call::{CallEvent, CallRecord, Happened};
use crate::commands::call::phone::{News, Phone, Ringing};
use crate::commands::call::sound::Utterance;
use crate::commands::loopback::Loopback;
use crate::config::HotlineSettings;
use crate::dialog::dialplan::Plan;
use crate::dialog::simulated::Profile;
use crate::leg::LegEvent;
use crate::server::rtp::{DEFAULT_RANGE, RtpPorts};
use crate::server::sip::{Dial, SipConfig, SipEdge, Transport};
use crate::server::store::Store;
use crate::server::{Clock, dialplan_files};
use crate::speech::tts::Voice;
use crate::units::{CallId, Lang};

type Failure = Box<dyn std::error::Error + Send + Sync>;
/// Sound on its way.
type Making = JoinHandle<Result<Utterance, Failure>>;

/// Longest call; one that takes longer goes nowhere.
const MAX_CALL: Duration = Duration::from_secs(300);
/// How long the server may take to close a call's record after the caller hung up.
const MAX_CLOSING: Duration = Duration::from_secs(10);

/// What a run needs to be told.
pub(super) struct Wanted<'a> {
    /// The hotline.
    pub(super) hotline: HotlineSettings,
    /// Folder of the store with members and orders.
    pub(super) data: Option<&'a Path>,
    /// Chooses the callers' moods.
    pub(super) seed: u64,
    /// Calls at the same time.
    pub(super) parallel: usize,
    /// The callers' voices, in turn; empty for those of persons other than the hotline's.
    pub(super) voices: Vec<Voice>,
}

/// Calls that were spoken, each with the voice of its caller.
pub(super) struct Spoken {
    pub(super) calls: Vec<(&'static str, Held)>,
    pub(super) lang: Lang,
}

/// Lets `profiles` call.
pub(super) fn hold(wanted: Wanted<'_>, profiles: Vec<Profile>) -> Result<Spoken, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(play(wanted, profiles))
}

async fn play(wanted: Wanted<'_>, profiles: Vec<Profile>) -> Result<Spoken, Failure> {
    let (plan, _) = dialplan_files::load(&wanted.hotline.dialplan).map_err(|found| found.to_string())?;
    let voices = if wanted.voices.is_empty() { voices(&plan) } else { wanted.voices };
    let store = tempfile::tempdir()?;
    if let Some(data) = wanted.data {
        Store::copy(data, store.path()).await?;
    }
    eprintln!("Starting a hotline: learning the dialplan, loading the models …");
    let server = Loopback::start(wanted.hotline, store.path(), clock(&profiles)).await?;
    eprintln!("Live page: http://{}", server.http);
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = SipConfig { listen: vec![(Transport::Udp, here)], max_calls: 0, ..SipConfig::default() };
    let (edge, _nobody_calls) = SipEdge::start(config, CancellationToken::new()).await?;
    let lang = plan.lang;
    let town = Arc::new(Town {
        ports: RtpPorts::new(here.ip(), DEFAULT_RANGE)?,
        edge,
        server,
        plan,
        voices,
        seed: wanted.seed,
    });
    let calls = town.clone().all_call(profiles, wanted.parallel).await?;
    if let Ok(town) = Arc::try_unwrap(town) {
        town.server.stop().await?;
    }
    Ok(Spoken { calls, lang })
}

/// Each call has the time of its profile, by the number that it calls.
fn clock(profiles: &[Profile]) -> Clock {
    let times: Vec<Option<Zoned>> =
        profiles.iter().map(|profile| profile.at.to_zoned(TimeZone::system()).ok()).collect();
    Arc::new(move |called| {
        let number = called.strip_prefix(CALLED).and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| times.get(number).cloned().flatten()).unwrap_or_else(Zoned::now)
    })
}

/// Begins the number that a caller calls; the caller's own follows.
const CALLED: &str = "95188-";

/// The voices of persons in the dialplan's language, but not the hotline's own; where there are none, the others.
fn voices(plan: &Plan) -> Vec<Voice> {
    let own = plan.voice.as_ref().and_then(|name| name.parse().ok()).unwrap_or_else(|| Voice::default_for(plan.lang));
    let others: Vec<Voice> =
        Voice::all().filter(|voice| voice.lang() == plan.lang && voice.name() != own.name()).collect();
    let persons: Vec<Voice> = others.iter().copied().filter(Voice::is_of_a_person).collect();
    if persons.is_empty() { others } else { persons }
}

/// Everybody who calls, and whom they call.
struct Town {
    edge: SipEdge,
    ports: RtpPorts,
    server: Loopback,
    plan: Plan,
    voices: Vec<Voice>,
    seed: u64,
}

impl Town {
    async fn all_call(
        self: Arc<Self>,
        profiles: Vec<Profile>,
        parallel: usize,
    ) -> Result<Vec<(&'static str, Held)>, Failure> {
        let count = profiles.len();
        let mut waiting = profiles.into_iter().enumerate();
        let mut up = JoinSet::new();
        let mut over = Vec::with_capacity(count);
        loop {
            while up.len() < parallel
                && let Some((number, profile)) = waiting.next()
            {
                up.spawn(self.clone().call(number, profile));
            }
            let Some(done) = up.join_next().await else { break };
            let (number, voice, held) = done??;
            over.push((number, voice, held));
            if let Some((_, _, held)) = over.last() {
                let (call, turns) = (&held.call, held.call.turns);
                eprintln!(
                    "{} of {count}: {} ({voice}) {:?} after {turns} turns",
                    over.len(),
                    call.profile.call_id,
                    call.end
                );
            }
        }
        over.sort_by_key(|(number, ..)| *number);
        Ok(over.into_iter().map(|(_, voice, held)| (voice, held)).collect())
    }

    /// One call, from the first ring to its record.
    async fn call(self: Arc<Self>, number: usize, profile: Profile) -> Result<(usize, &'static str, Held), Failure> {
        let voice = self.voices[number % self.voices.len()];
        let called = format!("{CALLED}{number}");
        let board = Watch { news: self.server.board.watch(), called: called.clone(), id: None };
        let dial = Dial { target: self.server.uri(&called), from: profile.phone.0.clone(), ..Dial::default() };
        let phone = Ringing::dial(&self.edge, &self.ports, dial).await?.answered().await?;
        let talk = Talk::new(&self.plan, &profile, self.seed.wrapping_add(number as u64));
        let held = Conversation { phone, board, talk, voice, making: None }.hold().await?;
        Ok((number, voice.name(), held))
    }
}

/// What the board tells of one call.
struct Watch {
    news: broadcast::Receiver<Arc<CallEvent>>,
    called: String,
    id: Option<CallId>,
}

impl Watch {
    /// The next event of the call. Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<Arc<CallEvent>, Failure> {
        loop {
            let event = self.news.recv().await.map_err(|_| "events of a call were missed: take a lower --parallel")?;
            match &event.what {
                Happened::Started { to, .. } if *to == self.called => self.id = Some(event.call_id.clone()),
                _ if self.id.as_ref() == Some(&event.call_id) => return Ok(event),
                _ => {}
            }
        }
    }
}

/// One call that is up.
struct Conversation<'a> {
    phone: Phone,
    board: Watch,
    talk: Talk<'a>,
    voice: Voice,
    making: Option<Making>,
}

impl Conversation<'_> {
    async fn hold(mut self) -> Result<Held, Failure> {
        let mut is_up = true;
        let mut deadline = Instant::now() + MAX_CALL;
        let record: Box<CallRecord> = loop {
            let deed = tokio::select! {
                news = self.phone.next(), if is_up => match news {
                    News::Tick => {
                        let sound = self.talk.tick();
                        self.phone.send(sound).await;
                        None
                    }
                    News::Sound(frames) => frames.into_iter().filter_map(|(_, audible)| self.talk.hear(audible)).last(),
                    News::Leg(Some(LegEvent::Updated { sdp })) => {
                        self.phone.answer_update(sdp.as_deref());
                        None
                    }
                    // A caller who is asked to call the human (RFC 3515) has reached one.
                    News::Leg(Some(LegEvent::Referred { .. })) => Some(Deed::HangUp),
                    News::Leg(Some(LegEvent::Ended { .. }) | None) => {
                        is_up = false;
                        deadline = Instant::now() + MAX_CLOSING;
                        None
                    }
                    News::Leg(Some(_)) => None,
                },
                event = self.board.next() => match &event?.what {
                    Happened::Ended { record } => break record.clone(),
                    what => self.talk.notice(what),
                },
                utterance = made(&mut self.making) => {
                    self.talk.made(utterance?);
                    None
                }
                () = tokio::time::sleep_until(deadline) => {
                    if !is_up {
                        return Err("the server did not close the record of a call".into());
                    }
                    is_up = false;
                    deadline = Instant::now() + MAX_CLOSING;
                    Some(self.talk.give_up())
                }
            };
            match deed {
                Some(Deed::HangUp) => self.phone.hang_up(),
                Some(Deed::Say(words)) => {
                    let voice = self.voice;
                    // Synthesis computes: not on a thread that serves sockets.
                    self.making = Some(tokio::task::spawn_blocking(move || Utterance::of_words(&words, &voice)));
                }
                None => {}
            }
        };
        Ok(self.talk.finish(&record, &self.phone.audible()))
    }
}

/// Waits for the sound that is being made, if any is.
async fn made(making: &mut Option<Making>) -> Result<Utterance, Failure> {
    let Some(handle) = making else { return std::future::pending().await };
    let utterance = handle.await?;
    *making = None;
    utterance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_do_not_speak_with_the_hotlines_voice() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en");
        let (plan, _) = dialplan_files::load(&path).unwrap();
        let own = plan.voice.clone().unwrap_or_else(|| Voice::default_for(plan.lang).name().to_owned());
        let voices = voices(&plan);
        assert!(voices.len() >= 2 && voices.iter().all(|voice| voice.name() != own && voice.lang() == Lang::En));
        assert!(voices.iter().all(Voice::is_of_a_person));
    }
}
