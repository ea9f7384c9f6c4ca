//! What the hotline says: kinds of prompts, their variants, and the placeholders in them.
//!
//! ```text
//! "{daytime}, {name}." ─► Template ─► fill(values) ─► "Good morning, Ms Li."
//! ```

use std::time::Duration;

use super::named::named;
use crate::dialog::BargeIn;
use crate::units::Lang;

named! {
    /// A value that a text leaves open.
    Placeholder {
        /// "Good morning", by the time of day.
        Daytime = "daytime",
        /// The caller's form of address, "Ms Li".
        Name = "name",
        /// The problem as spoken.
        Problem = "problem",
        /// The first of two that are offered.
        First = "first",
        /// The second of two that are offered.
        Second = "second",
        /// A main scene as spoken.
        Topic = "topic",
        /// An order as spoken: "the rice cooker for 200 yuan".
        Order = "order",
        /// What the order was for.
        Product = "product",
        /// Amount and currency of the order as spoken.
        Price = "price",
        /// The day of the order as spoken.
        Date = "date",
        /// What the caller said, as it was understood.
        Value = "value",
    }
}

named! {
    /// An occasion to say something.
    PromptKind {
        /// Before the call is answered, where the caller's network lets that be heard. A dialplan may have none.
        BeforeAnswer = "before_answer",
        /// The first words to somebody unknown.
        Greeting = "greeting",
        /// The first words to somebody known.
        GreetingNamed = "greeting_named",
        /// States the problem that is guessed, as a question.
        Guess = "guess",
        /// Asks what the call is about.
        Open = "open",
        /// The guess was wrong: asks what it is.
        GuessWrong = "guess_wrong",
        /// Asks for other words.
        Rephrase = "rephrase",
        /// Asks for more within a main scene.
        Narrow = "narrow",
        /// Asks which of two problems it is.
        Choice = "choice",
        /// Asks whether it is this problem.
        Confirm = "confirm",
        /// "All right", after a yes.
        Acknowledge = "acknowledge",
        /// Names the problem before its answer, when it was not confirmed.
        LeadIn = "lead_in",
        /// Before an answer that is said again.
        OnceMore = "once_more",
        /// Asks whether the answer solves the problem.
        Solved = "solved",
        /// The answer did not solve it: asks what is wrong.
        NotSolved = "not_solved",
        /// After the answer of a problem with which a human can help on: asks whether one is wanted.
        OfferTransfer = "offer_transfer",
        /// A human is being fetched, who will know the problem.
        Connecting = "connecting",
        /// Asks whether there is another problem.
        AnythingElse = "anything_else",
        /// Asks whether it is this order.
        AskOrder = "ask_order",
        /// Asks which of two orders it is.
        ChooseOrder = "choose_order",
        /// Asks for the registered phone number.
        AskNumber = "ask_number",
        /// The number is being looked up.
        OneMoment = "one_moment",
        /// Asks for the year of birth, which proves that a stated number is the caller's.
        AskProof = "ask_proof",
        /// It was not proved: nothing is said of the account.
        NotProved = "not_proved",
        /// First silence.
        NoInput1 = "no_input_1",
        /// Second silence: offers keys.
        NoInput2 = "no_input_2",
        /// First words that were not understood.
        NoMatch1 = "no_match_1",
        /// Second words that were not understood: gives examples and keys.
        NoMatch2 = "no_match_2",
        /// It is nothing that the hotline knows.
        OutOfScope = "out_of_scope",
        /// The caller is upset.
        Sorry = "sorry",
        /// What can be said and pressed.
        Help = "help",
        /// The caller asked to wait.
        Wait = "wait",
        /// Who is speaking.
        WhoIsThis = "who_is_this",
        /// The caller says thanks.
        Welcome = "welcome",
        /// The call goes to a human.
        Transfer = "transfer",
        /// Nobody took the call.
        TransferFailed = "transfer_failed",
        /// A value that was heard is said back, as a question.
        ReadBack = "read_back",
        /// A number may be keyed as well.
        ByKeys = "by_keys",
        /// The problem that the caller left for another one is taken up again.
        ComeBack = "come_back",
        /// An action failed.
        ActionFailed = "action_failed",
        /// The recogniser failed: keys still work.
        EngineFailed = "engine_failed",
        /// The last words.
        Goodbye = "goodbye",
        /// "Mm-hm", while the caller tells a long story.
        Listening = "listening",
        /// "Take your time", to somebody who looks for words.
        TakeYourTime = "take_your_time",
        /// "One moment", when the answer is slow to come.
        Thinking = "thinking",
    }
}

impl PromptKind {
    /// Placeholders that a variant must have: without them the caller could not know what is asked.
    pub const fn needed(self) -> &'static [Placeholder] {
        match self {
            Self::GreetingNamed => &[Placeholder::Name],
            Self::Guess | Self::Confirm | Self::LeadIn | Self::ComeBack => &[Placeholder::Problem],
            Self::Narrow => &[Placeholder::Topic],
            Self::Choice | Self::ChooseOrder => &[Placeholder::First, Placeholder::Second],
            Self::AskOrder => &[Placeholder::Order],
            Self::ReadBack => &[Placeholder::Value],
            _ => &[],
        }
    }

    /// How many variants it must have: two, so that nobody hears the same words twice in a row, unless it is heard once.
    pub const fn least_variants(self) -> usize {
        match self {
            Self::BeforeAnswer => 1,
            _ => 2,
        }
    }

    /// Whether a dialplan need not have it.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::BeforeAnswer)
    }

    /// What is said where a dialplan says nothing else: of words that are the same in all hotlines.
    pub const fn usual(self, lang: Lang) -> &'static [&'static str] {
        match (self, lang) {
            (Self::Listening, Lang::En) => &["Mm-hm.", "I see."],
            (Self::Listening, Lang::Zh) => &["嗯。", "好的。"],
            (Self::TakeYourTime, Lang::En) => &["Take your time.", "No hurry."],
            (Self::TakeYourTime, Lang::Zh) => &["您慢慢说。", "不着急，您慢慢说。"],
            (Self::Thinking, Lang::En) => &["One moment.", "Just a moment."],
            (Self::Thinking, Lang::Zh) => &["请稍等。", "您稍等一下。"],
            _ => &[],
        }
    }

    /// Placeholders that a variant may have.
    pub const fn allowed(self) -> &'static [Placeholder] {
        match self {
            Self::BeforeAnswer | Self::Greeting => &[Placeholder::Daytime],
            Self::GreetingNamed => &[Placeholder::Daytime, Placeholder::Name],
            _ => self.needed(),
        }
    }
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadTemplate {
    /// A placeholder that nobody fills.
    Unknown(String),
    /// A brace that is not closed.
    Unclosed,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or(BadTemplate::Unclosed)?;
            let slot = Placeholder::ALL.iter().find(|slot| slot.name() == name);
            let slot = *slot.ok_or_else(|| BadTemplate::Unknown(name.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Placeholder(slot));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The placeholders in it.
    pub fn slots(&self) -> impl Iterator<Item = Placeholder> + '_ {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(slot) => Some(*slot),
            Part::Text(_) => None,
        })
    }

    /// The text with all values put in; `None` when one is missing.
    pub fn fill(&self, values: &[(Placeholder, String)]) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Placeholder(slot) => text.push_str(&values.iter().find(|(name, _)| name == slot)?.1),
            }
        }
        Some(text)
    }

    /// The fixed text, without the placeholders.
    pub fn fixed(&self) -> String {
        let texts = self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.trim()),
            Part::Placeholder(_) => None,
        });
        texts.collect::<Vec<_>>().join(" ")
    }
}

/// What is said on one occasion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptPlan {
    /// At least two ways to say it; one, or none, for what is [optional](PromptKind::is_optional).
    pub variants: Vec<Template>,
    /// Who may interrupt it.
    pub barge_in: BargeIn,
    /// Silence after it that counts as no answer, where it is not the usual one.
    pub no_input: Option<Duration>,
}

/// One [`PromptPlan`] for each [`PromptKind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts(pub(super) Vec<PromptPlan>);

impl Prompts {
    /// What is said on the occasion `kind`.
    pub fn of(&self, kind: PromptKind) -> &PromptPlan {
        &self.0[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_or_says_that_a_value_is_missing() {
        let template = Template::parse("{daytime}, {name}.").unwrap();
        let daytime = (Placeholder::Daytime, "Good morning".to_owned());
        assert_eq!(template.fill(std::slice::from_ref(&daytime)), None);
        let filled = template.fill(&[daytime, (Placeholder::Name, "Ms Li".to_owned())]);
        assert_eq!(filled.as_deref(), Some("Good morning, Ms Li."));
        assert_eq!(Template::parse("{nom}"), Err(BadTemplate::Unknown("nom".to_owned())));
        assert_eq!(Template::parse("{name"), Err(BadTemplate::Unclosed));
    }

    #[test]
    fn kinds_stand_at_their_index() {
        for (i, kind) in PromptKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, i, "{}", kind.name());
        }
    }
}
