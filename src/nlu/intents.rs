//! Which scene a sentence is about.
//!
//! ```text
//! Corpus ─► train ─► Intents (serde)        text ─► Intents::judge ─► Judgement { scenes, out_of_scope }
//! ```
//!
//! [`Reader`] turns a text into a vector, [`Linear`] scores the scenes and one class more, "off topic", and [`Calibration`],
//! fitted by cross-validation on the training examples, turns scores into probabilities. The probability of a main scene is
//! the sum over its scenes, so both levels agree; a vague sentence is taught to the scenes of its main scene in equal shares.
//! Another representation of text (a sentence embedding) joins at `Reader`: nothing behind it knows what a vector is made of.

use std::thread;

use serde::{Deserialize, Serialize};

use crate::nlu::calibrate::{Calibration, Judged, Judgement};
use crate::nlu::features::{self, Feature, Sparse, Vocabulary};
use crate::nlu::linear::{self, Linear, Row, softmax};
use crate::nlu::{Corpus, Example, NluError};
use crate::units::{Lang, Scene};

/// The label of examples that belong to no scene.
pub const OUT_OF_SCOPE: &str = "oos";

/// Off-topic sentences for corpora that bring none of their own. Written for this project.
const OFF_TOPIC_EN: &str = include_str!("off_topic/en.txt");
const OFF_TOPIC_ZH: &str = include_str!("off_topic/zh.txt");

/// From this many examples on, a feature must occur in two of them, to keep the model file small.
const LARGE_CORPUS: usize = 4_000;
/// Parts of the cross-validation behind the calibration, for small and large corpora.
const FOLDS: [usize; 2] = [4, 2];

/// Turns a text into a vector.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reader {
    lang: Lang,
    vocabulary: Vocabulary,
}

impl Reader {
    fn vector(&self, document: &[Feature]) -> Sparse {
        self.vocabulary.vector(document, self.lang)
    }
}

/// A trained intent classifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intents {
    scenes: Vec<Scene>,
    main_scenes: Vec<Scene>,
    /// By scene: the index of its main scene.
    main_of: Vec<usize>,
    reader: Reader,
    linear: Linear,
    calibration: Calibration,
}

/// A corpus with names resolved to indices.
struct Material {
    lang: Lang,
    scenes: Vec<Scene>,
    main_scenes: Vec<Scene>,
    main_of: Vec<usize>,
    sentences: Vec<Sentence>,
}

struct Sentence {
    features: Vec<Feature>,
    meaning: Meaning,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Scene(usize),
    Vague { main: usize },
    OffTopic,
}

impl Material {
    fn gather(corpus: &Corpus) -> Result<Self, NluError> {
        let inside = || corpus.examples.iter().filter(|example| example.scene.as_str() != OUT_OF_SCOPE);
        let scenes = sorted(inside().map(|example| &example.scene));
        let main_scenes = sorted(inside().map(|example| &example.main_scene));
        match scenes.as_slice() {
            [] => return Err(NluError::EmptyCorpus),
            [only] => return Err(NluError::OneScene(only.clone())),
            _ => {}
        }
        let mut main_of = vec![0; scenes.len()];
        let mut sentences = Vec::with_capacity(corpus.examples.len() + corpus.vague.len());
        for example in &corpus.examples {
            let meaning = match scenes.binary_search(&example.scene) {
                Ok(scene) => {
                    main_of[scene] = main_scenes.binary_search(&example.main_scene).unwrap_or_default();
                    Meaning::Scene(scene)
                }
                Err(_) => Meaning::OffTopic,
            };
            sentences.push(Sentence::new(example, corpus.lang, meaning));
        }
        for example in &corpus.vague {
            if let Ok(main) = main_scenes.binary_search(&example.main_scene) {
                sentences.push(Sentence::new(example, corpus.lang, Meaning::Vague { main }));
            }
        }
        let material = Self { lang: corpus.lang, scenes, main_scenes, main_of, sentences };
        material.check_scenes()?;
        Ok(material)
    }

    /// Every scene needs a sentence with words in it.
    fn check_scenes(&self) -> Result<(), NluError> {
        let mut has_words = vec![false; self.scenes.len()];
        for sentence in self.sentences.iter().filter(|sentence| !sentence.features.is_empty()) {
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
    fn add_off_topic(&mut self) {
        if self.sentences.iter().any(|sentence| sentence.meaning == Meaning::OffTopic) {
            return;
        }
        let list = match self.lang {
            Lang::En => OFF_TOPIC_EN,
            Lang::Zh => OFF_TOPIC_ZH,
        };
        let first = self.model(&self.all());
        for line in list.lines().filter(|line| !line.is_empty()) {
            let features = features::features(line, self.lang);
            let mut scores = first.scores(&features);
            scores.truncate(self.scenes.len());
            softmax(&mut scores);
            if scores.iter().all(|&p| p < 0.5) {
                self.sentences.push(Sentence { features, meaning: Meaning::OffTopic });
            }
        }
    }

    fn all(&self) -> Vec<usize> {
        (0..self.sentences.len()).collect()
    }

    /// Trains on the sentences `chosen`.
    fn model(&self, chosen: &[usize]) -> Scorer {
        let documents = || chosen.iter().map(|&i| self.sentences[i].features.as_slice());
        let min_documents = 1 + usize::from(self.sentences.len() >= LARGE_CORPUS);
        let reader = Reader { lang: self.lang, vocabulary: Vocabulary::learn(documents(), min_documents) };
        let rows: Vec<Row> = chosen
            .iter()
            .map(|&i| &self.sentences[i])
            .map(|sentence| Row { vector: reader.vector(&sentence.features), target: self.target(sentence.meaning) })
            .collect();
        let linear = linear::train(&rows, self.scenes.len() + 1, reader.vocabulary.len());
        Scorer { reader, linear }
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

    /// Scores every sentence with a model that was trained without it. Vague sentences only teach.
    fn cross_validate(&self) -> Vec<(usize, Judged)> {
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
        Judged { scores: model.scores(&sentence.features), coverage: model.coverage(&sentence.features), truth }
    }

    /// Deals the sentences of each meaning out in turn; a scene's only sentence is never held out.
    fn folds(&self, folds: usize) -> Vec<Option<usize>> {
        let mut order = self.all();
        linear::shuffle(&mut order, &mut 0x2545_f491_4f6c_dd1d);
        order.sort_by_key(|&i| self.sentences[i].meaning);
        let mut fold_of = vec![None; order.len()];
        for group in order.chunk_by(|&a, &b| self.sentences[a].meaning == self.sentences[b].meaning) {
            let held_out = group.len() > 1 && !matches!(self.sentences[group[0]].meaning, Meaning::Vague { .. });
            for (turn, &i) in group.iter().enumerate().filter(|_| held_out) {
                fold_of[i] = Some(turn % folds);
            }
        }
        fold_of
    }
}

impl Sentence {
    fn new(example: &Example, lang: Lang, meaning: Meaning) -> Self {
        Self { features: features::features(&example.text, lang), meaning }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a Scene>) -> Vec<Scene> {
    let mut names: Vec<Scene> = names.cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A model before it is calibrated.
struct Scorer {
    reader: Reader,
    linear: Linear,
}

impl Scorer {
    fn scores(&self, document: &[Feature]) -> Vec<f32> {
        self.linear.scores(&self.reader.vector(document))
    }

    fn coverage(&self, document: &[Feature]) -> f32 {
        self.reader.vocabulary.coverage(document)
    }
}

impl Intents {
    /// Trains and calibrates: seconds for a thousand examples, as it trains once for every part of the cross-validation too.
    ///
    /// # Errors
    /// The corpus is empty, has one scene only, or a scene without words.
    pub fn train(corpus: &Corpus) -> Result<Self, NluError> {
        let mut material = Material::gather(corpus)?;
        material.add_off_topic();
        let judged: Vec<Judged> = material.cross_validate().into_iter().map(|entry| entry.1).collect();
        let calibration = Calibration::fit(&judged);
        let Scorer { reader, linear } = material.model(&material.all());
        let Material { scenes, main_scenes, main_of, .. } = material;
        Ok(Self { scenes, main_scenes, main_of, reader, linear, calibration })
    }

    /// Probabilities of the scenes, in the order of [`scenes`](Self::scenes).
    pub fn judge(&self, text: &str) -> Judgement {
        let document = features::features(text, self.reader.lang);
        let scores = self.linear.scores(&self.reader.vector(&document));
        self.calibration.judge(&scores, self.reader.vocabulary.coverage(&document))
    }

    /// The language of the examples.
    pub fn lang(&self) -> Lang {
        self.reader.lang
    }

    /// All scenes, sorted by name.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }

    /// All main scenes, sorted by name.
    pub fn main_scenes(&self) -> &[Scene] {
        &self.main_scenes
    }

    /// The main scene of a scene; `None` for one that was not trained.
    pub fn main_scene(&self, scene: &Scene) -> Option<&Scene> {
        let scene = self.scenes.binary_search(scene).ok()?;
        Some(&self.main_scenes[self.main_of[scene]])
    }

    /// One probability a main scene: the sums over their scenes.
    pub fn main_probabilities(&self, judgement: &Judgement) -> Vec<f32> {
        let mut sums = vec![0.0; self.main_scenes.len()];
        judgement.scenes.iter().zip(&self.main_of).for_each(|(p, &main)| sums[main] += p);
        sums
    }

    /// Out-of-scope probability from which a sentence is best taken to belong to no scene.
    pub fn out_of_scope_threshold(&self) -> f32 {
        self.calibration.threshold
    }

    /// Whether the parts belong together: false for a damaged model file.
    pub(super) fn is_whole(&self) -> bool {
        self.linear.classes() == self.scenes.len() + 1
            && self.linear.fits(self.reader.vocabulary.len())
            && self.main_of.len() == self.scenes.len()
            && self.main_of.iter().all(|&main| main < self.main_scenes.len())
    }
}
