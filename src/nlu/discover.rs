//! New scenes, proposed from what callers said and nothing covers.
//!
//! ```text
//! [text] ─► what no scene covers ─► average-link clustering ─► Discovery { groups with examples, left over }
//! ```
//!
//! Two groups are as near as their members are on average (cosine), and are joined while that is near enough. The nearest
//! pair is found along chains of nearest neighbours (F. Murtagh, "A Survey of Recent Advances in Hierarchical Clustering
//! Algorithms", 1983), so n sentences take n² steps.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::nlu::calibrate::highest;
use crate::nlu::document::{Document, Eyes};
use crate::nlu::features::Vocabulary;
use crate::nlu::intents::Intents;
use crate::nlu::minilm::mean_view;
use crate::nlu::text;
use crate::units::Lang;

/// Groups are joined while their sentences are nearer than this, on average: embeddings, and counts. Found with scenes of
/// `hotline-en` that were held out.
const NEAR_MEANING: f32 = 0.5;
const NEAR_COUNTS: f32 = 0.16;
/// Sentences shown of a group.
const SHOWN: usize = 10;
/// Words in the name of a group.
const NAMED_BY: usize = 3;
/// English words of so many letters or fewer name nothing.
const SHORT: usize = 2;
/// More sentences than this are not grouped: the distances of all pairs are held in memory (64 MB).
pub const MOST: usize = 4_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Discovery {
    /// Sentences looked at; those beyond [`MOST`] uncovered ones are not.
    pub sentences: usize,
    /// Of these, covered by no scene.
    pub uncovered: usize,
    /// Proposed scenes, largest first.
    pub groups: Vec<Group>,
    /// Uncovered sentences that no group took.
    pub left_over: usize,
}

/// A proposed scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The words that tell it from the other groups.
    pub name: String,
    /// How many sentences it has.
    pub size: usize,
    /// Mean nearness of its sentences to each other, 0–1.
    pub cohesion: f32,
    /// The most typical ones first.
    pub examples: Vec<String>,
    /// The existing scene that is nearest, and the mean probability that it was given.
    pub nearest: (String, f32),
    /// Positions of all its sentences in the input.
    pub members: Vec<usize>,
}

/// What counts as uncovered, and how large a group must be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No scene is more probable than this.
    pub below: f32,
    /// Sentences that make a group.
    pub smallest: usize,
    /// How near groups must be to be joined (mean cosine): higher makes smaller, purer groups. Without it, what suits the back
    /// end.
    pub near: Option<f32>,
}

/// Groups those of `texts` that none of the scenes covers.
pub fn discover(intents: &Intents, texts: &[&str], limits: Limits) -> Discovery {
    let documents = intents.eyes().read_all(texts);
    let mut uncovered = Vec::new();
    let mut nearest = Vec::new();
    let mut looked_at = 0;
    for (i, document) in documents.iter().enumerate() {
        if uncovered.len() == MOST {
            break;
        }
        looked_at = i + 1;
        let judgement = intents.judge_document(document);
        let best = highest(&judgement.scenes);
        let is_covered =
            judgement.scenes[best] > limits.below && judgement.out_of_scope < intents.out_of_scope_threshold();
        if !is_covered && !document.features.is_empty() {
            uncovered.push(i);
            nearest.push(judgement.scenes);
        }
    }
    let chosen: Vec<&Document> = uncovered.iter().map(|&i| &documents[i]).collect();
    let (near, suits) = nearness(&chosen, &intents.eyes());
    let threshold = limits.near.unwrap_or(suits);
    let mut groups: Vec<Group> = cluster(near.clone(), chosen.len(), threshold)
        .into_iter()
        .filter(|members| members.len() >= limits.smallest.max(2))
        .map(|members| group(&members, &near, &uncovered, texts, &nearest, intents))
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.size));
    name(&mut groups, texts, intents.lang());
    let grouped: usize = groups.iter().map(|group| group.size).sum();
    Discovery { sentences: looked_at, uncovered: uncovered.len(), left_over: uncovered.len() - grouped, groups }
}

/// How near every sentence is to every other, [n, n], and how near is near enough.
fn nearness(documents: &[&Document], eyes: &Eyes) -> (Vec<f32>, f32) {
    let n = documents.len();
    let mut near = vec![0.0; n * n];
    let mut fill = |of: &dyn Fn(usize, usize) -> f32| {
        for i in 0..n {
            for j in 0..i {
                let value = of(i, j);
                (near[i * n + j], near[j * n + i]) = (value, value);
            }
        }
    };
    let embeddings: Option<Vec<&[f32]>> =
        documents.iter().map(|document| document.embedding.as_deref().map(mean_view)).collect();
    if let Some(embeddings) = embeddings.filter(|_| eyes.encoder().is_some()) {
        fill(&|i, j| embeddings[i].iter().zip(embeddings[j]).map(|(a, b)| a * b).sum());
        return (near, NEAR_MEANING);
    }
    let counted = || documents.iter().map(|document| document.features.as_slice());
    let vocabulary = Vocabulary::learn(counted(), 1);
    let vectors: Vec<_> = counted().map(|features| vocabulary.vector(features, eyes.lang())).collect();
    fill(&|i, j| {
        let (mut a, mut b) = (vectors[i].iter().peekable(), vectors[j].iter().peekable());
        let mut sum = 0.0;
        while let (Some(&&(one, x)), Some(&&(other, y))) = (a.peek(), b.peek()) {
            if one == other {
                sum += x * y;
            }
            if one <= other {
                a.next();
            }
            if other <= one {
                b.next();
            }
        }
        sum
    });
    (near, NEAR_COUNTS)
}

/// Average-link clustering of `n` points with nearness `near` [n, n]: the groups at which the nearest two are further apart
/// than `threshold`.
fn cluster(mut near: Vec<f32>, n: usize, threshold: f32) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let mut open: Vec<usize> = (0..n).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut closed = Vec::new();
    while let Some(&first) = open.first() {
        let tip = *chain.last().unwrap_or(&first);
        if chain.is_empty() {
            chain.push(tip);
        }
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        // Of equals the one before in the chain, so that the chain ends.
        let nearest = open.iter().copied().filter(|&other| other != tip).max_by(|&a, &b| {
            near[tip * n + a].total_cmp(&near[tip * n + b]).then((Some(a) == before).cmp(&(Some(b) == before)))
        });
        let Some(nearest) = nearest.filter(|&other| near[tip * n + other] >= threshold) else {
            // Average link never comes nearer again once everything is further away: this group is complete.
            closed.push(std::mem::take(&mut groups[tip]));
            open.retain(|&other| other != tip);
            chain.pop();
            continue;
        };
        if Some(nearest) != before {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (groups[tip].len() as f32, groups[nearest].len() as f32);
        for &other in open.iter().filter(|&&other| other != tip && other != nearest) {
            let joined = (a * near[tip * n + other] + b * near[nearest * n + other]) / (a + b);
            (near[nearest * n + other], near[other * n + nearest]) = (joined, joined);
        }
        let moved = std::mem::take(&mut groups[tip]);
        groups[nearest].extend(moved);
        open.retain(|&other| other != tip);
    }
    closed
}

fn group(
    members: &[usize],
    near: &[f32],
    uncovered: &[usize],
    texts: &[&str],
    nearest: &[Vec<f32>],
    intents: &Intents,
) -> Group {
    let n = uncovered.len();
    let others = (members.len() - 1).max(1) as f32;
    let mut typical: Vec<(usize, f32)> =
        members.iter().map(|&i| (i, members.iter().map(|&j| near[i * n + j]).sum::<f32>() / others)).collect();
    typical.sort_by(|a, b| b.1.total_cmp(&a.1));
    let cohesion = typical.iter().map(|entry| entry.1).sum::<f32>() / typical.len() as f32;
    let mean: Vec<f32> = (0..intents.scenes().len())
        .map(|scene| members.iter().map(|&i| nearest[i][scene]).sum::<f32>() / members.len() as f32)
        .collect();
    let best = highest(&mean);
    Group {
        name: String::new(),
        size: members.len(),
        cohesion,
        examples: typical.iter().take(SHOWN).map(|&(i, _)| texts[uncovered[i]].to_owned()).collect(),
        nearest: (intents.scenes()[best].to_string(), mean[best]),
        members: typical.iter().map(|&(i, _)| uncovered[i]).collect(),
    }
}

/// Names each group by the words that many of its sentences have and few of the others'.
fn name(groups: &mut [Group], texts: &[&str], lang: Lang) {
    let words_of = |group: &Group| {
        let mut counts: BTreeMap<String, f32> = BTreeMap::new();
        for &i in &group.members {
            let mut words = text::words(texts[i], lang);
            words.retain(|word| lang != Lang::En || word.len() > SHORT);
            words.sort_unstable();
            words.dedup();
            words.into_iter().for_each(|word| *counts.entry(word).or_default() += 1.0 / group.size as f32);
        }
        counts
    };
    let shares: Vec<BTreeMap<String, f32>> = groups.iter().map(words_of).collect();
    for (at, group) in groups.iter_mut().enumerate() {
        let elsewhere = |word: &str| {
            let sum: f32 =
                shares.iter().enumerate().filter(|(i, _)| *i != at).filter_map(|(_, share)| share.get(word)).sum();
            sum / (shares.len() - 1).max(1) as f32
        };
        let mut telling: Vec<(f32, &str)> = shares[at]
            .iter()
            .map(|(word, share)| (share * (share / (elsewhere(word) + 0.02)).ln(), word.as_str()))
            .collect();
        telling.sort_by(|a, b| b.0.total_cmp(&a.0));
        group.name = telling.into_iter().take(NAMED_BY).map(|(_, word)| word).collect::<Vec<_>>().join("_");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::nlu::corpus;

    #[test]
    fn what_nothing_covers_comes_back_in_groups() {
        let mut table = String::new();
        for who in ["i", "we", "my wife", "my son"] {
            table +=
                &format!("{who} lost the card somewhere\tlost\n{who} sent a transfer that never arrived\ttransfer\n");
        }
        let corpus = corpus::parse(Path::new("c.tsv"), &table).unwrap();
        let intents = Intents::train(&corpus, None).unwrap();
        let texts = [
            "i lost the card somewhere",
            "which exchange rate do you take for dollars",
            "what is the exchange rate for dollars today",
            "is the exchange rate for dollars good",
            "your app crashes at log in",
            "the app crashes whenever i log in",
            "log in makes the app crash",
            "hm",
        ];
        // Two scenes share all probability between them: only a limit of 1 leaves them none of these sentences.
        let found = discover(&intents, &texts, Limits { below: 1.0, smallest: 3, near: None });
        let mut members: Vec<Vec<usize>> = found.groups.iter().map(|group| group.members.clone()).collect();
        members.iter_mut().for_each(|members| members.sort_unstable());
        members.sort_unstable();
        assert_eq!(members, [vec![1, 2, 3], vec![4, 5, 6]], "{found:?}");
        assert!(found.groups.iter().any(|group| group.name.contains("exchange")), "{found:?}");
        assert_eq!(found.uncovered, found.left_over + 6);
    }

    #[test]
    fn clusters_are_those_of_the_definition() {
        // Two tight pairs, and one point by itself.
        let mut near = vec![0.1; 25];
        for (i, j, value) in [(0, 1, 0.9), (2, 3, 0.8)] {
            (near[i * 5 + j], near[j * 5 + i]) = (value, value);
        }
        let mut groups = cluster(near, 5, 0.5);
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        assert_eq!(groups, [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(cluster(Vec::new(), 0, 0.5).is_empty());
    }
}
