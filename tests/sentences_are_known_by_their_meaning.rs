//! The sentence model, where it is installed: it computes what it was published to compute, and helps where words do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use antevox::nlu::minilm::{Encoder, mean_view};
use antevox::nlu::{NluError, Understanding, corpus};
use antevox::server::sentence_model::{self, Backend};

fn encoder() -> Option<Arc<Encoder>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let encoder = sentence_model::open(&models, Backend::Auto).unwrap();
    if encoder.is_none() {
        println!("skipped: the sentence model is not installed; `antevox models get minilm`");
    }
    encoder
}

#[test]
fn embeddings_are_those_of_the_published_model() {
    let Some(encoder) = encoder() else { return };
    // First numbers of each, from another implementation (NumPy) of the same weights, with the `tokenizers` of their makers.
    let references = [
        ("I am still waiting on my card?", [-0.035_352, -0.042_137, -0.002_757, 0.031_937, 0.023_190]),
        ("a man is eating food", [0.034_048, 0.000_727, -0.000_236, 0.046_844, -0.131_670]),
        (
            "Why was I charged £1.50 for a café visit?! (Zürich)",
            [0.060_906, 0.089_579, 0.092_431, 0.018_018, 0.105_016],
        ),
    ];
    let texts = references.map(|(text, _)| text);
    for (embedding, (text, numbers)) in encoder.embed(&texts).iter().map(|views| mean_view(views)).zip(references) {
        let length: f32 = embedding.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4, "{text}: {length}");
        for (value, number) in embedding.iter().zip(numbers) {
            assert!((value - number).abs() < 2e-5, "{text}: {:?}", &embedding[..5]);
        }
    }
    assert_eq!(encoder.embed(&texts), encoder.embed_remembered(&texts));
    assert!(encoder.embed(&[]).is_empty() && encoder.embed(&[""]).len() == 1);
}

#[test]
fn a_sentence_in_other_words_finds_its_scene() {
    let Some(encoder) = encoder() else { return };
    let table = "i cannot find my card anywhere\tlost\nmy card is missing\tlost\nsomebody took my card\tlost\n\
                 the shop has not paid me back\trefund\nmy refund is late\trefund\ni am waiting for my refund\trefund\n";
    let corpus = corpus::parse(Path::new("c.tsv"), table).unwrap();
    let understanding = Understanding::train(&corpus, Some(&encoder)).unwrap();
    let best = |text: &str| {
        let judgement = understanding.intents().judge(text);
        let highest = usize::from(judgement.scenes[1] > judgement.scenes[0]);
        understanding.intents().scenes()[highest].to_string()
    };
    assert_eq!(best("where did i leave my wallet"), "lost");
    assert_eq!(best("reimbursement still outstanding"), "refund");

    let bytes = understanding.to_bytes();
    let again = Understanding::from_bytes(&bytes, Some(&encoder)).unwrap();
    assert_eq!(again.intents().judge("stolen"), understanding.intents().judge("stolen"));
    assert_eq!(Understanding::from_bytes(&bytes, None).unwrap_err(), NluError::NeedsSentenceModel);
}
