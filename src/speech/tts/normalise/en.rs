//! English words for the forms that [`forms`](super::forms) finds, and for abbreviations.

use super::forms::{Currency, Form, HalfDay, Number};
use crate::english::{MONTHS, SMALL, TENS};

const SCALES: [(u64, &str); 4] =
    [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];
/// The words of `forms`.
pub(super) fn say(forms: &[Form<'_>]) -> String {
    let mut said = String::new();
    for form in forms {
        let words = match form {
            Form::Plain(text) => {
                if said.ends_with(char::is_alphanumeric) && text.starts_with(char::is_alphanumeric) {
                    said.push(' ');
                }
                plain(text, &mut said);
                continue;
            }
            Form::Separator(mark) => {
                said.push_str(if *mark == '.' { " point " } else { " " });
                continue;
            }
            Form::Number(number) => number_in_its_place(number, &said),
            form => words(form),
        };
        put(&words, &mut said);
    }
    said
}

/// Appends the words of a number, apart from the letters before them. "No." before a number is "number".
fn put(words: &str, said: &mut String) {
    let before = said.trim_end_matches(' ');
    let word = before.rsplit(' ').next().unwrap_or_default();
    if matches!(word, "No." | "no." | "Nr." | "nr.") {
        said.truncate(before.len() - word.len());
        said.push_str("number ");
    } else if said.ends_with(char::is_alphanumeric) {
        said.push(' ');
    }
    said.push_str(words);
}

fn words(form: &Form<'_>) -> String {
    match form {
        Form::Code(code) => spelled(code),
        Form::Date { year, month, day } => {
            format!("{} {}, {}", MONTHS[*month as usize - 1], ordinal(u64::from(*day)), year_words(*year))
        }
        Form::Digits(groups) => groups.iter().map(|group| spelled(group)).collect::<Vec<_>>().join(", "),
        Form::Money(number, currency) => money(number, *currency),
        Form::Number(number) => number_words(number),
        Form::Ordinal(number) => match number.integer.parse() {
            Ok(value) => ordinal(value),
            Err(_) => spelled(&number.integer),
        },
        Form::Percent(number) => format!("{} percent", number_words(number)),
        Form::Plain(text) => (*text).to_owned(),
        Form::Quantity(number, unit) => format!("{} {}", number_words(number), unit_words(unit, number)),
        Form::Range(from, to) => format!("{} to {}", words(from), words(to)),
        Form::Separator(mark) => mark.to_string(),
        Form::Time { hour, minute, second, half } => time(*hour, *minute, *second, *half),
    }
}

/// Plain text with its abbreviations, interjections and symbols in words.
fn plain(text: &str, said: &mut String) {
    for word in text.split_inclusive(' ') {
        let mut written = word.trim_end_matches([' ', ',']);
        let known = abbreviated(written).or_else(|| {
            written = word.trim_end_matches([' ', ',', '.', '!', '?', '…']);
            hummed(written).filter(|_| stands_apart(said))
        });
        match known {
            Some(words) => {
                said.push_str(words);
                said.push_str(&word[written.len()..]);
            }
            None => symbols(word, said),
        }
    }
}

/// What an abbreviation stands for, where flite would spell it or say something else.
fn abbreviated(word: &str) -> Option<&'static str> {
    Some(match word {
        "Ms" | "Ms." => "Miz",
        "Mr." => "Mister",
        "Mrs." => "Missus",
        "Dr." => "Doctor",
        "Prof." => "Professor",
        "approx." => "approximately",
        "e.g." => "for example",
        "etc." => "et cetera",
        "ext." => "extension",
        "i.e." => "that is",
        "vs." => "versus",
        _ => return None,
    })
}

/// Whether what follows `said` is no unit of what was counted: "5 mm".
fn stands_apart(said: &str) -> bool {
    let said = said.trim_end();
    !said.ends_with(char::is_alphanumeric) || said.ends_with("um")
}

/// How a sound without a vowel is written so that flite does not spell it: as the CMU dictionary pronounces it.
fn hummed(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "mm" | "mmm" => "um",
        "hm" | "hmm" => "hum",
        "mm-hm" | "mm-hmm" | "mhm" => "um hum",
        _ => return None,
    })
}

fn symbols(text: &str, said: &mut String) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let word = match character {
            '&' => " and ",
            '@' => " at ",
            '%' => " percent ",
            '=' => " equals ",
            '+' => " plus ",
            '#' => " number ",
            '/' => " ",
            '$' => " dollars ",
            // `example.com`: a full stop with a letter on either side that is no abbreviation such as `e.g.`
            '.' if is_dot(said, characters.peek().copied()) => " dot ",
            _ => {
                said.push(character);
                continue;
            }
        };
        said.truncate(said.trim_end_matches(' ').len());
        said.push_str(word);
        while characters.next_if_eq(&' ').is_some() {}
    }
}

fn is_dot(before: &str, next: Option<char>) -> bool {
    let word = before.chars().rev().take_while(|c| c.is_ascii_alphanumeric()).count();
    word > 1 && next.is_some_and(|c| c.is_ascii_lowercase())
}

/// A number that may be the day of a month or a year, as the words before it tell.
fn number_in_its_place(number: &Number, before: &str) -> String {
    let value = number.integer.parse::<u32>().ok().filter(|_| number.fraction.is_empty() && !number.negative);
    let last = before.trim_end_matches([' ', ',']).rsplit(' ').next().unwrap_or_default();
    let after_month =
        MONTHS.iter().any(|month| month.eq_ignore_ascii_case(last) || (last.len() == 3 && month.starts_with(last)));
    match value {
        Some(day @ 1..=31) if after_month => ordinal(u64::from(day)),
        Some(year @ 1_800..=2_099)
            if after_month || is_ordinal_word(last) || matches!(last, "in" | "In" | "since" | "of" | "year") =>
        {
            year_words(year)
        }
        _ => number_words(number),
    }
}

fn is_ordinal_word(word: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|ending| word.ends_with(ending)) || word == "third"
}

fn number_words(number: &Number) -> String {
    let mut words = if number.negative { "minus ".to_owned() } else { String::new() };
    match number.integer.parse() {
        Ok(value) => words.push_str(&cardinal(value)),
        Err(_) => words.push_str(&spelled(&number.integer)),
    }
    if !number.fraction.is_empty() {
        words.push_str(" point ");
        words.push_str(&spelled(&number.fraction));
    }
    words
}

/// Up to the trillions; what is larger has more digits than an ear can hold, and is spelled.
fn cardinal(value: u64) -> String {
    if value >= 1_000_000_000_000_000 {
        return spelled(&value.to_string());
    }
    let mut words: Vec<String> = Vec::new();
    let mut rest = value;
    for (scale, name) in SCALES {
        if rest >= scale {
            words.push(format!("{} {name}", below_thousand(rest / scale)));
            rest %= scale;
        }
    }
    if rest > 0 || words.is_empty() {
        words.push(below_thousand(rest));
    }
    words.join(" ")
}

fn below_thousand(value: u64) -> String {
    let (hundreds, tens, ones) = (value as usize / 100, value as usize / 10 % 10, value as usize % 10);
    let small = match (tens, ones) {
        (0 | 1, _) => SMALL[tens * 10 + ones].to_owned(),
        (_, 0) => TENS[tens].to_owned(),
        _ => format!("{} {}", TENS[tens], SMALL[ones]),
    };
    match (hundreds, tens, ones) {
        (0, _, _) => small,
        (_, 0, 0) => format!("{} hundred", SMALL[hundreds]),
        _ => format!("{} hundred {small}", SMALL[hundreds]),
    }
}

fn ordinal(value: u64) -> String {
    let cardinal = cardinal(value);
    let (before, last) = cardinal.rsplit_once(' ').map_or(("", cardinal.as_str()), |(before, last)| (before, last));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    if before.is_empty() { last } else { format!("{before} {last}") }
}

fn year_words(year: u32) -> String {
    let (century, rest) = (u64::from(year / 100), u64::from(year % 100));
    match (century, rest) {
        (20, 0..10) | (0..10 | 100.., _) => cardinal(u64::from(year)),
        (_, 0) => format!("{} hundred", cardinal(century)),
        (_, 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

fn money(number: &Number, currency: Currency) -> String {
    let (one, many, cent, cents) = match currency {
        // In English, yuan are counted in decimals: "twelve point five yuan".
        Currency::Cny => {
            let fraction = number.fraction.trim_end_matches('0').to_owned();
            return format!("{} yuan", number_words(&Number { fraction, ..number.clone() }));
        }
        Currency::Eur => ("euro", "euros", "cent", "cents"),
        Currency::Gbp => ("pound", "pounds", "penny", "pence"),
        Currency::Usd => ("dollar", "dollars", "cent", "cents"),
    };
    let hundredths = match number.fraction.as_str() {
        fraction if fraction.len() > 2 => return format!("{} {many}", number_words(number)),
        fraction => format!("{fraction:0<2}").parse::<u64>().unwrap_or(0),
    };
    let minus = if number.negative { "minus " } else { "" };
    let small = format!("{} {}", cardinal(hundredths), if hundredths == 1 { cent } else { cents });
    if number.integer == "0" && hundredths > 0 {
        return format!("{minus}{small}");
    }
    let whole = Number { fraction: String::new(), ..number.clone() };
    let large = format!("{} {}", number_words(&whole), if number.integer == "1" { one } else { many });
    if hundredths == 0 { large } else { format!("{large} and {small}") }
}

fn time(hour: u32, minute: u32, second: Option<u32>, half: Option<HalfDay>) -> String {
    let half = half.or(if hour > 12 && hour < 24 { Some(HalfDay::Pm) } else { None });
    let twelve = match (hour % 12, half) {
        (0, None) if hour != 12 => return midnight(minute),
        (0, _) => 12,
        (hour, _) => hour,
    };
    let mut words = cardinal(u64::from(twelve));
    match (minute, half) {
        (0, None) => words.push_str(" o'clock"),
        (0, Some(_)) => {}
        (1..10, _) => words = format!("{words} oh {}", cardinal(u64::from(minute))),
        _ => words = format!("{words} {}", cardinal(u64::from(minute))),
    }
    if let Some(second) = second {
        words = format!("{words} and {} seconds", cardinal(u64::from(second)));
    }
    match half {
        Some(HalfDay::Am) => words + " A M",
        Some(HalfDay::Pm) => words + " P M",
        None => words,
    }
}

fn midnight(minute: u32) -> String {
    match minute {
        0 => "midnight".to_owned(),
        1 => "one minute past midnight".to_owned(),
        _ => format!("{} minutes past midnight", cardinal(u64::from(minute))),
    }
}

fn unit_words(unit: &str, number: &Number) -> String {
    let name = match unit {
        "kg" => "kilogram",
        "g" => "gram",
        "km" => "kilometre",
        "m" => "metre",
        "cm" => "centimetre",
        "mm" => "millimetre",
        "h" => "hour",
        "min" => "minute",
        "GB" => "gigabyte",
        "MB" => "megabyte",
        other => other,
    };
    if number.integer == "1" && number.fraction.is_empty() { name.to_owned() } else { format!("{name}s") }
}

/// Letters and digits one by one.
fn spelled(code: &str) -> String {
    let names: Vec<String> = code
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_digit(10).map_or_else(|| c.to_uppercase().to_string(), |digit| SMALL[digit as usize].to_owned()))
        .collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::normalise;
    use crate::speech::tts::markup::ReadAs;
    use crate::units::Lang;

    #[test]
    fn what_is_written_is_said_as_people_say_it() {
        for (written, said) in [
            ("a refund of ¥200 for it", "a refund of two hundred yuan for it"),
            ("200 yuan, please", "two hundred yuan, please"),
            ("12.50 USD", "twelve dollars and fifty cents"),
            ("$1", "one dollar"),
            ("£0.01.", "one penny."),
            ("-¥5.5", "minus five point five yuan"),
            ("$1,250.75?", "one thousand two hundred fifty dollars and seventy five cents?"),
            ("on 2024-03-05", "on March fifth, twenty twenty four"),
            ("March 5, 2024", "March fifth, twenty twenty four"),
            ("12/31/1999", "December thirty first, nineteen ninety nine"),
            ("in 2005 or 1905", "in two thousand five or one thousand nine hundred five"),
            ("at 9:30 a.m. on Monday", "at nine thirty A M on Monday"),
            ("at 9am.", "at nine A M."),
            ("14:05", "two oh five P M"),
            ("12:00, 0:15", "twelve o'clock, fifteen minutes past midnight"),
            ("9:00-17:00", "nine o'clock to five P M"),
            ("call 95188.", "call nine five one eight eight."),
            ("+86 138-0000-0001", "eight six, one three eight, zero zero zero zero, zero zero zero one"),
            ("13800000001", "one three eight, zero zero zero zero, zero zero zero one"),
            ("400 820 8820 now", "four zero zero, eight two zero, eight eight two zero now"),
            ("order TX-209", "order T X two zero nine"),
            ("3-5 days", "three to five days"),
            ("3.14", "three point one four"),
            ("10,000 people", "ten thousand people"),
            ("the 3rd, 12th, 20th and 21st", "the third, twelfth, twentieth and twenty first"),
            ("5% of 1,000,001", "five percent of one million one"),
            ("Ms. Li & Dr. Wang", "Miz Li and Doctor Wang"),
            ("Mm-hm. Hmm, mm hmm, 5mm", "um hum. hum, um hum, five millimetres"),
            ("5 mm", "five mm"),
            ("No. 5", "number five"),
            ("2kg", "two kilograms"),
            ("help@example.com", "help at example dot com"),
            ("iPhone15", "iPhone fifteen"),
            ("24/7, version 1.2.3", "twenty four seven, version one point two point three"),
            ("no digits here", "no digits here"),
        ] {
            assert_eq!(normalise(written, Lang::En, ReadAs::Text), said, "{written}");
        }
    }

    #[test]
    fn markup_decides_how_digits_are_read() {
        for (read_as, said) in [
            (ReadAs::Characters, "two one"),
            (ReadAs::Cardinal, "twenty one"),
            (ReadAs::Ordinal, "twenty first"),
            (ReadAs::Telephone, "two one"),
        ] {
            assert_eq!(normalise("21", Lang::En, read_as), said);
        }
        assert_eq!(normalise("some", Lang::En, ReadAs::Cardinal), "some");
    }
}
