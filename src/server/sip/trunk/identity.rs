//! Who calls and on whose behalf, as far as the line that the call came over is believed.

use rsipstack::sip::Headers;

use super::{Origin, Trunk};
use crate::server::sip::Party;
use crate::server::sip::message::{fields, list, party};
use crate::units::Pii;

/// Users of a From that stand for a number that is withheld (RFC 3323 §4.1.1.3, and what switches write instead).
const WITHHELD: [&str; 4] = ["anonymous", "restricted", "unavailable", "unknown"];

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::server::sip) struct Caller {
    /// The caller; empty where the number is withheld.
    pub(in crate::server::sip) from: Party,
    /// The number that was called first, where the call was diverted to us.
    pub(in crate::server::sip) diverted_from: Option<Pii<String>>,
}

/// Reads who calls from an INVITE that came from `origin` with this From value.
///
/// `P-Asserted-Identity` counts only from a trunk that is trusted (RFC 3325 §5), `Diversion` and `History-Info` only from
/// trunks. Where privacy is asked for, the number is not known to us: it would reach records, pages and agents.
pub(in crate::server::sip) fn caller(headers: &Headers, from: &str, origin: &Origin) -> Caller {
    let trunk = match origin {
        Origin::Trunk(trunk) => Some(&**trunk),
        Origin::Stranger | Origin::Phone(_) => None,
    };
    let asserted = trunk.filter(|trunk| trunk.is_trusted).and_then(|_| asserted(headers));
    let from = match origin {
        // Proven, whatever the From says.
        Origin::Phone(user) => Party { user: Pii(user.clone()), display: said(from).display },
        _ if is_private(headers) => Party::default(),
        _ => asserted.unwrap_or_else(|| said(from)),
    };
    let is_withheld = WITHHELD.iter().any(|name| name.eq_ignore_ascii_case(&from.user.0));
    let from = if is_withheld { Party::default() } else { from };
    let diverted_from = trunk.and_then(|_| diverted_from(headers)).filter(|user| !user.is_empty()).map(Pii);
    Caller { from, diverted_from }
}

/// Header fields of this trunk that dialplans may read, by the name in its settings.
pub(in crate::server::sip) fn named(headers: &Headers, trunk: &Trunk) -> Vec<(String, String)> {
    let value = |name: &String| Some((name.clone(), fields(headers, name).next()?.trim().to_owned()));
    trunk.headers.iter().filter_map(value).collect()
}

fn asserted(headers: &Headers) -> Option<Party> {
    let values: Vec<String> = fields(headers, "P-Asserted-Identity").flat_map(list).collect();
    // One may be a tel, the other a sip URI (RFC 3325 §9.1); a number is worth more than a name.
    let is_number =
        |value: &&String| !user(value).is_empty() && user(value).bytes().all(|b| b"+0123456789".contains(&b));
    let best = values.iter().find(is_number).or(values.first())?;
    Some(said(best)).filter(|party| !party.user.0.is_empty())
}

/// `Privacy` with anything but `none` and `critical` (RFC 3323 §4.2, RFC 3325 §7: `id`).
fn is_private(headers: &Headers) -> bool {
    fields(headers, "Privacy")
        .flat_map(|value| value.split(';'))
        .any(|priv_value| matches!(priv_value.trim().to_ascii_lowercase().as_str(), "id" | "user" | "header"))
}

/// The first diversion: the last `Diversion` (RFC 5806 §4.1: topmost is newest), else the first entry of `History-Info`
/// if there is a later one (RFC 7044 §5).
fn diverted_from(headers: &Headers) -> Option<String> {
    if let Some(oldest) = fields(headers, "Diversion").flat_map(list).last() {
        return Some(user(&oldest));
    }
    let mut entries: Vec<(Vec<u32>, String)> =
        fields(headers, "History-Info").flat_map(list).map(|entry| (index(&entry), user(&entry))).collect();
    entries.sort();
    (entries.len() > 1).then(|| entries.swap_remove(0).1)
}

/// `index=1.2` of a `History-Info` entry; entries without one come last.
fn index(entry: &str) -> Vec<u32> {
    let after = entry.rsplit_once('>').map_or("", |(_, after)| after);
    let parameter = after.split(';').find_map(|part| part.trim().strip_prefix("index="));
    let numbers = parameter.map(|index| index.split('.').map_while(|number| number.parse().ok()).collect::<Vec<u32>>());
    numbers.filter(|numbers| !numbers.is_empty()).unwrap_or_else(|| vec![u32::MAX])
}

fn said(value: &str) -> Party {
    let (display, _) = party(value);
    Party { user: Pii(user(value)), display: display.map(Pii) }
}

/// User part of a sip or tel URI, with or without angle brackets; visual separators of a tel number are left out
/// (RFC 3966 §5.1.1).
fn user(value: &str) -> String {
    let uri = value.rsplit_once('<').map_or(value, |(_, rest)| rest.split('>').next().unwrap_or_default()).trim();
    let is_tel = uri.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    if is_tel {
        return uri[4..].split(';').next().unwrap_or_default().chars().filter(|c| !"-.() ".contains(*c)).collect();
    }
    party(value).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsipstack::sip::{Header, Request};
    use std::sync::Arc;

    fn headers(lines: &[&str]) -> Headers {
        let text = format!("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9\r\n{}\r\n\r\n", lines.join("\r\n"));
        let mut headers = Request::try_from(text.as_str()).unwrap().headers;
        headers.retain(|header| !matches!(header, Header::Via(_)));
        headers
    }

    fn trunk(is_trusted: bool) -> Origin {
        Origin::Trunk(Arc::new(Trunk { is_trusted, headers: vec!["X-Account".into()], ..Trunk::default() }))
    }

    fn number(lines: &[&str], origin: &Origin) -> String {
        caller(&headers(lines), "\"A\" <sip:100@h>;tag=1", origin).from.user.0
    }

    #[test]
    fn only_a_trusted_trunk_is_believed_who_calls() {
        let asserted = ["P-Asserted-Identity: \"Li Na\" <sip:li.na@h>, <tel:+86-138-0000-0001>"];
        assert_eq!(number(&asserted, &trunk(true)), "+8613800000001");
        assert_eq!(number(&asserted, &trunk(false)), "100");
        assert_eq!(number(&asserted, &Origin::Stranger), "100");
        assert_eq!(number(&asserted, &Origin::Phone("anna".into())), "anna");
        assert_eq!(number(&["P-Asserted-Identity: <sip:anna@h>"], &trunk(true)), "anna");
        assert_eq!(number(&["P-Asserted-Identity: nonsense"], &trunk(true)), "100");
    }

    #[test]
    fn who_wants_to_stay_unknown_does() {
        let asserted = "P-Asserted-Identity: <sip:138@h>";
        for privacy in ["Privacy: id", "Privacy: header;ID", "Privacy: user"] {
            assert_eq!(number(&[asserted, privacy], &trunk(true)), "", "{privacy}");
        }
        assert_eq!(number(&[asserted, "Privacy: none"], &trunk(true)), "138");
        for from in ["<sip:anonymous@anonymous.invalid>;tag=1", "\"x\" <sip:Restricted@h>"] {
            assert_eq!(caller(&headers(&[]), from, &Origin::Stranger).from, Party::default(), "{from}");
        }
    }

    #[test]
    fn a_diverted_call_tells_where_it_was_going() {
        for lines in [
            vec!["Diversion: <sip:300@h>;reason=no-answer", "Diversion: <tel:+200>;reason=unconditional"],
            vec!["Diversion: <sip:300@h>;reason=no-answer, <sip:+200@h>;reason=unconditional"],
            vec!["History-Info: <sip:95188@h>;index=1.1, <sip:+200@h?Reason=SIP%3Bcause%3D302>;index=1"],
        ] {
            let found = caller(&headers(&lines), "<sip:100@h>", &trunk(false)).diverted_from;
            assert_eq!(found.map(|user| user.0).as_deref(), Some("+200"), "{lines:?}");
            assert_eq!(caller(&headers(&lines), "<sip:100@h>", &Origin::Stranger).diverted_from, None);
        }
        let direct = headers(&["History-Info: <sip:95188@h>;index=1"]);
        assert_eq!(caller(&direct, "<sip:100@h>", &trunk(true)).diverted_from, None);
    }

    #[test]
    fn a_trunk_s_own_header_fields_are_read_by_name() {
        let Origin::Trunk(trunk) = trunk(false) else { unreachable!("it is one") };
        let found = named(&headers(&["X-Other: 1", "x-account: 4711 "]), &trunk);
        assert_eq!(found, [("X-Account".to_owned(), "4711".to_owned())]);
    }
}
