//! Who is behind a number: the store's facts, put through [`crate::identify`].

use jiff::civil::DateTime;

use super::store::{Store, StoreError};
use crate::call::LookUp;
use crate::identify::{self, Identified, Model};

/// Who is behind a number, and what a call at `now` may be about, by what was known before.
///
/// # Errors
/// Whatever the store says.
pub async fn identify(store: &Store, model: &Model, whose: &LookUp, now: DateTime) -> Result<Identified, StoreError> {
    let identified = match whose {
        LookUp::Calling(phone) => identify::identify(model, &store.caller_facts(&phone.0, now).await?, now),
        LookUp::Stated(number) => match store.facts_of_stated(&number.0, now).await? {
            Some(facts) => match facts.members.first() {
                Some(member) => identify::identify_stated(model, &facts, member, now),
                None => Identified::default(),
            },
            None => Identified::default(),
        },
    };
    Ok(identified)
}

/// The model that guesses what calls are about: the one that was learned, or, where nobody has trained one yet although
/// there are past calls to learn from, one learned now.
///
/// # Errors
/// Whatever the store says.
pub async fn model(store: &Store) -> Result<Model, StoreError> {
    let model = store.model().await?;
    if model.trained_on() > 0 {
        return Ok(model);
    }
    match identify::train(&store.history().await?, &store.rules()?) {
        Ok(trained) => {
            store.save_model(&trained.model).await?;
            Ok(trained.model)
        }
        // Nothing to learn from: the rules serve.
        Err(_) => Ok(model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_ended_call_taught_is_known_to_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let now: DateTime = "2026-08-12T10:00:00".parse().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.import_demo(now).await.unwrap();
        let first = model(&store).await.unwrap();
        let mut learned = first.clone();
        let ended = store.history().await.unwrap().calls.pop().unwrap();
        learned.learn(&store.facts_of_member(&ended.member_id, now).await.unwrap(), &ended);
        store.save_model(&learned).await.unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let again = model(&store).await.unwrap();
        assert_eq!(again.trained_on(), learned.trained_on());
        let facts = store.caller_facts(&ended.phone.0, now).await.unwrap();
        let likely = |model: &Model| identify::identify(model, &facts, now).scenes[0].p;
        assert!((likely(&again) - likely(&learned)).abs() < 1e-6, "{} {}", likely(&again), likely(&learned));
        assert_ne!(likely(&learned), likely(&first));
    }
}
