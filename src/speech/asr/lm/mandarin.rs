//! What Mandarin callers say whatever the hotline: yes and no, commands, digits.

use super::Phrases;
use super::classes::Class;

/// All of it.
pub(super) const PHRASES: Phrases = Phrases {
    yes: YES,
    no: NO,
    backchannels: BACKCHANNELS,
    commands: COMMANDS,
    choices: CHOICES,
    digits: digit_sentences,
    frames: FRAMES,
    classes,
};

const YES: &[&str] = &[
    "是",
    "是的",
    "是的",
    "对",
    "对",
    "对的",
    "对对",
    "没错",
    "嗯",
    "嗯对",
    "好",
    "好的",
    "好啊",
    "行",
    "可以",
    "是这个",
    "就是这个",
    "对就是这个",
    "是的谢谢",
    "需要",
    "要",
    "确认",
    "有",
    "当然",
];

const NO: &[&str] = &[
    "不",
    "不是",
    "不是",
    "不对",
    "不是的",
    "不是这个",
    "没有",
    "没有",
    "不用",
    "不用了",
    "不用了谢谢",
    "不要",
    "不需要",
    "不行",
    "不可以",
    "不对不是这个",
    "都不是",
    "错了",
    "没了",
];

const BACKCHANNELS: &[&str] = &["嗯", "嗯嗯", "哦", "啊", "好", "对", "哦好的", "嗯好", "是", "明白"];

const COMMANDS: &[&str] = &[
    "等一下",
    "等等",
    "稍等",
    "停",
    "停一下",
    "别说了",
    "再说一遍",
    "请再说一遍",
    "重复一下",
    "没听清",
    "什么",
    "你说什么",
    "人工",
    "人工",
    "转人工",
    "人工客服",
    "转人工客服",
    "我要人工",
    "我要找人工",
    "帮我转人工",
    "人工服务",
    "你好",
    "喂",
    "帮助",
    "返回",
    "取消",
    "再见",
    "谢谢",
    "谢谢再见",
    "没有了谢谢",
    "没别的了",
    "不知道",
    "我不知道",
    "我想问一下",
    "给我回个电话",
    "你是机器人吗",
];

const CHOICES: &[&str] = &[
    "第一个",
    "第一个",
    "第二个",
    "第二个",
    "第三个",
    "最后一个",
    "前一个",
    "后一个",
    "前面那个",
    "后面那个",
    "这个",
    "那个",
    "都是",
    "都不是",
    "一",
    "二",
    "三",
];

/// How amounts, days and what was bought are spoken of.
const FRAMES: &[&str] = &[
    "{number}块",
    "{number}块钱",
    "{number}元",
    "付了{number}块",
    "大概{number}块钱",
    "{month}月{day}号",
    "{month}月份",
    "{name}",
    "我的{name}",
    "那个{name}",
    "我买的{name}",
    "买了一个{name}",
    "{name}的订单",
    "{number}块的{name}",
];

/// Amounts, months and days, as digits: [`hanzi`](super::hanzi) reads them.
fn classes() -> Vec<Class> {
    let class = |slot, members: Vec<u32>| Class { slot, members: members.iter().map(u32::to_string).collect() };
    let amounts = (1..100).chain((100..1_000).step_by(37)).chain((1_000..10_000).step_by(613));
    vec![class("{number}", amounts.collect()), class("{month}", (1..=12).collect()), class("{day}", (1..=31).collect())]
}

/// The digits as they are said on the telephone; one is 一 or 幺, two 二 or 两.
const DIGITS: [&str; 12] = ["零", "一", "幺", "二", "两", "三", "四", "五", "六", "七", "八", "九"];

/// Sentences of digits: every pair of digits equally often, lengths 1 to 11.
fn digit_sentences() -> Vec<Vec<&'static str>> {
    let mut sentences = Vec::new();
    for first in 0..DIGITS.len() {
        for step in 0..DIGITS.len() {
            // A walk round the digits by a fixed step visits every follower of every digit once over all steps.
            let length = 2 + (first + 3 * step) % 10;
            sentences.push((0..length).map(|i| DIGITS[(first + i * step) % DIGITS.len()]).collect());
        }
        sentences.push(vec![DIGITS[first]]);
    }
    // Whoever is asked for digits says little else.
    sentences.extend([vec!["不", "知道"], vec!["等", "一", "下"], vec!["人工"], vec!["是"], vec!["不", "是"]]);
    sentences
}
