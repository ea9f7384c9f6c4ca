//! Conversations in virtual time.

use super::*;
use std::time::Duration;

use proptest::prelude::*;

/// Plays a caller against the floor: feeds frames and collects what is decided, with the time in ms.
struct Caller {
    turn: Turn,
    now: SampleTime,
    decided: Vec<(u64, Decision)>,
    /// Level of what is heard \[dBov\].
    loudness: f32,
}

impl Caller {
    fn new() -> Self {
        Self { turn: Turn::default(), now: SampleTime(0), decided: Vec::new(), loudness: -20.0 }
    }

    fn sound(&mut self, ms: u64, probability: f32) -> &mut Self {
        for _ in 0..ms / FRAME_MS {
            self.now = self.now + Duration::from_millis(FRAME_MS);
            // A voice is never as steady as a tone.
            let level = self.loudness - if self.now.as_millis().is_multiple_of(40) { 0.0 } else { 2.0 };
            let voice = Voice { speech: probability >= 0.5, probability, level, echo: 0.0, played: -127.0 };
            self.turn.frame(self.now, voice);
            while let Some(decision) = self.turn.poll() {
                self.decided.push((self.now.as_millis(), decision));
            }
        }
        self
    }

    /// A sound that is no voice.
    fn level(&mut self, dbov: f32, ms: u64) -> &mut Self {
        let before = std::mem::replace(&mut self.loudness, dbov);
        self.sound(ms, 0.0);
        self.loudness = before;
        self
    }

    fn speech(&mut self, ms: u64) -> &mut Self {
        self.sound(ms, 0.95)
    }

    fn silence(&mut self, ms: u64) -> &mut Self {
        self.level(-127.0, ms)
    }

    fn words(&mut self, words: &str) -> &mut Self {
        // Whole sentences are long here.
        let is_whole = |words: &str| if words.split_whitespace().count() > 4 { 0.9 } else { 0.05 };
        self.turn.words(self.now, words, is_whole);
        self
    }

    fn prompt(&mut self, ask: Ask) -> &mut Self {
        self.turn.server_speaks(ask, Yields::ToSpeech);
        self
    }

    fn prompt_that_yields(&mut self, yields: Yields) -> &mut Self {
        self.turn.server_speaks(Ask::Open, yields);
        self
    }

    fn offer(&mut self) -> &mut Self {
        self.turn.offer(self.turn.ask, self.now, self.now + Duration::from_secs(6));
        self
    }

    fn when(&self, wanted: impl Fn(&Decision) -> bool) -> Option<u64> {
        self.decided.iter().find(|(_, decision)| wanted(decision)).map(|(ms, _)| *ms)
    }
}

fn ended(decision: &Decision) -> bool {
    matches!(decision, Decision::EndTurn { .. })
}

#[test]
fn a_yes_is_answered_sooner_than_half_a_sentence() {
    let mut yes = Caller::new();
    yes.prompt(Ask::YesNo).offer().silence(200).speech(300).words("yes").silence(2_000);
    let mut half = Caller::new();
    half.prompt(Ask::Open).offer().silence(200).speech(300).words("my card was blocked").silence(2_000);
    assert_eq!(yes.when(ended), Some(680));
    assert_eq!(half.when(ended), Some(1_900));
}

#[test]
fn the_end_of_a_turn_is_foreseen_once_in_each_silence() {
    let foreseen = |caller: &Caller| -> Vec<u64> {
        caller.decided.iter().filter(|(_, d)| *d == Decision::EndIsNear).map(|(ms, _)| *ms).collect()
    };
    let mut caller = Caller::new();
    caller
        .prompt(Ask::YesNo)
        .offer()
        .speech(300)
        .words("yes")
        .silence(140)
        .speech(300)
        .words("yes please")
        .silence(2_000);
    assert_eq!((foreseen(&caller), caller.when(ended)), (vec![400, 840], Some(920)));
    let mut half = Caller::new();
    half.prompt(Ask::Open).offer().speech(300).words("my card was blocked").silence(2_000);
    assert!(foreseen(&half).is_empty());
}

#[test]
fn a_pause_inside_a_number_does_not_end_the_turn() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Digits).offer().speech(600).words("one three eight").silence(1_200);
    assert_eq!(caller.when(ended), None);
    caller.speech(900).words("one three eight one two three four five six seven eight").silence(500);
    assert_eq!(caller.when(ended), Some(2_940));
}

#[test]
fn who_has_paused_in_a_sentence_is_given_more_time() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).offer().speech(600).words("i'd like to").silence(400).speech(800);
    caller.words("i'd like to change my pin").silence(1_000);
    assert_eq!(caller.when(ended), Some(2_040));
    let mut fluent = Caller::new();
    fluent.prompt(Ask::Open).offer().speech(1_800).words("i'd like to change my pin").silence(1_000);
    assert_eq!(fluent.when(ended), Some(1_980));
}

#[test]
fn a_word_that_dies_away_is_heard_out() {
    let mut caller = Caller::new();
    caller.prompt(Ask::YesNo).offer().speech(300).words("yes");
    caller.loudness = -50.0;
    caller.sound(200, 0.6).silence(1_000);
    assert_eq!(caller.when(ended), Some(520));
}

#[test]
fn a_cough_ducks_the_prompt_and_brings_it_back() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).silence(400).sound(120, 0.68).silence(600);
    let decisions: Vec<_> = caller.decided.iter().map(|(_, decision)| *decision).collect();
    let from = SampleTime::from_millis(400);
    assert_eq!(
        decisions,
        [Decision::Duck, Decision::StartHearing { from, ask: Ask::Open }, Decision::Restore, Decision::DropHearing]
    );
    assert_eq!(caller.decided[0].0, 420);
    assert_eq!(caller.when(|d| *d == Decision::Restore), Some(840));
}

#[test]
fn words_over_a_prompt_stop_it_and_backchannels_do_not() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).silence(400).speech(260).words("no it's").speech(600).silence(4_000);
    assert_eq!(caller.when(|d| *d == Decision::StopPrompt), Some(780));
    assert!(caller.when(ended).is_some());

    let mut listener = Caller::new();
    listener.prompt(Ask::Open).silence(400).speech(200).words("uh-huh").speech(200).silence(600);
    assert_eq!(listener.when(|d| *d == Decision::StopPrompt), None);
    assert!(listener.when(|d| *d == Decision::Restore).is_some());
}

#[test]
fn a_listener_who_is_at_last_misheard_stays_one() {
    let stops = |at_first: &str| {
        let mut caller = Caller::new();
        caller.prompt(Ask::Open).silence(400).speech(400).words(at_first).speech(100).silence(240);
        caller.words("arrived ride").silence(600);
        caller.when(|d| *d == Decision::StopPrompt).is_some()
    };
    assert!(!stops("right right") && stops("arrived"));
}

#[test]
fn a_few_words_in_long_music_do_not_stop_the_prompt() {
    let stops = |ms: u64| {
        let mut line = Caller::new();
        line.prompt(Ask::Open).sound(ms, 0.75).words("mm hmm google in thailand good error").sound(1_000, 0.75);
        line.when(|d| *d == Decision::StopPrompt).is_some()
    };
    assert!(stops(1_000) && !stops(5_000));
}

#[test]
fn long_speech_without_words_stops_the_prompt_but_music_does_not() {
    let mut speaker = Caller::new();
    speaker.prompt(Ask::Open).speech(1_000);
    assert_eq!(speaker.when(|d| *d == Decision::Hush), Some(80));
    assert_eq!(speaker.when(|d| *d == Decision::StopPrompt), Some(860));
    let mut music = Caller::new();
    music.prompt(Ask::Open).sound(3_000, 0.6);
    assert_eq!(music.when(|d| *d == Decision::StopPrompt), None);
}

#[test]
fn silence_after_a_question_is_reported_once() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).offer().silence(20_000);
    assert_eq!(caller.decided, [(6_000, Decision::NoInput)]);
}

#[test]
fn whoever_speaks_when_the_prompt_ends_has_the_floor() {
    let mut caller = Caller::new();
    caller.prompt(Ask::YesNo).silence(100).speech(160).words("yeah").offer().speech(160).silence(400);
    assert_eq!(caller.when(|d| *d == Decision::DropHearing), None);
    assert!(caller.when(ended).is_some());
}

#[test]
fn an_announcement_that_must_be_heard_is_not_ducked() {
    let mut caller = Caller::new();
    caller.turn.server_speaks(Ask::Open, Yields::ToNobody);
    caller.speech(2_000).words("stop it").silence(500);
    assert!(caller.decided.is_empty());
}

fn said(aside: Aside) -> impl Fn(&Decision) -> bool {
    move |decision| *decision == Decision::Say(aside)
}

#[test]
fn a_hiss_ducks_before_there_is_a_voice_and_the_voice_begins_with_it() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).silence(1_400).level(-45.0, 120).speech(200);
    assert_eq!(caller.when(|d| *d == Decision::Duck), Some(1_440));
    let started = |d: &Decision| matches!(d, Decision::StartHearing { from, .. } if from.as_millis() == 1_440);
    assert_eq!(caller.when(started), Some(1_540));
    assert!(caller.when(|d| *d == Decision::Hush).is_some_and(|at| at <= 1_600), "a word that begins with a hiss");
}

#[test]
fn a_noise_that_stays_ducks_once() {
    let mut line = Caller::new();
    line.prompt(Ask::Open).level(-127.0, 400).level(-35.0, 6_000);
    let decisions: Vec<_> = line.decided.iter().map(|(_, decision)| *decision).collect();
    assert_eq!(decisions, [Decision::Duck, Decision::Restore]);
}

#[test]
fn a_recogniser_that_thinks_better_of_a_command_stops_nothing() {
    let mut listener = Caller::new();
    listener.prompt(Ask::Open).silence(400).speech(240).words("help").speech(60).words("okay right").speech(200);
    listener.silence(600);
    assert_eq!(listener.when(|d| *d == Decision::StopPrompt), None);
    assert!(listener.when(|d| *d == Decision::Restore).is_some());
}

#[test]
fn only_a_command_stops_a_prompt_that_yields_to_commands() {
    let mut caller = Caller::new();
    caller.prompt_that_yields(Yields::ToCommands).speech(900).words("it's about my card").speech(900).silence(500);
    assert!(caller.decided.iter().all(|(_, d)| matches!(d, Decision::StartHearing { .. } | Decision::DropHearing)));
    caller.speech(300).words("operator please").speech(300);
    assert_eq!(caller.when(|d| *d == Decision::StopPrompt), Some(2_720));
}

#[test]
fn speech_into_an_announcement_is_heard_from_where_the_question_begins() {
    let mut caller = Caller::new();
    caller.prompt_that_yields(Yields::ToNobody).silence(200).speech(400);
    assert_eq!(caller.decided, []);
    caller.prompt_that_yields(Yields::ToSpeech).speech(100);
    assert_eq!(caller.decided[0], (620, Decision::StartHearing { from: SampleTime::from_millis(200), ask: Ask::Open }));
    caller.prompt_that_yields(Yields::ToNobody).speech(20);
    assert!(caller.when(|d| *d == Decision::DropHearing).is_some());
}

#[test]
fn who_falters_is_encouraged_once_and_then_heard_out() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).offer().speech(400).words("i'd like to").silence(1_600);
    assert_eq!(caller.when(said(Aside::TakeYourTime)), Some(1_800));
    assert_eq!(caller.when(ended), None);
    caller.silence(4_000);
    assert_eq!(caller.decided.iter().filter(|(_, d)| said(Aside::TakeYourTime)(d)).count(), 1);
    assert_eq!(caller.when(ended), Some(4_200));
}

/// A caller who was taken to be through at 1,180 ms, is being answered, and speaks again after so many ms.
fn speaks_again(after: u64) -> Caller {
    let mut caller = Caller::new();
    caller.prompt(Ask::Open).offer().speech(1_000).words("there's a payment on my card");
    caller.silence(200).prompt(Ask::YesNo).silence(after).speech(700).words("that i did not make").speech(300);
    caller
}

#[test]
fn who_goes_on_is_answered_by_all_that_they_said() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Digits).offer().speech(1_000).words("one three nine seven two").silence(1_460);
    assert_eq!(caller.when(ended), Some(2_460), "a number of five digits, and a long silence");
    let answered = caller.decided.len();
    caller.prompt(Ask::YesNo).speech(1_200).words("double four six oh nine one").speech(200).silence(600);
    let again = caller.decided[answered..].iter().find(|(_, d)| ended(d)).map(|(at, _)| *at);
    assert_eq!(again, Some(4_100), "one of eleven: {:?}", caller.decided);
}

#[test]
fn who_says_uh_looks_for_words_whatever_the_recogniser_makes_of_the_silence() {
    let mut caller = Caller::new();
    caller.prompt(Ask::YesNo).offer().speech(200).words("uh").silence(100).words("").silence(3_000);
    assert_eq!(caller.when(said(Aside::TakeYourTime)), Some(1_600));
    assert_eq!(caller.when(ended), None);
}

#[test]
fn an_answer_is_taken_back_from_who_goes_on_as_it_begins() {
    let caller = speaks_again(600);
    assert_eq!(caller.when(ended), Some(1_180));
    let heard =
        |d: &Decision| matches!(d, Decision::StartHearing { ask: Ask::Open, from } if from.as_millis() == 1_800);
    assert!(caller.when(heard).is_some(), "not an answer to the new question: {:?}", caller.decided);
    assert!(caller.when(|d| *d == Decision::TakeBack).is_some());
    assert_eq!(caller.when(|d| *d == Decision::StopPrompt), None);

    let caller = speaks_again(900);
    assert_eq!(caller.when(|d| *d == Decision::TakeBack), None);
    assert!(caller.when(|d| *d == Decision::StopPrompt).is_some());
    let heard = |d: &Decision| matches!(d, Decision::StartHearing { ask: Ask::YesNo, .. });
    assert!(caller.when(heard).is_some(), "an answer to the new question: {:?}", caller.decided);
}

#[test]
fn digits_are_waited_for_in_silence() {
    let mut caller = Caller::new();
    caller.prompt(Ask::Digits).offer().speech(400).words("one three").silence(3_000);
    assert_eq!(caller.when(said(Aside::TakeYourTime)), None);
}

#[test]
fn who_may_go_on_is_nodded_at_and_waited_for() {
    let nods = |caller: &Caller| -> Vec<u64> {
        caller.decided.iter().filter(|(_, d)| said(Aside::Listening)(d)).map(|(at, _)| *at).collect()
    };
    let answers = |words: &str| {
        let mut caller = Caller::new();
        caller.prompt(Ask::YesNo).offer().speech(300).words(words).silence(2_000);
        (nods(&caller), caller.when(ended))
    };
    assert_eq!(answers("no"), (vec![600], Some(1_700)));
    assert_eq!(answers("bought"), (vec![600], Some(1_700)), "that was \"but\"");
    assert_eq!(answers("no it isn't"), (vec![], Some(480)));
    assert_eq!(answers("yes but"), (vec![], None), "it breaks off, and is encouraged");

    let mut caller = Caller::new();
    caller.prompt(Ask::YesNo).offer().speech(300).words("no").silence(1_000);
    caller.speech(900).words("no it's about my card").silence(2_000);
    assert_eq!((nods(&caller), caller.when(ended)), (vec![600], Some(2_440)));

    let mut number = Caller::new();
    number.prompt(Ask::Digits).offer().speech(600).words("one three eight").silence(700);
    number.speech(600).words("one three eight oh oh one two").silence(700);
    number.speech(600).words("one three eight oh oh one two three four five six").silence(700);
    assert_eq!((nods(&number), number.when(ended)), (vec![1_080, 2_380], Some(3_440)));
}

#[test]
fn a_long_story_is_acknowledged_in_a_pause_and_not_at_its_end() {
    let mut teller = Caller::new();
    teller.prompt(Ask::Open).offer().speech(9_000).words("and then").silence(700).speech(2_000);
    teller.words("and then i went to the bank and they sent me away").silence(2_000);
    let told: Vec<u64> = teller.decided.iter().filter(|(_, d)| said(Aside::Listening)(d)).map(|(at, _)| *at).collect();
    assert_eq!(told, [9_300]);
    // After a story, nobody is taken to be through at once.
    assert_eq!(teller.when(ended), Some(12_340));

    let mut brief = Caller::new();
    brief.prompt(Ask::Open).offer().speech(4_000).words("and then").silence(700);
    assert_eq!(brief.when(said(Aside::Listening)), None);
}

#[test]
fn an_answer_that_is_late_is_excused_once_and_one_in_time_is_not() {
    let mut slow = Caller::new();
    slow.prompt(Ask::YesNo).offer().speech(300).words("yes").silence(5_000);
    assert_eq!(slow.when(ended), Some(480));
    assert_eq!(slow.when(said(Aside::Thinking)), Some(1_680));
    assert_eq!(slow.decided.iter().filter(|(_, d)| said(Aside::Thinking)(d)).count(), 1);

    let mut quick = Caller::new();
    quick.prompt(Ask::YesNo).offer().speech(300).words("yes").silence(400).prompt(Ask::Open).silence(5_000);
    assert_eq!(quick.when(said(Aside::Thinking)), None);
}

proptest! {
    /// Whatever is heard: a prompt is turned down before it is brought back, and nothing is ended that was not begun.
    #[test]
    fn decisions_follow_one_another(
        sounds in proptest::collection::vec((0u64..40, 0.0f32..1.0, -70.0f32..-10.0, 0usize..6), 0..60),
        yields in 0usize..3,
    ) {
        const WORDS: [&str; 6] = ["", "the", "stop", "uh huh", "i'd like to", "i want to talk to somebody about it"];
        let yields = [Yields::ToSpeech, Yields::ToCommands, Yields::ToNobody][yields];
        let mut caller = Caller::new();
        caller.prompt_that_yields(yields);
        for (frames, probability, level, words) in sounds {
            caller.loudness = level;
            caller.sound(frames * FRAME_MS, probability).words(WORDS[words]);
        }
        let (mut is_down, mut is_heard) = (false, false);
        for (_, decision) in &caller.decided {
            match decision {
                Decision::Duck | Decision::Hush => is_down = true,
                Decision::Restore => prop_assert!(std::mem::replace(&mut is_down, false)),
                Decision::StartHearing { .. } => prop_assert!(!std::mem::replace(&mut is_heard, true)),
                Decision::DropHearing | Decision::EndTurn { .. } => prop_assert!(std::mem::replace(&mut is_heard, false)),
                Decision::StopPrompt | Decision::TakeBack => {
                    prop_assert!(is_heard && yields != Yields::ToNobody);
                    is_down = false;
                }
                Decision::EndIsNear => prop_assert!(is_heard),
                Decision::NoInput => prop_assert!(!is_heard),
                Decision::Say(_) => {}
            }
        }
    }
}
