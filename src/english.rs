//! English names of numbers, months and days, which are read, written, heard and spoken in several rooms.

use jiff::civil::Weekday;

/// 0 to 19.
pub const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

/// 0th to 19th.
pub const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// The tens; those below twenty have no name of their own.
pub const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// As they are written, from January on.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// As they are written, from Monday on.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The day of the week that `word` names in full, in either case.
pub fn weekday(word: &str) -> Option<Weekday> {
    let place = WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(word))?;
    Weekday::from_monday_zero_offset(place as i8).ok()
}

/// The month, 1–12, that `word` names in full, in either case, or by its first letters where
/// `short` says that such a word may be one.
pub fn month(word: &str, short: impl Fn(&str) -> bool) -> Option<i8> {
    let begins = |name: &str| name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let names = |name: &str| name.eq_ignore_ascii_case(word) || (short(word) && begins(name));
    MONTHS.iter().position(|name| names(name)).map(|place| place as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_either_case_and_short_where_that_is_allowed() {
        assert_eq!(
            (weekday("sunday"), weekday("Tuesday"), weekday("tue")),
            (Some(Weekday::Sunday), Some(Weekday::Tuesday), None)
        );
        assert_eq!(
            (month("MAY", |_| false), month("sept", |_| true), month("sept", |_| false)),
            (Some(5), Some(9), None)
        );
        assert_eq!(month("nonsense", |_| true), None);
    }
}
