//! A caller and a colleague who takes over, both with telephones made by hand, and the server between them: what one says is
//! what the other hears, before the answer and after it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use antevox::rtp::Packet;
use antevox::units::{RtpTimestamp, SeqNo};
use support::hotline::Hotline;
use support::phone::{Heard, Phone};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

const WITH_SDP: &str = "Content-Type: application/sdp\r\n";
const TICK: Duration = Duration::from_millis(20);

/// A telephone's sound: random bytes, so that nothing but the very same packet is taken for it.
struct Sound {
    socket: UdpSocket,
    random: fastrand::Rng,
    seq: u16,
    said: HashSet<Vec<u8>>,
    /// Packets of G.711 that came.
    heard: Vec<Vec<u8>>,
}

impl Sound {
    async fn new(seed: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let random = fastrand::Rng::with_seed(seed);
        Self { socket, random, seq: 0, said: HashSet::new(), heard: Vec::new() }
    }

    fn sdp(&self) -> String {
        let port = self.socket.local_addr().unwrap().port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        )
    }

    async fn say(&mut self, to: SocketAddr) {
        let payload: Vec<u8> = (0..160).map(|_| self.random.u8(..)).collect();
        self.seq += 1;
        let timestamp = RtpTimestamp(u32::from(self.seq) * 160);
        let (mut bytes, seq) = (Vec::new(), SeqNo(self.seq));
        Packet { marker: self.seq == 1, payload_type: 8, seq, timestamp, ssrc: 7, payload: &payload }.write(&mut bytes);
        self.said.insert(payload);
        self.socket.send_to(&bytes, to).await.unwrap();
    }

    fn listen(&mut self) {
        let mut buffer = [0; 2_048];
        while let Ok((length, _)) = self.socket.try_recv_from(&mut buffer) {
            if let Ok(packet) = Packet::parse(&buffer[..length])
                && packet.payload_type == 8
            {
                self.heard.push(packet.payload.to_vec());
            }
        }
    }

    /// How many packets came that `other` had said.
    fn of(&self, other: &Self) -> usize {
        self.heard.iter().filter(|payload| other.said.contains(*payload)).count()
    }
}

/// Where the server takes a party's sound.
fn media(message: &Heard) -> SocketAddr {
    let line = message.body().lines().find_map(|line| line.strip_prefix("m=audio ")).expect("sound");
    SocketAddr::from(([127, 0, 0, 1], line.split(' ').next().unwrap().parse().unwrap()))
}

/// Both say something, and hear, for a while; a place that is not known is not talked to.
async fn talk(parties: &mut [(&mut Sound, Option<SocketAddr>)], ticks: u32) {
    let start = Instant::now();
    for n in 0..ticks {
        for (sound, to) in parties.iter_mut() {
            sound.listen();
            if let Some(to) = to {
                sound.say(*to).await;
            }
        }
        tokio::time::sleep_until(start + TICK * (n + 1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_colleague_s_network_says_is_heard_and_one_codec_passes_as_it_is() {
    let nobody = "127.0.0.1:9".parse().unwrap();
    let mut agent = Phone::new(nobody).await;
    let agents = agent.local;
    let hotline = tokio::task::spawn_blocking(move || Hotline::start(agents, &[])).await.unwrap();
    let (mut near, mut far) = (Sound::new(1).await, Sound::new(2).await);
    let mut caller = Phone::new(hotline.address()).await;
    caller.send("INVITE", WITH_SDP, &near.sdp()).await;
    let to_near = media(&caller.hear_status(200).await);
    caller.send("ACK", "", "").await;
    talk(&mut [(&mut near, Some(to_near))], 50).await;
    // The key asks for a colleague, at any time.
    caller.cseq += 1;
    caller.send("INFO", "Content-Type: application/dtmf\r\n", "0").await;
    let mut invite = None;
    while invite.is_none() {
        talk(&mut [(&mut near, Some(to_near))], 10).await;
        invite = timeout(Duration::from_millis(10), agent.hear()).await.ok();
    }
    let invite = invite.unwrap();
    let to_far = media(&invite);

    // The colleague's network plays something before anybody answers, and wants to know that this was understood.
    let fields = format!("Require: 100rel\r\nRSeq: 1\r\n{WITH_SDP}");
    agent.answer_as(&invite, 183, "a", &fields, &far.sdp()).await;
    agent.hear_request("PRACK", 200).await;
    near.heard.clear();
    talk(&mut [(&mut near, Some(to_near)), (&mut far, Some(to_far))], 100).await;
    let early = near.of(&far);
    assert!(early >= 90, "{early} of 100 packets came through, bit for bit");
    assert_eq!(far.of(&near), 0, "nobody is listened to before the answer");
    assert!(!far.heard.is_empty(), "but the way back is opened");

    agent.answer_as(&invite, 200, "a", "", "").await;
    assert_eq!(agent.hear().await.method(), "ACK");
    talk(&mut [(&mut near, Some(to_near)), (&mut far, Some(to_far))], 5).await;
    near.heard.clear();
    far.heard.clear();
    talk(&mut [(&mut near, Some(to_near)), (&mut far, Some(to_far))], 100).await;
    for (name, heard, said) in [("caller", &near, &far), ("colleague", &far, &near)] {
        let same = heard.of(said);
        assert!(same >= 90, "{name}: {same} of 100 packets came through, bit for bit");
        assert!(heard.heard.len() <= same + 5, "{name}: and nothing else: {} of {same}", heard.heard.len());
    }
    caller.bye().await;
    agent.hear_request("BYE", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_over_a_trunk_that_allows_it_hears_something_before_the_answer() {
    let nobody = "127.0.0.1:9".parse().unwrap();
    let announced = "\nprompts:\n  before_answer:\n    - This call may be recorded.\n";
    let dialplan = changed("\nprompts:\n", announced);
    let path = dialplan.path().to_str().unwrap().to_owned();
    let settings = [
        ("ANTEVOX_HOTLINE__DIALPLAN", path.as_str()),
        ("ANTEVOX_TRUNKS__0__NAME", "carrier"),
        ("ANTEVOX_TRUNKS__0__ADDRESSES", "127.0.0.1"),
        ("ANTEVOX_TRUNKS__0__EARLY_MEDIA", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let hotline = tokio::task::spawn_blocking(move || {
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        Hotline::start(nobody, &settings)
    })
    .await
    .unwrap();
    let mut near = Sound::new(1).await;
    let mut caller = Phone::new(hotline.address()).await;
    caller.send("INVITE", WITH_SDP, &near.sdp()).await;
    let early = caller.hear_status(183).await;
    let begun = Instant::now();
    let ok = loop {
        near.listen();
        if let Ok(heard) = timeout(TICK, caller.hear()).await {
            break heard;
        }
    };
    assert_eq!((ok.status(), ok.body()), (200, early.body()));
    // "This call may be recorded." takes longer than a second, and is no silence.
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    let silence = |payload: &&Vec<u8>| payload.iter().all(|byte| *byte == payload[0]);
    let loud = near.heard.len() - near.heard.iter().filter(silence).count();
    assert!(loud > 40, "{loud} of {} packets have sound", near.heard.len());
    caller.send("ACK", "", "").await;
    caller.bye().await;
}

/// The dialplan of the hotline, with `new` in the place of `old`.
fn changed(old: &str, new: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = format!("{}/dialplans/hotline-en", env!("CARGO_MANIFEST_DIR"));
    let scenes = folder.path().join("scenes");
    std::fs::create_dir(&scenes).unwrap();
    for entry in std::fs::read_dir(format!("{from}/scenes")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), scenes.join(entry.file_name())).unwrap();
    }
    let text = std::fs::read_to_string(format!("{from}/dialplan.yaml")).unwrap();
    assert!(text.contains(old), "{old}");
    std::fs::write(folder.path().join("dialplan.yaml"), text.replace(old, new)).unwrap();
    folder
}

/// A caller who asked for a colleague, and that colleague, who has answered: what both talk by, and the colleague's INVITE.
async fn joined(hotline: &Hotline, agent: &mut Phone, sounds: (&mut Sound, &Sound)) -> (Phone, SocketAddr, Heard) {
    let (near, far) = sounds;
    let mut caller = Phone::new(hotline.address()).await;
    caller.send("INVITE", WITH_SDP, &near.sdp()).await;
    let to_near = media(&caller.hear_status(200).await);
    caller.send("ACK", "", "").await;
    talk(&mut [(near, Some(to_near))], 50).await;
    caller.cseq += 1;
    caller.send("INFO", "Content-Type: application/dtmf\r\n", "0").await;
    let invite = loop {
        talk(&mut [(near, Some(to_near))], 10).await;
        if let Ok(invite) = timeout(Duration::from_millis(10), agent.hear()).await {
            break invite;
        }
    };
    agent.answer_as(&invite, 200, "a", WITH_SDP, &far.sdp()).await;
    assert_eq!(agent.hear().await.method(), "ACK");
    (caller, to_near, invite)
}

/// Tells how the call goes that a REFER asked for.
async fn notify(phone: &mut Phone, status: &str) {
    phone.cseq += 1;
    let state = if status.starts_with('1') { "active;expires=60" } else { "terminated;reason=noresource" };
    let fields = format!("Event: refer\r\nSubscription-State: {state}\r\nContent-Type: message/sipfrag\r\n");
    phone.send("NOTIFY", &fields, &format!("SIP/2.0 {status}\r\n")).await;
    phone.hear_status(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_caller_s_side_takes_our_place_with_the_colleague_or_we_stay() {
    let mut agent = Phone::new("127.0.0.1:9".parse().unwrap()).await;
    let (agents, dialplan) = (agent.local, changed("method: bridge", "method: consult"));
    let path = dialplan.path().to_str().unwrap().to_owned();
    let hotline =
        tokio::task::spawn_blocking(move || Hotline::start(agents, &[("ANTEVOX_HOTLINE__DIALPLAN", path.as_str())]))
            .await
            .unwrap();
    let (mut near, mut far) = (Sound::new(1).await, Sound::new(2).await);

    // The caller's side does as it is asked.
    let (mut caller, _, invite) = joined(&hotline, &mut agent, (&mut near, &far)).await;
    let refer = caller.hear_request("REFER", 202).await;
    let ours = invite.field("From").unwrap().split(";tag=").nth(1).unwrap();
    let replaces = format!("{}%3Bto-tag%3Da%3Bfrom-tag%3D{ours}", invite.field("Call-ID").unwrap().replace('@', "%40"));
    let to = refer.field("Refer-To").unwrap();
    assert!(to.contains(&agent.local.to_string()), "the colleague's own telephone: {to}");
    assert!(to.contains(&format!("?Replaces={replaces}&Require=replaces>")), "in our place: {to}, {replaces}");
    assert!(refer.field("Referred-By").is_some_and(|by| by.contains("sip:95188@")), "who asks");
    notify(&mut caller, "100 Trying").await;
    notify(&mut caller, "200 OK").await;
    caller.hear_request("BYE", 200).await;
    agent.hear_request("BYE", 200).await;

    // It cannot.
    let (mut caller, to_near, invite) = joined(&hotline, &mut agent, (&mut near, &far)).await;
    caller.hear_request("REFER", 202).await;
    notify(&mut caller, "481 Call/Transaction Does Not Exist").await;
    let to_far = media(&invite);
    talk(&mut [(&mut near, Some(to_near)), (&mut far, Some(to_far))], 5).await;
    near.heard.clear();
    talk(&mut [(&mut near, Some(to_near)), (&mut far, Some(to_far))], 50).await;
    assert!(near.of(&far) >= 45, "{} of 50 packets came through", near.of(&far));
    caller.bye().await;
    agent.hear_request("BYE", 200).await;

    let records = hotline.records();
    let how: Vec<_> = records.iter().map(|record| (&record["outcome"], &record["transfer"]["how"])).collect();
    assert_eq!(how.len(), 2, "{how:?}");
    assert!(how.iter().all(|(outcome, _)| **outcome == "transferred"), "{how:?}");
    assert!(how.iter().any(|(_, how)| **how == "consult") && how.iter().any(|(_, how)| **how == "bridge"), "{how:?}");
}
