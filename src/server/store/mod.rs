//! The store: who the members are, what they did, who called about what, and a record of every call.
//!
//! ```text
//! antevox import ─► tables ─► ┌────────────────┐ ─► CallerFacts (older than the call) ─► identify
//! a call that ended ────────► │ antevox.db     │ ─► History ─► train ─► Model
//! its record, as JSON ──────► │ SQLite, WAL    │ ─► antevox calls, the page
//!                             └────────────────┘
//! ```
//!
//! One file in the data folder, one schema version. An import is one transaction: all of its tables or nothing. Readers never
//! wait for writers (WAL); a writer waits for another for two seconds at most.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};

use crate::diag::Diagnostics;

mod appointments;
mod facts;
mod import;
mod queries;
mod records;
pub mod tables;

pub use appointments::Appointment;
pub use import::Imported;
pub use records::Record;

/// The version of [`SCHEMA`], kept in the file's `user_version`.
const SCHEMA_VERSION: i64 = SCHEMA.len() as i64;

/// What makes each version out of the one before.
const SCHEMA: &[&str] = &[include_str!("schema.sql"), include_str!("schema_2.sql")];

/// How long a writer waits for another before it gives up.
const BUSY: Duration = Duration::from_secs(2);

/// Connections kept: a few calls may look up their facts at the same moment, each for a millisecond.
const CONNECTIONS: u32 = 4;

/// The file in the data folder.
const FILE: &str = "antevox.db";

/// The operator's own rules beside it, where there are any.
const RULES: &str = "signals.toml";

/// What can go wrong, by who can mend it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else is writing.
    #[error("{0}: the store is locked: stop the other antevox that is writing to it, or name another --data folder")]
    Locked(PathBuf),
    /// The file or its folder cannot be written.
    #[error("{0}: the store is read-only: make the file and its folder writable, or name another --data folder")]
    ReadOnly(PathBuf),
    /// A later antevox made it.
    #[error("{path}: the store has schema {found}, this antevox knows {SCHEMA_VERSION}: use a newer antevox")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Something else lies there.
    #[error("{0}: this is not an antevox store: move the file away, or name another --data folder")]
    NotAStore(PathBuf),
    /// The folder or a file in it cannot be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing to import.
    #[error(
        "{0}: no table to import: expected at least one of members.csv, phone_history.csv, phone_blacklist.csv, orders.csv, events.csv, calls.csv, scenes.csv"
    )]
    NoTables(PathBuf),
    /// The tables have mistakes.
    #[error("{0}\nnothing was imported")]
    Tables(Diagnostics),
    /// The data folder's `signals.toml` has mistakes.
    #[error("{0}")]
    Rules(Diagnostics),
    /// The store holds a value that it never writes.
    #[error("{path}: damaged: `{value}` in {table}.{column}: restore a copy of the store, or import into a new one")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
    },
    /// Anything else that SQLite says.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: sqlx::Error,
    },
}

/// An open store. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
    path: PathBuf,
}

impl Store {
    /// Opens the store in the folder `dir`, and makes both if they are not there.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::ReadOnly`], [`StoreError::Newer`], [`StoreError::NotAStore`],
    /// [`StoreError::File`], [`StoreError::Database`].
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let at_path = |source| StoreError::File { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(at_path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY);
        let blame = |source| blame(&path, source);
        let mut first = SqliteConnection::connect_with(&options).await.map_err(blame)?;
        migrate(&mut first, &path).await?;
        first.close().await.map_err(blame)?;
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.map_err(blame)?;
        Ok(Self { pool, path })
    }

    /// Opens the store in `dir` if there is one: for whoever only wants to read.
    ///
    /// # Errors
    /// [`StoreError::File`] where there is none; otherwise as [`open`](Self::open).
    pub async fn open_existing(dir: &Path) -> Result<Self, StoreError> {
        Self::existing(dir)?;
        Self::open(dir).await
    }

    /// The store's file in `dir`, if there is one.
    fn existing(dir: &Path) -> Result<PathBuf, StoreError> {
        let path = dir.join(FILE);
        if path.exists() {
            return Ok(path);
        }
        let missing = "there is no store: import tables or start the server first, or name another --data folder";
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, missing);
        Err(StoreError::File { path, source })
    }

    /// Copies the store in `from`, with its `signals.toml`, into the folder `to`, as it is at one moment even while a server
    /// writes to it. The original is only read; SQLite may leave empty side files (`-shm`, `-wal`) beside it.
    ///
    /// # Errors
    /// [`StoreError::File`] where there is no store; [`StoreError::NotAStore`], [`StoreError::Database`].
    pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        let path = Self::existing(from)?;
        let blame = |source| blame(&path, source);
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(BUSY);
        let mut source = SqliteConnection::connect_with(&options).await.map_err(blame)?;
        let target = to.join(FILE).to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO ?").bind(target).execute(&mut source).await.map_err(blame)?;
        source.close().await.map_err(blame)?;
        let rules = from.join(RULES);
        if rules.exists() {
            std::fs::copy(&rules, to.join(RULES)).map_err(|source| StoreError::File { path: rules, source })?;
        }
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything out and lets go of the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn blame(&self, source: sqlx::Error) -> StoreError {
        blame(&self.path, source)
    }

    fn damaged(&self, table: &'static str, column: &'static str, value: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), table, column, value: value.to_owned() }
    }
}

/// Brings the schema up to date. Takes the write lock even when there is nothing to do, so that a store which cannot be
/// written is noticed at the start and not in the first call.
async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let blame = |source| blame(path, source);
    let mut writing = connection.begin_with("BEGIN IMMEDIATE").await.map_err(blame)?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *writing).await.map_err(blame)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found });
    }
    let Ok(version) = usize::try_from(found) else { return Err(StoreError::NotAStore(path.to_owned())) };
    if version == 0 {
        let count = sqlx::query_scalar("SELECT count(*) FROM sqlite_master").fetch_one(&mut *writing);
        let tables: i64 = count.await.map_err(blame)?;
        if tables > 0 {
            return Err(StoreError::NotAStore(path.to_owned()));
        }
    }
    for step in &SCHEMA[version..] {
        sqlx::raw_sql(*step).execute(&mut *writing).await.map_err(blame)?;
    }
    // Written even when unchanged: a file that can only be read shows itself here.
    let set = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {SCHEMA_VERSION}"));
    sqlx::raw_sql(set).execute(&mut *writing).await.map_err(blame)?;
    writing.commit().await.map_err(blame)
}

/// SQLite's primary result codes (sqlite.org/rescode.html), which extended codes carry in their low byte.
fn blame(path: &Path, source: sqlx::Error) -> StoreError {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READ_ONLY: i32 = 8;
    const CANNOT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    let code = source.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok()).map(|code| code & 0xff);
    match code {
        Some(BUSY | LOCKED) => StoreError::Locked(path.to_owned()),
        Some(READ_ONLY | CANNOT_OPEN) => StoreError::ReadOnly(path.to_owned()),
        Some(NOT_A_DATABASE) => StoreError::NotAStore(path.to_owned()),
        _ => StoreError::Database { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn version(dir: &Path, version: i64) {
        let options = SqliteConnectOptions::new().filename(dir.join(FILE)).create_if_missing(true);
        let mut raw = SqliteConnection::connect_with(&options).await.unwrap();
        let set = sqlx::AssertSqlSafe(format!("CREATE TABLE x (y); PRAGMA user_version = {version}"));
        sqlx::raw_sql(set).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        version(dir.path(), 99).await;
        assert!(matches!(Store::open(dir.path()).await, Err(StoreError::Newer { found: 99, .. })));
        let other = tempfile::tempdir().unwrap();
        version(other.path(), 0).await;
        assert!(matches!(Store::open(other.path()).await, Err(StoreError::NotAStore(_))));
        let text = tempfile::tempdir().unwrap();
        std::fs::write(text.path().join(FILE), "no database at all, but text of some length".repeat(40)).unwrap();
        assert!(matches!(Store::open(text.path()).await, Err(StoreError::NotAStore(_))));
        let nowhere = Store::open_existing(&text.path().join("nowhere")).await.unwrap_err();
        assert!(nowhere.to_string().contains("nowhere/antevox.db: there is no store: import tables"), "{nowhere}");
    }

    #[tokio::test]
    async fn a_store_that_somebody_writes_to_is_locked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let _writing = store.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let error = Store::open(dir.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Locked(_)), "{error:?}");
        assert!(error.to_string().ends_with("or name another --data folder"), "{error}");
    }

    #[tokio::test]
    async fn a_copy_is_written_to_and_the_original_is_not() {
        let (dir, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(dir.path()).await.unwrap();
        store.save_record("a", "2026-05-01", "{}").await.unwrap();
        std::fs::write(dir.path().join(RULES), "# mine").unwrap();
        // The original is open, and its last rows lie in the write-ahead log.
        Store::copy(dir.path(), copied.path()).await.unwrap();
        assert!(copied.path().join(RULES).exists());
        let copy = Store::open(copied.path()).await.unwrap();
        copy.save_record("b", "2026-05-02", "{}").await.unwrap();
        let count = async |store: &Store| store.records(None).await.unwrap().len();
        assert_eq!((count(&store).await, count(&copy).await), (1, 2));
        assert!(matches!(Store::copy(&dir.path().join("x"), copied.path()).await, Err(StoreError::File { .. })));
    }

    #[tokio::test]
    async fn records_come_back_oldest_first() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        for (id, at) in [("b", "2026-05-02"), ("a", "2026-05-01"), ("c", "2026-05-03")] {
            store.save_record(id, at, "{}").await.unwrap();
        }
        store.save_record("a", "2026-05-01", "{\"again\":1}").await.unwrap();
        store.close().await;
        let store = Store::open(dir.path()).await.unwrap();
        let ids = |records: Vec<Record>| records.into_iter().map(|record| record.id).collect::<Vec<_>>();
        assert_eq!(ids(store.records(Some(2)).await.unwrap()), ["b", "c"]);
        let all = store.records(None).await.unwrap();
        assert_eq!(all[0].json, "{\"again\":1}");
        assert_eq!(ids(all), ["a", "b", "c"]);
    }
}
