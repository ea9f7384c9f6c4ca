//! What is counted: calls with their possible reasons, and the hours in which reasons existed.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::{PRIOR_CALLS, PRIOR_HOURS, ROUNDS, WRONG_ORDER};
use crate::identify::PastCall;
use crate::identify::history::{Archive, History};
use crate::identify::model::{BACKGROUND_RATE, HintModel, Kind, Model, Shares, UNFORESEEN, prior_rates};
use crate::identify::signals::{
    AGE_ENDS, Group, HINT_EVENT, HINT_HOURS, Source, call_group, hint, hours_between, order_group, order_key, signals,
};
use crate::units::Scene;

/// One number for each age class.
type ByAge = [f64; AGE_ENDS.len()];

/// A signal that a caller had.
pub(super) struct Cause {
    /// Index of the kind; `None` for an earlier call.
    kind: Option<usize>,
    group: usize,
    age: usize,
    /// The scene of the earlier call.
    before: Option<usize>,
    /// Whether it is about the order that the call was about, if any.
    fits: bool,
}

/// One past call.
pub(super) struct Row<'a> {
    pub(super) call: &'a PastCall,
    pub(super) scene: usize,
    causes: Vec<Cause>,
    /// Whether the help page that was read just before was the right one; `None` when none was read.
    hint: Option<bool>,
}

/// Everything that training counts.
pub(super) struct Desk<'a> {
    pub(super) rows: Vec<Row<'a>>,
    kinds: Vec<(String, usize)>,
    /// Hours that signals existed, by kind and age.
    exposure: Vec<ByAge>,
    /// The same for earlier calls, by group.
    call_exposure: [ByAge; Group::ALL.len()],
    member_hours: f64,
    /// Share of a moment's members that visited a help page just before.
    visiting: f64,
}

impl<'a> Desk<'a> {
    /// Counts `history`; `None` when no call has a known member and scene.
    pub(super) fn new(history: &'a History, archive: &Archive<'_>, start: &Model) -> Option<Self> {
        let scene_index: BTreeMap<&Scene, usize> =
            history.scenes.iter().enumerate().map(|(i, (scene, _))| (scene, i)).collect();
        let known: Vec<(&PastCall, usize)> = history
            .calls
            .iter()
            .filter(|call| !call.member_id.is_empty())
            .filter_map(|call| Some((call, *scene_index.get(&call.scene)?)))
            .collect();
        let first = known.iter().map(|(call, _)| call.at).min()?;
        let last = known.iter().map(|(call, _)| call.at).max()?;
        let mut index: BTreeMap<String, usize> = BTreeMap::new();
        let mut kinds: Vec<(String, usize)> = Vec::new();
        let mut exposure: Vec<ByAge> = Vec::new();
        let mut call_exposure = [[0.0; AGE_ENDS.len()]; Group::ALL.len()];
        let mut expose = |key: String, group: Group, at: DateTime| {
            let kind = *index.entry(key).or_insert_with_key(|key| {
                kinds.push((key.clone(), group.index()));
                exposure.push([0.0; AGE_ENDS.len()]);
                exposure.len() - 1
            });
            add_hours(&mut exposure[kind], at, first, last);
        };
        for order in &history.orders {
            expose(order_key(order, &start.home_currency), order_group(order), order.at);
        }
        let mut visits = 0.0;
        for event in &history.events {
            if event.kind != HINT_EVENT {
                expose(event.kind.clone(), Group::Event, event.at);
            } else if (first..last).contains(&event.at) {
                visits += 1.0;
            }
        }
        for (call, _) in &known {
            add_hours(&mut call_exposure[call_group(call).index()], call.at, first, last);
        }
        let member_hours = (history.members.len() as f64 * hours_between(first, last)).max(1.0);
        let mut desk = Self {
            rows: Vec::new(),
            kinds,
            exposure,
            call_exposure,
            member_hours,
            visiting: (visits * HINT_HOURS / member_hours).max(1e-6),
        };
        for (call, scene) in known {
            desk.rows.push(desk.row(archive, start, &scene_index, call, scene, &index));
        }
        Some(desk)
    }

    fn row(
        &self,
        archive: &Archive<'_>,
        start: &Model,
        scenes: &BTreeMap<&Scene, usize>,
        call: &'a PastCall,
        scene: usize,
        kinds: &BTreeMap<String, usize>,
    ) -> Row<'a> {
        let facts = archive.facts_of_member(&call.member_id, call.at);
        let about = call.order_id.as_deref();
        let causes = signals(&facts, &call.member_id, call.at, &start.home_currency)
            .iter()
            .filter_map(|signal| {
                let (kind, before, order) = match signal.source {
                    Source::Order(order) => (Some(*kinds.get(&signal.key)?), None, Some(order.order_id.as_str())),
                    Source::Event(_) => (Some(*kinds.get(&signal.key)?), None, None),
                    Source::Call(earlier) => (None, Some(*scenes.get(&earlier.scene)?), earlier.order_id.as_deref()),
                };
                let fits = about.is_none() || about == order;
                Some(Cause { kind, group: signal.group.index(), age: signal.age, before, fits })
            })
            .collect();
        let read = hint(&facts, &call.member_id, call.at);
        let hint = read.map(|main| main == start.scenes[scene].1.as_str());
        Row { call, scene, causes, hint }
    }

    /// Expectation maximisation over the rows that are `taken`, from `start`.
    pub(super) fn fit(&self, start: &Model, taken: impl Fn(usize) -> bool) -> Model {
        let part = (0..self.rows.len()).filter(|&i| taken(i)).count() as f64 / self.rows.len().max(1) as f64;
        let overall = self.overall_shares(start, &taken);
        let mut model = start.clone();
        for (key, _) in &self.kinds {
            let shares = Shares(overall.iter().map(|share| share * UNFORESEEN).collect());
            model.kinds.entry(key.clone()).or_insert(Kind { factor: 1.0, shares });
        }
        let prior = model.clone();
        for _ in 0..ROUNDS {
            let counts = self.share_out(&model, &overall, &taken);
            self.maximise(&mut model, &prior, &counts, part);
        }
        model.hint = self.hint_model(start, &taken);
        model
    }

    fn overall_shares(&self, start: &Model, taken: &impl Fn(usize) -> bool) -> Vec<f64> {
        let mut shares = vec![0.5; start.scenes.len()];
        for (_, row) in self.rows.iter().enumerate().filter(|(i, _)| taken(*i)) {
            shares[row.scene] += 1.0;
        }
        let total: f64 = shares.iter().sum();
        shares.iter().map(|share| share / total).collect()
    }

    /// Shares each call out among its possible reasons, by the present rates.
    fn share_out(&self, model: &Model, overall: &[f64], taken: &impl Fn(usize) -> bool) -> Counts {
        let scenes = overall.len();
        let mut counts = Counts {
            kinds: vec![(0.0, vec![0.0; scenes]); self.kinds.len()],
            ages: [[0.0; AGE_ENDS.len()]; Group::ALL.len()],
            background: vec![0.0; scenes],
            same: 0.0,
            other: 0.0,
        };
        let kinds: Vec<Option<&Kind>> = self.kinds.iter().map(|(key, _)| model.kinds.get(key)).collect();
        let same = model.same / (model.same + model.other);
        for (_, row) in self.rows.iter().enumerate().filter(|(i, _)| taken(*i)) {
            let off = |fits: bool| if fits { 1.0 } else { WRONG_ORDER };
            let rate = |cause: &Cause| {
                let age_rate = model.rates[cause.group][cause.age];
                let (factor, share) = match (cause.kind.and_then(|kind| kinds[kind]), cause.before) {
                    (Some(kind), _) => (kind.factor, kind.shares.of(row.scene)),
                    (None, Some(before)) if before == row.scene => (1.0, same),
                    (None, _) => (1.0, (1.0 - same) * overall[row.scene]),
                };
                age_rate * factor * share * off(cause.fits)
            };
            let rates: Vec<f64> = row.causes.iter().map(rate).collect();
            let by_itself = model.background_rate * model.background.of(row.scene) * off(row.call.order_id.is_none());
            let total = by_itself + rates.iter().sum::<f64>();
            counts.background[row.scene] += by_itself / total;
            for (cause, rate) in row.causes.iter().zip(rates) {
                let share = rate / total;
                counts.ages[cause.group][cause.age] += share;
                match cause.kind {
                    Some(kind) => {
                        counts.kinds[kind].0 += share;
                        counts.kinds[kind].1[row.scene] += share;
                    }
                    None if cause.before == Some(row.scene) => counts.same += share,
                    None => counts.other += share,
                }
            }
        }
        counts
    }

    /// Rates and shares that make the counts likeliest; `part` is the part of all calls that was counted.
    fn maximise(&self, model: &mut Model, prior: &Model, counts: &Counts, part: f64) {
        let background: f64 = counts.background.iter().sum();
        model.background_rate = (background + 1.0) / (self.member_hours * part + 1.0 / BACKGROUND_RATE);
        for (i, share) in model.background.0.iter_mut().enumerate() {
            *share = prior.background.0[i] + counts.background[i];
        }
        (model.same, model.other) = (prior.same + counts.same, prior.other + counts.other);
        let mut hours = self.call_exposure;
        for ((key, group), exposure) in self.kinds.iter().zip(&self.exposure) {
            let factor = model.kinds.get(key).map_or(1.0, |kind| kind.factor);
            for (hours, exposure) in hours[*group].iter_mut().zip(exposure) {
                *hours += factor * exposure;
            }
        }
        for group in Group::ALL {
            let before = prior_rates(group);
            for (age, before) in before.into_iter().enumerate() {
                let caused = counts.ages[group.index()][age];
                model.rates[group.index()][age] =
                    (caused + before * PRIOR_HOURS) / (hours[group.index()][age] * part + PRIOR_HOURS);
            }
        }
        for (kind, ((key, group), exposure)) in self.kinds.iter().zip(&self.exposure).enumerate() {
            let (Some(known), Some(start)) = (model.kinds.get_mut(key), prior.kinds.get(key)) else { continue };
            let expected: f64 = exposure.iter().zip(&model.rates[*group]).map(|(hours, rate)| hours * rate).sum();
            known.factor = (counts.kinds[kind].0 + PRIOR_CALLS) / (expected * part + PRIOR_CALLS);
            for (i, share) in known.shares.0.iter_mut().enumerate() {
                *share = start.shares.0[i] + counts.kinds[kind].1[i];
            }
        }
    }

    /// How visits to help pages and calls go together.
    fn hint_model(&self, start: &Model, taken: &impl Fn(usize) -> bool) -> HintModel {
        let (mut right, mut wrong, mut calls) = (start.hint.right, start.hint.wrong, 0.0);
        for (_, row) in self.rows.iter().enumerate().filter(|(i, _)| taken(*i)) {
            calls += 1.0;
            match row.hint {
                Some(true) => right += 1.0,
                Some(false) => wrong += 1.0,
                None => {}
            }
        }
        let seen = (right + wrong) / (calls + start.hint.right + start.hint.wrong);
        HintModel { right, wrong, lift: (seen / self.visiting).clamp(1.0, 1e4) }
    }
}

/// Calls shared out among reasons.
struct Counts {
    /// By kind: all, and by scene.
    kinds: Vec<(f64, Vec<f64>)>,
    /// By group and age.
    ages: [ByAge; Group::ALL.len()],
    /// Without a visible reason, by scene.
    background: Vec<f64>,
    /// Repeats of an earlier call: about the same, about something else.
    same: f64,
    other: f64,
}

/// Adds the hours that something which happened `at` spent in each age class between `first` and `last`.
fn add_hours(hours: &mut ByAge, at: DateTime, first: DateTime, last: DateTime) {
    let (opens, closes) = (hours_between(at, first), hours_between(at, last));
    let mut from = 0.0;
    for (hours, &end) in hours.iter_mut().zip(&AGE_ENDS) {
        *hours += (f64::min(end, closes) - f64::max(from, opens)).max(0.0);
        from = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::at;

    #[test]
    fn hours_are_counted_inside_the_window_only() {
        let mut hours = [0.0; AGE_ENDS.len()];
        add_hours(&mut hours, at("2026-05-01T00:00:00"), at("2026-05-01T02:00:00"), at("2026-05-01T05:00:00"));
        assert_eq!(hours[..4], [0.0, 1.0, 2.0, 0.0]);
        add_hours(&mut hours, at("2026-06-01T00:00:00"), at("2026-05-01T02:00:00"), at("2026-05-01T05:00:00"));
        assert_eq!(hours.iter().sum::<f64>(), 3.0, "what came later existed for no hour");
    }
}
