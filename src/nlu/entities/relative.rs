//! Days counted from the day of the call.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// `days` after `today`, or before it when negative.
pub(super) fn days(today: Date, days: i64) -> Option<Date> {
    today.checked_add(days.checked_into_span()?).ok()
}

/// The same day `months` away, or the last of that month.
pub(super) fn months(today: Date, months: i64) -> Option<Date> {
    (months.abs() < 1_200).then(|| today.checked_add(months.months()).ok()).flatten()
}

/// The latest `weekday` before `today`.
pub(super) fn last(today: Date, weekday: Weekday) -> Option<Date> {
    let back = i64::from(weekday.until(today.weekday()));
    days(today, -if back == 0 { 7 } else { back })
}

/// The first `weekday` after `today`.
pub(super) fn next(today: Date, weekday: Weekday) -> Option<Date> {
    let ahead = i64::from(today.weekday().until(weekday));
    days(today, if ahead == 0 { 7 } else { ahead })
}

/// `weekday` in the week that lies `weeks` from this one; weeks begin on Monday.
pub(super) fn in_week(today: Date, weeks: i64, weekday: Weekday) -> Option<Date> {
    let monday = days(today, -i64::from(today.weekday().to_monday_zero_offset()))?;
    days(monday, weeks * 7 + i64::from(weekday.to_monday_zero_offset()))
}

/// A day of a month without a year: the latest that is not in the future.
pub(super) fn without_year(today: Date, month: i8, day: i8) -> Option<Date> {
    let this_year = Date::new(today.year(), month, day).ok().filter(|date| *date <= today);
    // The 29th of February may lie up to eight years back.
    this_year.or_else(|| (1..=8).find_map(|back| Date::new(today.year() - back, month, day).ok()))
}

/// A day without a month: in this month, or in the last one when it is still to come.
pub(super) fn without_month(today: Date, day: i8) -> Option<Date> {
    let in_month = |first: Date| Date::new(first.year(), first.month(), day).ok().filter(|date| *date <= today);
    in_month(today).or_else(|| in_month(months(today.first_of_month(), -1)?))
}

trait IntoSpan {
    fn checked_into_span(self) -> Option<jiff::Span>;
}

impl IntoSpan for i64 {
    /// `None` for what would leave every calendar.
    fn checked_into_span(self) -> Option<jiff::Span> {
        (self.abs() < 1_000_000).then(|| self.days())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_found_from_a_thursday() {
        let today = date(2024, 3, 14);
        assert_eq!(last(today, Weekday::Thursday), Some(date(2024, 3, 7)));
        assert_eq!(last(today, Weekday::Sunday), Some(date(2024, 3, 10)));
        assert_eq!(next(today, Weekday::Thursday), Some(date(2024, 3, 21)));
        assert_eq!(in_week(today, -1, Weekday::Wednesday), Some(date(2024, 3, 6)));
        assert_eq!(without_year(today, 12, 24), Some(date(2023, 12, 24)));
        assert_eq!(without_year(date(2023, 1, 1), 2, 29), Some(date(2020, 2, 29)));
        assert_eq!(without_year(today, 2, 30), None);
        assert_eq!(without_month(today, 31), None);
        assert_eq!(without_month(today, 20), Some(date(2024, 2, 20)));
        assert_eq!(days(today, i64::MAX), None);
    }
}
