//! What trunks want from time to time: our registration, and whether their targets are alive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsipstack::sip::{Header, Headers, Method, Request, Response, Uri, Version};
use rsipstack::transaction::random_text;
use tokio::sync::mpsc;

use super::Credentials;
use super::exchange::{Asking, Input};
use super::lane::Lane;
use super::message::{cseq, field, fields, list};
use super::route::Shared;
use super::trunk::{Registration, Step, Trunk};

/// How long a registrar may take to let us go at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often a NAT on the way to a registrar is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

impl Shared {
    /// Starts what the trunks want.
    pub(super) fn keep_trunks(self: &Arc<Self>) {
        for (at, trunk) in self.lines.trunks.iter().enumerate() {
            if let Some(every) = trunk.options {
                for target in 0..trunk.targets.len() {
                    tokio::spawn(Arc::clone(self).keep_asking((at, target), every));
                }
            }
            if let (Some(wanted), Some(credentials)) = (trunk.register, trunk.credentials.clone()) {
                let task = Registrant::new(Arc::clone(self), Arc::clone(trunk), credentials);
                self.registrants.spawn(task.run(wanted));
            }
        }
        if self.lines.has_phones {
            tokio::spawn(Arc::clone(self).keep_phones());
        }
    }

    /// Asks one target for a sign of life.
    async fn keep_asking(self: Arc<Self>, (trunk, target): (usize, usize), every: Duration) {
        let uri = self.lines.trunks[trunk].targets[target].uri.clone();
        let Ok(uri) = Uri::try_from(uri.as_str()) else { return };
        let mut number = 0;
        loop {
            number += 1;
            let status = self.ask_for_life(&uri, number).await;
            self.lines.target_answered((trunk, target), status);
            // Not all targets at the same moment.
            let pause = every.mul_f64(0.9 + 0.2 * fastrand::f64());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.closed.cancelled() => return,
            }
        }
    }

    async fn ask_for_life(self: &Arc<Self>, uri: &Uri, number: u32) -> u16 {
        let Some((lane, peer)) = self.way_to(uri).await else { return 503 };
        let us = format!("<sip:antevox@{}>", SocketAddr::new(lane.host_towards(peer), lane.local().port()));
        let mut request = outside(Method::Options, uri.clone(), &us, &format!("<{uri}>"));
        request.headers.push(Header::CallId(random_text(24).into()));
        request.headers.push(Header::CSeq(format!("{number} OPTIONS").into()));
        self.final_answer(request, lane, peer, None).await.0.map_or(408, |answer| answer.status_code.code())
    }

    async fn way_to(self: &Arc<Self>, uri: &Uri) -> Option<(Arc<Lane>, SocketAddr)> {
        let (transport, peer) = super::outgoing::resolve(uri).await?;
        Some((self.lane_to(transport, peer, &uri.host_with_port.host).await?, peer))
    }

    /// Sends a request outside of any dialog; its final answer, and the CSeq number of the last attempt.
    async fn final_answer(
        &self,
        mut request: Request,
        lane: Arc<Lane>,
        peer: SocketAddr,
        credentials: Option<Credentials>,
    ) -> (Option<Response>, u32) {
        request.headers.push_front(Header::Via(lane.via(peer).into()));
        request.headers.push(Header::UserAgent(self.config.user_agent.clone().into()));
        let mut number = cseq(&request).map_or(0, |(number, _)| number);
        // Provisional answers, one retry and the final one: never full for long, since it is read at once.
        let (sender, mut answers) = mpsc::channel(8);
        Asking { request, lane, peer, credentials }.start(sender);
        while let Some(input) = answers.recv().await {
            match input {
                Input::Responded(answer) if answer.status_code.code() >= 200 => return (Some(answer), number),
                Input::Retried(again) => number = cseq(&again).map_or(number, |(number, _)| number),
                _ => {}
            }
        }
        (None, number)
    }
}

/// Keeps us registered over one trunk.
struct Registrant {
    shared: Arc<Shared>,
    trunk: Arc<Trunk>,
    credentials: Credentials,
    call_id: String,
    number: u32,
    /// Which of the targets is asked.
    target: usize,
    /// The way of the last REGISTER.
    way: Option<(Arc<Lane>, SocketAddr)>,
}

impl Registrant {
    fn new(shared: Arc<Shared>, trunk: Arc<Trunk>, credentials: Credentials) -> Self {
        Self { shared, trunk, credentials, call_id: random_text(24), number: 0, target: 0, way: None }
    }

    async fn run(mut self, wanted: Duration) {
        let mut registration = Registration::new(wanted, Instant::now());
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(registration.due().into()) => {}
                () = tokio::time::sleep(KEEP_ALIVE), if registration.stands(Instant::now()) => {
                    self.keep_alive().await;
                    continue;
                }
                () = self.shared.leaving.cancelled() => {
                    if let Some(step) = registration.stop(Instant::now()) {
                        let _ = tokio::time::timeout(FAREWELL, self.send(step)).await;
                    }
                    return;
                }
                () = self.shared.closed.cancelled() => return,
            }
            let stood = registration.stands(Instant::now());
            let answer = self.send(registration.refresh()).await;
            self.note(&mut registration, answer.as_ref(), stood);
        }
    }

    /// Takes the registrar's answer.
    fn note(&mut self, registration: &mut Registration, answer: Option<&Response>, stood: bool) {
        let (now, trunk) = (Instant::now(), &self.trunk.name);
        let status = answer.map_or(408, |answer| answer.status_code.code());
        match answer {
            Some(answer) if (200..300).contains(&status) => {
                registration.granted(now, self.granted(answer));
                if !stood {
                    tracing::info!(trunk, "registered");
                }
            }
            _ => {
                let least = answer.and_then(|answer| field(&answer.headers, "Min-Expires"));
                let least = least.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
                registration.refused(now, least);
                tracing::warn!(trunk, status, "registration refused");
                if matches!(status, 408 | 500..600) {
                    self.target = (self.target + 1) % self.trunk.targets.len();
                }
            }
        }
        let stands = f64::from(u8::from(registration.stands(now)));
        metrics::gauge!("antevox_trunk_registered", "trunk" => trunk.clone()).set(stands);
    }

    /// How long the registration lasts: what stands at our Contact, else the general `Expires` (RFC 3261 §10.2.4).
    fn granted(&self, answer: &Response) -> Duration {
        let contact = self.way.as_ref().map(|(lane, peer)| lane.contact(*peer)).unwrap_or_default();
        let expires = |contact: &String| {
            contact.split(';').find_map(|part| part.trim().strip_prefix("expires=").and_then(|text| text.parse().ok()))
        };
        let contacts: Vec<String> = fields(&answer.headers, "Contact").flat_map(list).collect();
        let ours = contacts.iter().find(|value| value.contains(&contact)).and_then(expires);
        let general = || field(&answer.headers, "Expires").and_then(|text| text.trim().parse().ok());
        let wanted = self.trunk.register.unwrap_or_default();
        ours.or_else(general).map_or(wanted, Duration::from_secs)
    }

    async fn send(&mut self, step: Step) -> Option<Response> {
        let target = self.trunk.targets.get(self.target)?;
        let uri = Uri::try_from(target.uri.as_str()).ok()?;
        let (lane, peer) = self.shared.way_to(&uri).await?;
        let whole = format!("<sip:{}@{}>", self.credentials.user, uri.host_with_port);
        self.number += 1;
        let expires = match step {
            Step::Register(time) => time.as_secs(),
            Step::Unregister => 0,
        };
        let mut request = outside(Method::Register, uri, &whole, &whole);
        request.headers.push(Header::CallId(self.call_id.clone().into()));
        request.headers.push(Header::CSeq(format!("{} REGISTER", self.number).into()));
        request.headers.push(Header::Contact(format!("<{}>;expires={expires}", lane.contact(peer)).into()));
        request.headers.push(Header::Other("Expires".to_owned(), expires.to_string()));
        self.way = Some((Arc::clone(&lane), peer));
        let credentials = Some(self.credentials.clone());
        let (answer, number) = self.shared.final_answer(request, lane, peer, credentials).await;
        self.number = number;
        answer
    }

    async fn keep_alive(&self) {
        if let Some((lane, peer)) = &self.way {
            lane.send_raw(b"\r\n\r\n".to_vec(), *peer).await;
        }
    }
}

/// A request outside of any dialog, without Via, Call-ID and CSeq.
fn outside(method: Method, uri: Uri, from: &str, to: &str) -> Request {
    let headers = vec![
        Header::MaxForwards(70.into()),
        Header::From(format!("{from};tag={}", random_text(16)).into()),
        Header::To(to.to_owned().into()),
    ];
    Request { method, uri, version: Version::V2, headers: Headers(headers), body: Vec::new() }
}
