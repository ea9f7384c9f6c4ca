//! What in a text is not a plain word: numbers, money, dates, times, phone numbers, codes.
//!
//! ```text
//! text ─► tokens (no spaces, no Chinese characters) ─► outer punctuation off ─► the first form that fits
//! ```
//!
//! A long number in a hotline is seldom an amount: from seven digits on, or with a leading zero, digits are read one by one,
//! and so are five or six unless they are round or a unit follows.

/// A number as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) negative: bool,
    /// Digits before the point, without separators or leading zeros; never empty.
    pub(super) integer: String,
    /// Digits after the point; may be empty.
    pub(super) fraction: String,
}

/// A currency that prompts name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Currency {
    Cny,
    Eur,
    Gbp,
    Usd,
}

/// A stretch of text and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// Spelled: letters and digits mixed.
    Code(&'a str),
    Date {
        year: u32,
        month: u32,
        day: u32,
    },
    /// One by one, in these groups.
    Digits(Vec<String>),
    Money(Number, Currency),
    Number(Number),
    Ordinal(Number),
    Percent(Number),
    /// Anything else, spaces and punctuation included.
    Plain(&'a str),
    /// From one to the other.
    Range(Box<Form<'a>>, Box<Form<'a>>),
    Time {
        hour: u32,
        minute: u32,
        second: Option<u32>,
        half: Option<HalfDay>,
    },
    /// A number and the abbreviation of a unit.
    Quantity(Number, &'a str),
    /// A mark between two numbers that make no form together: the full stops of `1.2.3`.
    Separator(char),
}

/// Of a twelve-hour clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HalfDay {
    Am,
    Pm,
}

/// Chinese measure words and units, after which digits are a quantity.
pub(super) const MEASURES: &str = "元块角分毛个笔天年月日号小时秒次位名件张条万亿千百倍岁点度米公里折部台份人家";
/// Characters after which a token is cut. No form is longer, and a text without spaces is still read in linear time.
const LONGEST_TOKEN: usize = 64;
/// The most groups that a phone number is written in: `+44 20 79 46 09 58`, and two to spare.
const MOST_GROUPS: usize = 8;
/// Abbreviated units that [`Form::Quantity`] knows.
const UNITS: [&str; 10] = ["kg", "g", "km", "m", "cm", "mm", "h", "min", "GB", "MB"];

/// The forms of `text`, in order; together they cover it.
pub(super) fn forms(text: &str) -> Vec<Form<'_>> {
    let mut forms = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while at < text.len() {
        let token = &text[at..][..token_length(&text[at..])];
        if token.is_empty() {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let lead = token.find(|c: char| !is_opening(c)).unwrap_or(token.len());
        let core = token[lead..].trim_end_matches(is_closing);
        let start = at + lead;
        let Some((place, form, length)) = form_at(core, &text[start..]) else {
            at += token.len();
            continue;
        };
        let between = &text[plain..start + place];
        match lone_mark(between) {
            Some(mark) if !forms.is_empty() => forms.push(Form::Separator(mark)),
            _ if between.is_empty() => {}
            _ => forms.push(Form::Plain(between)),
        }
        forms.push(form);
        at = start + place + length;
        plain = at;
    }
    if plain < text.len() {
        forms.push(Form::Plain(&text[plain..]));
    }
    forms
}

fn lone_mark(text: &str) -> Option<char> {
    text.chars().next().filter(|mark| mark.is_ascii_punctuation() && text.len() == 1)
}

/// The form that markup asks for, if `text` can be read so.
pub(super) fn asked_for(text: &str, read_as: super::ReadAs) -> Option<Form<'_>> {
    use super::ReadAs;
    match read_as {
        ReadAs::Text => None,
        ReadAs::Characters => Some(Form::Code(text)),
        ReadAs::Cardinal => number(text).map(Form::Number),
        ReadAs::Ordinal => number(text).filter(|number| number.fraction.is_empty()).map(Form::Ordinal),
        ReadAs::Telephone => {
            let groups: Vec<&str> =
                text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
            (!groups.is_empty()).then(|| Form::Digits(grouped(&groups)))
        }
    }
}

/// Bytes of the token that `text` begins with; 0 when it begins with a space or a Chinese character.
fn token_length(text: &str) -> usize {
    let token = |c: &char| c.is_ascii_graphic() || matches!(c, '¥' | '￥' | '€' | '£' | '–');
    text.chars().take(LONGEST_TOKEN).take_while(token).map(char::len_utf8).sum()
}

fn is_opening(c: char) -> bool {
    matches!(c, '"' | '\'' | '(' | '[' | '{' | '<' | '*')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '}' | '>' | '*' | '.' | ',' | ';' | ':' | '!' | '?')
}

/// The first form in `core`, with which `text` begins: where it stands, and how many bytes of `text` it takes. A token
/// that is no form as a whole is read run of digits by run of digits.
fn form_at<'a>(core: &'a str, text: &'a str) -> Option<(usize, Form<'a>, usize)> {
    let place = core.find(|c: char| c.is_ascii_digit())?;
    if let Some((form, length)) = whole(core, text) {
        return Some((0, form, length));
    }
    let run = &core[place..];
    let run = &run[..run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len())];
    let form = if is_identifier(run, false) { digits(run) } else { Form::Number(number(run)?) };
    Some((place, form, run.len()))
}

/// The form that `core` is as a whole, perhaps with what follows it.
fn whole<'a>(core: &'a str, text: &'a str) -> Option<(Form<'a>, usize)> {
    if let Some((groups, length)) = spaced_phone(text) {
        return Some((Form::Digits(grouped(&groups)), length));
    }
    let after = &text[core.len()..];
    if let Some(number) = number(core) {
        if let Some((currency, length)) = currency_after(after) {
            return Some((Form::Money(number, currency), core.len() + length));
        }
        let unit_follows = after.starts_with(|c| MEASURES.contains(c));
        return Some((if is_identifier(core, unit_follows) { digits(core) } else { Form::Number(number) }, core.len()));
    }
    let (clock, length) = match half_day_after(after) {
        Some((half, length)) => (time(core, Some(half)), core.len() + length),
        None => (time(core, None), core.len()),
    };
    clock.map(|form| (form, length)).or_else(|| Some((single(core)?, core.len())))
}

/// A form that needs no look at what follows.
fn single(core: &str) -> Option<Form<'_>> {
    money(core)
        .or_else(|| date(core))
        .or_else(|| core.strip_suffix('%').and_then(number).map(Form::Percent))
        .or_else(|| phone(core))
        .or_else(|| range(core))
        .or_else(|| suffixed(core))
        .or_else(|| core.strip_prefix('#').filter(|id| is_code(id)).map(Form::Code))
        .or_else(|| is_code(core).then_some(Form::Code(core)))
}

/// `-1,250.75`: separators stand before every third digit or nowhere.
pub(super) fn number(text: &str) -> Option<Number> {
    let (negative, size) = match text.strip_prefix(['-', '−']) {
        Some(size) => (true, size),
        None => (false, text),
    };
    let (integer, fraction) = size.split_once('.').unwrap_or((size, "0"));
    let mut groups = integer.split(',');
    let first = groups.next().filter(|group| is_digits(group))?;
    let separated = integer.len() > first.len();
    if separated && (first.len() > 3 || !groups.all(|group| group.len() == 3 && is_digits(group)))
        || !is_digits(fraction)
    {
        return None;
    }
    let fraction = if size.contains('.') { fraction.to_owned() } else { String::new() };
    let integer: String = integer.chars().filter(|&c| c != ',').collect();
    let significant = integer.trim_start_matches('0');
    let integer = if significant.is_empty() { "0".to_owned() } else { significant.to_owned() };
    Some(Number { negative, integer, fraction })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether digits name something rather than count it.
fn is_identifier(core: &str, unit_follows: bool) -> bool {
    is_digits(core)
        && match core.len() {
            0..=1 => false,
            2..=4 => core.starts_with('0'),
            5..=6 => core.starts_with('0') || !(unit_follows || core.ends_with("00")),
            _ => !unit_follows,
        }
}

fn digits(core: &str) -> Form<'_> {
    Form::Digits(grouped(&[core]))
}

/// Groups that an ear can hold: those that were written, and long ones split; 3-4-4 for a Chinese mobile number.
fn grouped(written: &[&str]) -> Vec<String> {
    let mut groups = Vec::new();
    for &group in written {
        let sizes: &[usize] = match group.len() {
            0..=5 => &[5],
            6 | 9 => &[3],
            10 => &[3, 3, 4],
            11 => &[3, 4, 4],
            _ => &[4],
        };
        let (mut rest, mut sizes) = (group, sizes.iter().cycle());
        while !rest.is_empty() {
            let size = sizes.next().copied().unwrap_or(4).min(rest.len());
            let (head, tail) = rest.split_at(size);
            groups.push(head.to_owned());
            rest = tail;
        }
    }
    groups
}

/// `+86 138 0000 0001`, `400 820 8820`: groups apart, ten digits or more, or a country code in front.
fn spaced_phone(text: &str) -> Option<(Vec<&str>, usize)> {
    let international = text.starts_with('+');
    let mut groups = Vec::new();
    let mut at = usize::from(international);
    let mut end = 0;
    while groups.len() < MOST_GROUPS {
        let group = &text[at..][..text[at..].bytes().take_while(u8::is_ascii_digit).count()];
        let long_enough = group.len() >= 3 || (international && !group.is_empty());
        if !long_enough {
            break;
        }
        groups.push(group);
        end = at + group.len();
        if !text[end..].starts_with([' ', '-']) {
            break;
        }
        at = end + 1;
    }
    let written_on = text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || "%:/.,-".contains(c))
        && text[end..].chars().nth(1).is_some_and(|c| c.is_ascii_alphanumeric());
    let total: usize = groups.iter().map(|group| group.len()).sum();
    let least = if international { 7 } else { 10 };
    (groups.len() > 1 && total >= least && !written_on).then_some((groups, end))
}

/// `138-0000-0001`, `400-8208820`: seven digits or more in groups.
fn phone(core: &str) -> Option<Form<'_>> {
    let body = core.strip_prefix('+').unwrap_or(core);
    let groups: Vec<&str> = body.split('-').collect();
    let total: usize = groups.iter().map(|group| group.len()).sum();
    let rising = matches!(groups[..], [a, b] if a.len() == b.len() && a < b);
    (groups.iter().all(|group| is_digits(group)) && total >= 7 && !rising).then(|| Form::Digits(grouped(&groups)))
}

/// `¥200`, `US$12.50`, `-£3`.
fn money(core: &str) -> Option<Form<'_>> {
    let (negative, rest) = core.strip_prefix('-').map_or((false, core), |rest| (true, rest));
    let signs = [("US$", Currency::Usd), ("$", Currency::Usd), ("CN¥", Currency::Cny), ("¥", Currency::Cny)];
    let more = [("￥", Currency::Cny), ("€", Currency::Eur), ("£", Currency::Gbp)];
    let (amount, currency) =
        signs.iter().chain(&more).find_map(|&(sign, currency)| Some((rest.strip_prefix(sign)?, currency)))?;
    let amount = number(amount)?;
    Some(Form::Money(Number { negative: negative || amount.negative, ..amount }, currency))
}

/// The currency that `text` names, and how many bytes it takes, the space before it included.
fn currency_after(text: &str) -> Option<(Currency, usize)> {
    if text.starts_with('元') {
        return Some((Currency::Cny, '元'.len_utf8()));
    }
    let word = text.strip_prefix(' ').unwrap_or(text);
    let length = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
    let currency = match word[..length].to_ascii_lowercase().as_str() {
        "yuan" | "rmb" | "cny" => Currency::Cny,
        "euro" | "euros" | "eur" => Currency::Eur,
        "pound" | "pounds" | "gbp" => Currency::Gbp,
        "dollar" | "dollars" | "usd" => Currency::Usd,
        _ => return None,
    };
    Some((currency, text.len() - word.len() + length))
}

/// `2024-03-05`, `2024/3/5`, and `3/5/2024` as Americans write it.
fn date(core: &str) -> Option<Form<'_>> {
    let separator = core.chars().find(|c| !c.is_ascii_digit()).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = core.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let (year, month, day) = match (first.len(), third.len()) {
        (4, 1..=2) => (first, second, third),
        (1..=2, 4) if separator == '/' => (third, first, second),
        _ => return None,
    };
    if !(is_digits(month) && month.len() <= 2) {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Form::Date { year, month, day })
}

/// `9:30`, `14:05:10`, `9:30pm`.
fn time(core: &str, half: Option<HalfDay>) -> Option<Form<'_>> {
    let (clock, attached) = attached_half_day(core);
    let parts: Vec<&str> = clock.split(':').collect();
    if !parts[1..].iter().all(|part| part.len() == 2) || !parts.iter().all(|part| is_digits(part) && part.len() <= 2) {
        return None;
    }
    let value = |i: usize| parts.get(i).and_then(|part: &&str| part.parse::<u32>().ok());
    let half = attached.or(half);
    let (hour, minute, second) = match parts.len() {
        1 if attached.is_some() => (value(0)?, 0, None),
        2 => (value(0)?, value(1)?, None),
        3 => (value(0)?, value(1)?, Some(value(2)?)),
        _ => return None,
    };
    let hours = if half.is_some() { 1..=12 } else { 0..=24 };
    (hours.contains(&hour) && minute < 60 && second.unwrap_or(0) < 60).then_some(Form::Time {
        hour,
        minute,
        second,
        half,
    })
}

fn attached_half_day(core: &str) -> (&str, Option<HalfDay>) {
    for (suffix, half) in [("am", HalfDay::Am), ("AM", HalfDay::Am), ("pm", HalfDay::Pm), ("PM", HalfDay::Pm)] {
        if let Some(clock) = core.strip_suffix(suffix) {
            return (clock, Some(half));
        }
    }
    (core, None)
}

/// ` p.m.` and its like behind a time, and how many bytes it takes; a full stop that ends the sentence is left.
fn half_day_after(text: &str) -> Option<(HalfDay, usize)> {
    let word = text.strip_prefix(' ')?;
    for (written, half) in [("a.m", HalfDay::Am), ("p.m", HalfDay::Pm), ("am", HalfDay::Am), ("pm", HalfDay::Pm)] {
        let same = word.get(..written.len()).is_some_and(|head| head.eq_ignore_ascii_case(written));
        let rest = word.get(written.len()..).unwrap_or_default();
        if same && !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            let dot = written.contains('.') && rest.starts_with(". ") && !rest[2..].starts_with(char::is_uppercase);
            return Some((half, 1 + written.len() + usize::from(dot)));
        }
    }
    None
}

/// `3-5`, `9:00-17:00`, `¥100-¥200`.
fn range(core: &str) -> Option<Form<'_>> {
    let (from, to) = core.split_once(['-', '–', '~'])?;
    let end = |text| {
        let plain = || number(text).filter(|number| !number.negative).map(Form::Number);
        money(text).or_else(plain).or_else(|| time(text, None))
    };
    Some(Form::Range(Box::new(end(from)?), Box::new(end(to)?)))
}

/// `3rd`, `5kg`, `5G`.
fn suffixed(core: &str) -> Option<Form<'_>> {
    let letters = core.find(|c: char| c.is_ascii_alphabetic())?;
    let (amount, suffix) = core.split_at(letters);
    let amount = number(amount)?;
    match suffix {
        "st" | "nd" | "rd" | "th" if amount.fraction.is_empty() => Some(Form::Ordinal(amount)),
        _ => UNITS.iter().find(|&&unit| unit == suffix).map(|_| Form::Quantity(amount, suffix)),
    }
}

/// Letters and digits without a small letter: `TX-20931`, `A1`. `iPhone15` is a word and a number.
fn is_code(core: &str) -> bool {
    core.bytes().any(|byte| byte.is_ascii_digit())
        && core.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-')
}
