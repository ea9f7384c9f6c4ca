//! The decision itself: what of an offer we take, and what an answer to our offer means.

use std::time::Duration;

use super::agreed::{KeyPresses, Line, Mid};
use super::describe;
use super::media::{self, Audio};
use super::security::{self, Offered};
use super::{Agreed, Codec, Direction, Local, PayloadTypes, Refusal, Secured, handshake::Ice};

/// What packets hold a whole number of (ms).
const STEP_MS: u64 = 10;
/// How much sound a packet holds where the peer has no wish (ms) (RFC 3551 §4.2).
const USUAL_PTIME_MS: u64 = 20;
/// Most sound in one packet of ours (ms).
const MAX_PTIME_MS: u64 = 60;

/// Answers `text`, an offer, as a value.
///
/// # Errors
/// Any [`Refusal`] but `LinesDiffer`.
pub fn negotiate(local: &Local, text: &str) -> Result<Agreed, Refusal> {
    let session = media::parse(text)?;
    let mut refusal = Refusal::NoAudio;
    let mut agreed = None;
    let mut lines = Vec::with_capacity(session.medias.len());
    for section in &session.medias {
        let audio = Audio::of(&session, section).filter(|_| agreed.is_none());
        let line = match audio.map(|audio| (agree(local, &audio, PayloadTypes::same), audio)) {
            Some((Ok(found), audio)) => {
                agreed = Some(found);
                Line::Audio { proto: audio.proto().to_owned(), mid: mid(&audio) }
            }
            other => {
                if let Some((Err(why), _)) = other {
                    refusal = why;
                }
                let (media, proto, fmt) = (&section.media, &section.proto, &section.fmt);
                Line::Rejected { media: media.clone(), proto: proto.clone(), fmt: fmt.clone() }
            }
        };
        lines.push(line);
    }
    let agreed = agreed.ok_or(refusal)?;
    Ok(Agreed { lines, ..agreed })
}

/// Our offer: everything that `local` can do.
pub fn offer(local: &Local) -> String {
    describe::offer(local)
}

/// Reads `text`, the answer to [`offer`] of the same `local`.
///
/// # Errors
/// Any [`Refusal`]; `NoAudio` also when the peer turned our line down.
pub fn accept_answer(local: &Local, text: &str) -> Result<Agreed, Refusal> {
    let session = media::parse(text)?;
    let [section] = session.medias.as_slice() else {
        return Err(Refusal::LinesDiffer { found: session.medias.len() });
    };
    let audio = Audio::of(&session, section).ok_or(Refusal::NoAudio)?;
    let lines = vec![Line::Audio { proto: audio.proto().to_owned(), mid: mid(&audio) }];
    let asked = Local { security: security::of_offer(local), ..local.clone() };
    let mut agreed = agree(&asked, &audio, |theirs| PayloadTypes { send: theirs, receive: theirs })?;
    if agreed.secured.as_ref().is_some_and(|secured| !security::is_as_offered(local, secured)) {
        return Err(Refusal::NoSecurity);
    }
    // What checks are to show was said before we knew what theirs would.
    if let Some(Secured::Handshake(handshake)) = &mut agreed.secured {
        let checks = match security::offered(local) {
            Some(Offered::Handshake { checks, .. }) => checks,
            Some(Offered::Keys(_)) | None => None,
        };
        handshake.ice = handshake.ice.take().zip(checks).map(|(ice, ours)| Ice { ours, ..ice });
    }
    // The answerer may number formats anew for its own ears; what we hear still has the numbers of our offer.
    let payload_types = PayloadTypes { receive: local.payload_type(agreed.codec), ..agreed.payload_types };
    let telephone_event = agreed.telephone_event.and_then(|event| {
        let receive = describe::offered_event(event.clock_rate)?;
        Some(KeyPresses { receive, ..event })
    });
    Ok(Agreed { payload_types, telephone_event, security: local.security, lines, ..agreed })
}

/// What `local` and the audio section have in common; `numbered` turns the peer's payload types into both directions'.
fn agree(local: &Local, audio: &Audio<'_>, numbered: impl Fn(u8) -> PayloadTypes) -> Result<Agreed, Refusal> {
    let secured = audio.secured(local)?;
    let is_checked = matches!(&secured, Some(Secured::Handshake(handshake)) if handshake.ice.is_some());
    let (codec, pt): (Codec, u8) = audio.codecs(&local.codecs).next().ok_or(Refusal::NoCommonCodec)?;
    Ok(Agreed {
        codec,
        payload_types: numbered(pt),
        opus: audio.opus(pt),
        telephone_event: audio.telephone_event(codec).map(|(pt, clock_rate)| {
            let PayloadTypes { send, receive } = numbered(pt);
            KeyPresses { send, receive, clock_rate }
        }),
        ptime: whole_steps(codec, audio.ptime()),
        // What is found by checks is not what the description says.
        remote: audio.rtp().filter(|_| !is_checked),
        remote_rtcp: audio.rtcp().filter(|_| !is_checked),
        rtcp_mux: audio.rtcp_mux(),
        direction: direction(local.direction, audio.direction()),
        local_address: local.address,
        secured,
        codecs: local.codecs.clone(),
        security: local.security,
        certificate: local.certificate,
        session: local.session,
        version: local.version,
        lines: Vec::new(),
    })
}

fn mid(audio: &Audio<'_>) -> Option<Mid> {
    audio.mid().map(|(name, is_bundled)| Mid { name, is_bundled })
}

/// What we want and the peer (seen from itself) allows.
fn direction(ours: Direction, theirs: Direction) -> Direction {
    ours.and(theirs.reversed())
}

/// The peer's wish, rounded down to what we send: 10 to 60 ms, of Opus 10, 20, 40 or 60 (RFC 6716 §2). `ptime` is a wish,
/// not a condition (RFC 8866 §6.4), so a peer that asks for 5 ms gets 10.
fn whole_steps(codec: Codec, wish: Option<Duration>) -> Duration {
    let ms = wish.map_or(USUAL_PTIME_MS, |wish| wish.as_millis().min(u128::from(MAX_PTIME_MS)) as u64);
    let whole = (ms / STEP_MS).max(1) * STEP_MS;
    Duration::from_millis(if codec == Codec::Opus && matches!(whole, 30 | 50) { whole - STEP_MS } else { whole })
}
