//! The same conversation over real SIP and RTP with each recogniser that has a model: a guess is confirmed, and the caller
//! needs nothing else. Whisper is not among them, since its model here is of random weights.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;

use antevox::server::engines::choice::{self, Engine, Places};
use antevox::speech::asr::lm::LanguageMaterial;
use support::answering::{Manner, Server as Answering};
use support::hotline::{Hotline, said_by};
use support::speech_servers::{self, Mood};

/// An engine, and the settings that it needs.
type Ears = (Engine, Vec<(&'static str, String)>);

/// Every engine that can hear on this machine; what keeps another from it is printed.
fn ears() -> Vec<Ears> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let material = LanguageMaterial {
        sentences: ["yes", "yes please", "no", "no thanks"].map(str::to_owned).to_vec(),
        ..LanguageMaterial::default()
    };
    let places = Places { models: models.clone(), ..Places::default() };
    let embedded = choice::load(&[Engine::Pocketsphinx], &places, &material)
        .expect("the telephone model is there: `antevox models get en-us-8k` makes it, as `make test` does");
    let mut ears = vec![
        (Engine::Pocketsphinx, Vec::new()),
        (
            Engine::VoskServer,
            vec![("ANTEVOX_ENGINES__VOSK_SERVER", speech_servers::vosk_server(&embedded, &[Mood::Fine]))],
        ),
        (Engine::Openai, vec![("ANTEVOX_ENGINES__OPENAI_URL", speech_servers::openai(&embedded, &[Mood::Fine]))]),
    ];
    let [folder, file] = choice::VOSK_LIBRARY;
    if !cfg!(feature = "vosk") {
        println!("vosk: left out, since it is not a feature of this build");
    } else if !models.join(folder).join(file).exists() {
        println!("vosk: left out; `antevox models get libvosk` brings its library");
    } else {
        ears.push((Engine::Vosk, vec![("ANTEVOX_ENGINES__VOSK_MODEL", "vosk-digits-en".to_owned())]));
    }
    ears
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guess_is_confirmed_whoever_listens() {
    let agents = Answering::start(Manner::Answers).await;
    let agent = agents.address(antevox::server::sip::Transport::Udp, true);
    tokio::task::spawn_blocking(move || {
        for (engine, settings) in ears() {
            let mut settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
            settings.push(("ANTEVOX_ENGINES__RECOGNISER", engine.name()));
            let hotline = Hotline::start(agent, &settings);
            // The card of this member was declined an hour ago.
            let record = hotline.call("13800000001", &["listen", "text:yes", "listen", "text:no", "listen:1"]);
            let heard: Vec<String> =
                said_by(&record, "caller").iter().map(|turn| turn["text"].as_str().unwrap().to_owned()).collect();
            println!("{}: {heard:?}", engine.name());
            assert_eq!(record["confirmed"], true, "{}: {record}", engine.name());
            assert_eq!(record["scene"], "declined_card_payment", "{}: {record}", engine.name());
            assert_eq!(record["outcome"], "resolved", "{}: {record}", engine.name());
        }
    })
    .await
    .unwrap();
}
