//! Words too few to change the subject with. After "is it this?" a lone word that is no answer is more likely a "yes" or
//! "no" misheard ("us", "now") than a new problem, unless it is one that the dialplan names problems with ("refund").

use super::{Dialog, Question};
use crate::dialog::dialplan::{Plan, SceneId};
use crate::dialog::strategy::WELL_HEARD;
use crate::nlu::{UserTurn, text};
use crate::units::{Ask, Lang};

/// How much a turn says beside the question that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Enough to go by.
    Full,
    /// A lone word that names a problem, or was said again: worth asking about, not worth answering.
    Light,
    /// A lone word that is nothing: the question is asked again.
    Stray,
}

impl Dialog {
    /// What `turn` weighs as the answer to `question`.
    pub(super) fn weigh(&self, question: &Question, turn: &UserTurn) -> Weight {
        let closed = matches!(question.ask(), Ask::YesNo | Ask::Choice);
        if !closed || !turn.acts.is_empty() || turn.text.is_empty() || !is_short(&self.plan, turn) {
            return Weight::Full;
        }
        let said_again = self.troubles.unmatched > 0;
        if said_again || names_a_problem(&self.plan, &turn.text) { Weight::Light } else { Weight::Stray }
    }
}

/// Most words of a wish for a human that was misheard in part.
const SHORT_WISH: usize = 9;

/// Whether the words are what a recogniser leaves of a wish for a human: "can i talk to a home please", "a deal person".
/// `about` is the problem that they are clearly about, as far as the classifier knows.
pub(super) fn may_wish_a_human(plan: &Plan, turn: &UserTurn, about: Option<SceneId>) -> bool {
    match plan.lang {
        Lang::En => {
            let words: Vec<String> = content(&turn.text, Lang::En).collect();
            let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
            let one = |pair: &[String]| {
                ["a", "at", "real", "live", "actual"].contains(&pair[0].as_str()) && pair[1] == "person"
            };
            let talk =
                (has(&["talk", "speak"]) && has(&["to", "with", "a"])) || (has(&["give", "get"]) && has(&["real"]));
            let somebody = has(&["human", "agent", "operator", "representative"])
                || (has(&["customer"]) && has(&["service", "services"]))
                || (has(&["person"]) && words.len() <= SHORT_WISH / 2 + 2)
                || words.windows(2).any(one);
            // "Operator please", whatever became of the operator.
            let please = words.len() == 2 && words[1] == "please";
            words.len() <= SHORT_WISH && (talk || ((somebody || please) && about.is_none()))
        }
        Lang::Zh => {
            let words = ["人工", "客服", "真人"];
            let short = turn.text.chars().count() <= 2 * SHORT_WISH;
            short && about.is_none() && words.iter().any(|word| turn.text.contains(word))
        }
    }
}

/// One word or two Chinese characters; twice that where the recogniser was not sure of them.
fn is_short(plan: &Plan, turn: &UserTurn) -> bool {
    let sure = if turn.confidence < WELL_HEARD { 2 } else { 1 };
    let most = match plan.lang {
        Lang::En => sure,
        Lang::Zh => 2 * sure,
    };
    content(&turn.text, plan.lang).count() <= most
}

fn content(said: &str, lang: Lang) -> impl Iterator<Item = String> {
    text::tokens(said).into_iter().map(|token| token.text).filter(move |word| !text::is_filler(word, lang))
}

/// Whether one of the words stands in the spoken name of a problem. Short English words stand everywhere.
fn names_a_problem(plan: &Plan, said: &str) -> bool {
    let names = || {
        let mains = plan.main_scenes.iter().map(|main| main.name.as_str());
        mains.chain(plan.scenes.iter().map(|scene| scene.name.as_str()))
    };
    match plan.lang {
        Lang::En => content(said, Lang::En)
            .any(|word| word.len() >= 4 && names().any(|name| text::tokens(name).iter().any(|part| part.text == word))),
        Lang::Zh => {
            let said: String = content(said, Lang::Zh).collect();
            said.chars().count() >= 2 && names().any(|name| name.contains(&said))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::testing::plan;

    fn turn(text: &str, confidence: f32) -> UserTurn {
        UserTurn { text: text.into(), confidence, ..UserTurn::default() }
    }

    #[test]
    fn a_lone_word_is_short_and_two_badly_heard_ones_are() {
        let plan = plan();
        for (text, confidence, short) in
            [("us", 1.0, true), ("um us", 1.0, true), ("the us", 0.9, false), ("the us", 0.3, true)]
        {
            assert_eq!(is_short(&plan, &turn(text, confidence)), short, "{text} {confidence}");
        }
    }

    #[test]
    fn what_is_left_of_a_wish_for_a_human() {
        let plan = plan();
        for (said, wishes) in [
            ("can i talk to a home please", true),
            ("give me a deal person", true),
            ("can i talk a am please", true),
            ("give me as real been", true),
            ("birth please", true),
            ("i want to seat to at person", true),
            ("be a real person", true),
            ("i'd like to speak with from customer service", true),
            ("i sent money to the wrong person", false),
            ("i talked it over with my wife and we would like to have another card", false),
        ] {
            assert_eq!(may_wish_a_human(&plan, &turn(said, 0.5), None), wishes, "{said}");
        }
    }

    #[test]
    fn words_of_a_problems_name_name_it() {
        let mut plan = plan();
        plan.scenes[0].name = "a lost card in a bag".into();
        for (said, names) in [("lost", true), ("um, card", true), ("bag", false), ("in", false), ("yes", false)] {
            assert_eq!(names_a_problem(&plan, said), names, "{said}");
        }
        plan.lang = Lang::Zh;
        plan.scenes[0].name = "退款没有到账".into();
        for (said, names) in [("退款", true), ("嗯退款", true), ("款", false), ("是的", false)] {
            assert_eq!(names_a_problem(&plan, said), names, "{said}");
        }
    }
}
