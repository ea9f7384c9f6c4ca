//! What callers say to every hotline, for the recogniser.

use super::SlotKind;
use crate::english;
use crate::units::Lang;

/// What callers answer where a slot of this kind is asked for, beside its options: digits have a model of their own.
pub(super) fn answers(kind: &SlotKind, lang: Lang) -> Vec<String> {
    if lang == Lang::Zh {
        // Chinese is recognised by whole characters that are learned elsewhere.
        return Vec::new();
    }
    let hours = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    match kind {
        SlotKind::Time(_) => hours.iter().flat_map(|hour| times(hour)).collect(),
        SlotKind::Date { .. } => {
            let plain = ["today", "tomorrow", "tomorrow please", "the day after tomorrow", "yesterday"];
            let weekdays = english::WEEKDAYS.iter().map(|day| day.to_lowercase());
            let weekdays =
                weekdays.flat_map(|day| [format!("on {day}"), format!("{day} please"), format!("next {day}")]);
            plain.iter().map(|&day| day.to_owned()).chain(weekdays).collect()
        }
        SlotKind::Amount | SlotKind::Number => {
            let amounts = ["hundred", "thousand", "hundred and fifty", "hundred yuan"];
            hours.iter().flat_map(|number| amounts.map(|unit| format!("{number} {unit}"))).collect()
        }
        SlotKind::Digits(_) | SlotKind::YesNo | SlotKind::Choice(_) | SlotKind::Words => Vec::new(),
    }
}

fn times(hour: &str) -> Vec<String> {
    [
        "at {}",
        "at {} o'clock",
        "{} in the morning",
        "at {} in the morning",
        "at {} in the afternoon",
        "{} in the evening",
        "{} a m",
        "{} p m",
        "at half past {}",
        "at {} thirty",
        "around {}",
        "{} would be good",
    ]
    .iter()
    .map(|form| form.replace("{}", hour))
    .collect()
}

/// Short answers and commands that callers give to every hotline.
pub(super) fn phrases(lang: Lang) -> &'static [&'static str] {
    match lang {
        Lang::En => &[
            "yes",
            "yes please",
            "yes it is",
            "that's right",
            "exactly",
            "yeah",
            "sure",
            "no",
            "no it's not",
            "nope",
            "no thanks",
            "that's not it",
            "neither",
            "the first one",
            "the second one",
            "sorry what was that",
            "say that again please",
            "can you repeat that",
            "help",
            "what can i say",
            "hold on",
            "one moment please",
            "i want to talk to a person",
            "a human please",
            "can i speak to an agent",
            "operator",
            "representative",
            "customer service",
            "goodbye",
            "bye",
            "that's all",
            "nothing else thanks",
            "thank you",
            "thanks a lot",
            "who is this",
            "are you a robot",
            "zero one two three four five six seven eight nine",
            "hello",
        ],
        Lang::Zh => &[
            "是",
            "是的",
            "对",
            "对的",
            "没错",
            "好的",
            "可以",
            "不是",
            "不对",
            "没有",
            "不用了",
            "都不是",
            "第一个",
            "第二个",
            "请再说一遍",
            "你说什么",
            "没听清",
            "帮助",
            "我可以说什么",
            "等一下",
            "稍等",
            "转人工",
            "人工客服",
            "我要找人工",
            "找客服",
            "再见",
            "没有了",
            "没别的事了",
            "谢谢",
            "谢谢你",
            "你是谁",
            "你是机器人吗",
            "零一二三四五六七八九",
            "幺",
            "喂",
            "你好",
        ],
    }
}
