//! What the store knows around a number or a member before a moment.
//!
//! ```text
//! phone, at ─► blacklist, sightings ─► members (registered, their household, seen) ─► orders, events, calls ─► CallerFacts
//! ```
//!
//! Every query asks for rows older than `at`. Answers alike with [`Archive`](crate::identify::history::Archive).

use jiff::civil::DateTime;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{Store, StoreError};
use crate::identify::history::{EVENT_DAYS, History, MAX_MEMBERS, ORDER_DAYS, days_span};
use crate::identify::{CallerFacts, Event, Member, Order, PastCall, PhoneSighting};
use crate::units::{Pii, Scene};

/// Members behind a number: who registered it (`?1`), the household of whoever registered it as mobile or landline, and who
/// was found behind it.
const MEMBERS_BEHIND: &str = "
    SELECT * FROM members WHERE registered_at < ?2 AND member_id IN (
        SELECT member_id FROM members WHERE mobile = ?1
        UNION SELECT member_id FROM members WHERE landline = ?1 AND landline <> ''
        UNION SELECT kin.member_id FROM members own JOIN members kin ON kin.landline = own.landline
              WHERE (own.mobile = ?1 OR own.landline = ?1) AND own.landline <> ''
        UNION SELECT member_id FROM phone_history WHERE phone = ?1 AND at < ?2
    ) ORDER BY member_id LIMIT ?3";

/// A recogniser expects so many names; more would make each of them larger.
const MOST_PRODUCTS: u32 = 500;

impl Store {
    /// What was known around `phone` before `at`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], or whatever the database says.
    pub async fn caller_facts(&self, phone: &str, at: DateTime) -> Result<CallerFacts, StoreError> {
        let blame = |source| self.blame(source);
        let before = at.to_string();
        let reason = sqlx::query_scalar("SELECT reason FROM phone_blacklist WHERE phone = ?").bind(phone);
        let seen = "SELECT member_id, at, source FROM phone_history WHERE phone = ? AND at < ? ORDER BY at";
        let seen = sqlx::query(seen).bind(phone).bind(&before).fetch_all(&self.pool).await.map_err(blame)?;
        let members = sqlx::query(MEMBERS_BEHIND).bind(phone).bind(&before).bind(MAX_MEMBERS as i64);
        let members = members.fetch_all(&self.pool).await.map_err(blame)?;
        let mut facts = CallerFacts {
            phone: Pii(phone.to_owned()),
            blacklisted: reason.fetch_optional(&self.pool).await.map_err(blame)?,
            sightings: seen.iter().map(|row| self.sighting(row)).collect::<Result<_, _>>()?,
            members: members.iter().map(|row| self.member(row)).collect::<Result<_, _>>()?,
            ..CallerFacts::default()
        };
        self.fill(&mut facts, at).await?;
        Ok(facts)
    }

    /// What was known of the member with the registered number `stated` (mobile or landline of one member only) before `at`;
    /// `None` when the number names nobody or several. The facts hold this member alone.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], or whatever the database says.
    pub async fn facts_of_stated(&self, stated: &str, at: DateTime) -> Result<Option<CallerFacts>, StoreError> {
        let query = "SELECT * FROM members WHERE registered_at < ?2 AND (mobile = ?1 OR (landline = ?1 AND ?1 <> ''))
                     ORDER BY mobile = ?1 DESC LIMIT 2";
        let rows = sqlx::query(query).bind(stated).bind(at.to_string()).fetch_all(&self.pool);
        let rows = rows.await.map_err(|source| self.blame(source))?;
        let members = rows.iter().map(|row| self.member(row)).collect::<Result<Vec<_>, _>>()?;
        let member = match members.as_slice() {
            [only] => only,
            [first, _] if first.mobile.0 == stated => first,
            _ => return Ok(None),
        };
        let mut facts = CallerFacts { members: vec![member.clone()], ..CallerFacts::default() };
        self.fill(&mut facts, at).await?;
        Ok(Some(facts))
    }

    /// What was known of one member, named by id, before `at`. The facts hold this member alone, or nobody.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], or whatever the database says.
    pub async fn facts_of_member(&self, member_id: &str, at: DateTime) -> Result<CallerFacts, StoreError> {
        let query = "SELECT * FROM members WHERE registered_at < ?2 AND member_id = ?1";
        let rows = sqlx::query(query).bind(member_id).bind(at.to_string()).fetch_all(&self.pool);
        let rows = rows.await.map_err(|source| self.blame(source))?;
        let members = rows.iter().map(|row| self.member(row)).collect::<Result<_, _>>()?;
        let mut facts = CallerFacts { members, ..CallerFacts::default() };
        self.fill(&mut facts, at).await?;
        Ok(facts)
    }

    /// Every table, to train on.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], or whatever the database says.
    pub async fn history(&self) -> Result<History, StoreError> {
        let sighting = |row: &SqliteRow| Ok((Pii(row.get("phone")), self.sighting(row)?));
        Ok(History {
            scenes: self.scenes().await?,
            members: self.all("SELECT * FROM members ORDER BY member_id", |row| self.member(row)).await?,
            sightings: self.all("SELECT * FROM phone_history ORDER BY phone, at", sighting).await?,
            blacklist: self
                .all("SELECT * FROM phone_blacklist ORDER BY phone", |row| {
                    Ok((Pii(row.get("phone")), row.get("reason")))
                })
                .await?,
            orders: self.all("SELECT * FROM orders ORDER BY at, order_id", |row| self.order(row)).await?,
            events: self.all("SELECT * FROM events ORDER BY at, member_id, kind", |row| self.event(row)).await?,
            calls: self.all("SELECT * FROM calls ORDER BY at, call_id", |row| self.call(row)).await?,
        })
    }

    /// The scenes with their main scenes.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn scenes(&self) -> Result<Vec<(Scene, Scene)>, StoreError> {
        let query = "SELECT * FROM scenes ORDER BY scene";
        self.all(query, |row| Ok((scene(row, "scene"), scene(row, "main_scene")))).await
    }

    /// The names of what was bought most often, for a recogniser to expect, the most frequent first.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn products(&self) -> Result<Vec<String>, StoreError> {
        let query =
            "SELECT product FROM orders WHERE product <> '' GROUP BY product ORDER BY COUNT(*) DESC, product LIMIT ?";
        let rows =
            sqlx::query(query).bind(MOST_PRODUCTS).fetch_all(&self.pool).await.map_err(|source| self.blame(source))?;
        Ok(rows.iter().map(|row| row.get("product")).collect())
    }

    async fn all<T>(
        &self,
        query: &'static str,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = sqlx::query(query).fetch_all(&self.pool).await.map_err(|source| self.blame(source))?;
        rows.iter().map(read).collect()
    }

    /// Adds what the members of `facts` did, and the calls that came from its number.
    async fn fill(&self, facts: &mut CallerFacts, at: DateTime) -> Result<(), StoreError> {
        let since = |days| at.checked_sub(days_span(days)).unwrap_or(DateTime::MIN);
        let of_members = |select: &str, days: i32| {
            let mut query = QueryBuilder::<Sqlite>::new(select);
            let mut ids = query.push(" WHERE (member_id IN (").separated(", ");
            facts.members.iter().for_each(|member| {
                ids.push_bind(&member.member_id);
            });
            query.push(")");
            if select.ends_with("calls") && !facts.phone.0.is_empty() {
                query.push(" OR phone = ").push_bind(&facts.phone.0);
            }
            query.push(") AND at < ").push_bind(at.to_string()).push(" AND at >= ").push_bind(since(days).to_string());
            query
        };
        let blame = |source| self.blame(source);
        let mut orders = of_members("SELECT * FROM orders", ORDER_DAYS);
        let mut events = of_members("SELECT * FROM events", EVENT_DAYS);
        let mut calls = of_members("SELECT * FROM calls", ORDER_DAYS);
        let orders = orders.push(" ORDER BY at, order_id").build().fetch_all(&self.pool).await.map_err(blame)?;
        let events = events.push(" ORDER BY at, member_id, kind").build().fetch_all(&self.pool).await.map_err(blame)?;
        let calls = calls.push(" ORDER BY at, call_id").build().fetch_all(&self.pool).await.map_err(blame)?;
        facts.orders = orders.iter().map(|row| self.order(row)).collect::<Result<_, _>>()?;
        facts.events = events.iter().map(|row| self.event(row)).collect::<Result<_, _>>()?;
        facts.calls = calls.iter().map(|row| self.call(row)).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn at(&self, row: &SqliteRow, table: &'static str, column: &'static str) -> Result<DateTime, StoreError> {
        let text: String = row.get(column);
        text.parse().map_err(|_| self.damaged(table, column, &text))
    }

    fn member(&self, row: &SqliteRow) -> Result<Member, StoreError> {
        Ok(Member {
            member_id: row.get("member_id"),
            name: Pii(row.get("name")),
            gender: row.get("gender"),
            birth_year: row.get("birth_year"),
            mobile: Pii(row.get("mobile")),
            landline: Pii(row.get("landline")),
            level: row.get("level"),
            city: row.get("city"),
            registered_at: self.at(row, "members", "registered_at")?,
        })
    }

    fn sighting(&self, row: &SqliteRow) -> Result<PhoneSighting, StoreError> {
        let at = self.at(row, "phone_history", "at")?;
        Ok(PhoneSighting { member_id: row.get("member_id"), at, source: row.get("source") })
    }

    fn order(&self, row: &SqliteRow) -> Result<Order, StoreError> {
        Ok(Order {
            order_id: row.get("order_id"),
            member_id: row.get("member_id"),
            kind: row.get("kind"),
            product: row.get("product"),
            category: row.get("category"),
            price_cents: row.get("price_cents"),
            currency: row.get("currency"),
            at: self.at(row, "orders", "at")?,
            status: row.get("status"),
        })
    }

    fn event(&self, row: &SqliteRow) -> Result<Event, StoreError> {
        let at = self.at(row, "events", "at")?;
        Ok(Event { member_id: row.get("member_id"), at, kind: row.get("kind"), reference: row.get("reference") })
    }

    fn call(&self, row: &SqliteRow) -> Result<PastCall, StoreError> {
        Ok(PastCall {
            call_id: row.get("call_id"),
            phone: Pii(row.get("phone")),
            member_id: row.get("member_id"),
            at: self.at(row, "calls", "at")?,
            main_scene: scene(row, "main_scene"),
            scene: scene(row, "scene"),
            order_id: row.get("order_id"),
            resolved: row.get("resolved"),
            is_repeat: row.get("is_repeat"),
        })
    }
}

fn scene(row: &SqliteRow, column: &str) -> Scene {
    Scene::from(row.get::<String, _>(column).as_str())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::identify::history::Archive;
    use crate::identify::{Identified, identify, identify_stated, train};

    const NOW: &str = "2030-03-01T09:00:00";

    fn now() -> DateTime {
        NOW.parse().unwrap()
    }

    async fn demo() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        store.import_demo(now()).await.unwrap();
        (dir, store)
    }

    #[tokio::test]
    async fn products_come_once_each_and_the_most_frequent_first() {
        let (_dir, store) = demo().await;
        let mut counts = std::collections::HashMap::<String, usize>::new();
        let bought = store.history().await.unwrap().orders.into_iter().map(|order| order.product);
        bought.filter(|product| !product.is_empty()).for_each(|product| *counts.entry(product).or_default() += 1);
        let products = store.products().await.unwrap();
        assert_eq!(products.len(), counts.len());
        assert!(products.len() > 10 && products.is_sorted_by_key(|product| usize::MAX - counts[product]));
    }

    #[tokio::test]
    async fn the_store_and_the_archive_answer_alike() {
        let (_dir, store) = demo().await;
        let history = store.history().await.unwrap();
        let archive = Archive::new(&history);
        for call in &history.calls {
            let (phone, at) = (call.phone.0.as_str(), call.at);
            assert_eq!(store.caller_facts(phone, at).await.unwrap(), archive.facts(phone, at), "{phone} {at}");
            let known = store.facts_of_member(&call.member_id, at).await.unwrap();
            assert_eq!(known, archive.facts_of_member(&call.member_id, at));
        }
        let nobody = store.caller_facts("", now()).await.unwrap();
        assert!(nobody.members.is_empty() && nobody.calls.is_empty(), "{nobody:?}");
    }

    #[tokio::test]
    async fn nothing_that_is_not_older_than_the_call_is_told() {
        let (_dir, store) = demo().await;
        let history = store.history().await.unwrap();
        for call in &history.calls {
            let facts = store.caller_facts(&call.phone.0, call.at).await.unwrap();
            assert!(facts.orders.iter().all(|order| order.at < call.at));
            assert!(facts.events.iter().all(|event| event.at < call.at));
            assert!(facts.calls.iter().all(|earlier| earlier.at < call.at));
            assert!(facts.sightings.iter().all(|seen| seen.at < call.at));
            assert!(facts.members.iter().all(|member| member.registered_at < call.at));
        }
    }

    /// The callers of `fixtures/README.md`: number, member, problem.
    const STORIES: [(&str, &str, &str); 12] = [
        ("13800000001", "D001", "declined_card_payment"),
        ("13800000002", "D002", "Refund_not_showing_up"),
        ("13800000003", "D003", "activate_my_card"),
        ("13800000004", "D004", "balance_not_updated_after_bank_transfer"),
        ("13800000005", "D005", "pin_blocked"),
        ("13800000006", "D006", "top_up_failed"),
        ("13800000007", "D007", "card_swallowed"),
        ("13800000008", "D008", "card_about_to_expire"),
        ("13800000009", "D009", "passcode_forgotten"),
        ("13800000010", "D010", "declined_transfer"),
        ("13800000011", "D011", "reverted_card_payment?"),
        ("01088880012", "D013", "pending_card_payment"),
    ];

    fn check(number: &str, known: &Identified, member: &str, scene: &str) {
        let who = known.member.as_ref().unwrap();
        assert_eq!(who.member.member_id, member, "{number}: {known:?}");
        assert_eq!(known.scenes[0].scene.as_str(), scene, "{number}: {known:?}");
        assert!(!known.scenes[0].why.is_empty());
    }

    #[tokio::test]
    async fn the_stories_of_the_demo_set_are_guessed_with_and_without_training() {
        let (_dir, store) = demo().await;
        let untrained = store.model().await.unwrap();
        assert_eq!(untrained.trained_on(), 0);
        let trained = train(&store.history().await.unwrap(), &store.rules().unwrap()).unwrap().model;
        store.save_model(&trained).await.unwrap();
        let kept = store.model().await.unwrap();
        assert_eq!(kept.trained_on(), trained.trained_on());
        for model in [&untrained, &kept] {
            for (number, member, scene) in STORIES {
                let facts = store.caller_facts(number, now()).await.unwrap();
                check(number, &identify(model, &facts, now()), member, scene);
            }
            for number in ["01066660000", "13899999999"] {
                let facts = store.caller_facts(number, now()).await.unwrap();
                let known = identify(model, &facts, now());
                assert!(known.ask_number, "{number}: {known:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_stated_number_names_one_member() {
        let (_dir, store) = demo().await;
        let facts = store.facts_of_stated("13800000002", now()).await.unwrap().unwrap();
        let known = identify_stated(&store.model().await.unwrap(), &facts, &facts.members[0], now());
        check("stated", &known, "D002", "Refund_not_showing_up");
        assert_eq!(known.scenes[0].order.as_ref().map(|guess| guess.order.price_cents), Some(20_000));
        for number in ["01088880012", "13899999999", ""] {
            assert_eq!(store.facts_of_stated(number, now()).await.unwrap(), None, "{number}");
        }
    }

    /// On data that lies beside the repository; skipped where it does not.
    #[tokio::test]
    async fn store_and_archive_agree_on_outside_data() {
        let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/hotline/dev");
        if !tables.is_dir() {
            println!("skipped: {} is absent", tables.display());
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        store.import(&tables, &mut |_, _| ()).await.unwrap();
        let history = store.history().await.unwrap();
        let archive = Archive::new(&history);
        for call in history.calls.iter().step_by(20) {
            let (phone, at) = (call.phone.0.as_str(), call.at);
            assert_eq!(store.caller_facts(phone, at).await.unwrap(), archive.facts(phone, at), "{phone} {at}");
        }
    }
}
