//! Tables into the store: all of them, or nothing.
//!
//! ```text
//! DIR/*.csv ─► tables::read ─► one transaction ─► Imported { rows by table }
//! ```
//!
//! Importing the same tables again changes nothing; a row whose id is known already takes the place of the old one.

use std::path::Path;

use jiff::civil::DateTime;
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, Transaction};

use super::tables::{self, Source, TABLES};
use super::{Store, StoreError};
use crate::identify::history::History;
use crate::identify::{Event, Member, Order, PastCall, PhoneSighting};
use crate::units::{Pii, Scene};

/// Rows in one statement: of 10 columns at most, well below SQLite's 32,766 variables.
const BATCH: usize = 500;

/// The demo set, written for the moment in its file `epoch`.
const DEMO: [(&str, &str); 7] = [
    ("members", include_str!("../../../fixtures/demo/members.csv")),
    ("phone_history", include_str!("../../../fixtures/demo/phone_history.csv")),
    ("phone_blacklist", include_str!("../../../fixtures/demo/phone_blacklist.csv")),
    ("orders", include_str!("../../../fixtures/demo/orders.csv")),
    ("events", include_str!("../../../fixtures/demo/events.csv")),
    ("calls", include_str!("../../../fixtures/demo/calls.csv")),
    ("scenes", include_str!("../../../fixtures/demo/scenes.csv")),
];

/// The moment of the demo set.
const DEMO_EPOCH: &str = include_str!("../../../fixtures/demo/epoch");

/// What an import did: rows read by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported(pub Vec<(&'static str, usize)>);

impl Store {
    /// Imports the tables that lie in `dir` as `members.csv` and so on; other files are left alone. `progress` hears of
    /// every batch: the table and how many of its rows are written.
    ///
    /// # Errors
    /// [`StoreError::NoTables`], [`StoreError::Tables`], [`StoreError::File`], and whatever the database says. Nothing is
    /// imported then.
    pub async fn import(
        &self,
        dir: &Path,
        progress: &mut (dyn FnMut(&'static str, usize) + Send),
    ) -> Result<Imported, StoreError> {
        let sources = sources(dir)?;
        if sources.is_empty() {
            return Err(StoreError::NoTables(dir.to_owned()));
        }
        let history = tables::read(&sources).map_err(StoreError::Tables)?;
        let mut writing = self.writing().await?;
        let imported = write(&mut writing, &history, progress).await.map_err(|source| self.blame(source))?;
        writing.commit().await.map_err(|source| self.blame(source))?;
        Ok(imported)
    }

    /// Whether nothing was imported yet.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let members: i64 = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM members)")
            .fetch_one(&self.pool)
            .await
            .map_err(|source| self.blame(source))?;
        Ok(members == 0)
    }

    /// Fills an empty store with the demo set, as if it had been written `now`; refreshes it where an earlier day's demo set
    /// is all that the store holds. Does nothing where other tables were imported, and says so with `false`.
    ///
    /// # Errors
    /// Whatever the database says; [`StoreError::Tables`] if the built-in set is broken.
    pub async fn import_demo(&self, now: DateTime) -> Result<bool, StoreError> {
        let is_demo = self.note("demo").await?.is_some();
        if !is_demo && !self.is_empty().await? {
            return Ok(false);
        }
        let demo = demo_history(now).map_err(StoreError::Tables)?;
        let blame = |source| self.blame(source);
        let mut writing = self.writing().await?;
        for table in TABLES {
            let only = if table == "calls" { " WHERE live = 0" } else { "" };
            let statement = sqlx::AssertSqlSafe(format!("DELETE FROM {table}{only}"));
            sqlx::query(statement).execute(&mut *writing).await.map_err(blame)?;
        }
        write(&mut writing, &demo, &mut |_, _| {}).await.map_err(blame)?;
        let mark = "INSERT OR REPLACE INTO notes VALUES ('demo', ?)";
        sqlx::query(mark).bind(now.to_string()).execute(&mut *writing).await.map_err(blame)?;
        writing.commit().await.map_err(blame)?;
        Ok(true)
    }

    /// Notes a call that ended, so that the next one from there can be understood.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn note_call(&self, noted: &PastCall) -> Result<(), StoreError> {
        let blame = |source| self.blame(source);
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO calls ");
        insert.push_values([noted], |mut row, noted| call(&mut row, noted, Origin::Live));
        insert.build().execute(&self.pool).await.map_err(blame)?;
        Ok(())
    }

    async fn writing(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|source| self.blame(source))
    }
}

/// The demo set with its times moved so that its epoch is `now`.
fn demo_history(now: DateTime) -> Result<History, crate::diag::Diagnostics> {
    let source = |(table, text): &(&'static str, &str)| Source {
        table,
        file: format!("fixtures/demo/{table}.csv").into(),
        text: (*text).to_owned(),
    };
    let mut history = tables::read(&DEMO.iter().map(source).collect::<Vec<_>>())?;
    let epoch: DateTime = DEMO_EPOCH.trim().parse().unwrap_or(now);
    let shift = now.duration_since(epoch);
    let moved = |at: &mut DateTime| *at = at.saturating_add(shift);
    history.members.iter_mut().for_each(|row| moved(&mut row.registered_at));
    history.sightings.iter_mut().for_each(|(_, row)| moved(&mut row.at));
    history.orders.iter_mut().for_each(|row| moved(&mut row.at));
    history.events.iter_mut().for_each(|row| moved(&mut row.at));
    history.calls.iter_mut().for_each(|row| moved(&mut row.at));
    Ok(history)
}

fn sources(dir: &Path) -> Result<Vec<Source>, StoreError> {
    if !dir.is_dir() {
        return Err(StoreError::NoTables(dir.to_owned()));
    }
    let mut sources = Vec::new();
    for table in TABLES {
        let file = dir.join(format!("{table}.csv"));
        match std::fs::read(&file) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|error| {
                    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error());
                    StoreError::File { path: file.clone(), source }
                })?;
                sources.push(Source { table, file, text });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::File { path: file, source }),
        }
    }
    Ok(sources)
}

/// Where a call in the table comes from.
#[derive(Clone, Copy)]
enum Origin {
    Imported,
    Live,
}

/// Writes batches of rows and tells how far it is.
struct Writer<'w> {
    to: &'w mut SqliteConnection,
    progress: &'w mut (dyn FnMut(&'static str, usize) + Send),
    done: Imported,
}

/// The values of one row, in the order of the table's columns.
type Values<'v> = Separated<'v, Sqlite, &'static str>;

impl Writer<'_> {
    async fn table<T>(&mut self, table: &'static str, rows: &[T], values: fn(&mut Values<'_>, &T)) -> sqlx::Result<()> {
        for (i, batch) in rows.chunks(BATCH).enumerate() {
            let mut insert = QueryBuilder::<Sqlite>::new(format!("INSERT OR REPLACE INTO {table} "));
            insert.push_values(batch, |mut row, from| values(&mut row, from));
            insert.build().execute(&mut *self.to).await?;
            (self.progress)(table, i * BATCH + batch.len());
        }
        if !rows.is_empty() {
            self.done.0.push((table, rows.len()));
        }
        Ok(())
    }
}

async fn write(
    to: &mut SqliteConnection,
    rows: &History,
    progress: &mut (dyn FnMut(&'static str, usize) + Send),
) -> sqlx::Result<Imported> {
    let mut writer = Writer { to, progress, done: Imported::default() };
    writer.table("members", &rows.members, member).await?;
    let sighting = |row: &mut Values<'_>, (phone, seen): &(Pii<String>, PhoneSighting)| {
        row.push_bind(&phone.0).push_bind(&seen.member_id).push_bind(seen.at.to_string()).push_bind(&seen.source);
    };
    writer.table("phone_history", &rows.sightings, sighting).await?;
    let barred = |row: &mut Values<'_>, (phone, reason): &(Pii<String>, String)| {
        row.push_bind(&phone.0).push_bind(reason);
    };
    writer.table("phone_blacklist", &rows.blacklist, barred).await?;
    writer.table("orders", &rows.orders, order).await?;
    let event = |row: &mut Values<'_>, event: &Event| {
        row.push_bind(&event.member_id)
            .push_bind(event.at.to_string())
            .push_bind(&event.kind)
            .push_bind(&event.reference);
    };
    writer.table("events", &rows.events, event).await?;
    writer.table("calls", &rows.calls, |row, past| call(row, past, Origin::Imported)).await?;
    let scene = |row: &mut Values<'_>, (scene, main_scene): &(Scene, Scene)| {
        row.push_bind(scene.as_str()).push_bind(main_scene.as_str());
    };
    writer.table("scenes", &rows.scenes, scene).await?;
    Ok(writer.done)
}

fn member(row: &mut Values<'_>, member: &Member) {
    row.push_bind(&member.member_id).push_bind(&member.name.0).push_bind(&member.gender).push_bind(member.birth_year);
    row.push_bind(&member.mobile.0).push_bind(&member.landline.0).push_bind(&member.level).push_bind(&member.city);
    row.push_bind(member.registered_at.to_string());
}

fn order(row: &mut Values<'_>, order: &Order) {
    row.push_bind(&order.order_id).push_bind(&order.member_id).push_bind(&order.kind).push_bind(&order.product);
    row.push_bind(&order.category).push_bind(order.price_cents).push_bind(&order.currency);
    row.push_bind(order.at.to_string()).push_bind(&order.status);
}

fn call(row: &mut Values<'_>, call: &PastCall, origin: Origin) {
    row.push_bind(&call.call_id).push_bind(&call.phone.0).push_bind(&call.member_id).push_bind(call.at.to_string());
    row.push_bind(call.main_scene.as_str()).push_bind(call.scene.as_str()).push_bind(&call.order_id);
    row.push_bind(call.resolved).push_bind(call.is_repeat).push_bind(matches!(origin, Origin::Live));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn empty() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).await.unwrap();
        (dir, store)
    }

    fn demo_dir() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo"))
    }

    #[tokio::test]
    async fn importing_twice_changes_nothing() {
        let (_dir, store) = empty().await;
        let mut told = 0;
        let first = store.import(demo_dir(), &mut |_, _| told += 1).await.unwrap();
        let once = store.history().await.unwrap();
        assert_eq!(first.0.len(), 7);
        assert_eq!(once.members.len(), 60);
        assert!(told >= 7);
        assert_eq!(store.import(demo_dir(), &mut |_, _| ()).await.unwrap(), first);
        assert_eq!(store.history().await.unwrap(), once);
    }

    #[tokio::test]
    async fn mistakes_are_named_and_nothing_is_imported() {
        let scenes = "scene,main_scene\npin_blocked,card\n";
        let table = [
            ("orders", "order_id,member_id\nT1,M1\n", "orders.csv:1:1: error: column `kind` is missing"),
            ("scenes", "scene,main_scene\na,b\na,c\n", "scenes.csv:3:1: error: scene: `a` comes twice"),
            ("scenes", "scene,main_scene\na,\n", "scenes.csv:2:3: error: main_scene: is empty"),
            ("scenes", "scene,main_scene\na\n", "scenes.csv:2:1: error: 1 cells where the header has 2"),
            ("scenes", "", "scenes.csv:1:1: error: column `scene` is missing"),
            (
                "events",
                "member_id,at,kind,ref\nM1,31.12.2026,x,\n",
                "events.csv:2:4: error: at: `31.12.2026` is not a time",
            ),
            (
                "orders",
                "order_id,member_id,kind,product,category,price,currency,at,status\nT,M,k,,,12.345,CNY,2026-05-04,ok\n",
                "orders.csv:2:9: error: price: `12.345` is not an amount",
            ),
            (
                "calls",
                "call_id,phone,member_id,at,main_scene,scene,order_id,resolved,is_repeat\nC,1,M,2026-05-04,a,b,,yes,0\n",
                "calls.csv:2:23: error: resolved: `yes` is neither 0 nor 1",
            ),
        ];
        for (name, text, expected) in table {
            let (dir, store) = empty().await;
            std::fs::write(dir.path().join("phone_blacklist.csv"), "phone,reason\n1,call centre\n").unwrap();
            std::fs::write(dir.path().join("scenes.csv"), scenes).unwrap();
            std::fs::write(dir.path().join(format!("{name}.csv")), text).unwrap();
            let error = store.import(dir.path(), &mut |_, _| ()).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}\n{error}");
            assert_eq!(store.history().await.unwrap(), History::default(), "{name}: half imported");
        }
    }

    #[tokio::test]
    async fn a_mistake_stands_in_its_line_however_lines_end() {
        for ending in ["\n", "\r\n"] {
            let (dir, store) = empty().await;
            let rows = [
                "member_id,at,kind,ref",
                "M1,2026-05-01T10:00:00,login_failed,",
                "M1,2026-13-01T10:00:00,login_failed,",
            ];
            std::fs::write(dir.path().join("events.csv"), rows.join(ending) + ending).unwrap();
            let told = store.import(dir.path(), &mut |_, _| ()).await.unwrap_err().to_string();
            assert!(told.contains("events.csv:3:4: error") && told.contains("3 | M1,2026-13-01"), "{ending:?}: {told}");
        }
    }

    #[tokio::test]
    async fn columns_may_stand_in_any_order_and_other_files_are_left_alone() {
        let (dir, store) = empty().await;
        std::fs::write(dir.path().join("calls_truth.csv"), "not,ours\n").unwrap();
        let none = store.import(dir.path(), &mut |_, _| ()).await.unwrap_err();
        assert!(matches!(none, StoreError::NoTables(_)), "{none:?}");
        std::fs::write(dir.path().join("scenes.csv"), "\u{feff}note,main_scene,scene\nnew,card,pin_blocked\n").unwrap();
        store.import(dir.path(), &mut |_, _| ()).await.unwrap();
        assert_eq!(store.scenes().await.unwrap(), [(Scene::from("pin_blocked"), Scene::from("card"))]);
        std::fs::write(dir.path().join("members.csv"), [0xff, 0xfe, b'a']).unwrap();
        let not_text = store.import(dir.path(), &mut |_, _| ()).await.unwrap_err().to_string();
        assert!(not_text.contains("members.csv: invalid utf-8"), "{not_text}");
    }

    #[tokio::test]
    async fn the_demo_set_is_as_fresh_as_today_and_never_in_the_way() {
        let (_dir, store) = empty().await;
        let day = |text: &str| text.parse::<DateTime>().unwrap();
        assert!(store.import_demo(day("2030-03-01T09:00:00")).await.unwrap());
        let newest = |history: &History| history.events.iter().map(|event| event.at).max().unwrap();
        let first = store.history().await.unwrap();
        assert_eq!(newest(&first), day("2030-03-01T08:50:00"));
        let mut live = first.calls[0].clone();
        live.call_id = "live".to_owned();
        store.note_call(&live).await.unwrap();
        assert!(store.import_demo(day("2030-03-05T09:00:00")).await.unwrap());
        let second = store.history().await.unwrap();
        assert_eq!(newest(&second), day("2030-03-05T08:50:00"));
        assert_eq!(second.events.len(), first.events.len());
        assert_eq!(second.calls.len(), first.calls.len() + 1, "a call that was taken here stays");
        let (_other, own) = empty().await;
        own.import(demo_dir(), &mut |_, _| ()).await.unwrap();
        assert!(!own.import_demo(day("2030-03-01T09:00:00")).await.unwrap(), "imported tables are not replaced");
    }
}
