//! Orders, amounts, days and people, as they are said in a conversation.
//!
//! The words go through a synthesiser: amounts keep their digits, which it reads well, units and days become words.

use jiff::civil::{Date, DateTime, Time};

use crate::dialog::dialplan::Placeholder;
use crate::english;
use crate::identify::{Member, Order};
use crate::units::Lang;

/// "200 yuan", "19 dollars and 50 cents", "42.61元".
pub fn amount(cents: i64, currency: &str, lang: Lang) -> String {
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    match lang {
        Lang::Zh => {
            let unit = match currency {
                "CNY" => "元",
                "USD" => "美元",
                "EUR" => "欧元",
                "GBP" => "英镑",
                "THB" => "泰铢",
                "HKD" => "港币",
                "JPY" => "日元",
                other => other,
            };
            match rest {
                0 => format!("{whole}{unit}"),
                rest if rest % 10 == 0 => format!("{whole}.{}{unit}", rest / 10),
                rest => format!("{whole}.{rest:02}{unit}"),
            }
        }
        Lang::En => {
            let (one, many, cent, cents) = match currency {
                "CNY" => ("yuan", "yuan", "fen", "fen"),
                "USD" => ("dollar", "dollars", "cent", "cents"),
                "EUR" => ("euro", "euros", "cent", "cents"),
                "GBP" => ("pound", "pounds", "penny", "pence"),
                "THB" => ("baht", "baht", "satang", "satang"),
                other => (other, other, "cent", "cents"),
            };
            let major = format!("{whole} {}", if whole == 1 { one } else { many });
            let minor = format!("{rest} {}", if rest == 1 { cent } else { cents });
            match (whole, rest) {
                (_, 0) => major,
                (0, _) => minor,
                // Nobody says the fen of a price.
                _ if currency == "CNY" => format!("{whole}.{rest:02} yuan"),
                _ => format!("{major} and {minor}"),
            }
        }
    }
}

/// "5 pm", "10:30 am", "下午5点30分".
pub fn time(time: Time, lang: Lang) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    let clock = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    match lang {
        Lang::En => {
            let half = if hour < 12 { "am" } else { "pm" };
            if minute == 0 { format!("{clock} {half}") } else { format!("{clock}:{minute:02} {half}") }
        }
        Lang::Zh => {
            let half = match hour {
                0..6 => "凌晨",
                6..12 => "上午",
                12..18 => "下午",
                _ => "晚上",
            };
            if minute == 0 { format!("{half}{clock}点") } else { format!("{half}{clock}点{minute}分") }
        }
    }
}

/// "tomorrow", "yesterday", "last Tuesday", "May 3rd".
pub fn day(day: Date, today: Date, lang: Lang) -> String {
    let ago = today.since(day).map_or(i32::MAX, |span| span.get_days());
    let weekday = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
    match lang {
        Lang::En => match ago {
            -1 => "tomorrow".to_owned(),
            0 => "today".to_owned(),
            1 => "yesterday".to_owned(),
            2..=7 => format!("last {}", english::WEEKDAYS[weekday]),
            -6..=-2 => english::WEEKDAYS[weekday].to_owned(),
            _ => {
                let number = day.day();
                let ending = match (number / 10, number % 10) {
                    (1, _) => "th",
                    (_, 1) => "st",
                    (_, 2) => "nd",
                    (_, 3) => "rd",
                    _ => "th",
                };
                format!("{} {number}{ending}", english::MONTHS[usize::from(day.month().unsigned_abs()) - 1])
            }
        },
        Lang::Zh => match ago {
            -2 => "后天".to_owned(),
            -1 => "明天".to_owned(),
            0 => "今天".to_owned(),
            1 => "昨天".to_owned(),
            2 => "前天".to_owned(),
            3..=6 => format!("上{}", ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][weekday]),
            _ => format!("{}月{}号", day.month(), day.day()),
        },
    }
}

/// "Ms Li", "李女士"; the whole name where the title is unknown.
pub fn address(member: &Member, lang: Lang) -> Option<String> {
    let name = member.name.0.trim();
    let family = match name.rsplit_once(' ') {
        Some((_, family)) => family.to_owned(),
        None if name.chars().all(|letter| letter >= '\u{4e00}') => name.chars().take(1).collect(),
        None => name.to_owned(),
    };
    if family.is_empty() {
        return None;
    }
    Some(match (lang, member.gender.as_str()) {
        (Lang::En, "F") => format!("Ms {family}"),
        (Lang::En, "M") => format!("Mr {family}"),
        (Lang::Zh, "F") => format!("{family}女士"),
        (Lang::Zh, "M") => format!("{family}先生"),
        _ => name.to_owned(),
    })
}

/// The placeholders of an order that have a value.
pub fn order_values(order: &Order, now: DateTime, lang: Lang) -> Vec<(Placeholder, String)> {
    let mut values = vec![(Placeholder::Date, day(order.at.date(), now.date(), lang))];
    if !order.product.is_empty() {
        values.push((Placeholder::Product, order.product.clone()));
    }
    if order.price_cents != 0 {
        values.push((Placeholder::Price, amount(order.price_cents, &order.currency, lang)));
    }
    values
}

/// "the rice cooker for 200 yuan", "the transfer of 200 yuan from yesterday".
pub fn order(order: &Order, now: DateTime, lang: Lang) -> String {
    let price = amount(order.price_cents, &order.currency, lang);
    let when = day(order.at.date(), now.date(), lang);
    let kind = order.kind.as_str();
    match lang {
        Lang::En if !order.product.is_empty() => format!("the {} for {price}", order.product),
        Lang::En => {
            let what = match kind {
                "cash_withdrawal" => "cash withdrawal",
                "transfer_out" | "transfer_in" => "transfer",
                "top_up" => "top up",
                "exchange" => "exchange",
                "direct_debit" => "direct debit",
                _ => "payment",
            };
            format!("the {what} of {price} from {when}")
        }
        Lang::Zh if !order.product.is_empty() => format!("{when}{price}的{}", order.product),
        Lang::Zh => {
            let what = match kind {
                "cash_withdrawal" => "提现",
                "transfer_out" => "转账",
                "transfer_in" => "收款",
                "top_up" => "充值",
                "exchange" => "兑换",
                "direct_debit" => "自动扣款",
                _ => "付款",
            };
            format!("{when}{price}的{what}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn amounts_are_said_as_people_say_them() {
        for (cents, currency, en, zh) in [
            (20_000, "CNY", "200 yuan", "200元"),
            (4_261, "CNY", "42.61 yuan", "42.61元"),
            (100, "USD", "1 dollar", "1美元"),
            (6_550, "USD", "65 dollars and 50 cents", "65.5美元"),
            (99, "GBP", "99 pence", "0.99英镑"),
            (i64::MIN, "EUR", "92233720368547758 euros and 8 cents", "92233720368547758.08欧元"),
        ] {
            assert_eq!(amount(cents, currency, Lang::En), en);
            assert_eq!(amount(cents, currency, Lang::Zh), zh);
        }
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall() {
        for (hour, minute, en, zh) in [
            (0, 0, "12 am", "凌晨12点"),
            (9, 5, "9:05 am", "上午9点5分"),
            (12, 0, "12 pm", "下午12点"),
            (17, 30, "5:30 pm", "下午5点30分"),
            (20, 0, "8 pm", "晚上8点"),
        ] {
            let at = Time::constant(hour, minute, 0, 0);
            assert_eq!((time(at, Lang::En).as_str(), time(at, Lang::Zh).as_str()), (en, zh));
        }
    }

    #[test]
    fn days_are_near_or_dated() {
        let today = date(2026, 8, 12); // a Wednesday
        for (then, en, zh) in [
            (date(2026, 8, 12), "today", "今天"),
            (date(2026, 8, 11), "yesterday", "昨天"),
            (date(2026, 8, 9), "last Sunday", "上周日"),
            (date(2026, 8, 5), "last Wednesday", "8月5号"),
            (date(2026, 7, 22), "July 22nd", "7月22号"),
            (date(2026, 7, 13), "July 13th", "7月13号"),
            (date(2026, 9, 1), "September 1st", "9月1号"),
            (date(2026, 8, 13), "tomorrow", "明天"),
            (date(2026, 8, 15), "Saturday", "8月15号"),
        ] {
            assert_eq!(day(then, today, Lang::En), en);
            assert_eq!(day(then, today, Lang::Zh), zh);
        }
    }
}
