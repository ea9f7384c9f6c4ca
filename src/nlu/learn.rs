//! Learning from a corpus: who belongs where, what is off topic, and how a model fares on sentences that it has not seen.
//!
//! ```text
//! Corpus ─► Material ─► Scorer on all sentences
//!                   └─► [Judged]: every sentence scored by a model that was trained without it
//! ```

use std::thread;

use crate::nlu::calibrate::Judged;
use crate::nlu::document::{Document, Eyes};
use crate::nlu::intents::OUT_OF_SCOPE;
use crate::nlu::linear::{self, softmax};
use crate::nlu::scorer::{Lesson, Scorer};
use crate::nlu::{Corpus, NluError};
use crate::units::{Lang, Scene};

/// Off-topic sentences for corpora that bring none of their own. Written for this project.
const OFF_TOPIC_EN: &str = include_str!("off_topic/en.txt");
const OFF_TOPIC_ZH: &str = include_str!("off_topic/zh.txt");

/// From this many examples on, a feature must occur in two of them, to keep the model file small.
const LARGE_CORPUS: usize = 4_000;
/// Parts of the cross-validation behind the calibration, for small and large corpora. The model of a part is weaker than the
/// one of the whole, so what is fitted to it is too modest, the more so the fewer examples there are.
const FOLDS: [usize; 2] = [6, 2];
/// Sentences that are held out together.
const TOGETHER: usize = 2;

/// A corpus with names resolved to indices.
pub(super) struct Material {
    eyes: Eyes,
    pub(super) scenes: Vec<Scene>,
    pub(super) main_scenes: Vec<Scene>,
    pub(super) main_of: Vec<usize>,
    sentences: Vec<Sentence>,
    /// By scene: its name in words, if a sentence model reads it.
    names: Vec<Document>,
}

struct Sentence {
    document: Document,
    meaning: Meaning,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Scene(usize),
    Vague { main: usize },
    OffTopic,
}

impl Material {
    /// Reads a corpus.
    pub(super) fn gather(corpus: &Corpus, eyes: Eyes) -> Result<Self, NluError> {
        let inside = || corpus.examples.iter().filter(|example| example.scene.as_str() != OUT_OF_SCOPE);
        let scenes = sorted(inside().map(|example| &example.scene));
        let main_scenes = sorted(inside().map(|example| &example.main_scene));
        match scenes.as_slice() {
            [] => return Err(NluError::EmptyCorpus),
            [only] => return Err(NluError::OneScene(only.clone())),
            _ => {}
        }
        let mut main_of = vec![0; scenes.len()];
        let texts: Vec<&str> =
            corpus.examples.iter().chain(&corpus.vague).map(|example| example.text.as_str()).collect();
        let mut documents = eyes.read_all(&texts).into_iter();
        let mut sentences = Vec::with_capacity(texts.len());
        for (example, document) in corpus.examples.iter().zip(documents.by_ref()) {
            let meaning = match scenes.binary_search(&example.scene) {
                Ok(scene) => {
                    main_of[scene] = main_scenes.binary_search(&example.main_scene).unwrap_or_default();
                    Meaning::Scene(scene)
                }
                Err(_) => Meaning::OffTopic,
            };
            sentences.push(Sentence { document, meaning });
        }
        for (example, document) in corpus.vague.iter().zip(documents) {
            if let Ok(main) = main_scenes.binary_search(&example.main_scene) {
                sentences.push(Sentence { document, meaning: Meaning::Vague { main } });
            }
        }
        let names = scenes.iter().map(|scene| scene.as_str().replace('_', " ").to_lowercase()).collect::<Vec<_>>();
        let names = eyes.read_meanings(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let material = Self { eyes, scenes, main_scenes, main_of, sentences, names };
        material.check_scenes()?;
        Ok(material)
    }

    /// Every scene needs a sentence with words in it.
    fn check_scenes(&self) -> Result<(), NluError> {
        let mut has_words = vec![false; self.scenes.len()];
        for sentence in self.sentences.iter().filter(|sentence| !sentence.document.features.is_empty()) {
            if let Meaning::Scene(scene) = sentence.meaning {
                has_words[scene] = true;
            }
        }
        match has_words.iter().position(|has| !has) {
            Some(scene) => Err(NluError::SceneWithoutExamples(self.scenes[scene].clone())),
            None => Ok(()),
        }
    }

    /// Adds the sentences of the project's own off-topic list that the corpus, as a first model knows it, does not cover.
    pub(super) fn add_off_topic(&mut self) {
        if self.sentences.iter().any(|sentence| sentence.meaning == Meaning::OffTopic) {
            return;
        }
        let list = match self.eyes.lang() {
            Lang::En => OFF_TOPIC_EN,
            Lang::Zh => OFF_TOPIC_ZH,
        };
        let first = self.whole_model();
        let lines: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
        for document in self.eyes.read_all(&lines) {
            let mut scores = first.scores(&document);
            scores.truncate(self.scenes.len());
            softmax(&mut scores);
            if scores.iter().all(|&p| p < 0.5) {
                self.sentences.push(Sentence { document, meaning: Meaning::OffTopic });
            }
        }
    }

    /// What read the sentences.
    pub(super) fn eyes(&self) -> &Eyes {
        &self.eyes
    }

    fn all(&self) -> Vec<usize> {
        (0..self.sentences.len()).collect()
    }

    /// Trains on all sentences.
    pub(super) fn whole_model(&self) -> Scorer {
        self.model(&self.all())
    }

    /// Trains on the sentences `chosen`.
    fn model(&self, chosen: &[usize]) -> Scorer {
        let min_documents = 1 + usize::from(self.sentences.len() >= LARGE_CORPUS);
        let sentences = chosen.iter().map(|&i| &self.sentences[i]);
        let sentences = sentences.map(|sentence| (&sentence.document, self.target(sentence.meaning)));
        // What a scene is called is one more thing that may be said of it.
        let names = self.names.iter().zip(0..).map(|(document, scene)| (document, vec![(scene, 1.0)]));
        let lessons: Vec<Lesson<'_>> =
            sentences.chain(names).map(|(document, target)| Lesson { document, target }).collect();
        Scorer::train(&lessons, self.scenes.len() + 1, self.eyes.lang(), min_documents)
    }

    fn target(&self, meaning: Meaning) -> Vec<(usize, f32)> {
        match meaning {
            Meaning::Scene(scene) => vec![(scene, 1.0)],
            Meaning::OffTopic => vec![(self.scenes.len(), 1.0)],
            Meaning::Vague { main } => {
                let scenes: Vec<usize> = (0..self.scenes.len()).filter(|&scene| self.main_of[scene] == main).collect();
                let share = 1.0 / scenes.len() as f32;
                scenes.into_iter().map(|scene| (scene, share)).collect()
            }
        }
    }

    /// Scores every sentence, by its place in the corpus, with a model that was trained without it. Vague sentences only teach.
    pub(super) fn cross_validate(&self) -> Vec<(usize, Judged)> {
        let folds = FOLDS[usize::from(self.sentences.len() >= LARGE_CORPUS)];
        let fold_of = self.folds(folds);
        let judge_fold = |fold: usize| {
            let taught: Vec<usize> = (0..fold_of.len()).filter(|&i| fold_of[i] != Some(fold)).collect();
            let model = self.model(&taught);
            let held_out = (0..fold_of.len()).filter(|&i| fold_of[i] == Some(fold));
            held_out.map(|i| (i, self.judged(&model, i))).collect::<Vec<_>>()
        };
        // Folds are independent, and training is the only long work here: two at a time.
        let fold_numbers: Vec<usize> = (0..folds).collect();
        let mut judged: Vec<(usize, Judged)> = Vec::with_capacity(self.sentences.len());
        for pair in fold_numbers.chunks(2) {
            thread::scope(|scope| {
                let running: Vec<_> = pair.iter().map(|&fold| scope.spawn(move || judge_fold(fold))).collect();
                for handle in running {
                    judged.extend(handle.join().expect("training does not panic"));
                }
            });
        }
        judged.sort_unstable_by_key(|entry| entry.0);
        judged
    }

    fn judged(&self, model: &Scorer, i: usize) -> Judged {
        let sentence = &self.sentences[i];
        let truth = match sentence.meaning {
            Meaning::Scene(scene) => Some(scene),
            Meaning::Vague { .. } | Meaning::OffTopic => None,
        };
        let document = &sentence.document;
        Judged {
            scores: model.scores(document),
            by_counts: model.scores_by_counts(&document.features),
            coverage: model.coverage(&document.features),
            truth,
        }
    }

    /// Deals the sentences of each meaning out in turn, together with the one that is most like them: whoever writes examples
    /// writes the same thing twice in other words, and callers are not so alike. Dealt out one by one, a dialplan's own
    /// examples made its model too sure of callers: 91 % sure on average, 87 % right (hotline-en, sentences of banking77).
    /// A large corpus has many authors, and a scene's only sentence is never held out.
    fn folds(&self, folds: usize) -> Vec<Option<usize>> {
        let mut order = self.all();
        linear::shuffle(&mut order, &mut 0x2545_f491_4f6c_dd1d);
        order.sort_by_key(|&i| self.sentences[i].meaning);
        let mut fold_of = vec![None; order.len()];
        let is_large = order.len() >= LARGE_CORPUS;
        for group in order.chunk_by_mut(|&a, &b| self.sentences[a].meaning == self.sentences[b].meaning) {
            if group.len() < 2 || matches!(self.sentences[group[0]].meaning, Meaning::Vague { .. }) {
                continue;
            }
            let together = if is_large || group.len() < 2 * TOGETHER { 1 } else { TOGETHER };
            if together > 1 {
                self.put_like_beside_like(group);
            }
            for (turn, &i) in group.iter().enumerate() {
                fold_of[i] = Some(turn / together % folds);
            }
        }
        fold_of
    }

    /// Behind every second sentence, the one of the rest that is most like it.
    fn put_like_beside_like(&self, group: &mut [usize]) {
        let document = |i: usize| &self.sentences[i].document;
        for first in (0..group.len().saturating_sub(1)).step_by(TOGETHER) {
            let likeness = |&other: &usize| document(group[first]).likeness(document(group[other]));
            let likest = (first + 1..group.len()).max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            likest.into_iter().for_each(|likest| group.swap(first + 1, likest));
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a Scene>) -> Vec<Scene> {
    let mut names: Vec<Scene> = names.cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}
