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
    /// When it was.
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

/// What evidence is worth (nat). Set by hand, so that a full product name outweighs a vague time, and an exact price both.
mod worth {
    pub(super) const PRODUCT: f64 = 7.0;
    pub(super) const KIND: f64 = 4.0;
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
    let mut score = prior(order, context, now) + worth::PRODUCT * product;
    if kind_said(&order.kind, &described.words) {
        score += worth::KIND;
    }
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

/// Whether a telling word of the kind was said: "transfer", "withdrawal", "debit". Everything is called a payment.
fn kind_said(kind: &str, words: &[String]) -> bool {
    kind.split('_').any(|part| part.len() > 4 && part != "payment" && said(part, words))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::testing::{at, order};
    use proptest::prelude::*;

    fn orders() -> Vec<Order> {
        let bought = |id: &str, product: &str, cents: i64, currency: &str, when: &str| {
            let mut order = order(id, "card_payment/completed", when);
            (order.product, order.price_cents, order.currency) = (product.to_owned(), cents, currency.to_owned());
            order
        };
        let mut sent = order("T4", "transfer_out/completed", "2026-08-19T12:00:00");
        sent.price_cents = 50_000;
        vec![
            bought("T1", "garden hose", 19_950, "CNY", "2026-05-30T10:00:00"),
            bought("T2", "green tea", 2_000, "EUR", "2026-08-16T09:00:00"),
            bought("T3", "phone charger", 20_075, "CNY", "2026-08-20T08:00:00"),
            sent,
        ]
    }

    #[test]
    fn words_choose_among_the_callers_own_orders() {
        let now = at("2026-08-20T15:00:00");
        let table = [
            ("my garden hose order", "T1"),
            ("the hoses for the garden", "T1"),
            ("the gardn hose", "T1"),
            ("the one from in May", "T1"),
            ("the payment of 199 yuan", "T1"),
            ("that about 20 euros one", "T2"),
            ("it was last Sunday", "T2"),
            ("4 days ago", "T2"),
            ("the one from this morning", "T3"),
            ("I paid 200.75 for it", "T3"),
            ("the money transfer", "T4"),
            ("the 500 yuan from yesterday", "T4"),
        ];
        for (text, id) in table {
            let ranked = rank(&orders(), &[], &Described::read(text, now), now);
            assert_eq!(ranked[0].order.order_id, id, "{text}: {ranked:?}");
            assert!(ranked[0].p > 0.5, "{text}: {}", ranked[0].p);
        }
    }

    #[test]
    fn the_context_decides_where_words_do_not() {
        let now = at("2026-08-20T15:00:00");
        let context = [OrderGuess { order: orders()[0].clone(), p: 0.9 }];
        let ranked = rank(&orders(), &context, &Described::read("that one", now), now);
        assert_eq!(ranked[0].order.order_id, "T1");
        assert_eq!(
            rank(&orders(), &context, &Described::default(), at("2026-06-01T00:00:00")).len(),
            1,
            "no future orders"
        );
    }

    #[test]
    fn amounts_are_read_as_they_are_meant() {
        let now = at("2026-08-20T15:00:00");
        let amounts = |text: &str| Described::read(text, now).amounts;
        let one = |cents, currency: Option<&str>, precision| {
            vec![Amount { cents, currency: currency.map(str::to_owned), precision }]
        };
        assert_eq!(amounts("I paid 1,510.5 yuan"), one(151_050, Some("CNY"), Precision::Cents));
        assert_eq!(amounts("about 16 pounds"), one(1_600, Some("GBP"), Precision::About));
        assert_eq!(amounts("that 8 one"), one(800, None, Precision::Units));
        assert_eq!(
            amounts("around 10 weeks ago, on may 30"),
            one(3_000, None, Precision::Units),
            "the first time wins"
        );
        assert_eq!(amounts("nothing"), vec![]);
    }

    proptest! {
        #[test]
        fn any_words_give_probabilities(text in ".{0,60}") {
            let now = at("2026-08-20T15:00:00");
            let ranked = rank(&orders(), &[], &Described::read(&text, now), now);
            prop_assert!((ranked.iter().map(|guess| guess.p).sum::<f32>() - 1.0).abs() < 1e-4);
        }

        #[test]
        fn one_letter_apart_is_symmetric(a in "[a-c]{0,5}", b in "[a-c]{0,5}") {
            prop_assert_eq!(one_letter_apart(&a, &b), one_letter_apart(&b, &a));
            prop_assert!(one_letter_apart(&a, &a));
        }
    }
}
