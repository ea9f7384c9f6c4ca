//! Which of the caller's orders is meant: known before a word, chosen from two, or put right ("no, the other one").

use super::moves::Sure;
use super::turned::{Verdict, choice};
use super::{Dialog, Question};
use crate::dialog::Reply;
use crate::dialog::dialplan::SceneId;
use crate::identify::Order;
use crate::nlu::{UserTurn, Value, products, text};
use crate::units::Lang;

/// An order that is this likely to be meant is used without asking.
const ORDER_SURE: f32 = 0.5;
/// A product that fits the words this well was named.
const NAMED: f32 = 0.7;

impl Dialog {
    /// The order that `scene` is most likely about.
    pub(super) fn order_for(&self, scene: SceneId) -> Option<Order> {
        let plan = self.plan.scene(scene);
        let kinds = &plan.order.as_ref()?.kinds;
        if let Some(order) = self.order.as_ref().filter(|order| kinds.contains(&order.kind)) {
            return Some(order.clone());
        }
        let guessed = self.identified.scenes.iter().find(|guess| guess.scene == plan.scene);
        let guessed = guessed.and_then(|guess| guess.order.as_ref());
        let sure = self.identified.orders.iter().filter(|guess| guess.p >= ORDER_SURE);
        let fits = |order: &&Order| kinds.contains(&order.kind);
        guessed.into_iter().chain(sure).map(|guess| &guess.order).find(fits).cloned()
    }

    /// The caller puts the order right: the same problem, with another one of the orders that it may be about.
    pub(super) fn about_another_order(
        &mut self,
        question: &Question,
        verdict: Verdict,
        turn: &UserTurn,
    ) -> Option<Reply> {
        let scene = question.stated().filter(|_| verdict != Verdict::Yes)?;
        if self.alone_from(self.plan.thresholds.accept, turn).is_some_and(|told| told != scene) {
            return None;
        }
        let order = self.other_order(scene, turn)?;
        self.order = Some(order);
        Some(match question {
            Question::Guess(_) | Question::Confirm(_) => self.accept(scene, Sure::Confirmed),
            _ => self.solve(scene),
        })
    }

    /// The order that the words name, if it is not the one that was taken for it.
    fn other_order(&self, scene: SceneId, turn: &UserTurn) -> Option<Order> {
        let taken = self.order.as_ref()?;
        let kinds = &self.plan.scene(scene).order.as_ref()?.kinds;
        let orders = self.identified.orders.iter().map(|guess| &guess.order);
        let others: Vec<&Order> =
            orders.filter(|order| kinds.contains(&order.kind) && order.order_id != taken.order_id).collect();
        let names: Vec<&str> =
            others.iter().map(|order| order.product.as_str()).chain([taken.product.as_str()]).collect();
        let named = products::products(&turn.text, &names).first().filter(|(_, fit)| *fit >= NAMED).map(|(at, _)| *at);
        let named = named.and_then(|at| others.get(at));
        let by_amount = || amounts(turn).find_map(|cents| others.iter().find(|order| order.price_cents == cents));
        let the_other = || others.first().filter(|_| says_the_other(&turn.text, self.plan.lang));
        named.or_else(by_amount).or_else(the_other).map(|order| (*order).clone())
    }
}

fn amounts(turn: &UserTurn) -> impl Iterator<Item = i64> {
    turn.entities.iter().filter_map(|entity| match entity.value {
        Value::Amount { cents, .. } => Some(cents),
        _ => None,
    })
}

/// "The other one", "my other card", "另一笔".
fn says_the_other(said: &str, lang: Lang) -> bool {
    match lang {
        Lang::En => {
            let tokens = text::tokens(said);
            let things = ["one", "card", "payment", "transfer", "order", "purchase"];
            tokens.windows(2).any(|pair| pair[0].text == "other" && things.contains(&pair[1].text.as_str()))
        }
        Lang::Zh => ["另一个", "另一笔", "另一张", "另一单", "另外一"].iter().any(|words| said.contains(words)),
    }
}

/// The order that the caller means: chosen, agreed to, or told by its amount.
pub(super) fn pick(orders: &[Order], turn: &UserTurn, verdict: Verdict) -> Option<Order> {
    let mut by_amount = amounts(turn).filter_map(|cents| orders.iter().find(|order| order.price_cents == cents));
    let picked = match (orders, verdict) {
        ([only], Verdict::Yes) => Some(only),
        _ => choice(turn).and_then(|at| orders.get(at)),
    };
    picked.or_else(|| by_amount.next()).cloned()
}
