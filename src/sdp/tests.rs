//! Offers as they come from the wild, and what becomes of them.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn local() -> Local {
    Local::new(SocketAddr::from(([203, 0, 113, 5], 40_000)), 1_234)
}

/// An offer with one audio section: `c=` of the session, the `m=` line's end, attributes.
fn offered(c: &str, m: &str, attributes: &[&str]) -> String {
    let lines: String = attributes.iter().map(|a| format!("a={a}\r\n")).collect();
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc={c}\r\nt=0 0\r\nm=audio {m}\r\n{lines}")
}

fn agreed(offer: &str) -> Agreed {
    negotiate(&local(), offer).expect("they have much in common")
}

const HERE: &str = "IN IP4 192.0.2.1";

#[test]
fn a_softphones_offer_is_answered_line_for_line() {
    let offer = offered(
        HERE,
        "5004 RTP/AVP 96 8 0 101",
        &[
            "rtpmap:96 opus/48000/2",
            "rtpmap:8 PCMA/8000",
            "rtpmap:0 PCMU/8000",
            "rtpmap:101 telephone-event/8000",
            "fmtp:101 0-16",
            "ptime:20",
        ],
    );
    let agreed = agreed(&offer);
    assert_eq!(agreed.codec, Codec::Pcma);
    assert_eq!(agreed.telephone_event, Some(KeyPresses { send: 101, receive: 101, clock_rate: 8_000 }));
    assert_eq!(agreed.remote, Some(SocketAddr::from(([192, 0, 2, 1], 5_004))));
    assert_eq!(agreed.remote_rtcp, Some(SocketAddr::from(([192, 0, 2, 1], 5_005))));
    assert_eq!(
        agreed.answer_sdp(),
        "v=0\r\no=antevox 1234 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn static_payload_types_need_no_rtpmap_and_dynamic_ones_need_their_own() {
    assert_eq!(agreed(&offered(HERE, "5004 RTP/AVP 18 0 8", &[])).codec, Codec::Pcmu);
    let dynamic = agreed(&offered(HERE, "5004 RTP/AVP 97 98", &["rtpmap:97 pcma/8000/1", "rtpmap:98 PCMU/8000"]));
    assert_eq!((dynamic.codec, dynamic.payload_types.send), (Codec::Pcma, 97));
    // 0 that is mapped to something else is not PCMU.
    let odd = offered(HERE, "5004 RTP/AVP 0", &["rtpmap:0 PCMU/16000"]);
    assert_eq!(negotiate(&local(), &odd), Err(Refusal::NoCommonCodec));
}

#[test]
fn opus_is_taken_with_its_wishes_and_its_own_clock_for_keys() {
    let local = Local { codecs: Codec::ALL.to_vec(), ..local() };
    let offer = offered(
        HERE,
        "5004 RTP/AVP 111 9 0 101 110",
        &[
            "rtpmap:111 OPUS/48000/2",
            "fmtp:111 useinbandfec=1; usedtx=1; maxaveragebitrate=16000; stereo=1",
            "rtpmap:101 telephone-event/8000",
            "rtpmap:110 telephone-event/48000",
        ],
    );
    let agreed = negotiate(&local, &offer).expect("common");
    assert_eq!(agreed.codec, Codec::Opus);
    assert_eq!(agreed.opus, OpusWishes { repairs: true, pauses: true, most_bits: Some(16_000) });
    assert_eq!(agreed.telephone_event.map(|event| (event.send, event.clock_rate)), Some((110, 48_000)));
    let answer = agreed.answer_sdp();
    assert!(answer.contains("m=audio 40000 RTP/AVP 111 110\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 "), "{answer}");
    // What is offered later keeps the number (RFC 3264 §8.3.2).
    assert!(super::offer(&agreed.next_local()).contains("m=audio 40000 RTP/AVP 111 9 0 8 101 102\r\n"));
    // Keys at 8 kHz beside a codec of another clock, as some offer them.
    let only_8_khz = negotiate(&local, &offer.replace("110 telephone-event/48000", "110 red/48000")).expect("common");
    assert_eq!(only_8_khz.telephone_event.map(|event| (event.send, event.clock_rate)), Some((101, 8_000)));
    // One channel is no Opus (RFC 7587 §7).
    let mono = negotiate(&local, &offer.replace("OPUS/48000/2", "opus/48000")).expect("common");
    assert_eq!((mono.codec, mono.payload_types.send), (Codec::G722, 9));
}

const KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

#[test]
fn keys_are_taken_where_they_are_offered_and_demanded_where_they_are_demanded() {
    let secret = Secret::new([7; SECRET_BYTES]);
    let [clear, possible, demanded] = [Security::Clear, Security::Possible(secret), Security::Demanded(secret)];
    let usual = format!("crypto:3 AES_CM_128_HMAC_SHA1_80 {KEY}|2^31");
    let unknown = format!("crypto:1 AES_192_CM_HMAC_SHA1_80 {KEY}");
    let secured = Ok(Some((3, Suite::AesCm80)));
    let cases: [(&str, &[&str], Security, Result<_, Refusal>); 9] = [
        ("RTP/AVP", &[], clear, Ok(None)),
        ("RTP/AVP", &[], possible, Ok(None)),
        ("RTP/AVP", &[], demanded, Err(Refusal::NoSecurity)),
        ("RTP/AVP", &[&usual], clear, Ok(None)),
        ("RTP/AVP", &[&usual], possible, secured),
        ("RTP/SAVP", &[&unknown, &usual], possible, secured),
        ("RTP/SAVP", &[&unknown], possible, Err(Refusal::NoSecurity)),
        ("RTP/SAVP", &[&usual], clear, Err(Refusal::NoSecurity)),
        ("RTP/SAVPF", &[&usual], demanded, secured),
    ];
    for (profile, lines, security, expected) in cases {
        let offer = offered(HERE, &format!("5004 {profile} 0"), lines);
        let agreed = negotiate(&Local { security, ..local() }, &offer);
        let found = agreed.clone().map(|agreed| match agreed.secured {
            Some(Secured::Keys(keys)) => Some((keys.tag, keys.suite)),
            Some(Secured::Handshake(_)) | None => None,
        });
        assert_eq!(found, expected, "{offer}");
        if let Ok(Some(_)) = expected {
            let answer = agreed.expect("agreed").answer_sdp();
            assert!(answer.contains(&format!("m=audio 40000 {profile} 0\r\n")), "{answer}");
            assert!(
                answer
                    .contains("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\r\n")
            );
        }
    }
}

#[test]
fn what_is_protected_stays_so_in_our_offers() {
    let local = Local { security: Security::Possible(Secret::new([7; SECRET_BYTES])), ..local() };
    assert!(offer(&local).contains("RTP/AVP 0"), "at first we offer what everybody has");
    let line = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let [protected, clear] = ["5004 RTP/SAVP 0", "5004 RTP/AVP 0"].map(|m| offered(HERE, m, &[&line]));
    let later = negotiate(&local, &protected).expect("both do it").next_local();
    assert!(offer(&later).contains("RTP/SAVP 0") && offer(&later).contains("a=crypto:1 "));
    assert!(accept_answer(&later, &protected).is_ok_and(|agreed| agreed.secured.is_some()));
    let in_the_clear = clear.replace(&format!("a={line}\r\n"), "");
    assert_eq!(accept_answer(&later, &in_the_clear), Err(Refusal::NoSecurity));
    // Their own offer may still leave it.
    assert!(negotiate(&later, &in_the_clear).is_ok_and(|agreed| agreed.secured.is_none()));
}

#[test]
fn key_lines_that_we_cannot_keep_are_passed_over() {
    let local = Local { security: Security::Possible(Secret::new([7; SECRET_BYTES])), ..local() };
    let suite = "AES_CM_128_HMAC_SHA1_80";
    let taken = |line: &str| negotiate(&local, &offered(HERE, "5004 RTP/SAVP 0", &[line])).is_ok();
    assert!(taken(&format!("crypto:1 {suite} {KEY} WSH=64 -unknown")));
    for bad in [
        format!("crypto:1 {suite} {KEY}|1:4"),
        format!("crypto:1 {suite} {KEY} UNENCRYPTED_SRTP"),
        format!("crypto:1 {suite} {KEY} KDR=2"),
        format!("crypto:x {suite} {KEY}"),
        format!("crypto:1 AEAD_AES_128_GCM {KEY}"),
        format!("crypto:1 {suite} inline:short"),
        format!("crypto:1 {suite} uri:{KEY}"),
        format!("crypto:1 {suite}"),
        "crypto:".to_owned(),
        "crypto".to_owned(),
    ] {
        assert!(!taken(&bad), "{bad}");
    }
    assert_eq!(format!("{:?}", local.security), "Possible(Secret(…))");
}

#[test]
fn an_answer_must_take_the_key_line_that_we_offered() {
    let ours = Local { security: Security::Demanded(Secret::new([7; SECRET_BYTES])), ..local() };
    let answer = |m: &str, line: String| offered(HERE, m, &[&line]);
    let right = answer("5004 RTP/SAVP 0", format!("crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"));
    assert!(accept_answer(&ours, &right).is_ok_and(|agreed| agreed.secured.is_some()));
    for wrong in [
        answer("5004 RTP/SAVP 0", format!("crypto:2 AES_CM_128_HMAC_SHA1_80 {KEY}")),
        answer("5004 RTP/SAVP 0", format!("crypto:1 AES_CM_128_HMAC_SHA1_32 {KEY}")),
        answer("5004 RTP/AVP 0", "ptime:20".to_owned()),
    ] {
        assert_eq!(accept_answer(&ours, &wrong), Err(Refusal::NoSecurity), "{wrong}");
    }
}

const THEIRS: &str = "8c5a6dd4b1e5ba8b2b7c0b6d";

/// What a browser offers, as far as it matters: Chromium's, shortened.
fn browsers(name: &str) -> String {
    let fingerprint = Fingerprint::of(b"their certificate");
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{name}\r\na=ice-pwd:{THEIRS}\r\na=ice-options:trickle\r\na=fingerprint:{fingerprint}\r\n\
         a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
         a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"
    )
}

fn with_certificate(security: fn(Secret) -> Security) -> Local {
    let security = security(Secret::new([7; SECRET_BYTES]));
    let certificate = Some(Fingerprint::of(b"our certificate"));
    Local { security, certificate, codecs: Codec::ALL.to_vec(), ..local() }
}

fn handshake(agreed: &Agreed) -> Handshake {
    match &agreed.secured {
        Some(Secured::Handshake(handshake)) => (**handshake).clone(),
        other => panic!("no handshake: {other:?}"),
    }
}

#[test]
fn a_browser_gets_a_handshake_and_a_place_for_its_checks() {
    for security in [Security::Possible, Security::Demanded] {
        let agreed = negotiate(&with_certificate(security), &browsers("abcd")).expect("both do it");
        assert_eq!((agreed.codec, agreed.direction), (Codec::Opus, Direction::SendReceive));
        assert_eq!((agreed.remote, agreed.is_held()), (None, false), "no address is not hold where checks find one");
        let handshake = handshake(&agreed);
        assert_eq!(handshake.role, Role::Passive);
        assert!(handshake.theirs.is_of(b"their certificate"));
        let ice = handshake.ice.expect("checks");
        assert_eq!((ice.theirs.name.as_str(), ice.theirs.password.as_str()), ("abcd", THEIRS));
        let answer = agreed.answer_sdp();
        let session = answer.split("m=").next().unwrap_or_default();
        assert!(session.contains("a=ice-lite\r\n") && session.contains("a=group:BUNDLE 0\r\n"), "{answer}");
        for line in [
            "m=audio 40000 UDP/TLS/RTP/SAVPF 111 110",
            "a=mid:0",
            &format!("a=fingerprint:{}", Fingerprint::of(b"our certificate")),
            "a=setup:passive",
            &format!("a=ice-ufrag:{}", ice.ours.name),
            &format!("a=ice-pwd:{}", ice.ours.password),
            "a=candidate:1 1 udp 2130706431 203.0.113.5 40000 typ host",
            "a=rtcp-mux",
        ] {
            assert!(answer.contains(&format!("{line}\r\n")), "{line}: {answer}");
        }
        assert!(!answer.contains("crypto"));
    }
}

#[test]
fn nobody_shakes_hands_without_a_certificate_or_a_fingerprint() {
    let ours = with_certificate(Security::Possible);
    let bare = Local { certificate: None, ..ours.clone() };
    let clear = Local { security: Security::Clear, ..ours.clone() };
    for local in [bare, clear] {
        assert_eq!(negotiate(&local, &browsers("abcd")), Err(Refusal::NoSecurity));
    }
    for (spoilt, with) in [("fingerprint:sha-256", "fingerprint:sha-1"), ("setup:actpass", "setup:holdconn")] {
        assert_eq!(negotiate(&ours, &browsers("abcd").replace(spoilt, with)), Err(Refusal::NoSecurity), "{with}");
    }
    // Without checks, or without one port for both, the description says where the peer is.
    for spoilt in ["a=rtcp-mux\r\n", "a=ice-ufrag:abcd\r\n"] {
        let offer = browsers("abcd").replace(spoilt, "").replace("c=IN IP4 0.0.0.0", "c=IN IP4 192.0.2.1");
        let agreed = negotiate(&ours, &offer).expect("a handshake");
        assert_eq!((handshake(&agreed).ice, agreed.remote.is_some()), (None, true), "{spoilt}");
        assert!(!agreed.answer_sdp().contains("ice"));
    }
}

#[test]
fn a_handshake_outlasts_what_is_described_later() {
    let ours = with_certificate(Security::Possible);
    let first = negotiate(&ours, &browsers("abcd")).expect("a handshake");
    let later = first.next_local();
    let again = negotiate(&later, &browsers("abcd").replace("a=sendrecv", "a=sendonly")).expect("held");
    assert_eq!((handshake(&again), again.is_held()), (handshake(&first), true));
    // Checks that begin anew, do so on both sides.
    let anew = negotiate(&later, &browsers("wxyz")).expect("restarted");
    assert_ne!(handshake(&anew).ice, handshake(&first).ice);
    assert_ne!(handshake(&anew).ice.map(|ice| ice.ours), handshake(&first).ice.map(|ice| ice.ours));
    // Our own offer keeps all of it.
    let offer = offer(&later);
    let checks = handshake(&first).ice.expect("checks").ours;
    for line in
        ["UDP/TLS/RTP/SAVPF 111", "a=setup:actpass", "a=mid:0", "a=ice-lite", &format!("a=ice-ufrag:{}", checks.name)]
    {
        assert!(offer.contains(line), "{line}: {offer}");
    }
    let answer = browsers("abcd").replace("actpass", "active");
    let accepted = accept_answer(&later, &answer).expect("an answer");
    assert_eq!(handshake(&accepted), handshake(&first));
    // Keys, or nothing, are no answer to it.
    let line = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    for answer in [offered(HERE, "5004 RTP/SAVP 0", &[&line]), offered(HERE, "5004 RTP/AVP 0", &[])] {
        assert_eq!(accept_answer(&later, &answer), Err(Refusal::NoSecurity));
    }
}

#[test]
fn we_offer_a_handshake_to_those_who_want_nothing_else() {
    let ours = Local { protected: Protected::ByHandshake(None), ..with_certificate(Security::Possible) };
    let theirs =
        Local { certificate: Some(Fingerprint::of(b"their certificate")), ..with_certificate(Security::Possible) };
    let answered = negotiate(&theirs, &offer(&ours)).expect("both do it");
    let accepted = accept_answer(&ours, &answered.answer_sdp()).expect("an answer");
    let (ours, theirs) = (handshake(&accepted), handshake(&answered));
    assert_eq!((ours.role, theirs.role), (Role::Active, Role::Passive));
    assert_eq!((ours.ours, ours.theirs), (theirs.theirs, theirs.ours));
    let (ours, theirs) = (ours.ice.expect("checks"), theirs.ice.expect("checks"));
    assert_eq!((ours.ours, ours.theirs), (theirs.theirs, theirs.ours));
}

#[test]
fn a_wish_of_opus_that_makes_no_sense_is_passed_over() {
    for value in ["", "useinbandfec", "useinbandfec=yes;;=;usedtx=2", "maxaveragebitrate=5999", "maxaveragebitrate=-1"]
    {
        assert_eq!(OpusWishes::parse(value), OpusWishes::default(), "{value}");
    }
}

#[test]
fn our_offer_of_everything_is_answered_by_ourselves() {
    let ours = Local { codecs: Codec::ALL.to_vec(), ..local() };
    for &codec in Codec::ALL {
        let theirs = Local { codecs: vec![codec], ..Local::new(SocketAddr::from(([192, 0, 2, 9], 6_000)), 9) };
        let answer = negotiate(&theirs, &offer(&ours)).expect("common").answer_sdp();
        let agreed = accept_answer(&ours, &answer).expect("an answer");
        assert_eq!((agreed.codec, agreed.payload_types.receive), (codec, codec.offered_payload_type()));
        assert_eq!(agreed.telephone_event.map(|event| event.clock_rate), Some(codec.clock_rate()));
    }
}

/// Attributes, connection; what we do, whether they hold us, where they listen.
#[test]
fn hold_in_all_its_forms() {
    use Direction::*;
    let nowhere = "IN IP4 0.0.0.0";
    let cases: [(&[&str], &str, Direction, bool); 7] = [
        (&[], HERE, SendReceive, false),
        (&["sendonly"], HERE, ReceiveOnly, true),
        (&["inactive"], HERE, Inactive, true),
        (&["recvonly"], HERE, SendOnly, false),
        (&[], nowhere, ReceiveOnly, true),
        (&["sendonly"], nowhere, ReceiveOnly, true),
        (&["inactive"], nowhere, Inactive, true),
    ];
    for (attributes, c, direction, held) in cases {
        let agreed = agreed(&offered(c, "5004 RTP/AVP 0", attributes));
        assert_eq!((agreed.direction, agreed.is_held()), (direction, held), "{attributes:?} {c}");
        assert_eq!(agreed.remote.is_some(), c == HERE);
        assert!(agreed.answer_sdp().contains(&format!("a={}\r\n", direction.attribute())));
    }
    // The session's attribute counts where the section has none.
    let offer = offered(HERE, "5004 RTP/AVP 0", &[]).replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    assert!(agreed(&offer).is_held());
}

#[test]
fn we_can_hold_them_too() {
    let holding = Local { direction: Direction::SendOnly, version: 2, ..local() };
    let offer = offer(&holding);
    assert!(offer.contains("a=sendonly") && offer.contains("o=antevox 1234 2 "));
    let theirs = negotiate(&Local::new(SocketAddr::from(([192, 0, 2, 9], 6_000)), 9), &offer).expect("common");
    assert_eq!(theirs.direction, Direction::ReceiveOnly);
    let ours = accept_answer(&holding, &theirs.answer_sdp()).expect("an answer");
    assert_eq!(ours.direction, Direction::SendOnly);
    assert!(!ours.is_held());
}

#[test]
fn other_media_are_turned_down_in_place() {
    let offer = format!(
        "{}m=video 5006 RTP/AVP 31\r\nm=audio 5008 RTP/AVP 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
        offered(HERE, "0 RTP/AVP 0", &[])
    );
    let agreed = agreed(&offer);
    assert_eq!(agreed.remote.map(|remote| remote.port()), Some(5_008));
    let answer = agreed.answer_sdp();
    let lines: Vec<_> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        lines,
        [
            "m=audio 0 RTP/AVP 0",
            "m=video 0 RTP/AVP 31",
            "m=audio 40000 RTP/AVP 0",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ]
    );
}

#[test]
fn ipv6_a_host_name_and_odd_spellings_are_understood() {
    let six = agreed(&offered("IN IP6 2001:db8::7", "5004 RTP/AVP 0", &[]));
    assert_eq!(six.remote, Some("[2001:db8::7]:5004".parse().expect("an address")));
    let named = agreed(&offered("IN IP4 phone.example.org", "5004 RTP/AVP 0", &[]));
    assert_eq!((named.remote, named.is_held()), (None, false));
    // Connection in the section alone, bare LF, a count of ports, attributes that nobody knows.
    let odd = "v=0\no=- 1 1 IN IP4 x\ns=-\nt=0 0\nm=audio 5004/2 rtp/avp 0\nc=IN IP4 192.0.2.3/127\na=x-odd\na=\n";
    assert_eq!(agreed(odd).remote, Some(SocketAddr::from(([192, 0, 2, 3], 5_004))));
    let ours = Local::new("[2001:db8::1]:40000".parse().expect("an address"), 5);
    assert!(offer(&ours).contains("c=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn packets_are_as_long_as_the_peer_likes_in_steps_of_10_ms() {
    for (wish, ms) in [(None, 20), (Some(5), 10), (Some(10), 10), (Some(30), 30), (Some(59), 50), (Some(200), 60)] {
        let ptime = wish.map(|ms| format!("ptime:{ms}"));
        let attributes: Vec<&str> = ptime.as_deref().into_iter().collect();
        let agreed = agreed(&offered(HERE, "5004 RTP/AVP 0", &attributes));
        assert_eq!(agreed.ptime, Duration::from_millis(ms), "{wish:?}");
    }
    let all = Local { codecs: Codec::ALL.to_vec(), ..local() };
    let opus = offered(HERE, "5004 RTP/AVP 96", &["rtpmap:96 opus/48000/2", "ptime:30"]);
    let opus = negotiate(&all, &opus).expect("Opus");
    assert_eq!(opus.ptime, Duration::from_millis(20), "Opus has no packets of 30 ms");
    let capped = agreed(&offered(HERE, "5004 RTP/AVP 0", &["ptime:60", "maxptime:40"]));
    assert_eq!(capped.ptime, Duration::from_millis(40));
}

#[test]
fn rtcp_goes_where_it_is_wanted() {
    let rtcp = |attributes: &[&str]| agreed(&offered(HERE, "5004 RTP/AVP 0", attributes)).remote_rtcp;
    assert_eq!(rtcp(&["rtcp-mux"]), Some(SocketAddr::from(([192, 0, 2, 1], 5_004))));
    assert_eq!(rtcp(&["rtcp:6001"]), Some(SocketAddr::from(([192, 0, 2, 1], 6_001))));
    assert_eq!(rtcp(&["rtcp:6001 IN IP4 192.0.2.8"]), Some(SocketAddr::from(([192, 0, 2, 8], 6_001))));
    assert!(agreed(&offered(HERE, "5004 RTP/AVP 0", &["rtcp-mux"])).answer_sdp().contains("a=rtcp-mux\r\n"));
    assert_eq!(agreed(&offered(HERE, "65535 RTP/AVP 0", &[])).remote_rtcp, None);
}

#[test]
fn what_cannot_be_is_refused_with_the_right_status() {
    let audio = |m: &str| offered(HERE, m, &[]);
    let many_types: String = (0..33).map(|n| format!(" {n}")).collect();
    let cases = [
        (audio("5004 RTP/AVP 18"), Refusal::NoCommonCodec, 488),
        (audio("5004 RTP/SAVP 0"), Refusal::NoSecurity, 488),
        (audio("5004 UDP/TLS/RTP/SAVPF 0"), Refusal::NoSecurity, 488),
        (audio("5004 TCP/MSRP 0"), Refusal::NoAudio, 488),
        (audio("0 RTP/AVP 0"), Refusal::NoAudio, 488),
        ("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n".to_owned(), Refusal::NoAudio, 488),
        (audio(&format!("5004 RTP/AVP{many_types}")), Refusal::TooManyPayloadTypes, 488),
        (audio("5004 RTP/AVP 0") + &"m=video 1 RTP/AVP 31\r\n".repeat(4), Refusal::TooManyMediaLines, 488),
        (audio("seven RTP/AVP 0"), Refusal::Malformed { line: 6 }, 400),
        (String::new(), Refusal::Malformed { line: 0 }, 400),
        ("a".repeat(MAX_SDP_BYTES + 1), Refusal::TooLong, 400),
    ];
    for (offer, refusal, status) in cases {
        assert_eq!(negotiate(&local(), &offer), Err(refusal));
        assert_eq!(refusal.status(), status);
    }
}

#[test]
fn our_offer_is_understood_and_so_is_the_answer() {
    let peer = Local::new(SocketAddr::from(([192, 0, 2, 9], 6_000)), 9);
    let theirs = negotiate(&peer, &offer(&local())).expect("common");
    let ours = accept_answer(&local(), &theirs.answer_sdp()).expect("an answer");
    assert_eq!((ours.codec, ours.telephone_event), (theirs.codec, theirs.telephone_event));
    assert_eq!((ours.remote, theirs.remote), (Some(peer.address), Some(local().address)));
    assert!(ours.rtcp_mux && theirs.rtcp_mux);
    let next = ours.next_local();
    assert_eq!((next.session, next.version), (1_234, 2));
}

#[test]
fn an_answer_may_number_anew_or_turn_us_down() {
    let answer = offered(HERE, "5004 RTP/AVP 8 97", &["rtpmap:97 telephone-event/8000"]);
    let agreed = accept_answer(&local(), &answer).expect("an answer");
    assert_eq!(agreed.telephone_event, Some(KeyPresses { send: 97, receive: 101, clock_rate: 8_000 }));
    assert_eq!(accept_answer(&local(), &offered(HERE, "0 RTP/AVP 0", &[])), Err(Refusal::NoAudio));
    let two = offered(HERE, "5004 RTP/AVP 0", &[]) + "m=video 0 RTP/AVP 31\r\n";
    assert_eq!(accept_answer(&local(), &two), Err(Refusal::LinesDiffer { found: 2 }));
}

/// Seeds from outside, where they are to be had.
fn seeds() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/sip/fuzz-pjsip/sdp");
    let outside = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let outside = outside.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let own = offered(HERE, "5004 RTP/AVP 0 8 101", &["rtpmap:101 telephone-event/8000", "ptime:20", "sendonly"]);
    outside.chain([own]).collect()
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        seed: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, "\\PC{0,8}|[0-9a-z=:/ \r\n]{0,12}"), 0..8),
    ) {
        let seeds = seeds();
        let mut text: Vec<char> = seed.get(&seeds).chars().collect();
        for (place, removed, added) in edits {
            let from = place.index(text.len() + 1);
            let to = (from + removed).min(text.len());
            text.splice(from..to, added.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(agreed) = negotiate(&local(), &text) {
            // Whatever is agreed can be said, and the answer has a line for each line of the offer.
            let answer = agreed.answer_sdp();
            let count = |text: &str| text.lines().filter(|line| line.starts_with("m=")).count();
            prop_assert_eq!(count(&answer), agreed.lines.len());
            prop_assert!(media::parse(&answer).is_ok(), "{}", answer);
        }
        let _ = accept_answer(&local(), &text);
    }
}
