//! A sentence as the classifier sees it.
//!
//! ```text
//! text ─► counts of words, letters, sounds, concepts ─┐
//!      └► sentence model, where there is one ─────────┴─► Document
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use crate::nlu::features::{self, Feature};
use crate::nlu::minilm::{Embedding, Encoder, mean_view};
use crate::units::Lang;

/// Sentences are embedded on this many threads: learning is short, and calls may be up meanwhile.
const THREADS: usize = 2;

/// What can be seen of one sentence.
#[derive(Clone, Debug)]
pub struct Document {
    /// What is counted; empty for a text without words.
    pub features: Vec<Feature>,
    /// What it means, if a sentence model looked at it.
    pub embedding: Option<Embedding>,
}

impl Document {
    /// How much alike two sentences are: −1 to 1 by what they mean, where a sentence model looked at both, else 0 to 1 by what
    /// is counted in both.
    pub fn likeness(&self, other: &Self) -> f32 {
        if let (Some(one), Some(other)) = (&self.embedding, &other.embedding) {
            return mean_view(one).iter().zip(mean_view(other)).map(|(a, b)| a * b).sum();
        }
        let keys = |document: &Self| document.features.iter().map(|feature| feature.key).collect::<BTreeSet<_>>();
        let (one, other) = (keys(self), keys(other));
        one.intersection(&other).count() as f32 / one.union(&other).count().max(1) as f32
    }
}

/// What reads sentences: a language, and the sentence model if it serves that language.
#[derive(Clone, Debug)]
pub struct Eyes {
    lang: Lang,
    encoder: Option<Arc<Encoder>>,
}

impl Eyes {
    /// For sentences in `lang`. The sentence model reads English only.
    pub fn new(lang: Lang, encoder: Option<Arc<Encoder>>) -> Self {
        Self { lang, encoder: encoder.filter(|_| lang == Lang::En) }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The sentence model, if one looks.
    pub fn encoder(&self) -> Option<&Arc<Encoder>> {
        self.encoder.as_ref()
    }

    /// Reads a few sentences at once, such as the ways to hear one.
    pub fn read(&self, texts: &[&str]) -> Vec<Document> {
        self.documents(texts, Encoder::embed)
    }

    fn documents(&self, texts: &[&str], embed: impl Fn(&Encoder, &[&str]) -> Vec<Embedding>) -> Vec<Document> {
        let mut embeddings = self.encoder.iter().flat_map(|encoder| embed(encoder, texts));
        let documents = texts.iter().map(|text| features::features(text, self.lang));
        documents.map(|features| Document { features, embedding: embeddings.next() }).collect()
    }

    /// Reads what texts mean and nothing else; none where no sentence model looks.
    pub fn read_meanings(&self, texts: &[&str]) -> Vec<Document> {
        let embeddings = self.encoder.iter().flat_map(|encoder| encoder.embed_remembered(texts));
        embeddings.map(|embedding| Document { features: Vec::new(), embedding: Some(embedding) }).collect()
    }

    /// Reads many to learn from, on several threads.
    pub fn read_all(&self, texts: &[&str]) -> Vec<Document> {
        let part = texts.len().div_ceil(THREADS).max(1);
        thread::scope(|scope| {
            let running: Vec<_> = texts
                .chunks(part)
                .map(|part| scope.spawn(move || self.documents(part, Encoder::embed_remembered)))
                .collect();
            running.into_iter().flat_map(|handle| handle.join().expect("reading does not panic")).collect()
        })
    }
}
