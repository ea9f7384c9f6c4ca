//! One layer over the other, every mistake with its place.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::lines::Incomplete;
use super::{Given, Refused, Settings};
use crate::diag::{Diagnostics, Place};

/// A value from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// How the user spells it: `--http`.
    pub name: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// Prefix of environment variables that set a key: `ANTEVOX_HTTP__LISTEN`.
const PREFIX: &str = "ANTEVOX_";

/// Sections that may stand there several times: `[[trunks]]`.
const REPEATED: [&str; 2] = ["trunks", "phones"];

/// Puts `flags` over `environment` over `file` over the defaults.
///
/// # Errors
/// All mistakes of all layers: unknown keys and values out of range, each with its place and what would fit.
pub fn layered(
    file: Option<(&Path, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Settings, Diagnostics> {
    let mut settings = Settings::default();
    let mut found = Diagnostics::default();
    if let Some((path, text)) = file {
        apply_file(&mut settings, path, text, &mut found);
    }
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else { continue };
        let key = format!("{}.{}", key.0.to_lowercase(), key.1.to_lowercase().replace("__", "."));
        if let Err(refused) = settings.set(&key, Given::One(value)) {
            refuse(&mut found, Path::new(&name), "", Place::default(), &key, &refused);
        }
    }
    for flag in flags {
        if let Err(refused) = settings.set(flag.key, Given::One(flag.value.clone())) {
            refuse(&mut found, Path::new(flag.name), "", Place::default(), &flag.value, &refused);
        }
    }
    for Incomplete { what, message, help } in settings.incomplete() {
        let path = file.map_or(Path::new(&what), |(path, _)| path);
        found.error(path, "", Place::default(), format!("{what}: {message}"), help);
    }
    if found.has_errors() { Err(found) } else { Ok(settings) }
}

fn apply_file(settings: &mut Settings, path: &Path, text: &str, found: &mut Diagnostics) {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let at = place(text, error.span().map_or(0, |span| span.start));
            return found.error(path, text, at, error.message(), "correct the TOML syntax");
        }
    };
    for (section, entry) in table.get_ref() {
        match entry.get_ref() {
            DeValue::Table(keys) => apply_keys(settings, section.get_ref(), keys, (path, text), found),
            DeValue::Array(tables) if REPEATED.contains(&section.get_ref().as_ref()) => {
                for (at, table) in tables.iter().enumerate() {
                    let DeValue::Table(keys) = table.get_ref() else { continue };
                    apply_keys(settings, &format!("{}.{at}", section.get_ref()), keys, (path, text), found);
                }
            }
            _ => {
                let at = place(text, section.span().start);
                let message = format!("`{}` stands outside a section", section.get_ref());
                found.error(path, text, at, message, "put it under a section such as [sip]");
            }
        }
    }
}

fn apply_keys(
    settings: &mut Settings,
    section: &str,
    keys: &DeTable<'_>,
    (path, text): (&Path, &str),
    found: &mut Diagnostics,
) {
    for (name, value) in keys {
        let key = format!("{section}.{}", name.get_ref());
        let outcome = match given(value.get_ref()) {
            Some(given) => settings.set(&key, given),
            None => Err(Refused::Expected("a string, a number or a list of strings")),
        };
        if let Err(refused) = outcome {
            refuse(found, path, text, place(text, name.span().start), &key, &refused);
        }
    }
}

fn refuse(found: &mut Diagnostics, file: &Path, text: &str, at: Place, what: &str, refused: &Refused) {
    match refused {
        Refused::UnknownKey(known) => {
            let help = format!("use one of {}", known.join(", "));
            found.error(file, text, at, format!("there is no setting `{what}`"), help);
        }
        Refused::Expected(expected) => {
            found.error(file, text, at, format!("the value of `{what}` does not fit"), format!("give {expected}"));
        }
    }
}

fn given(value: &DeValue<'_>) -> Option<Given> {
    Some(match value {
        DeValue::Array(list) => Given::Many(list.iter().map(|entry| scalar(entry.get_ref())).collect::<Option<_>>()?),
        value => Given::One(scalar(value)?),
    })
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// Line and column of the byte at `offset`.
fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, String> {
        layered(Some((Path::new("antevox.toml"), text)), [], &[]).map_err(|found| found.to_string())
    }

    #[test]
    fn the_later_layer_wins() {
        let file =
            "[http]\nlisten = \"127.0.0.1:1\"\n[sip]\nlisten = [\"127.0.0.1:5070\", \"[::1]:5070\"]\nmax_calls = 7\n";
        let environment = [("ANTEVOX_HTTP__LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
        let flag = Flag { name: "--http", key: "http.listen", value: "127.0.0.1:3".into() };
        let layered = |flags: &[Flag], environment: &[(String, String)]| {
            layered(Some((Path::new("f"), file)), environment.to_vec(), flags).unwrap()
        };
        assert_eq!(layered(&[], &[]).http.port(), 1);
        assert_eq!(layered(&[], &environment).http.port(), 2);
        let all = layered(&[flag], &environment);
        assert_eq!((all.http.port(), all.sip.listen.len(), all.sip.max_calls), (3, 2, 7));
    }

    #[test]
    fn codecs_are_named_in_any_case_and_once() {
        use crate::sdp::Codec;

        let rtp = |codecs: &str| load(&format!("[rtp]\ncodecs = {codecs}\n")).map(|settings| settings.rtp.codecs);
        assert_eq!(rtp("[\"pcma\", \"OPUS\"]"), Ok(vec![Codec::Pcma, Codec::Opus]));
        for bad in ["[]", "[\"gsm\"]", "[\"pcma\", \"PCMA\"]"] {
            assert!(rtp(bad).is_err_and(|shown| shown.contains("`rtp.codecs` does not fit")), "{bad}");
        }
    }

    #[test]
    fn recognisers_are_named_in_order_and_once() {
        use crate::server::engines::choice::Engine;

        let engines = |list: &str| load(&format!("[engines]\nrecogniser = {list}\n")).map(|s| s.engines.recogniser);
        assert_eq!(engines("[\"vosk-server\", \"pocketsphinx\"]"), Ok(vec![Engine::VoskServer, Engine::Pocketsphinx]));
        assert_eq!(engines("\"whisper\""), Ok(vec![Engine::Whisper]));
        for bad in ["[]", "[\"ears\"]", "[\"vosk\", \"vosk\"]"] {
            assert!(engines(bad).is_err_and(|shown| shown.contains("`engines.recogniser` does not fit")), "{bad}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let settings = load("[engines]\nopenai_key = \"secret\"\nopenai_url = \"http://here/v1\"\n").unwrap();
        assert_eq!(settings.engines.places.openai.as_ref().unwrap().url, "http://here/v1");
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn every_mistake_is_shown_with_its_place_and_remedy() {
        let shown = load("[sip]\nlisten = [\"nowhere\"]\nmax_cals = 3\n[rtp]\nports = \"9-4\"\n").unwrap_err();
        assert!(shown.contains("antevox.toml:2:1: error: the value of `sip.listen` does not fit"), "{shown}");
        assert!(shown.contains("antevox.toml:3:1: error: there is no setting `sip.max_cals`"), "{shown}");
        assert!(shown.contains("antevox.toml:5:1"), "{shown}");
        assert!(shown.contains("help: give LOW-HIGH"), "{shown}");
        assert!(load("[sip\n").unwrap_err().contains("antevox.toml:1:5"));
    }

    #[test]
    fn trunks_and_phones_may_stand_there_several_times() {
        let file = "[[trunks]]\nname = \"carrier\"\naddresses = [\"192.0.2.0/24\"]\ntrusted = true\n\
                    [[trunks]]\nname = \"office\"\ntargets = [\"sip:10.0.0.1 3\", \"sip:10.0.0.2;transport=tcp\"]\n\
                    user = \"u\"\nrealm = \"pbx\"\nregister_s = 300\n[[phones]]\nuser = \"anna\"\npassword = \"p\"\n";
        let path = Path::new("antevox.toml");
        let environment = [("ANTEVOX_TRUNKS__1__PASSWORD".to_owned(), "secret".to_owned())];
        let settings = layered(Some((path, file)), environment, &[]).unwrap();
        let [carrier, office] = settings.trunks.as_slice() else { panic!("two trunks") };
        assert!(carrier.is_trusted && carrier.networks[0].contains("192.0.2.9".parse().unwrap()));
        assert_eq!(office.targets.iter().map(|target| target.weight).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(office.credentials.as_ref().unwrap().password.0, "secret");
        assert_eq!(settings.phones[0].user, "anna");

        let incomplete = layered(Some((path, file)), [], &[]).unwrap_err().to_string();
        assert!(incomplete.contains("trunks.1: the trunk's credentials are incomplete"), "{incomplete}");
        for (bad, shown) in [
            ("[[trunks]]\nname = \"a\"\nadresses = []\n", "there is no setting `trunks.0.adresses`"),
            ("[[trunks]]\naddresses = [\"x\"]\n", "`trunks.0.addresses` does not fit"),
            ("[[trunks]]\nname = \"a\"\n[[trunks]]\nname = \"a\"\n", "the name of the trunk is taken"),
            ("[[phones]]\nuser = \"a\"\n", "phones.0: the telephone is incomplete"),
            ("[calls_out]\nallow = [\"\"]\n", "`calls_out.allow` does not fit"),
            ("[sip]\nstrangers = \"loved\"\n", "`sip.strangers` does not fit"),
        ] {
            assert!(load(bad).is_err_and(|all| all.contains(shown)), "{bad}: {:?}", load(bad));
        }
    }

    #[test]
    fn an_unknown_variable_of_ours_is_a_mistake() {
        let environment = [("ANTEVOX_SIP__PORT".to_owned(), "1".to_owned()), ("HOME".to_owned(), "/".to_owned())];
        let found = layered(None, environment, &[]).unwrap_err().to_string();
        assert!(found.starts_with("ANTEVOX_SIP__PORT: error: there is no setting `sip.port`"), "{found}");
    }
}
