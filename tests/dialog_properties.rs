//! Whatever callers do, a dialog ends within its bound, never panics, and never says the same prompt twice in a row; with
//! every dialplan that passes the check.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use antevox::dialog::{ActionResult, Dialog, DialogInput, Next, Plan};
use antevox::identify::{Identified, Order, OrderGuess, SceneGuess};
use antevox::nlu::{Entity, SceneScore, UserAct, UserTurn, Value};
use antevox::server::dialplan_files;
use antevox::units::{Pii, Scene};
use jiff::civil::{date, time};
use proptest::prelude::*;

/// Replies beyond `max_prompts` that may come before the end: two failed transfers with an offer to call back, a failed recogniser,
/// what the actions of a problem bring, the last words.
const SPARE: u32 = 10;

fn load(name: &str) -> Plan {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans").join(name);
    dialplan_files::load(&folder).unwrap_or_else(|found| panic!("{found}")).0
}

/// Words for a scene, by its position; beyond the last one, for none of them.
fn words(plan: &Plan, at: usize, p: f32) -> (Vec<SceneScore>, f32) {
    let others = (1.0 - p) / plan.scenes.len() as f32;
    let score = |i: usize| SceneScore { scene: plan.scenes[i].scene.clone(), p: if i == at { p } else { others } };
    let mut scores: Vec<SceneScore> = (0..plan.scenes.len()).map(score).collect();
    scores.sort_by(|a, b| b.p.total_cmp(&a.p));
    let none = if at < plan.scenes.len() { others } else { p };
    (scores, none)
}

#[derive(Clone, Debug)]
enum Doing {
    Says { acts: Vec<UserAct>, scene: usize, p: f32 },
    Acts(Vec<UserAct>),
    Other(DialogInput),
}

fn act() -> impl Strategy<Value = UserAct> {
    prop_oneof![
        5 => Just(UserAct::Affirm),
        5 => Just(UserAct::Deny),
        2 => Just(UserAct::Repeat),
        2 => Just(UserAct::Help),
        2 => Just(UserAct::Wait),
        2 => Just(UserAct::Thank),
        2 => Just(UserAct::WhoIsThis),
        2 => Just(UserAct::Filler),
        2 => (0_usize..4).prop_map(UserAct::Choose),
        1 => Just(UserAct::Agent),
        1 => Just(UserAct::Goodbye),
        1 => Just(UserAct::Upset),
    ]
}

fn ended((action, succeeded): (&str, bool)) -> DialogInput {
    let values = vec![Pii("completed".to_owned())];
    DialogInput::ActionEnded(ActionResult { action: action.to_owned(), succeeded, values })
}

/// What callers say to the questions of steps, among them the beginning of one.
fn answer() -> impl Strategy<Value = UserTurn> {
    let value = prop_oneof![
        Just(Value::Digits("13800000001".into())),
        Just(Value::Date(date(2026, 8, 13))),
        Just(Value::Time(time(17, 0, 0, 0))),
        Just(Value::Number(7.0)),
    ];
    let entities = prop::collection::vec(value.prop_map(|value| Entity { value, span: 0..0 }), 0..3);
    let text = prop::sample::select(vec!["call me back", "给我回个电话", "well"]);
    (entities, text, prop::collection::vec(act(), 0..2)).prop_map(|(entities, text, acts)| UserTurn {
        text: text.into(),
        confidence: 1.0,
        entities,
        acts,
        ..UserTurn::default()
    })
}

fn doing() -> impl Strategy<Value = Doing> {
    let other = prop_oneof![
        3 => Just(DialogInput::WasSilent),
        3 => Just(DialogInput::NotUnderstood),
        2 => Just(DialogInput::TransferFailed),
        1 => Just(DialogInput::EngineFailed),
        3 => (prop::sample::select(vec!["send_link", "order_now", "appointment"]), any::<bool>()).prop_map(ended),
        2 => "[0-9*#]{0,12}".prop_map(DialogInput::Keyed),
        1 => Just(DialogInput::MemberFound(Box::default())),
        1 => Just(DialogInput::Started(Box::default())),
    ];
    prop_oneof![
        4 => (prop::collection::vec(act(), 0..2), 0_usize..80, 0.0_f32..1.0)
            .prop_map(|(acts, scene, p)| Doing::Says { acts, scene, p }),
        4 => prop::collection::vec(act(), 0..3).prop_map(Doing::Acts),
        3 => other.prop_map(Doing::Other),
        3 => answer().prop_map(|turn| Doing::Other(DialogInput::Turned(Box::new(turn)))),
    ]
}

fn input(plan: &Plan, doing: Doing) -> DialogInput {
    let turn = match doing {
        Doing::Says { acts, scene, p } => {
            let (scenes, out_of_scope) = words(plan, scene % (plan.scenes.len() + 1), p);
            UserTurn { text: "words".into(), confidence: p, acts, scenes, out_of_scope, ..UserTurn::default() }
        }
        Doing::Acts(acts) => UserTurn { text: "words".into(), confidence: 1.0, acts, ..UserTurn::default() },
        Doing::Other(input) => return input,
    };
    DialogInput::Turned(Box::new(turn))
}

/// A guess for one scene with an order that may or may not fit.
fn identified(plan: &Plan, at: usize, p: f32) -> Identified {
    let scene = &plan.scenes[at % plan.scenes.len()];
    let order = Order {
        order_id: "T1".into(),
        member_id: "M1".into(),
        kind: if at.is_multiple_of(2) { "card_payment".into() } else { "transfer_out".into() },
        product: String::new(),
        category: String::new(),
        price_cents: at as i64 * 100,
        currency: "CNY".into(),
        at: date(2026, 8, 1).at(8, 0, 0, 0),
        status: String::new(),
    };
    let order = OrderGuess { order, p };
    Identified {
        ask_number: at.is_multiple_of(3),
        scenes: vec![SceneGuess {
            scene: scene.scene.clone(),
            main_scene: Scene::from("any"),
            p,
            order: Some(order.clone()),
            why: String::new(),
        }],
        orders: vec![order],
        member: None,
    }
}

/// Turns of the caller, silences among them, after which a dialog must have ended; `max_prompts` is at most half of it.
const TURNS: u32 = 200;

/// Facts that are no turn of the caller and may come for ever.
fn is_fact(doing: &Doing) -> bool {
    matches!(doing, Doing::Other(DialogInput::ActionEnded(_) | DialogInput::MemberFound(_) | DialogInput::Started(_)))
}

/// Plays `doings` and says what went wrong, if anything.
fn play(plan: &Arc<Plan>, seed: u64, guess: (usize, f32), doings: Vec<Doing>) -> Result<(), TestCaseError> {
    let mut dialog = Dialog::new(plan.clone(), seed, date(2026, 8, 12).at(9, 30, 0, 0));
    let mut reply = dialog.handle(DialogInput::Started(Box::new(identified(plan, guess.0, guess.1))));
    let mut last = String::new();
    let (mut prompts, mut turns) = (0, 0);
    let repeats = if doings.iter().all(is_fact) { 3 } else { usize::MAX };
    // Callers who never stop: the same doings over and over.
    for doing in std::iter::repeat_n(&doings, repeats).flatten() {
        if !reply.prompt.text.is_empty() {
            prop_assert_ne!(&reply.prompt.text, &last);
            prop_assert!(!reply.prompt.text.contains(['{', '}']), "{}", reply.prompt.text);
            last.clone_from(&reply.prompt.text);
            prompts += 1;
        }
        prop_assert!(prompts <= plan.timings.max_prompts + SPARE, "{prompts} prompts");
        match &reply.next {
            Next::HangUp => return Ok(()),
            Next::Transfer(transfer) => {
                prop_assert!(plan.queue(&transfer.queue).is_some());
                prop_assert!(!transfer.summary.contains('\n'));
                reply = dialog.handle(DialogInput::TransferFailed);
            }
            Next::Listen(_) => {
                prop_assert!(dialog.question().is_some());
                turns += u32::from(!is_fact(doing));
                prop_assert!(turns <= TURNS, "no end after {TURNS} turns");
                reply = dialog.handle(input(plan, doing.clone()));
            }
        }
    }
    Ok(())
}

#[test]
fn any_sequence_of_inputs_ends_within_its_bound() {
    for name in ["hotline-en", "95188-zh"] {
        let plan = Arc::new(load(name));
        proptest!(ProptestConfig::with_cases(400), |(
            seed in any::<u64>(),
            guess in (0_usize..100, 0.0_f32..1.0),
            doings in prop::collection::vec(doing(), 1..40),
        )| {
            play(&plan, seed, guess, doings)?;
        });
    }
}

#[test]
fn no_dialplan_that_passes_the_check_has_a_dead_end() {
    let whole = load("hotline-en");
    proptest!(ProptestConfig::with_cases(200), |(
        seed in any::<u64>(),
        limits in prop::array::uniform6(0.0_f64..1.0),
        max_prompts in 5_u32..100,
        transfers in any::<bool>(),
        steps in any::<bool>(),
        doings in prop::collection::vec(doing(), 1..30),
    )| {
        let mut plan = whole.clone();
        let [guess, accept, confirm, choice_margin, out_of_scope, prior_weight] = limits;
        plan.thresholds.guess = guess;
        plan.thresholds.accept = accept.max(confirm);
        plan.thresholds.confirm = confirm.min(accept);
        plan.thresholds.choice_margin = choice_margin;
        plan.thresholds.out_of_scope = out_of_scope;
        plan.thresholds.prior_weight = prior_weight;
        plan.timings.max_prompts = max_prompts;
        if steps {
            let programs: Vec<_> = plan.scenes.iter().map(|scene| scene.steps.clone()).collect();
            let with = programs.iter().filter(|program| !program.ops().is_empty()).cycle();
            for (scene, program) in plan.scenes.iter_mut().zip(with) {
                scene.steps = program.clone();
            }
        }
        if !transfers {
            plan.scenes.iter_mut().for_each(|scene| scene.transfer = None);
        }
        play(&Arc::new(plan), seed, (seed as usize % 100, 0.7), doings)?;
    });
}
