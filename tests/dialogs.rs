//! Conversations as scripts: what callers say, and where that must lead. The words go through the real understanding.
//!
//! ```text
//! plan hotline-en                      the dialplan
//! now 2026-08-12T09:30                 local time of the call
//! member F Mei Li                      who calls: gender and name
//! order T1 card_payment 20000 CNY 2026-08-09 rice cooker
//! guess Refund_not_showing_up 0.8 T1   what identify makes of it
//!
//! < guess Refund_not_showing_up        the hotline asks this …
//! < says "rice cooker"                 … with these words in it
//! > yes please                         the caller speaks
//! > [silence]                          … or: [key 1] [noise] [engine failed] [transfer failed] [found]
//! < action send_link                   it does something
//! < transfer fraud caller_asked        it goes to a human, for this reason
//! < hang up                            it ends
//! = scene Refund_not_showing_up        what the record says: scene, confirmed, not confirmed, turns, resolved, order
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use antevox::dialog::{ActionResult, Dialog, DialogInput, Next, Plan, Question, Reply};
use antevox::identify::{Identified, Member, MemberGuess, Order, OrderGuess, SceneGuess};
use antevox::nlu::{Expect, Heard, Understanding};
use antevox::server::hotline;
use antevox::units::{Pii, Scene};
use jiff::civil::DateTime;

#[test]
fn english_conversations_go_as_scripted() {
    run_all("hotline-en");
}

#[test]
fn chinese_conversations_go_as_scripted() {
    run_all("95188-zh");
}

fn run_all(plan_name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hotline = hotline::prepare(&root.join("dialplans").join(plan_name), &[], None, None).unwrap().hotline;
    let mut scripts: Vec<PathBuf> =
        fs::read_dir(root.join("tests/dialogs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    let mut ran = 0;
    let mut failures = Vec::new();
    for path in scripts {
        let text = fs::read_to_string(&path).unwrap();
        if !text.lines().any(|line| line == format!("plan {plan_name}")) {
            continue;
        }
        ran += 1;
        let mut script = Script::new(&hotline.plan, &hotline.understanding);
        for (number, line) in (1..).zip(text.lines()) {
            if let Err(why) = script.line(line.trim()) {
                failures.push(format!("{}:{number}: {why}\n{}", path.display(), script.log.join("\n")));
                break;
            }
        }
    }
    assert!(ran > 0, "no script for {plan_name}");
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

struct Script<'a> {
    plan: &'a Arc<Plan>,
    understanding: &'a Understanding,
    now: DateTime,
    phone: String,
    identified: Identified,
    talk: Option<(Dialog, Reply)>,
    log: Vec<String>,
}

impl<'a> Script<'a> {
    fn new(plan: &'a Arc<Plan>, understanding: &'a Understanding) -> Self {
        let now = "2026-08-12T09:30".parse().unwrap();
        let (phone, identified) = (String::new(), Identified::default());
        Self { plan, understanding, now, phone, identified, talk: None, log: Vec::new() }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" | "plan" => {}
            "now" => self.now = rest.parse().map_err(|error| format!("{error}"))?,
            "member" => self.identified.member = Some(member(rest)),
            "phone" => self.phone = rest.to_owned(),
            "ask_number" => self.identified.ask_number = true,
            "order" => self.identified.orders.push(order(rest)),
            "guess" => self.guess(rest),
            ">" => self.caller(rest),
            "<" => self.expect(rest)?,
            "=" => self.record(rest)?,
            other => return Err(format!("`{other}` is no line of a script")),
        }
        Ok(())
    }

    fn guess(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split(' ').collect();
        let scene = Scene::from(words[0]);
        let orders = &self.identified.orders;
        let order = words.get(2).and_then(|id| orders.iter().find(|guess| guess.order.order_id == *id));
        let main_scene = self.plan.find(&scene).map(|id| self.plan.main(self.plan.scene(id).main).scene.clone());
        self.identified.scenes.push(SceneGuess {
            main_scene: main_scene.unwrap_or_else(|| scene.clone()),
            scene,
            p: words[1].parse().unwrap(),
            order: order.cloned(),
            why: "script".into(),
        });
    }

    /// The conversation, begun when it is first needed.
    fn talk(&mut self) -> &mut (Dialog, Reply) {
        let (plan, now, phone, identified) = (self.plan, self.now, self.phone.clone(), &self.identified);
        let log = &mut self.log;
        self.talk.get_or_insert_with(|| {
            let mut dialog = Dialog::new(plan.clone(), 7, now).calling(Pii(phone));
            let reply = dialog.handle(DialogInput::Started(Box::new(identified.clone())));
            log.push(format!("hotline: {}", reply.prompt.text));
            (dialog, reply)
        })
    }

    fn caller(&mut self, words: &str) {
        let understanding = self.understanding;
        let found = Identified { ask_number: false, ..self.identified.clone() };
        let expect = match &self.talk().1.next {
            Next::Listen(listen) => listen.expect.clone(),
            Next::Transfer(_) | Next::HangUp => Expect::default(),
        };
        let input = match words.trim_matches(['[', ']']) {
            _ if !words.starts_with('[') => {
                let heard = Heard { text: words.to_owned(), confidence: 1.0, n_best: Vec::new() };
                DialogInput::Turned(Box::new(understanding.understand(&heard, &expect)))
            }
            "silence" => DialogInput::WasSilent,
            "noise" => DialogInput::NotUnderstood,
            "engine failed" => DialogInput::EngineFailed,
            "transfer failed" => DialogInput::TransferFailed,
            "found" => DialogInput::MemberFound(Box::new(found)),
            "somebody else found" => {
                let mut other = member("M Xiaoming Wang");
                other.member.member_id = "M000002".into();
                DialogInput::MemberFound(Box::new(Identified { member: Some(other), ..Identified::default() }))
            }
            "failed" => DialogInput::ActionEnded(self.ended(Vec::new(), false)),
            done if done.starts_with("done") => {
                let values = done.split_whitespace().skip(1).map(|value| Pii(value.to_owned())).collect();
                DialogInput::ActionEnded(self.ended(values, true))
            }
            keys => DialogInput::Keyed(keys.trim_start_matches("key ").to_owned()),
        };
        let (dialog, reply) = self.talk();
        *reply = dialog.handle(input);
        let said = reply.prompt.text.clone();
        self.log.push(format!("caller:  {words}\nhotline: {said}"));
    }

    /// The action that is awaited ended.
    fn ended(&mut self, values: Vec<Pii<String>>, succeeded: bool) -> ActionResult {
        let plan = self.plan.clone();
        let action = match self.talk().0.question() {
            Some(Question::Doing(action) | Question::StillDoing(action)) => plan.actions[*action].name.clone(),
            _ => String::new(),
        };
        ActionResult { action, succeeded, values }
    }

    fn expect(&mut self, expected: &str) -> Result<(), String> {
        let plan = self.plan.clone();
        let (dialog, reply) = self.talk();
        if let Some(fragment) = expected.strip_prefix("says ") {
            let fragment = fragment.trim_matches('"');
            return match reply.prompt.text.contains(fragment) {
                true => Ok(()),
                false => Err(format!("the hotline does not say \"{fragment}\"")),
            };
        }
        if let Some(action) = expected.strip_prefix("action ") {
            return match reply.actions.iter().any(|request| request.action == action) {
                true => Ok(()),
                false => Err(format!("the hotline does not {action}: {:?}", reply.actions)),
            };
        }
        let happens = match (&reply.next, dialog.question()) {
            (Next::Transfer(transfer), _) => format!("transfer {} {}", transfer.queue, transfer.reason),
            (Next::HangUp, _) => "hang up".to_owned(),
            (Next::Listen(_), Some(question)) => describe(question, &plan),
            (Next::Listen(_), None) => "listen".to_owned(),
        };
        if happens == expected { Ok(()) } else { Err(format!("expected `{expected}`, got `{happens}`")) }
    }

    fn record(&mut self, expected: &str) -> Result<(), String> {
        let progress = self.talk().0.progress().clone();
        let holds = match expected.split_once(' ').unwrap_or((expected, "")) {
            ("scene", scene) => progress.scene == Some(Scene::from(scene)),
            ("confirmed", _) => progress.confirmed,
            ("not", "confirmed") => !progress.confirmed,
            ("resolved", _) => progress.resolved,
            ("turns", turns) => progress.turns.to_string() == turns,
            ("order", order) => progress.order_id.as_deref() == Some(order),
            _ => return Err(format!("`{expected}` is nothing that a record says")),
        };
        if holds { Ok(()) } else { Err(format!("not so: {expected}; {progress:?}")) }
    }
}

fn describe(question: &Question, plan: &Plan) -> String {
    let id = |scene: &_| &plan.scene(*scene).scene;
    match question {
        Question::Open => "open".to_owned(),
        Question::Narrow(main) => format!("narrow {}", plan.main(*main).scene),
        Question::Guess(scene) => format!("guess {}", id(scene)),
        Question::Confirm(scene) => format!("confirm {}", id(scene)),
        Question::Choice(first, second) => format!("choice {} {}", id(first), id(second)),
        Question::Order(scene, _) => format!("order {}", id(scene)),
        Question::Number(scene) => format!("number {}", id(scene)),
        Question::LookUp(scene) => format!("look up {}", id(scene)),
        Question::Proof { scene, .. } => format!("proof {}", id(scene)),
        Question::Slot(slot, _) => format!("slot {}", plan.slot(*slot).name),
        Question::ReadBack(slot, _) => format!("read back {}", plan.slot(*slot).name),
        Question::Doing(action) => format!("doing {}", plan.actions[*action].name),
        Question::StillDoing(action) => format!("still doing {}", plan.actions[*action].name),
        Question::Solved(scene) => format!("solved {}", id(scene)),
        Question::Offer(scene) => format!("offer {}", id(scene)),
        Question::AnythingElse => "anything else".to_owned(),
    }
}

/// "F Mei Li"
fn member(line: &str) -> MemberGuess {
    let (gender, name) = line.split_once(' ').unwrap();
    let member = Member {
        member_id: "M000001".into(),
        name: Pii(name.into()),
        gender: gender.into(),
        birth_year: 1980,
        mobile: Pii("13800000001".into()),
        landline: Pii::default(),
        level: "basic".into(),
        city: String::new(),
        registered_at: "2020-01-01T00:00".parse().unwrap(),
    };
    MemberGuess { member, p: 0.95, how: "registered mobile" }
}

/// "T1 card_payment 20000 CNY 2026-08-09 rice cooker"
fn order(line: &str) -> OrderGuess {
    let words: Vec<&str> = line.splitn(6, ' ').collect();
    let order = Order {
        order_id: words[0].into(),
        member_id: "M000001".into(),
        kind: words[1].into(),
        product: words.get(5).copied().unwrap_or_default().into(),
        category: String::new(),
        price_cents: words[2].parse().unwrap(),
        currency: words[3].into(),
        at: format!("{}T10:00", words[4]).parse().unwrap(),
        status: "completed".into(),
    };
    OrderGuess { order, p: 0.3 }
}
