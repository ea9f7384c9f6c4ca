//! Which order the words mean: "the one from last Tuesday, about two hundred yuan".
//!
//! ```text
//! text, now ─► Described { words, amounts, days } ─┐
//! orders, context (p of each) ─────────────────────┴─► scores ─► softmax ─► OrderGuess by falling p
//! ```
//!
//! Words rank the caller's own orders together with what the context says; nothing is ever searched outside them. Whoever
//! has better readers for spoken amounts and dates than the digits and English words understood here fills [`Described`]
//! with their findings.

use jiff::civil::DateTime;

use super::signals::hours_between;
use super::when::{self, Days};
use super::{Order, OrderGuess};

/// What was said about an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    /// Its words, lower case.
    pub words: Vec<String>,
    /// Amounts that were named.
    pub amounts: Vec<Amount>,
    /// When it was, one entry for each way to read it.
    pub days: Option<Days>,
}

/// An amount as said.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// In hundredths.
    pub cents: i64,
    /// ISO 4217, when one was named.
    pub currency: Option<String>,
    /// How it was meant.
    pub precision: Precision,
}

/// How exact an amount is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// To the hundredth.
    Cents,
    /// To the whole unit, with the rest left out or rounded.
    Units,
    /// "About".
    About,
}

/// What evidence is worth [nat]. Set by hand, so that a full product name outweighs a vague time, and an exact price both.
mod worth {
    pub(super) const PRODUCT: f64 = 7.0;
    pub(super) const KIND: f64 = 1.5;
    pub(super) const EXACT: f64 = 8.0;
    pub(super) const UNITS: f64 = 6.5;
    pub(super) const ABOUT: f64 = 4.0;
    pub(super) const CURRENCY: f64 = 3.0;
    pub(super) const PURCHASE: f64 = 2.0;
}

/// Currency words that callers say.
const CURRENCIES: [(&str, &str); 14] = [
    ("yuan", "CNY"),
    ("rmb", "CNY"),
    ("renminbi", "CNY"),
    ("kuai", "CNY"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("bucks", "USD"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("quid", "GBP"),
    ("baht", "THB"),
    ("yen", "JPY"),
];

/// Words of which one says how an amount is meant.
const ABOUT_WORDS: [&str; 6] = ["about", "around", "roughly", "approximately", "some", "nearly"];

impl Described {
    /// Reads digits, currencies, English days and words.
    pub fn read(text: &str, now: DateTime) -> Self {
        let words: Vec<String> = text
            .to_lowercase()
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).replace(',', ""))
            .filter(|word| !word.is_empty())
            .collect();
        let (days, used) = when::read(&words, now);
        let amounts = (0..words.len()).filter(|i| !used.contains(i)).filter_map(|i| amount_at(&words, i)).collect();
        Self { words, amounts, days }
    }
}

fn amount_at(words: &[String], i: usize) -> Option<Amount> {
    let (cents, decimals) = cents(&words[i])?;
    let named = words.get(i + 1).and_then(|word| CURRENCIES.iter().find(|(name, _)| name == word));
    let about = i > 0 && ABOUT_WORDS.contains(&words[i - 1].as_str());
    let precision = match (about, decimals) {
        (true, _) => Precision::About,
        (false, true) => Precision::Cents,
        (false, false) => Precision::Units,
    };
    Some(Amount { cents, currency: named.map(|(_, code)| (*code).to_owned()), precision })
}

/// "151.78" and "86.6" in hundredths, and whether there were decimals.
fn cents(word: &str) -> Option<(i64, bool)> {
    let (units, hundredths) = word.split_once('.').unwrap_or((word, ""));
    let digits = |text: &str| text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || hundredths.len() > 2 || !digits(units) || !digits(hundredths) {
        return None;
    }
    let units: i64 = units.parse().ok()?;
    let rest: i64 = if hundredths.is_empty() { 0 } else { format!("{hundredths:0<2}").parse().ok()? };
    Some((units * 100 + rest, !hundredths.is_empty()))
}

/// Ranks `orders` by how well they fit what was said and what `context` says; their probabilities sum to 1.
pub fn rank(orders: &[Order], context: &[OrderGuess], described: &Described, now: DateTime) -> Vec<OrderGuess> {
    let older: Vec<&Order> = orders.iter().filter(|order| order.at < now).collect();
    let scores: Vec<f64> = older.iter().map(|order| score(order, context, described, now)).collect();
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = scores.iter().map(|score| (score - top).exp()).sum();
    let mut ranked: Vec<OrderGuess> = older
        .into_iter()
        .zip(scores)
        .map(|(order, score)| OrderGuess { order: order.clone(), p: ((score - top).exp() / total) as f32 })
        .collect();
    ranked.sort_by(|a, b| b.p.total_cmp(&a.p));
    ranked
}

fn score(order: &Order, context: &[OrderGuess], described: &Described, now: DateTime) -> f64 {
    let product = product_match(&order.product, &described.words);
    let kind = order.kind.split('_').filter(|part| said(part, &described.words)).count();
    let mut score = prior(order, context, now) + worth::PRODUCT * product + worth::KIND * f64::from(kind.min(1) as u8);
    if !order.product.is_empty() {
        score += worth::PURCHASE;
    }
    score += described.amounts.iter().map(|amount| price_match(order, amount)).sum::<f64>();
    score + described.days.as_ref().map_or(0.0, |days| days.fit(order.at))
}

/// Log of what is expected before a word is heard: the context's probability, and a little for every recent order.
fn prior(order: &Order, context: &[OrderGuess], now: DateTime) -> f64 {
    let p = context.iter().find(|guess| guess.order.order_id == order.order_id).map_or(0.0, |guess| f64::from(guess.p));
    let days = hours_between(order.at, now) / 24.0;
    (p + 0.1 / (1.0 + days / 14.0)).ln()
}

/// How much of the product's name was said, 0–1.
fn product_match(product: &str, words: &[String]) -> f64 {
    let parts: Vec<String> = product.to_lowercase().split([' ', '-']).map(str::to_owned).collect();
    let content: Vec<&String> = parts.iter().filter(|part| part.len() > 2).collect();
    if content.is_empty() {
        return 0.0;
    }
    content.iter().filter(|part| said(part, words)).count() as f64 / content.len() as f64
}

/// Whether `part` was said, give or take one letter in a long word or a plural.
fn said(part: &str, words: &[String]) -> bool {
    words.iter().flat_map(|word| word.split('-')).any(|word| {
        word == part
            || (part.len() > 3 && (word.strip_suffix('s') == Some(part) || part.strip_suffix('s') == Some(word)))
            || (part.len() > 4 && one_letter_apart(word, part))
    })
}

/// Whether one insertion, deletion or exchange makes one of the other.
fn one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let front = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count().min(rest);
    a.len().max(b.len()) - front - back <= 1
}

/// How well a price fits: positive when it does, negative when it does not.
fn price_match(order: &Order, amount: &Amount) -> f64 {
    let apart = (order.price_cents - amount.cents).abs();
    let fits = match amount.precision {
        Precision::Cents if apart == 0 => worth::EXACT,
        Precision::Units if apart < 100 => worth::UNITS,
        Precision::About if apart * 100 <= amount.cents.max(order.price_cents) * 10 || apart <= 60 => worth::ABOUT,
        Precision::Cents | Precision::Units | Precision::About => -worth::ABOUT,
    };
    let foreign = amount.currency.as_ref().is_some_and(|currency| *currency != order.currency);
    fits - if foreign { worth::CURRENCY } else { 0.0 }
}
