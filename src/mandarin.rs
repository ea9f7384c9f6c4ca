//! Mandarin names of numbers, which are spoken and heard.

/// 0 to 9.
pub const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/// Powers of ten inside a group of four, and of the groups.
const PLACES: [&str; 4] = ["", "十", "百", "千"];
const GROUPS: [&str; 4] = ["", "万", "亿", "万亿"];

/// A number as it is counted; from 10^16 on it is read by digits.
pub fn cardinal(value: u64) -> String {
    if value >= 10_000_000_000_000_000 {
        return plain_digits(&value.to_string());
    }
    if value == 0 {
        return "零".to_owned();
    }
    let mut words = String::new();
    let mut gap = false;
    for (power, name) in GROUPS.iter().enumerate().rev() {
        let group = value / 10_000_u64.pow(power as u32) % 10_000;
        if group == 0 {
            gap = !words.is_empty();
            continue;
        }
        if gap || (!words.is_empty() && group < 1_000) {
            words.push('零');
        }
        gap = false;
        words.push_str(&if group == 2 && power > 0 { "两".to_owned() } else { below_ten_thousand(group) });
        // 万亿 is 万 of 亿: 亿 stands once, after the lower of the two.
        let shared = power == 3 && !(value / 100_000_000).is_multiple_of(10_000);
        words.push_str(if shared { "万" } else { name });
    }
    match words.strip_prefix("一十") {
        Some(rest) => format!("十{rest}"),
        None => words,
    }
}

fn below_ten_thousand(value: u64) -> String {
    let mut words = String::new();
    let mut gap = false;
    for place in (0..4).rev() {
        let digit = (value / 10_u64.pow(place as u32) % 10) as usize;
        if digit == 0 {
            gap = !words.is_empty();
            continue;
        }
        if gap {
            words.push('零');
            gap = false;
        }
        words.push(if digit == 2 && place >= 2 { '两' } else { DIGITS[digit] });
        words.push_str(PLACES[place]);
    }
    words
}

/// Digits as they are: years, decimals.
pub fn plain_digits(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).map(|digit| DIGITS[digit as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_zeros_where_they_belong() {
        for (value, said) in [
            (0, "零"),
            (10, "十"),
            (12, "十二"),
            (110, "一百一十"),
            (202, "两百零二"),
            (2_222, "两千两百二十二"),
            (1_001, "一千零一"),
            (1_010, "一千零一十"),
            (20_000, "两万"),
            (100_200, "十万零两百"),
            (102_000, "十万两千"),
            (200_000_000, "两亿"),
            (100_000_001, "一亿零一"),
            (100_002_000, "一亿零两千"),
            (1_000_000_000_000, "一万亿"),
            (1_000_100_000_000, "一万零一亿"),
        ] {
            assert_eq!(cardinal(value), said, "{value}");
        }
    }
}
