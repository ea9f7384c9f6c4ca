//! What simulated callers say besides their problem. Written for this project.

use crate::units::Lang;

/// Words for one language.
pub(super) struct Phrases {
    pub(super) yes: &'static [&'static str],
    pub(super) no: &'static [&'static str],
    pub(super) neither: &'static [&'static str],
    pub(super) ordinals: [&'static str; 2],
    pub(super) solved: &'static [&'static str],
    pub(super) nothing_else: &'static [&'static str],
    pub(super) human: &'static [&'static str],
    pub(super) off_topic: &'static [&'static str],
    pub(super) number_unknown: &'static [&'static str],
    pub(super) fillers: &'static [&'static str],
    /// Asking to hear it again.
    pub(super) again: &'static [&'static str],
    /// Not telling a number that is known.
    pub(super) number_refused: &'static [&'static str],
    /// A yes that begins as something else.
    pub(super) yes_after_all: &'static [&'static str],
    /// A yes in words of another language.
    pub(super) yes_switched: &'static [&'static str],
    /// Between a beginning and the same again.
    pub(super) restart: &'static str,
    pub(super) digits: [&'static str; 10],
    /// Between a "no" and what it is instead.
    pub(super) comma: &'static str,
    /// Between two digits.
    pub(super) space: &'static str,
    /// An amount of money.
    pub(super) amount: &'static str,
    /// A day to come.
    pub(super) day: &'static str,
    /// A time of day.
    pub(super) time: &'static str,
}

pub(super) fn of(lang: Lang) -> &'static Phrases {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

static EN: Phrases = Phrases {
    yes: &["yes", "yes please", "yes that's right", "yeah", "exactly", "right", "yes it is", "correct", "uh yes"],
    no: &["no", "no it's not", "nope", "no that's not it", "no it isn't"],
    neither: &["neither", "no", "neither of them", "none of these"],
    ordinals: ["the first one", "the second one"],
    solved: &["yes", "yes thank you", "yes that helps", "great thanks", "okay thank you", "yes it does"],
    nothing_else: &["no thanks", "no that's all", "no", "nothing else thank you", "that's it, bye"],
    human: &[
        "i want to speak to a person",
        "can i talk to a human please",
        "just put me through to an agent",
        "representative",
        "i'd like to speak with somebody from customer service",
        "give me a real person",
        "operator please",
    ],
    off_topic: &[
        "what will the weather be like on sunday",
        "i'd like to book a table for four at the italian place",
        "can you recommend a good dentist near me",
        "my washing machine is leaking",
        "i want to complain about a parking ticket from the city",
        "what time does the museum open",
        "how do i get to the airport by train",
        "i need somebody to repair my roof",
        "do you sell concert tickets",
        "my internet connection has been down since yesterday",
        "i'm looking for a job in your warehouse",
        "tell me who won the football match",
    ],
    number_unknown: &["i don't know it by heart", "sorry i can't remember that", "no idea"],
    fillers: &["um", "uh", "well", "hello", "hi", "so", "okay so"],
    again: &["sorry what was that", "pardon", "say that again please", "can you repeat that"],
    number_refused: &["i'd rather not say that", "i don't want to tell you my number"],
    yes_after_all: &["no wait yes", "um no sorry yes", "well yes i think so"],
    yes_switched: &["okay", "sure okay"],
    restart: ", uh, ",
    digits: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    comma: ", ",
    space: " ",
    amount: "two hundred yuan",
    day: "tomorrow",
    time: "ten in the morning",
};

static ZH: Phrases = Phrases {
    yes: &["是的", "对", "对的", "没错", "是", "嗯对", "就是这个"],
    no: &["不是", "不对", "不是这个", "没有"],
    neither: &["都不是", "不是", "两个都不是"],
    ordinals: ["第一个", "第二个"],
    solved: &["清楚了", "好的谢谢", "可以", "明白了谢谢", "是的"],
    nothing_else: &["没有了", "没有了谢谢", "不用了", "没别的事了"],
    human: &["转人工", "我要人工客服", "帮我找个真人", "我要跟人说话", "人工服务"],
    off_topic: &[
        "明天天气怎么样",
        "帮我订一家餐厅",
        "我家洗衣机漏水了",
        "去机场怎么坐地铁",
        "博物馆几点开门",
        "昨天的球赛谁赢了",
        "我想找个工作",
        "家里断网了怎么办",
    ],
    number_unknown: &["我记不住", "想不起来了", "不知道"],
    fillers: &["嗯", "那个", "喂", "你好", "就是"],
    again: &["你说什么", "请再说一遍", "没听清楚"],
    number_refused: &["我不想说", "号码不方便告诉你"],
    yes_after_all: &["不是，哦对，是的", "不对，等等，是的"],
    yes_switched: &["ok", "yes", "okay好的"],
    restart: "，呃，",
    digits: ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"],
    comma: "，",
    space: "",
    amount: "两百元",
    day: "明天",
    time: "上午十点",
};
