//! Mandarin numbers: 三千六, 一亿零两千三百, 三点一四, 幺三八零零.

/// A number at the head of some tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// Tokens read.
    pub(super) length: usize,
    pub(super) value: f64,
    /// In figures; from a hundred of them on, 万 and 亿 stay characters, as newspapers write.
    pub(super) written: String,
}

/// The digit that a character stands for; 幺, 两, 洞 and 拐 are the telephone's and the radio's names.
pub(super) fn digit(token: &str) -> Option<u64> {
    Some(match token {
        "零" | "〇" | "洞" => 0,
        "一" | "幺" | "壹" => 1,
        "二" | "两" | "贰" => 2,
        "三" | "叁" => 3,
        "四" | "肆" => 4,
        "五" | "伍" => 5,
        "六" | "陆" => 6,
        "七" | "拐" | "柒" => 7,
        "八" | "捌" => 8,
        "九" | "玖" => 9,
        _ => return None,
    })
}

fn unit(token: &str) -> Option<u64> {
    Some(match token {
        "十" | "拾" => 10,
        "百" | "佰" => 100,
        "千" | "仟" => 1_000,
        _ => return None,
    })
}

/// The part below 万 (up to 9,999), the tokens read, and the unit that a bare digit behind it would count: 三千六 is 3,600.
fn below_myriad(tokens: &[&str]) -> Option<(u64, usize, u64)> {
    let (mut total, mut at, mut lowest) = (0, 0, 10_000);
    loop {
        let zero = usize::from(at > 0 && tokens.get(at) == Some(&"零"));
        let (count, read) = match tokens.get(at + zero).and_then(|token| digit(token)) {
            Some(count) => (count, 1),
            None => (1, 0),
        };
        let named = tokens.get(at + zero + read).and_then(|token| unit(token)).filter(|unit| *unit < lowest);
        match named {
            // A bare 十 is ten; a bare 百 is no number.
            Some(unit) if read == 1 || (unit == 10 && (at == 0 || zero == 1)) => {
                total += count * unit;
                at += zero + read + 1;
                lowest = unit;
            }
            _ if read == 1 && (at == 0 || zero == 1) => return Some((total + count, at + zero + 1, 0)),
            _ if read == 1 => return Some((total + count * lowest / 10, at + 1, 0)),
            _ => break,
        }
    }
    (at > 0).then_some((total, at, lowest / 10))
}

/// A whole number: its value, how it is written, the tokens read.
fn whole(tokens: &[&str]) -> Option<(u64, String, usize)> {
    let (mut total, mut at) = (0u64, 0);
    let mut pending = 0u64;
    let mut written = String::new();
    for (name, scale) in [("亿", 100_000_000), ("万", 10_000), ("", 1)] {
        let zero = usize::from(at > 0 && tokens.get(at) == Some(&"零"));
        let Some((part, read, open)) = tokens.get(at + zero..).and_then(below_myriad) else { break };
        let ends = at + zero + read;
        if name.is_empty() {
            // 两万三 is 23,000.
            let short = at > 0 && zero == 0 && read == 1 && tokens[at - 1] == "万" && open == 0;
            let part = if short { part * 1_000 } else { part };
            pending += part;
            total += part;
            at = ends;
        } else if tokens.get(ends) == Some(&name) {
            total += part * scale;
            if name == "亿" || part >= 100 {
                written.push_str(&format!("{part}{name}"));
            } else {
                pending += part * scale;
            }
            at = ends + 1;
        }
    }
    if at == 0 {
        return None;
    }
    if pending > 0 || written.is_empty() {
        written.push_str(&pending.to_string());
    }
    Some((total, written, at))
}

/// A number with units, a decimal, or figures, at the head of `tokens`.
pub(super) fn number(tokens: &[&str]) -> Option<Number> {
    let minus = usize::from(tokens.first() == Some(&"负"));
    let rest = &tokens[minus..];
    let unsigned = figures(rest).or_else(|| spoken(rest))?;
    if minus == 0 {
        return Some(unsigned);
    }
    Some(Number { length: unsigned.length + 1, value: -unsigned.value, written: format!("-{}", unsigned.written) })
}

fn spoken(tokens: &[&str]) -> Option<Number> {
    let (value, written, length) = whole(tokens)?;
    let Some((decimals, read)) = decimals(&tokens[length..]) else {
        return Some(Number { length, value: value as f64, written });
    };
    let written = format!("{value}.{decimals}");
    let number: f64 = written.parse().ok()?;
    let length = length + read;
    Some(scaled(tokens, Number { length, value: number, written }))
}

/// 六点四二万.
fn scaled(tokens: &[&str], mut number: Number) -> Number {
    let scale = match tokens.get(number.length) {
        Some(&"万") => 10_000.0,
        Some(&"亿") => 100_000_000.0,
        _ => return number,
    };
    number.value *= scale;
    number.written.push_str(tokens[number.length]);
    number.length += 1;
    number
}

/// 点四二: the digits, and the tokens read.
fn decimals(tokens: &[&str]) -> Option<(String, usize)> {
    if tokens.first() != Some(&"点") {
        return None;
    }
    let digits: String = tokens[1..].iter().map_while(|token| digit(token)).map(|digit| digit.to_string()).collect();
    (!digits.is_empty()).then(|| (digits.clone(), 1 + digits.len()))
}

fn figures(tokens: &[&str]) -> Option<Number> {
    let written = tokens.first()?.replace(',', "");
    let value: f64 = written.parse().ok().filter(|_| written.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(scaled(tokens, Number { length: 1, value, written }))
}

/// An estimate, 三五百 or 四十五六万: two neighbouring digits for one. It is written as a range and has no exact value.
///
/// ```text
/// 四十 │ 五 六 │ 万       三 五 │ 百
/// front  low high  scale    low high  unit
/// ```
pub(super) fn estimate(tokens: &[&str]) -> Option<(String, usize)> {
    let pair = |at: usize| {
        let (low, high) = (digit(tokens.get(at)?)?, digit(tokens.get(at + 1)?)?);
        (low > 0 && low < high && high - low <= 2).then_some((low, high))
    };
    let at = (0..4).find(|&at| pair(at).is_some())?;
    let (low, high) = pair(at)?;
    let mut end = at + 2;
    let (front, below) = match at {
        0 => (0, 1),
        _ => open_number(&tokens[..at])?,
    };
    let unit = tokens.get(end).and_then(|token| unit(token));
    end += usize::from(unit.is_some());
    let worth = unit.unwrap_or(if front > 0 { below } else { 1 });
    if worth == 0 || (front > 0 && unit.is_some_and(|unit| unit > below)) {
        return None;
    }
    let scale = tokens.get(end).filter(|token| matches!(**token, "万" | "亿"));
    if front == 0 && unit.is_none() && scale.is_none() && tokens.get(end).is_none_or(|next| digit(next).is_some()) {
        return None;
    }
    end += usize::from(scale.is_some());
    let between = if front > 0 { '-' } else { '~' };
    Some((format!("{}{between}{}{}", front + low * worth, high * worth, scale.unwrap_or(&"")), end))
}

/// A number that ends on a unit, and what a digit behind it counts: 四十 and 1, 七百 and 10, 一万 and 1,000.
fn open_number(tokens: &[&str]) -> Option<(u64, u64)> {
    if let [digits @ .., "万"] = tokens {
        let (value, read, _) = below_myriad(digits)?;
        return (read == digits.len()).then_some((value * 10_000, 1_000));
    }
    let last = unit(tokens.last()?)?;
    let (value, read, _) = below_myriad(tokens)?;
    (read == tokens.len()).then_some((value, last / 10))
}

/// Digits one by one, at least two of them: figures, and the tokens read.
pub(super) fn digits(tokens: &[&str]) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut length = 0;
    for token in tokens {
        match digit(token) {
            Some(digit) => digits.push_str(&digit.to_string()),
            None if token.bytes().all(|byte| byte.is_ascii_digit()) => digits.push_str(token),
            None => break,
        }
        length += 1;
    }
    // A unit or 点 behind the last digit makes it part of a number: 三五百, 一三点四.
    let goes_on = tokens.get(length).is_some_and(|token| unit(token).is_some() || matches!(*token, "万" | "亿" | "点"));
    (digits.len() >= 2 && !goes_on).then_some((digits, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        let cases = [
            ("一百零一人", 101.0, "101"),
            ("一百二", 120.0, "120"),
            ("三千六", 3_600.0, "3600"),
            ("两万三", 23_000.0, "23000"),
            ("两千零十二", 2_012.0, "2012"),
            ("十", 10.0, "10"),
            ("十万一千一百一十一", 101_111.0, "101111"),
            ("一百万一千一百一十一", 1_001_111.0, "100万1111"),
            ("一亿零两千三百人", 100_002_300.0, "1亿2300"),
            ("一亿七万两千三百", 100_072_300.0, "1亿72300"),
            ("六点四二万人", 64_200.0, "6.42万"),
            ("负三点一五", -3.15, "-3.15"),
            ("二十点一万", 201_000.0, "20.1万"),
        ];
        for (text, value, written) in cases {
            let tokens: Vec<String> = text.chars().map(String::from).collect();
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            let number = number(&tokens).unwrap();
            assert_eq!((number.value, number.written.as_str()), (value, written), "{text}");
        }
        for (text, written) in [
            ("三五百", "300~500"),
            ("三五万", "3~5万"),
            ("三四十亿", "30~40亿"),
            ("十五六", "15-6"),
            ("四十五六万", "45-6万"),
            ("七百三四十", "730-40"),
            ("一万六七", "16000-7000"),
        ] {
            let tokens: Vec<String> = text.chars().map(String::from).collect();
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            assert_eq!(estimate(&tokens), Some((written.to_owned(), tokens.len())), "{text}");
        }
        assert_eq!(estimate(&["一", "二", "三", "四"]), None);
        assert_eq!(number(&["百"]), None);
        assert_eq!(digits(&["三", "五", "百"]), None);
        assert_eq!(digits(&["幺", "零"]), Some(("10".into(), 2)));
    }
}
