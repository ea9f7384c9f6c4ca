//! What every recogniser does, whichever engine it is: hears, tells what it hears while it hears it, starts anew, and takes
//! silence, noise and misuse without harm. And what happens when an engine elsewhere misbehaves: it is named, and the next
//! one goes on.
//!
//! Needs Debian's `pocketsphinx-en-us`. The servers stand in the test; behind their protocols the embedded recogniser listens.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use antevox::audio::resample::Downsampler;
use antevox::call::{EarRequest, Hearing};
use antevox::server::engines::choice::{self, Engine, Places};
use antevox::server::engines::remote::OpenAi;
use antevox::server::engines::{EarPool, EngineMessage, Mailbox, voices};
use antevox::speech::asr::lm::LanguageMaterial;
use antevox::speech::asr::pocketsphinx::{self, folder};
use antevox::speech::asr::{AsrError, Listening, Recogniser, RecogniserModel, ServerFault, Transcript};
use antevox::speech::tts::{ClauseCache, Mouth, TtsError, Voice};
use antevox::units::{Ask, HearingId, Lang, SampleRate};
use support::speech_servers::{self, Mood};

const SENTENCES: [&str; 3] = ["i lost my card", "where is my money", "the payment was declined"];

fn material() -> LanguageMaterial {
    LanguageMaterial { sentences: SENTENCES.map(str::to_owned).to_vec(), ..LanguageMaterial::default() }
}

/// Where the models are, made once.
fn models() -> &'static Path {
    static FOLDER: OnceLock<std::path::PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let models = Path::new(env!("CARGO_TARGET_TMPDIR")).join("every-engine");
        for (name, line) in [
            (pocketsphinx::model_name(Lang::En), folder::Line::Narrowband),
            (pocketsphinx::WIDEBAND_MODEL, folder::Line::Wideband),
        ] {
            let path = models.join(name);
            if folder::check(&path, Lang::En).is_err() {
                std::fs::create_dir_all(&models).unwrap();
                folder::make(Path::new(folder::DEBIAN_FOLDER), &path, line).unwrap();
            }
        }
        models
    })
}

/// The recognisers that a model has for wideband lines.
struct ForWideband(Arc<dyn RecogniserModel>);

impl RecogniserModel for ForWideband {
    fn recogniser(&self) -> Result<Box<dyn Recogniser>, AsrError> {
        self.0.wideband_recogniser().map(Option::unwrap)
    }
}

/// What listens behind the servers.
fn embedded() -> speech_servers::Model {
    static MODEL: OnceLock<speech_servers::Model> = OnceLock::new();
    let load = || {
        choice::load(&[Engine::Pocketsphinx], &Places { models: models().to_owned(), ..Places::default() }, &material())
    };
    MODEL.get_or_init(|| load().unwrap()).clone()
}

/// How long a server may take in the test: long where it answers, so that no busy machine decides, and short where it hangs.
fn patience(moods: &[Mood]) -> Duration {
    if moods.contains(&Mood::Hangs) { Duration::from_millis(500) } else { Duration::from_secs(25) }
}

fn load(engines: &[Engine], places: Places) -> Arc<dyn RecogniserModel> {
    choice::load(engines, &Places { models: models().to_owned(), ..places }, &material()).unwrap()
}

fn with_vosk_server(engines: &[Engine], moods: &'static [Mood]) -> Arc<dyn RecogniserModel> {
    let vosk_server = Some(speech_servers::vosk_server(&embedded(), moods));
    load(engines, Places { vosk_server, vosk_server_patience: patience(moods), ..Places::default() })
}

fn with_openai(engines: &[Engine], moods: &'static [Mood]) -> Arc<dyn RecogniserModel> {
    let url = speech_servers::openai(&embedded(), moods);
    let openai = Some(OpenAi { url, patience: patience(moods), ..OpenAi::default() });
    load(engines, Places { openai, ..Places::default() })
}

/// `text` spoken, with half a second of silence behind it, at 16 kHz.
fn spoken(text: &str) -> Vec<i16> {
    let mut pcm = vec![0; 3_200];
    Mouth::new(Arc::new(ClauseCache::new(0)))
        .speak(&Voice::default(), text, &mut |piece| {
            pcm.extend_from_slice(&piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    pcm.extend([0; 8_000]);
    pcm
}

fn noise(seconds: usize) -> Vec<i16> {
    let mut seed = 1_u32;
    let next = |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 20) as i16 - 2_048
    };
    (0..16_000 * seconds).map(next).collect()
}

/// At the rate that the recogniser wants.
fn at_rate(recogniser: &dyn Recogniser, pcm: &[i16]) -> Vec<i16> {
    if recogniser.sample_rate() == SampleRate::WIDEBAND {
        return pcm.to_vec();
    }
    let mut narrow = vec![0; pcm.len() / 2];
    Downsampler::default().process(pcm, &mut narrow);
    narrow
}

/// Feeds 20 ms at a time; the final text, and the partial ones.
fn hear(recogniser: &mut dyn Recogniser, ask: Ask, pcm: &[i16]) -> Result<(Transcript, Vec<String>), AsrError> {
    let pcm = at_rate(recogniser, pcm);
    let piece = recogniser.sample_rate().hertz() as usize / 50;
    recogniser.begin(&Listening { ask, ..Listening::default() })?;
    let mut partials = Vec::new();
    for sound in pcm.chunks(piece) {
        partials.extend(recogniser.feed(sound)?);
    }
    Ok((recogniser.finish()?, partials))
}

/// What an engine can be expected to do beyond doing no harm.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    /// Understands, and tells partial texts however fast it is fed.
    Streams,
    /// Understands; when partial texts come is a matter of time.
    Hears,
    /// Its weights are random.
    #[cfg_attr(not(any(feature = "vosk", feature = "whisper")), allow(dead_code))]
    Nothing,
}

/// What every recogniser does.
fn conforms(model: &dyn RecogniserModel, expect: Expect) {
    let mut recogniser = model.recogniser().unwrap();
    let recogniser = recogniser.as_mut();
    let silence = vec![0; 16_000];

    assert_eq!(recogniser.feed(&[0; 160]), Err(AsrError::NotListening), "feeding before beginning");
    assert_eq!(recogniser.finish().map(|_| ()), Err(AsrError::NotListening), "finishing before beginning");

    for ask in [Ask::Open, Ask::YesNo, Ask::Digits, Ask::Choice] {
        let (heard, _) = hear(recogniser, ask, &silence).unwrap();
        assert_eq!((heard.text.as_str(), heard.words.len()), ("", 0), "silence says nothing");
        hear(recogniser, ask, &[]).unwrap();
    }
    let (heard, _) = hear(recogniser, Ask::Open, &noise(5)).unwrap();
    assert!(heard.words.iter().all(|word| word.to <= Duration::from_secs(6)), "{heard:?}");

    let card = spoken("I lost my card.");
    let (first, partials) = hear(recogniser, Ask::Open, &card).unwrap();
    assert!((0.0..=1.0).contains(&first.confidence), "{first:?}");
    if expect != Expect::Nothing {
        assert_eq!(first.text, "i lost my card");
        let (digits, _) = hear(recogniser, Ask::Digits, &spoken("Four seven two.")).unwrap();
        assert!(digits.text.starts_with("four seven"), "the question chooses what is expected: {}", digits.text);
        // With pauses, 6 of 45 were misheard: the voice's breath is random, another one each time. As few as a third right would
        // come about once in fifty thousand times; where digits are not expected, none is.
        let paused: Vec<String> =
            (0..9).map(|_| hear(recogniser, Ask::Digits, &spoken("Four, seven, two.")).unwrap().0.text).collect();
        let right = paused.iter().filter(|text| text.starts_with("four seven")).count();
        assert!(3 * right >= paused.len(), "{paused:?}");
        assert!(
            expect == Expect::Hears || partials.iter().any(|partial| partial.starts_with("i lost")),
            "{partials:?}"
        );
        let lengths: Vec<usize> = partials.iter().map(|partial| partial.split_whitespace().count()).collect();
        assert!(lengths.windows(2).all(|pair| pair[0] <= pair[1] + 1), "they grow: {partials:?}");
        assert_eq!(first.words.len(), 4);
        assert!(first.words.windows(2).all(|pair| pair[0].from <= pair[1].from), "{first:?}");
    }

    // An utterance that is given up leaves nothing behind, whether the next begins over it or the recogniser goes.
    recogniser.begin(&Listening::default()).unwrap();
    let half = at_rate(recogniser, &card[..card.len() / 2]);
    recogniser.feed(&half).unwrap();
    assert_eq!(hear(recogniser, Ask::Open, &silence).unwrap().0.text, "");
    assert_eq!(hear(recogniser, Ask::Open, &card).unwrap().0.text, first.text, "the same sound is the same text");
    assert_eq!(recogniser.finish().map(|_| ()), Err(AsrError::NotListening), "finishing twice");
    let mut another = model.recogniser().unwrap();
    another.begin(&Listening::default()).unwrap();
    another.feed(&half).unwrap();
}

#[test]
fn pocketsphinx_conforms() {
    conforms(&*embedded(), Expect::Streams);
}

#[test]
fn pocketsphinx_conforms_on_a_wideband_line() {
    let wide = ForWideband(embedded());
    assert_eq!(wide.recogniser().unwrap().sample_rate(), SampleRate::WIDEBAND);
    conforms(&wide, Expect::Streams);
    let with_others = ForWideband(with_vosk_server(&[Engine::Pocketsphinx, Engine::VoskServer], &[Mood::Hangs]));
    conforms(&with_others, Expect::Streams);
}

#[test]
fn a_wideband_line_is_heard_as_any_other_where_the_model_for_it_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = pocketsphinx::model_name(Lang::En);
    std::os::unix::fs::symlink(models().join(narrow), folder.path().join(narrow)).unwrap();
    let places = Places { models: folder.path().to_owned(), ..Places::default() };
    let model = choice::load(&[Engine::Pocketsphinx], &places, &material()).unwrap();
    assert!(model.wideband_recogniser().unwrap().is_none());

    let wide = folder.path().join(pocketsphinx::WIDEBAND_MODEL);
    std::fs::create_dir(&wide).unwrap();
    let begun = choice::load(&[Engine::Pocketsphinx], &places, &material()).err();
    assert_eq!(begun, Some(AsrError::ModelFileMissing(wide.join("manifest.txt"))));
}

#[test]
fn what_was_learnt_on_a_line_of_another_width_is_not_taken() {
    let said = spoken("I lost my card.");
    let mut narrow = embedded().recogniser().unwrap();
    let (heard, _) = hear(narrow.as_mut(), Ask::Open, &said).unwrap();
    let channel = heard.channel.filter(|channel| channel.rate == SampleRate::NARROWBAND);
    assert!(channel.is_some());
    let mut wide = ForWideband(embedded()).recogniser().unwrap();
    let first_mean = |wide: &mut dyn Recogniser, channel| {
        wide.begin(&Listening { channel, ..Listening::default() }).unwrap();
        wide.finish().unwrap().channel.unwrap().mean
    };
    let unknown = first_mean(wide.as_mut(), None);
    assert_eq!(first_mean(wide.as_mut(), channel), unknown);
    let (heard, _) = hear(wide.as_mut(), Ask::Open, &said).unwrap();
    assert_ne!(first_mean(wide.as_mut(), heard.channel), unknown);
}

#[test]
fn a_vosk_server_conforms() {
    conforms(&*with_vosk_server(&[Engine::VoskServer], &[Mood::Fine]), Expect::Hears);
}

#[test]
fn a_vosk_server_tells_partial_texts_while_somebody_speaks() {
    let model = with_vosk_server(&[Engine::VoskServer], &[Mood::Fine]);
    let mut recogniser = model.recogniser().unwrap();
    recogniser.begin(&Listening::default()).unwrap();
    let mut partials = Vec::new();
    for sound in spoken("I lost my card.").chunks(320) {
        partials.extend(recogniser.feed(sound).unwrap());
    }
    // It is fed faster than it hears; silence follows until it has said something.
    for _ in 0..1_500 {
        if !partials.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        partials.extend(recogniser.feed(&[0; 320]).unwrap());
    }
    assert!(partials.first().is_some_and(|partial| partial.starts_with('i')), "{partials:?}");
    assert_eq!(recogniser.finish().unwrap().text, "i lost my card");
}

#[test]
fn several_engines_conform_as_one() {
    conforms(&*with_vosk_server(&[Engine::VoskServer, Engine::Pocketsphinx], &[Mood::Fine]), Expect::Hears);
}

#[test]
fn what_speaks_openais_protocol_hears_whole_utterances() {
    let model = with_openai(&[Engine::Openai], &[Mood::Fine]);
    let (heard, partials) = hear(model.recogniser().unwrap().as_mut(), Ask::Open, &spoken("I lost my card.")).unwrap();
    assert_eq!((heard.text.as_str(), partials.len()), ("i lost my card", 0));
    assert!((heard.confidence - 0.82).abs() < 0.01);
    assert_eq!(hear(model.recogniser().unwrap().as_mut(), Ask::Open, &vec![0; 16_000]).unwrap().0.text, "");
}

#[cfg(feature = "whisper")]
#[test]
fn whisper_conforms_with_a_model_of_random_weights() {
    let places = Places { whisper_model: Some("tiny".into()), ..Places::default() };
    let file = models().join("tiny").join(choice::WHISPER_FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    support::tiny_whisper::write(&file);
    conforms(&*load(&[Engine::Whisper], places.clone()), Expect::Nothing);

    let refused = |material: LanguageMaterial| {
        let places = Places { models: models().to_owned(), ..places.clone() };
        choice::load(&[Engine::Whisper], &places, &material).err().unwrap()
    };
    assert_eq!(refused(LanguageMaterial { lang: Lang::Zh, ..material() }), AsrError::OtherLanguage);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(refused(material()), AsrError::ModelFileDamaged(file.clone()));
    std::fs::write(&file, "<html>").unwrap();
    assert_eq!(refused(material()), AsrError::ModelFileDamaged(file.clone()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(refused(material()), AsrError::ModelFileMissing(file));
}

#[cfg(feature = "vosk")]
#[test]
fn vosk_conforms_with_a_model_made_by_hand() {
    let [folder, file] = choice::VOSK_LIBRARY;
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(folder);
    if !library.join(file).exists() {
        println!("skipped: {} is not here; `antevox models get libvosk` brings it", library.join(file).display());
        return;
    }
    let models = tempfile::tempdir().unwrap();
    let model = models.path().join("tiny");
    support::tiny_vosk::write(&model);
    let load = |models: &Path| {
        let places = Places { models: models.to_owned(), vosk_model: Some("tiny".into()), ..Places::default() };
        choice::load(&[Engine::Vosk], &places, &material())
    };
    assert_eq!(load(models.path()).err(), Some(AsrError::LibraryMissing(file.into())));
    std::os::unix::fs::symlink(&library, models.path().join(folder)).unwrap();
    conforms(&*load(models.path()).unwrap(), Expect::Nothing);

    let loaded = load(models.path()).unwrap();
    let mut recogniser = loaded.recogniser().unwrap();
    for _ in 0..2 {
        let (heard, partials) = hear(recogniser.as_mut(), Ask::YesNo, &spoken("I lost my card.")).unwrap();
        assert_eq!(heard.words[0].text, "yes", "what is loud");
        assert!(heard.words[0].from < Duration::from_secs(1), "times are those of the utterance: {heard:?}");
        assert!(partials.iter().any(|partial| partial.starts_with("yes")));
    }

    let damage = |name: &str, content: &[u8]| {
        support::tiny_vosk::write(&model);
        std::fs::write(model.join(name), content).unwrap();
        load(models.path()).err()
    };
    assert_eq!(
        damage("am/final.mdl", b"<TransitionModel> \n<Topology>"),
        Some(AsrError::ModelFileDamaged(model.clone()))
    );
    assert_eq!(damage("graph/HCLG.fst", b""), Some(AsrError::ModelFileDamaged(model.clone())));
    let file = model.join("conf/mfcc.conf");
    let other = damage("conf/mfcc.conf", b"--sample-frequency=11025\n");
    assert_eq!(other, Some(AsrError::OtherRate { file, hertz: 11_025 }));
    std::fs::remove_dir_all(model.join("graph")).unwrap();
    assert_eq!(load(models.path()).err(), Some(AsrError::ModelFileMissing(model.join("graph/HCLG.fst"))));
}

/// How the server failed.
fn fault(outcome: Result<(Transcript, Vec<String>), AsrError>) -> ServerFault {
    match outcome {
        Err(AsrError::Server { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vosk_server_that_misbehaves_is_named_and_the_next_engine_goes_on() {
    let card = spoken("I lost my card.");
    let moods: [(&[Mood], ServerFault); 4] = [
        (&[Mood::Hangs], ServerFault::TimedOut),
        (&[Mood::Resets], ServerFault::HungUp),
        (&[Mood::Babbles], ServerFault::Nonsense),
        (&[Mood::Refuses(503)], ServerFault::Refused(503)),
    ];
    for (moods, expected) in moods {
        let alone = with_vosk_server(&[Engine::VoskServer], moods);
        let outcome = hear(alone.recogniser().unwrap().as_mut(), Ask::Open, &card);
        assert_eq!(fault(outcome), expected, "{moods:?}");
        let both = with_vosk_server(&[Engine::VoskServer, Engine::Pocketsphinx], moods);
        let (heard, _) = hear(both.recogniser().unwrap().as_mut(), Ask::Open, &card).unwrap();
        assert_eq!(heard.text, "i lost my card", "{moods:?}");
    }
}

#[test]
fn a_vosk_server_gets_a_second_chance_with_all_that_was_said() {
    for moods in [&[Mood::Resets, Mood::Fine], &[Mood::Refuses(500), Mood::Fine]] {
        let model = with_vosk_server(&[Engine::VoskServer], moods);
        let (heard, _) = hear(model.recogniser().unwrap().as_mut(), Ask::Open, &spoken("I lost my card.")).unwrap();
        assert_eq!(heard.text, "i lost my card", "{moods:?}");
    }
}

#[test]
fn openais_protocol_fails_by_name_and_is_asked_twice_where_that_helps() {
    let card = spoken("I lost my card.");
    let once = |moods: &'static [Mood]| {
        hear(with_openai(&[Engine::Openai], moods).recogniser().unwrap().as_mut(), Ask::Open, &card)
    };
    assert_eq!(fault(once(&[Mood::Babbles])), ServerFault::Nonsense);
    assert_eq!(fault(once(&[Mood::Refuses(401), Mood::Fine])), ServerFault::Refused(401));
    assert_eq!(fault(once(&[Mood::Hangs])), ServerFault::TimedOut);
    assert_eq!(once(&[Mood::Refuses(503), Mood::Fine]).unwrap().0.text, "i lost my card");
    let both = with_openai(&[Engine::Openai, Engine::Pocketsphinx], &[Mood::Refuses(503)]);
    let (heard, _) = hear(both.recogniser().unwrap().as_mut(), Ask::Open, &card).unwrap();
    assert_eq!(heard.text, "i lost my card");
}

#[test]
fn a_server_that_is_not_there_is_told_at_once_and_an_address_that_is_none_at_the_start() {
    // Nobody listens at a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let model = load(&[Engine::VoskServer], Places { vosk_server: Some(format!("ws://{free}")), ..Places::default() });
    let outcome = hear(model.recogniser().unwrap().as_mut(), Ask::Open, &[0; 320]);
    assert_eq!(fault(outcome), ServerFault::Unreachable);
    for bad in ["http://127.0.0.1:1", "here", "ws://"] {
        let places = Places { vosk_server: Some(bad.into()), ..Places::default() };
        let refused = choice::load(&[Engine::VoskServer], &places, &material()).err();
        assert_eq!(refused, Some(AsrError::Server { server: bad.into(), fault: ServerFault::BadAddress }));
    }
}

/// Says `text` with a server's voice first; the sound.
fn said(moods: &'static [Mood], text: &str) -> Result<Vec<i16>, TtsError> {
    let url = speech_servers::openai_speech(moods);
    let server = OpenAi { url, voice: Some("alloy".into()), patience: patience(moods), ..OpenAi::default() };
    let mut mouth = voices::mouth(Arc::new(ClauseCache::new(1 << 20)), Some(&server)).unwrap();
    let mut pcm = Vec::new();
    mouth.speak(&Voice::default(), text, &mut |piece| {
        pcm.extend_from_slice(&piece);
        ControlFlow::Continue(())
    })?;
    Ok(pcm)
}

#[test]
fn a_speech_server_speaks_and_our_own_voice_speaks_for_it_when_it_does_not() {
    let remote = said(&[Mood::Fine], "Please wait.").unwrap();
    assert!((7_500..8_500).contains(&remote.len()), "half a second: {}", remote.len());
    assert!(said(&[Mood::Refuses(500), Mood::Fine], "Please wait.").unwrap() == remote, "it is asked twice");
    for mood in [&[Mood::Refuses(500)], &[Mood::Refuses(401)], &[Mood::Babbles], &[Mood::Hangs]] {
        let local = said(mood, "Please wait.").unwrap();
        assert!(local.len() > 8_500 && local != remote, "{mood:?}: {} samples", local.len());
    }
    let broken_off = said(&[Mood::Resets], "Please wait.");
    assert!(
        matches!(broken_off, Err(TtsError::Server { fault: ServerFault::HungUp, .. })),
        "what was half heard is not begun again: {:?}",
        broken_off.map(|pcm| pcm.len())
    );
}

#[test]
fn a_call_goes_on_with_the_next_engine_when_the_first_dies_in_mid_utterance() {
    let model = with_vosk_server(&[Engine::VoskServer, Engine::Pocketsphinx], &[Mood::Resets]);
    assert!(model.is_slow(), "each gets a thread of its own");
    let pool = EarPool::new(&*model, 2, 2).unwrap();
    let (mailbox, mut messages) = Mailbox::new(1);
    let id = HearingId(7);
    pool.request(&mailbox, id, EarRequest::Begin(Listening::default()));
    for sound in spoken("I lost my card.").chunks(320) {
        pool.request(&mailbox, id, EarRequest::Feed(sound.into()));
    }
    pool.request(&mailbox, id, EarRequest::Finish);
    loop {
        match messages.blocking_recv() {
            Some(EngineMessage::Heard(_, Hearing::Partial(_))) => {}
            Some(EngineMessage::Heard(heard, Hearing::Final(transcript))) => {
                assert_eq!((heard, transcript.text.as_str()), (id, "i lost my card"));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}
