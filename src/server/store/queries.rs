//! Questions that a dialplan asks the store.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Column, Connection, QueryBuilder, Row, Sqlite};

use super::{BUSY, Store, StoreError};

impl Store {
    /// The first row that a query finds: its columns by name, as text. The query comes in pieces, as written (`Ok`) or as
    /// values to bind (`Err`). Its connection can only read. No row is an empty one; columns without a value are left out.
    ///
    /// # Errors
    /// Whatever the database says of the query.
    pub async fn read(&self, pieces: Vec<Result<&str, String>>) -> Result<Vec<(String, String)>, StoreError> {
        let options = SqliteConnectOptions::new().filename(&self.path).read_only(true).busy_timeout(BUSY);
        let blame = |source| self.blame(source);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(blame)?;
        let mut query = QueryBuilder::<Sqlite>::new("");
        for piece in pieces {
            match piece {
                Ok(text) => query.push(text),
                Err(value) => query.push_bind(value),
            };
        }
        let row = query.build().fetch_optional(&mut connection).await.map_err(blame)?;
        let columns = row.iter().flat_map(|row| row.columns().iter().map(move |column| (row, column)));
        // SQLite turns any value into text.
        let value =
            |row: &sqlx::sqlite::SqliteRow, at: usize| row.try_get_unchecked::<Option<String>, _>(at).ok().flatten();
        let found = columns.filter_map(|(row, column)| Some((column.name().to_owned(), value(row, column.ordinal())?)));
        let found = found.collect();
        connection.close().await.map_err(blame)?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_are_bound_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let ask = async |before: &'static str, value: &str| store.read(vec![Ok(before), Err(value.to_owned())]).await;
        sqlx::query("INSERT INTO scenes VALUES ('lost_card', 'card')").execute(&store.pool).await.unwrap();
        let query = "SELECT main_scene, 7 AS number, NULL AS missing FROM scenes WHERE scene = ";
        let found = ask(query, "lost_card").await.unwrap();
        assert_eq!(found, [("main_scene".into(), "card".into()), ("number".into(), "7".into())]);
        assert_eq!(ask(query, "x' OR '1' = '1").await.unwrap(), []);
        assert!(ask("DELETE FROM scenes WHERE scene = ", "lost_card").await.is_err());
        assert!(ask("SELECT x FROM nowhere WHERE x = ", "").await.is_err());
    }
}
