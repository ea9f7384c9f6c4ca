//! Appointments: callers who are to be called back.

use super::{Store, StoreError};
use crate::units::Pii;

/// Somebody to call back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// The call in which it was made.
    pub call_id: String,
    /// The number to call.
    pub phone: Pii<String>,
    /// When, local, ISO 8601 to the minute.
    pub at: String,
    /// The problem that stood, if one did.
    pub scene: Option<String>,
}

impl Store {
    /// Notes an appointment. A caller has one: another in the same call takes its place.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn save_appointment(&self, appointment: &Appointment) -> Result<(), StoreError> {
        let Appointment { call_id, phone, at, scene } = appointment;
        let insert = sqlx::query("INSERT OR REPLACE INTO appointments VALUES (?, ?, ?, ?)");
        let insert = insert.bind(call_id).bind(&phone.0).bind(at).bind(scene).execute(&self.pool).await;
        insert.map(|_| ()).map_err(|source| self.blame(source))
    }

    /// All appointments at `from` (local, ISO 8601) or later, the next one first.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn appointments(&self, from: &str) -> Result<Vec<Appointment>, StoreError> {
        let query =
            sqlx::query_as("SELECT call_id, phone, at, scene FROM appointments WHERE at >= ? ORDER BY at, call_id");
        let rows: Vec<(String, String, String, Option<String>)> =
            query.bind(from).fetch_all(&self.pool).await.map_err(|source| self.blame(source))?;
        let appointment = |(call_id, phone, at, scene)| Appointment { call_id, phone: Pii(phone), at, scene };
        Ok(rows.into_iter().map(appointment).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_appointment_comes_first_and_past_ones_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let at = |call: &str, at: &str| Appointment {
            call_id: call.into(),
            phone: Pii("13800000001".into()),
            at: at.into(),
            scene: None,
        };
        for (call, when) in [("a", "2026-08-14T10:00"), ("b", "2026-08-13T17:00"), ("c", "2026-08-11T09:00")] {
            store.save_appointment(&at(call, when)).await.unwrap();
        }
        store.save_appointment(&at("a", "2026-08-15T10:00")).await.unwrap();
        let found = store.appointments("2026-08-12T00:00").await.unwrap();
        assert_eq!(found, [at("b", "2026-08-13T17:00"), at("a", "2026-08-15T10:00")]);
    }
}
