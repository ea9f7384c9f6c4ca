//! Reading one `m=` section: what the peer speaks, where it listens, who shall send.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sdp_types::{Attribute, Connection, Media, Session};

use super::handshake::{Credentials, Fingerprint, Stated};
use super::security::{self, Profile, Secured};
use super::{Codec, Direction, Local, MAX_MEDIA_LINES, MAX_PAYLOAD_TYPES, MAX_SDP_BYTES, OpusWishes, Refusal};

/// The RTP profiles that we answer (RFC 3551, RFC 4585, RFC 3711, RFC 5124, RFC 5764). Feedback is optional in those that end
/// in F.
const PROFILES: [(&str, Profile); 6] = [
    ("RTP/AVP", Profile::Plain),
    ("RTP/AVPF", Profile::Plain),
    ("RTP/SAVP", Profile::Secure),
    ("RTP/SAVPF", Profile::Secure),
    ("UDP/TLS/RTP/SAVP", Profile::Handshake),
    ("UDP/TLS/RTP/SAVPF", Profile::Handshake),
];

/// Longest name of a section that is kept.
const MAX_MID: usize = 32;

/// Reads SDP within the caps.
pub(super) fn parse(text: &str) -> Result<Session, Refusal> {
    if text.len() > MAX_SDP_BYTES {
        return Err(Refusal::TooLong);
    }
    let lines = text.lines().filter(|line| line.starts_with("m=")).take(MAX_MEDIA_LINES + 1).count();
    if lines > MAX_MEDIA_LINES {
        return Err(Refusal::TooManyMediaLines);
    }
    let session = Session::parse(text.as_bytes()).map_err(|e| Refusal::Malformed { line: line_of(&e) })?;
    let too_many = |media: &Media| media.fmt.split_ascii_whitespace().count() > MAX_PAYLOAD_TYPES;
    if session.medias.iter().any(too_many) {
        return Err(Refusal::TooManyPayloadTypes);
    }
    Ok(session)
}

fn line_of(error: &sdp_types::ParserError) -> usize {
    use sdp_types::ParserError as E;
    match *error {
        E::InvalidLineFormat(line, _)
        | E::InvalidFieldEncoding(line, _)
        | E::InvalidFieldFormat(line, _)
        | E::MissingField(line, _)
        | E::FieldTrailingData(line, _)
        | E::InvalidVersion(line, _)
        | E::MultipleVersions(line)
        | E::MultipleOrigins(line)
        | E::MultipleSessionNames(line)
        | E::MultipleSessionDescription(line)
        | E::MultipleUris(line)
        | E::MultipleConnections(line)
        | E::MultipleTimeZones(line)
        | E::MultipleMediaTitles(line)
        | E::MultipleKeys(line)
        | E::RepeatWithoutTime(line) => line,
        _ => 0,
    }
}

/// One audio section in the terms of this house.
pub(super) struct Audio<'a> {
    session: &'a Session,
    media: &'a Media,
    profile: Profile,
}

impl<'a> Audio<'a> {
    /// `None` when the section is not audio over RTP or SRTP, or is switched off by port 0.
    pub(super) fn of(session: &'a Session, media: &'a Media) -> Option<Self> {
        let (_, profile) = PROFILES.into_iter().find(|(proto, _)| media.proto.eq_ignore_ascii_case(proto))?;
        let is_audio = media.media.eq_ignore_ascii_case("audio") && media.port != 0;
        is_audio.then_some(Self { session, media, profile })
    }

    /// How packets are protected, as far as `ours` goes.
    pub(super) fn secured(&self, ours: &Local) -> Result<Option<Secured>, Refusal> {
        security::agree(ours, self.profile, self.values("crypto"), self.handshake())
    }

    /// What is said of a handshake, of the section or of all. Of several fingerprints one is enough: they are of one
    /// certificate, or of certificates that are all the peer's (RFC 8122 §5).
    fn handshake(&self) -> Option<Stated<'a>> {
        let theirs =
            self.values("fingerprint").chain(self.session_values("fingerprint")).find_map(Fingerprint::read)?;
        let setup = self.stated("setup");
        Some(Stated { theirs, setup, ice: self.credentials(), rtcp_mux: self.rtcp_mux() })
    }

    /// What checks of the way to the peer show, where it asks for checks.
    fn credentials(&self) -> Option<Credentials> {
        Credentials::read(self.stated("ice-ufrag"), self.stated("ice-pwd"))
    }

    /// Its name among the sections, and whether it shares one port with others that we do not take (RFC 8843 §7.3).
    pub(super) fn mid(&self) -> Option<(String, bool)> {
        let is_token =
            |mid: &&str| (1..=MAX_MID).contains(&mid.len()) && mid.bytes().all(|byte| byte.is_ascii_graphic());
        let mid = self.values("mid").next().map(str::trim).filter(is_token)?;
        let is_bundled = self.session_values("group").any(|group| {
            let mut words = group.split_ascii_whitespace();
            words.next() == Some("BUNDLE") && words.any(|word| word == mid)
        });
        Some((mid.to_owned(), is_bundled))
    }

    /// The offered codecs among `ours`, in the peer's order, each with its payload type.
    pub(super) fn codecs(&self, ours: &[Codec]) -> impl Iterator<Item = (Codec, u8)> {
        self.payload_types().filter_map(move |pt| {
            let codec = match self.rtpmap(pt) {
                Some(map) => ours.iter().copied().find(|&codec| map.is(codec)),
                None => ours.iter().copied().find(|codec| codec.static_payload_type() == Some(pt)),
            }?;
            Some((codec, pt))
        })
    }

    /// The payload type of telephone-event and its clock rate: that of `codec` (RFC 4733 §2.1), else 8,000, which some
    /// offer beside a codec of another rate.
    pub(super) fn telephone_event(&self, codec: Codec) -> Option<(u8, u32)> {
        [codec.clock_rate(), 8_000].into_iter().find_map(|rate| {
            let is_event = |map: RtpMap<'_>| map.name.eq_ignore_ascii_case("telephone-event") && map.clock_rate == rate;
            self.payload_types().find(|&pt| self.rtpmap(pt).is_some_and(is_event)).map(|pt| (pt, rate))
        })
    }

    /// What the `fmtp` of a payload type says of Opus.
    pub(super) fn opus(&self, pt: u8) -> OpusWishes {
        let stated = self.values("fmtp").find_map(|value| {
            let (number, parameters) = value.trim_start().split_once(char::is_whitespace)?;
            (number.parse::<u8>() == Ok(pt)).then(|| OpusWishes::parse(parameters))
        });
        stated.unwrap_or_default()
    }

    /// The numbers on the `m=` line.
    fn payload_types(&self) -> impl Iterator<Item = u8> + 'a {
        self.media.fmt.split_ascii_whitespace().filter_map(|pt| pt.parse().ok()).filter(|&pt: &u8| pt < 128)
    }

    fn rtpmap(&self, pt: u8) -> Option<RtpMap<'a>> {
        self.values("rtpmap").find_map(|value| {
            let (number, encoding) = value.trim_start().split_once(char::is_whitespace)?;
            (number.parse::<u8>() == Ok(pt)).then(|| RtpMap::parse(encoding.trim()))?
        })
    }

    /// How much sound the peer wants in a packet.
    pub(super) fn ptime(&self) -> Option<Duration> {
        let ms = |name| self.values(name).find_map(|value| leading_number(value.trim()));
        let wanted = ms("ptime");
        let most = ms("maxptime");
        Some(Duration::from_millis(match (wanted, most) {
            (Some(wanted), Some(most)) => wanted.min(most),
            (Some(one), None) => one,
            (None, Some(most)) if most < 20 => most,
            (None, _) => return None,
        }))
    }

    /// Who shall send, seen from the peer: the section's attribute, else the session's, else both.
    ///
    /// The address `0.0.0.0` is hold as it was before RFC 3264 (§8.4): the peer does not want to hear us.
    pub(super) fn direction(&self) -> Direction {
        let own = self.media.attributes.iter().rev();
        let general = self.session.attributes.iter().rev();
        let stated = own.chain(general).find_map(|a| direction_named(&a.attribute)).unwrap_or_default();
        match self.ip() {
            // Where the way is found by checks, no address means that none is known yet (RFC 8838).
            Some(ip) if ip.is_unspecified() && self.credentials().is_none() => stated.and(Direction::SendOnly),
            _ => stated,
        }
    }

    /// Where the peer receives RTP; `None` for a host name, a multicast group or `0.0.0.0`.
    pub(super) fn rtp(&self) -> Option<SocketAddr> {
        self.ip().filter(reachable).map(|ip| SocketAddr::new(ip, self.media.port))
    }

    /// Where the peer receives RTCP: as `a=rtcp` says (RFC 3605), with [`rtcp_mux`](Self::rtcp_mux) where RTP goes, else
    /// one port above.
    pub(super) fn rtcp(&self) -> Option<SocketAddr> {
        let rtp = self.rtp()?;
        if self.rtcp_mux() {
            return Some(rtp);
        }
        let Some(stated) = self.values("rtcp").next() else {
            return Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
        };
        let mut words = stated.split_ascii_whitespace();
        let port = words.next()?.parse().ok()?;
        let ip = words.nth(2).and_then(|ip| ip.parse().ok()).unwrap_or(rtp.ip());
        Some(SocketAddr::new(ip, port)).filter(|rtcp| reachable(&rtcp.ip()) && port != 0)
    }

    /// Whether RTP and RTCP may share a port (RFC 5761).
    pub(super) fn rtcp_mux(&self) -> bool {
        self.media.has_attribute("rtcp-mux")
    }

    /// The transport as the peer spells it.
    pub(super) fn proto(&self) -> &'a str {
        &self.media.proto
    }

    fn ip(&self) -> Option<IpAddr> {
        let connection: &Connection = self.media.connections.first().or(self.session.connection.as_ref())?;
        connection.try_address().ok().map(|address| address.ip)
    }

    /// The section's value, else that of all.
    fn stated(&self, name: &'static str) -> Option<&'a str> {
        self.values(name).chain(self.session_values(name)).next()
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        named(&self.media.attributes, name)
    }

    fn session_values(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        named(&self.session.attributes, name)
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
    attributes.iter().filter(move |a| a.attribute.eq_ignore_ascii_case(name)).filter_map(|a| a.value.as_deref())
}

fn reachable(ip: &IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast()
}

fn direction_named(attribute: &str) -> Option<Direction> {
    use Direction::{Inactive, ReceiveOnly, SendOnly, SendReceive};
    [SendReceive, SendOnly, ReceiveOnly, Inactive].into_iter().find(|d| attribute.eq_ignore_ascii_case(d.attribute()))
}

/// `20`, and also `20.0` or `20 ms`, which some send.
fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `PCMU/8000/1`
struct RtpMap<'a> {
    name: &'a str,
    clock_rate: u32,
    channels: u8,
}

impl<'a> RtpMap<'a> {
    fn parse(encoding: &'a str) -> Option<Self> {
        let mut parts = encoding.split('/');
        let name = parts.next()?;
        let clock_rate = parts.next()?.trim().parse().ok()?;
        let channels = parts.next().map_or(Some(1), |channels| channels.trim().parse().ok())?;
        Some(Self { name, clock_rate, channels })
    }

    fn is(&self, codec: Codec) -> bool {
        self.name.eq_ignore_ascii_case(codec.name())
            && self.clock_rate == codec.clock_rate()
            && self.channels == codec.channels()
    }
}
