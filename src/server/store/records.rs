//! Records of calls as they ended, and single notes: the learned model.

use std::path::Path;

use super::{Store, StoreError};
use crate::identify::{Model, Rules};

/// One call record.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Record {
    /// Name of the call.
    pub id: String,
    /// When it began, ISO 8601.
    pub started_at: String,
    /// All of it, one JSON object.
    pub json: String,
}

impl Store {
    /// Keeps the record of a call; a record of the same call is replaced.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn save_record(&self, id: &str, started_at: &str, json: &str) -> Result<(), StoreError> {
        let insert = sqlx::query("INSERT OR REPLACE INTO call_records VALUES (?, ?, ?)");
        let insert = insert.bind(id).bind(started_at).bind(json).execute(&self.pool).await;
        insert.map(|_| ()).map_err(|source| self.blame(source))
    }

    /// The `last` calls, oldest first; all of them for `None`.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn records(&self, last: Option<u32>) -> Result<Vec<Record>, StoreError> {
        let query = "SELECT * FROM (SELECT * FROM call_records ORDER BY started_at DESC, id DESC LIMIT ?)
                     ORDER BY started_at, id";
        let limit = last.map_or(-1, i64::from);
        sqlx::query_as(query).bind(limit).fetch_all(&self.pool).await.map_err(|source| self.blame(source))
    }

    /// The model that was learned, or one that knows the rules only when nothing was learned yet, or something else was
    /// learned than this antevox and today's scenes can use.
    ///
    /// # Errors
    /// Whatever the database says; mistakes in the data folder's own `signals.toml`.
    pub async fn model(&self) -> Result<Model, StoreError> {
        let scenes = self.scenes().await?;
        let learned: Option<Model> = self.note("model").await?.and_then(|json| serde_json::from_str(&json).ok());
        match learned.filter(|model| model.fits(&scenes)) {
            Some(model) => Ok(model),
            None => Ok(Model::untrained(scenes, &self.rules()?)),
        }
    }

    /// Keeps what was learned.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn save_model(&self, model: &Model) -> Result<(), StoreError> {
        // A model is numbers and strings with string keys: it always has a JSON form.
        let json = serde_json::to_string(model).unwrap_or_default();
        let insert = sqlx::query("INSERT OR REPLACE INTO notes VALUES ('model', ?)").bind(json);
        insert.execute(&self.pool).await.map(|_| ()).map_err(|source| self.blame(source))
    }

    /// The rules of the data folder, or the built-in ones where it has none.
    ///
    /// # Errors
    /// [`StoreError::Rules`]: mistakes in `signals.toml`; [`StoreError::File`].
    pub fn rules(&self) -> Result<Rules, StoreError> {
        let file = self.path.parent().unwrap_or(Path::new(".")).join(super::RULES);
        match std::fs::read_to_string(&file) {
            Ok(text) => Rules::parse(&file, &text).map_err(StoreError::Rules),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Rules::built_in()),
            Err(source) => Err(StoreError::File { path: file, source }),
        }
    }

    pub(super) async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT value FROM notes WHERE name = ?").bind(name);
        query.fetch_optional(&self.pool).await.map_err(|source| self.blame(source))
    }
}
