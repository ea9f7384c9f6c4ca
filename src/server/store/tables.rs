//! CSV tables as rows, or every mistake in them with its place.
//!
//! ```text
//! members.csv, orders.csv, … ─► History            unknown files are left alone, unknown columns too
//!                            └► Diagnostics        file:line:column, the column's name, the remedy
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;

use crate::diag::{Diagnostics, Place};
use crate::identify::history::History;
use crate::identify::{Event, Member, Order, PastCall, PhoneSighting};
use crate::units::{Pii, Scene};

/// The tables that are known, without `.csv`.
pub const TABLES: [&str; 7] = ["members", "phone_history", "phone_blacklist", "orders", "events", "calls", "scenes"];

/// Mistakes that are listed before reading stops: a wrong file has one in every line.
const ENOUGH: usize = 20;

/// One table's text and where it came from.
pub struct Source {
    /// Entry of [`TABLES`].
    pub table: &'static str,
    /// As it is named to people.
    pub file: PathBuf,
    /// All of it.
    pub text: String,
}

/// Reads all tables.
///
/// # Errors
/// Every mistake with its place, as far as they are worth telling.
pub fn read(sources: &[Source]) -> Result<History, Diagnostics> {
    let mut history = History::default();
    let mut found = Diagnostics::default();
    for source in sources {
        let into = &mut history;
        let mut table = Table { file: &source.file, text: &source.text, found: &mut found };
        match source.table {
            "members" => table.each(&MEMBERS, Some(0), |row| into.members.push(member(row))),
            "phone_history" => table.each(&PHONE_HISTORY, None, |row| into.sightings.push(sighting(row))),
            "phone_blacklist" => table.each(&["phone", "reason"], Some(0), |row| {
                into.blacklist.push((Pii(row.text(0)), row.text(1)));
            }),
            "orders" => table.each(&ORDERS, Some(0), |row| into.orders.push(order(row))),
            "events" => table.each(&["member_id", "at", "kind", "ref"], None, |row| into.events.push(event(row))),
            "calls" => table.each(&CALLS, Some(0), |row| into.calls.push(call(row))),
            _ => table.each(&["scene", "main_scene"], Some(0), |row| {
                into.scenes.push((Scene::from(row.id(0).as_str()), Scene::from(row.id(1).as_str())));
            }),
        }
    }
    if found.has_errors() { Err(found) } else { Ok(history) }
}

const MEMBERS: [&str; 9] =
    ["member_id", "name", "gender", "birth_year", "mobile", "landline", "level", "city", "registered_at"];
const PHONE_HISTORY: [&str; 4] = ["phone", "member_id", "at", "source"];
const ORDERS: [&str; 9] = ["order_id", "member_id", "kind", "product", "category", "price", "currency", "at", "status"];
const CALLS: [&str; 9] =
    ["call_id", "phone", "member_id", "at", "main_scene", "scene", "order_id", "resolved", "is_repeat"];

fn member(row: &mut Row<'_, '_>) -> Member {
    Member {
        member_id: row.id(0),
        name: Pii(row.text(1)),
        gender: row.text(2),
        birth_year: row.birth_year(3),
        mobile: Pii(row.text(4)),
        landline: Pii(row.text(5)),
        level: row.text(6),
        city: row.text(7),
        registered_at: row.at(8),
    }
}

fn sighting(row: &mut Row<'_, '_>) -> (Pii<String>, PhoneSighting) {
    (Pii(row.id(0)), PhoneSighting { member_id: row.id(1), at: row.at(2), source: row.text(3) })
}

fn order(row: &mut Row<'_, '_>) -> Order {
    Order {
        order_id: row.id(0),
        member_id: row.id(1),
        kind: row.id(2),
        product: row.text(3),
        category: row.text(4),
        price_cents: row.cents(5),
        currency: row.text(6),
        at: row.at(7),
        status: row.id(8),
    }
}

fn event(row: &mut Row<'_, '_>) -> Event {
    Event { member_id: row.id(0), at: row.at(1), kind: row.id(2), reference: row.text(3) }
}

fn call(row: &mut Row<'_, '_>) -> PastCall {
    PastCall {
        call_id: row.id(0),
        phone: Pii(row.text(1)),
        member_id: row.text(2),
        at: row.at(3),
        main_scene: Scene::from(row.text(4).as_str()),
        scene: Scene::from(row.text(5).as_str()),
        order_id: Some(row.text(6)).filter(|id| !id.is_empty()),
        resolved: row.flag(7),
        is_repeat: row.flag(8),
    }
}

/// One table that is being read.
struct Table<'t> {
    file: &'t Path,
    text: &'t str,
    found: &'t mut Diagnostics,
}

impl Table<'_> {
    /// Calls `take` with every row whose cells are all there. `key` is the column of which no value may come twice.
    fn each(&mut self, columns: &[&'static str], key: Option<usize>, mut take: impl FnMut(&mut Row<'_, '_>)) {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(self.text.as_bytes());
        let Some(order) = self.header(reader.headers().cloned(), columns) else { return };
        let width = reader.headers().map_or(0, csv::StringRecord::len);
        let mut keys = BTreeSet::new();
        for record in reader.records() {
            if self.found.0.len() >= ENOUGH {
                return;
            }
            let record = match record {
                Ok(record) => record,
                Err(error) => return self.unreadable(&error),
            };
            let line = record.position().map_or(0, |place| self.line(place));
            if record.len() != width {
                let message = format!("{} cells where the header has {width}", record.len());
                let place = Place { line, column: 1 };
                self.found.error(self.file, self.text, place, message, "give every line as many cells as the header");
                continue;
            }
            let mut row = Row { table: self, columns, order: &order, record: &record, line };
            if let Some(key) = key {
                let value = row.text(key);
                if !keys.insert(value.clone()) {
                    row.error(key, &format!("`{value}` comes twice"), "give each row its own");
                }
            }
            take(&mut row);
        }
    }

    /// Where each of `columns` stands in the file.
    fn header(&mut self, header: csv::Result<csv::StringRecord>, columns: &[&'static str]) -> Option<Vec<usize>> {
        let header = match header {
            Ok(header) => header,
            Err(error) => {
                self.unreadable(&error);
                return None;
            }
        };
        let mut order = Vec::new();
        for name in columns {
            match header.iter().position(|cell| cell.trim().trim_start_matches('\u{feff}') == *name) {
                Some(place) => order.push(place),
                None => {
                    let help = format!("begin the file with the line: {}", columns.join(","));
                    let place = Place { line: 1, column: 1 };
                    self.found.error(self.file, self.text, place, format!("column `{name}` is missing"), help);
                }
            }
        }
        (order.len() == columns.len()).then_some(order)
    }

    /// The reader takes the second half of a CR LF for the beginning of the next record, so of the line before it.
    fn line(&self, place: &csv::Position) -> usize {
        let byte = usize::try_from(place.byte()).ok().and_then(|byte| self.text.as_bytes().get(byte));
        usize::try_from(place.line()).unwrap_or(0) + usize::from(byte == Some(&b'\n'))
    }

    fn unreadable(&mut self, error: &csv::Error) {
        let line = error.position().map_or(0, |place| self.line(place));
        let place = Place { line, column: 1 };
        self.found.error(self.file, self.text, place, error.to_string(), "write it as CSV in UTF-8");
    }
}

/// One line. A cell that cannot be read is noted, and something harmless stands in for it until the mistakes are shown.
struct Row<'r, 't> {
    table: &'r mut Table<'t>,
    columns: &'r [&'static str],
    order: &'r [usize],
    record: &'r csv::StringRecord,
    line: usize,
}

impl Row<'_, '_> {
    fn text(&self, column: usize) -> String {
        self.record.get(self.order[column]).unwrap_or_default().trim().to_owned()
    }

    /// A cell that may not be empty.
    fn id(&mut self, column: usize) -> String {
        let text = self.text(column);
        if text.is_empty() {
            self.error(column, "is empty", "give it a value");
        }
        text
    }

    fn at(&mut self, column: usize) -> DateTime {
        let text = self.text(column);
        text.parse().unwrap_or_else(|_| {
            self.error(column, &format!("`{text}` is not a time"), "write local time as 2026-05-04T01:07:17");
            DateTime::MIN
        })
    }

    /// A year; 0 when it is not known.
    fn birth_year(&mut self, column: usize) -> i16 {
        let text = self.text(column);
        match text.parse() {
            Ok(year) if (0..=9999).contains(&year) => year,
            _ if text.is_empty() => 0,
            _ => {
                self.error(column, &format!("`{text}` is not a year"), "write four digits, or nothing");
                0
            }
        }
    }

    fn cents(&mut self, column: usize) -> i64 {
        let text = self.text(column);
        cents(&text).unwrap_or_else(|| {
            self.error(column, &format!("`{text}` is not an amount"), "write it as 19.00");
            0
        })
    }

    fn flag(&mut self, column: usize) -> bool {
        match self.text(column).as_str() {
            "1" | "true" => true,
            "0" | "false" | "" => false,
            other => {
                let message = format!("`{other}` is neither 0 nor 1");
                self.error(column, &message, "write 1 for yes and 0 for no");
                false
            }
        }
    }

    fn error(&mut self, column: usize, what: &str, help: &str) {
        let before = self.record.iter().take(self.order[column]).map(|cell| cell.chars().count() + 1).sum::<usize>();
        let place = Place { line: self.line, column: before + 1 };
        let message = format!("{}: {what}", self.columns[column]);
        self.table.found.error(self.table.file, self.table.text, place, message, help);
    }
}

/// "19", "19.5" and "-19.50" in hundredths.
fn cents(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (units, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || units.len() > 15 || rest.len() > 2 || !digits(units) || !digits(rest) {
        return None;
    }
    Some(sign * (units.parse::<i64>().ok()? * 100 + format!("{rest:0<2}").parse::<i64>().ok()?))
}
