//! The guess for a caller: what each member who may be calling would call about, weighed by how likely it is to be them.
//!
//! ```text
//! members with p ─► reasons of each ─► P(scene | member) × p ─┐
//! nobody of them ─► background shares ────────────── × p ─────┴─► Σ ─► scenes, orders, why
//! ```
//!
//! So the probability of a problem is as low as the caller is unsure, and "sure enough to say aloud" means both.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::model::{Model, Reason};
use super::signals::{Source, hint};
use super::{CallerFacts, Order, OrderGuess, SceneGuess, why};

/// Scenes that are reported. The rest share a tail that nobody reads out.
const REPORTED: usize = 10;

/// Members less likely than this are left out: they cannot change what is said.
const NEGLIGIBLE: f64 = 1e-3;

/// What a call may be about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    /// Problems by falling probability.
    pub scenes: Vec<SceneGuess>,
    /// Orders by falling probability.
    pub orders: Vec<OrderGuess>,
}

/// One member who may be calling.
struct View<'a> {
    /// How likely it is to be them.
    weight: f64,
    reasons: Vec<Reason<'a>>,
    /// Probability of each scene if it is.
    scenes: Vec<f64>,
    hint: Option<&'a str>,
}

impl View<'_> {
    /// How likely it is that this member calls about `scene`.
    fn share(&self, scene: usize) -> f64 {
        self.weight * self.scenes[scene]
    }

    /// The part of each reason in a call of this member about `scene`.
    fn blame(&self, scene: usize) -> impl Iterator<Item = (&Reason<'_>, f64)> {
        let total: f64 = self.reasons.iter().map(|reason| reason.rates[scene]).sum();
        self.reasons.iter().map(move |reason| (reason, reason.rates[scene] / total))
    }
}

impl Model {
    /// Problems and orders of a call at `now` by one of `callers`: members with their probabilities; what is missing to 1
    /// goes to somebody unknown.
    pub fn guess(&self, facts: &CallerFacts, callers: &[(&str, f64)], now: DateTime) -> Guess {
        let views: Vec<View<'_>> = callers
            .iter()
            .filter(|(_, weight)| *weight >= NEGLIGIBLE)
            .map(|&(member, weight)| {
                let hint = hint(facts, member, now);
                let reasons = self.reasons(facts, member, now);
                let scenes = self.probabilities(&reasons, hint);
                View { weight, reasons, scenes, hint }
            })
            .collect();
        let nobody = (1.0 - views.iter().map(|view| view.weight).sum::<f64>()).max(0.0);
        let p: Vec<f64> = (0..self.scenes.len())
            .map(|i| nobody * self.background.of(i) + views.iter().map(|view| view.share(i)).sum::<f64>())
            .collect();
        let mut ranked: Vec<usize> = (0..p.len()).collect();
        ranked.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        let scenes = ranked.iter().take(REPORTED).map(|&i| self.scene_guess(facts, &views, i, p[i]));
        Guess { scenes: scenes.collect(), orders: orders(facts, &views, 0..p.len(), 1.0) }
    }

    fn scene_guess(&self, facts: &CallerFacts, views: &[View<'_>], scene: usize, p: f64) -> SceneGuess {
        let main_scene = self.scenes[scene].1.clone();
        let view = views.iter().max_by(|a, b| a.share(scene).total_cmp(&b.share(scene)));
        let reason = view.and_then(|view| view.blame(scene).max_by(|a, b| a.1.total_cmp(&b.1)));
        let mut explained = why::explain(reason.and_then(|(reason, _)| reason.signal.as_ref()));
        if view.and_then(|view| view.hint) == Some(main_scene.as_str()) {
            explained.push_str("; ");
            explained.push_str(why::HELP_PAGE);
        }
        let order = orders(facts, views, scene..scene + 1, p).into_iter().next();
        SceneGuess { scene: self.scenes[scene].0.clone(), main_scene, p: p as f32, order, why: explained }
    }
}

/// Orders by how likely a call about one of `scenes` is about them, as a part of `of`: the order itself, or an earlier call
/// about it, is the reason.
fn orders(facts: &CallerFacts, views: &[View<'_>], scenes: std::ops::Range<usize>, of: f64) -> Vec<OrderGuess> {
    let mut by_order: BTreeMap<&str, f64> = BTreeMap::new();
    for (view, scene) in views.iter().flat_map(|view| scenes.clone().map(move |scene| (view, scene))) {
        for (reason, part) in view.blame(scene) {
            let id = match reason.signal.as_ref().map(|signal| signal.source) {
                Some(Source::Order(order)) => order.order_id.as_str(),
                Some(Source::Call(call)) => call.order_id.as_deref().unwrap_or_default(),
                Some(Source::Event(_)) | None => continue,
            };
            *by_order.entry(id).or_default() += view.share(scene) * part / of;
        }
    }
    let known = |order: &Order| by_order.get(order.order_id.as_str()).copied();
    let mut guesses: Vec<OrderGuess> = facts
        .orders
        .iter()
        .filter_map(|order| Some(OrderGuess { order: order.clone(), p: known(order)? as f32 }))
        .collect();
    guesses.sort_by(|a, b| b.p.total_cmp(&a.p));
    guesses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Rules;
    use crate::identify::signals::HINT_EVENT;
    use crate::identify::testing::{at, call, event, order};
    use crate::units::Scene;
    use proptest::prelude::*;

    const NOW: &str = "2026-05-01T12:00:00";

    fn model() -> Model {
        let scenes = [
            ("declined_card_payment", "card_payment"),
            ("pending_card_payment", "card_payment"),
            ("activate_my_card", "card"),
            ("age_limit", "account"),
        ];
        let scenes = scenes.map(|(scene, main)| (Scene::from(scene), Scene::from(main)));
        Model::untrained(scenes.to_vec(), &Rules::built_in())
    }

    fn first(facts: &CallerFacts) -> SceneGuess {
        model().guess(facts, &[("M1", 1.0)], at(NOW)).scenes[0].clone()
    }

    #[test]
    fn the_rules_alone_make_a_sensible_guess() {
        let facts = CallerFacts {
            orders: vec![order("T1", "card_payment/declined", "2026-05-01T10:00:00")],
            ..CallerFacts::default()
        };
        let guess = first(&facts);
        assert_eq!(guess.scene.as_str(), "declined_card_payment");
        assert_eq!(guess.why, "card payment declined 2 hours ago");
        assert_eq!(guess.order.map(|guess| guess.order.order_id).as_deref(), Some("T1"));
        assert!(guess.p > 0.8, "{}", guess.p);
    }

    #[test]
    fn a_help_page_turns_the_scale() {
        let mut facts = CallerFacts {
            orders: vec![order("T1", "card_payment/declined", "2026-05-01T10:00:00")],
            events: vec![event("card_delivered", "", "2026-05-01T10:30:00")],
            ..CallerFacts::default()
        };
        let before = first(&facts);
        facts.events.push(event(HINT_EVENT, "card", "2026-05-01T11:30:00"));
        let after = first(&facts);
        assert_eq!(after.scene.as_str(), "activate_my_card");
        assert_eq!(after.why, "card delivered 2 hours ago; read its help page just before");
        assert!(before.scene != after.scene || after.p > before.p);
    }

    #[test]
    fn an_unsolved_call_comes_again() {
        let mut yesterday = call("age_limit", None, "2026-04-30T12:00:00");
        yesterday.resolved = false;
        let facts = CallerFacts { calls: vec![yesterday], ..CallerFacts::default() };
        let guess = first(&facts);
        assert_eq!(
            (guess.scene.as_str(), guess.why.as_str()),
            ("age_limit", "called about it, unsolved, 24 hours ago")
        );
    }

    #[test]
    fn doubt_about_the_caller_is_doubt_about_the_problem() {
        let facts = CallerFacts {
            orders: vec![order("T1", "card_payment/declined", "2026-05-01T10:00:00")],
            ..CallerFacts::default()
        };
        let doubtful = &model().guess(&facts, &[("M1", 0.5)], at(NOW)).scenes[0];
        assert!(doubtful.p < first(&facts).p - 0.2, "{} {}", doubtful.p, first(&facts).p);
        let nobody = model().guess(&facts, &[], at(NOW));
        assert!(nobody.orders.is_empty() && nobody.scenes[0].p < 0.5, "{nobody:?}");
    }

    proptest! {
        #[test]
        fn probabilities_are_probabilities(hours in proptest::collection::vec(0_i64..900, 0..8), weight in 0.0_f64..1.0) {
            let keys = ["card_payment/declined", "card_payment/pending", "card_payment/completed", "odd/odd"];
            let orders = hours.iter().enumerate().map(|(i, hours)| {
                let mut order = order(&format!("T{i}"), keys[i % 4], NOW);
                order.at = at(NOW).saturating_sub(jiff::SignedDuration::from_hours(*hours));
                order
            });
            let facts = CallerFacts { orders: orders.collect(), ..CallerFacts::default() };
            let guess = model().guess(&facts, &[("M1", weight)], at(NOW));
            let total: f32 = guess.scenes.iter().map(|scene| scene.p).sum();
            prop_assert!((total - 1.0).abs() < 1e-4, "{total}");
            prop_assert!(guess.scenes.is_sorted_by(|a, b| a.p >= b.p));
            prop_assert!(guess.orders.iter().map(|order| order.p).sum::<f32>() <= 1.0 + 1e-4);
        }
    }
}
