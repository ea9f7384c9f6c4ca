//! Mandarin words for the forms that [`forms`](super::forms) finds. Latin words between them are left to the engine,
//! which reads them as English.

use super::forms::{Currency, Form, HalfDay, MEASURES, Number};
use crate::mandarin::{DIGITS, cardinal, plain_digits};

/// After these, 2 is 二 and not 两: the second month, number two.
const COUNTED_BY_RANK: &str = "月日号年度";

/// The words of `forms`.
pub(super) fn say(forms: &[Form<'_>]) -> String {
    let mut said = String::new();
    for (i, form) in forms.iter().enumerate() {
        let next = match forms.get(i + 1) {
            Some(Form::Plain(text)) => text.chars().next(),
            _ => None,
        };
        match form {
            Form::Separator('.') => said.push('点'),
            Form::Separator(_) => said.push(' '),
            Form::Plain(text) => plain(text, &mut said),
            Form::Number(number) => said.push_str(&number_before(number, next)),
            Form::Range(from, to) => {
                let to = match &**to {
                    Form::Number(number) => number_before(number, next),
                    to => words(to),
                };
                said.push_str(&format!("{}到{to}", words(from)));
            }
            form => said.push_str(&words(form)),
        }
    }
    said
}

fn words(form: &Form<'_>) -> String {
    match form {
        Form::Code(code) => spelled(code),
        Form::Date { year, month, day } => {
            format!(
                "{}年{}月{}日",
                plain_digits(&year.to_string()),
                cardinal(u64::from(*month)),
                cardinal(u64::from(*day))
            )
        }
        Form::Digits(groups) => groups.iter().map(|group| spelled(group)).collect::<Vec<_>>().join("，"),
        Form::Money(number, currency) => money(number, *currency),
        Form::Number(number) => number_words(number),
        Form::Ordinal(number) => format!("第{}", number_words(number)),
        Form::Percent(number) => {
            let size = Number { negative: false, ..number.clone() };
            format!("{}百分之{}", if number.negative { "负" } else { "" }, number_words(&size))
        }
        Form::Plain(text) => (*text).to_owned(),
        Form::Quantity(number, unit) => format!("{}{}", counted(number), unit_words(unit)),
        Form::Range(from, to) => format!("{}到{}", words(from), words(to)),
        Form::Separator(mark) => mark.to_string(),
        Form::Time { hour, minute, second, half } => time(*hour, *minute, *second, *half),
    }
}

/// Plain text with its symbols in words and abbreviations in capitals spelled: `VIP` is V I P.
fn plain(text: &str, said: &mut String) {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, length) = match character {
            _ if (2..=5).contains(&letters) && rest[..letters].bytes().all(|byte| byte.is_ascii_uppercase()) => {
                (format!(" {} ", spelled(&rest[..letters])), letters)
            }
            _ if letters > 0 => (rest[..letters].to_owned(), letters),
            '&' | '+' => ("加".to_owned(), 1),
            '=' => ("等于".to_owned(), 1),
            '#' => ("号".to_owned(), 1),
            '%' => ("百分号".to_owned(), 1),
            '@' => (" at ".to_owned(), 1),
            other => (other.to_string(), other.len_utf8()),
        };
        said.push_str(&word);
        rest = &rest[length..];
    }
}

/// A number, as what follows it asks: 2个 is 两个, 2024年 is read by digits.
fn number_before(number: &Number, next: Option<char>) -> String {
    match next {
        Some('年') if number.integer.len() == 4 && number.fraction.is_empty() => plain_digits(&number.integer),
        Some(measure) if MEASURES.contains(measure) && !COUNTED_BY_RANK.contains(measure) => counted(number),
        _ => number_words(number),
    }
}

/// As a count of something: a lone 2 is 两.
fn counted(number: &Number) -> String {
    if number.integer == "2" && number.fraction.is_empty() && !number.negative {
        return "两".to_owned();
    }
    number_words(number)
}

fn number_words(number: &Number) -> String {
    let mut words = if number.negative { "负".to_owned() } else { String::new() };
    match number.integer.parse() {
        Ok(value) => words.push_str(&cardinal(value)),
        Err(_) => words.push_str(&plain_digits(&number.integer)),
    }
    if !number.fraction.is_empty() {
        words.push('点');
        words.push_str(&plain_digits(&number.fraction));
    }
    words
}

/// Letters and digits one by one, as on the telephone, where 1 is 幺 so that it is not taken for 7.
fn spelled(code: &str) -> String {
    let mut words = String::new();
    for character in code.chars().filter(|c| c.is_alphanumeric()) {
        match character.to_digit(10) {
            Some(1) => words.push('幺'),
            Some(digit) => words.push(DIGITS[digit as usize]),
            None => {
                if words.ends_with(|c: char| c.is_alphanumeric()) {
                    words.push(' ');
                }
                words.extend(character.to_uppercase());
                words.push(' ');
            }
        }
    }
    words.truncate(words.trim_end().len());
    words
}

fn money(number: &Number, currency: Currency) -> String {
    let name = match currency {
        Currency::Cny => "元",
        Currency::Eur => "欧元",
        Currency::Gbp => "英镑",
        Currency::Usd => "美元",
    };
    let whole = Number { fraction: String::new(), ..number.clone() };
    let hundredths: Option<usize> = match number.fraction.len() {
        0..=2 => format!("{:0<2}", number.fraction).parse().ok(),
        _ => None,
    };
    match (hundredths, currency) {
        (Some(0), _) => format!("{}{name}", counted(&whole)),
        (Some(hundredths), Currency::Cny) => {
            let (jiao, fen) = (hundredths / 10, hundredths % 10);
            let mut words = if number.integer == "0" { String::new() } else { format!("{}元", counted(&whole)) };
            match jiao {
                0 if !words.is_empty() => words.push('零'),
                0 => {}
                jiao => words.extend([DIGITS[jiao], '角']),
            }
            if fen > 0 {
                words.extend([DIGITS[fen], '分']);
            }
            words
        }
        _ => format!("{}{name}", number_words(number)),
    }
}

fn time(hour: u32, minute: u32, second: Option<u32>, half: Option<HalfDay>) -> String {
    let part_of_day = match half {
        Some(HalfDay::Am) => "上午",
        Some(HalfDay::Pm) => "下午",
        None => "",
    };
    let hour = if hour == 2 { "两".to_owned() } else { cardinal(u64::from(hour)) };
    let minute = match (minute, second) {
        (0, None) => String::new(),
        (30, None) => "半".to_owned(),
        (minute @ 0..10, _) => format!("零{}分", cardinal(u64::from(minute))),
        (minute, _) => format!("{}分", cardinal(u64::from(minute))),
    };
    let second = second.map_or_else(String::new, |second| format!("{}秒", cardinal(u64::from(second))));
    format!("{part_of_day}{hour}点{minute}{second}")
}

fn unit_words(unit: &str) -> &str {
    match unit {
        "kg" => "公斤",
        "g" => "克",
        "km" => "公里",
        "m" => "米",
        "cm" => "厘米",
        "mm" => "毫米",
        "h" => "小时",
        "min" => "分钟",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::normalise;
    use crate::speech::tts::markup::ReadAs;
    use crate::units::Lang;

    #[test]
    fn what_is_written_is_said_as_people_say_it() {
        for (written, said) in [
            ("¥200的退款", "两百元的退款"),
            ("200元", "两百元"),
            ("12.50元", "十二元五角"),
            ("￥12.05", "十二元零五分"),
            ("0.34元", "三角四分"),
            ("12.5 USD", "十二点五美元"),
            ("您有2个订单，2笔退款", "您有两个订单，两笔退款"),
            ("2024年3月5日", "二零二四年三月五日"),
            ("2024-03-05", "二零二四年三月五日"),
            ("2月2日", "二月二日"),
            ("上午9:30到14:05", "上午九点半到十四点零五分"),
            ("3-5天", "三到五天"),
            ("1-2个", "一到两个"),
            ("手机13800000001", "手机幺三八，零零零零，零零零幺"),
            ("请拨95188。", "请拨九五幺八八。"),
            ("订单TX209", "订单T X 二零九"),
            ("5.5%", "百分之五点五"),
            ("-3度", "负三度"),
            ("您是VIP会员", "您是 V I P 会员"),
            ("第3次", "第三次"),
            ("10000元", "一万元"),
            ("没有数字", "没有数字"),
        ] {
            assert_eq!(normalise(written, Lang::Zh, ReadAs::Text), said, "{written}");
        }
    }
}
