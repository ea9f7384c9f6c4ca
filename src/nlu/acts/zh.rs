//! The phrases of Mandarin.

use super::Place::{Anywhere, Guarded, Head, Whole};
use super::When::{Always, YesNo};
use super::{Phrases, Table};
use crate::nlu::UserAct;

pub(super) static TABLE: Table = Table { phrases: PHRASES, followers: FOLLOWERS, glue: GLUE };

static PHRASES: &[Phrases] = &[
    Phrases {
        act: UserAct::Affirm,
        place: Head,
        when: Always,
        said: &[
            "是的|对的|没错|正是|确实|当然|可不是|对对|是是|对啊|是啊|对呀|是呀|嗯嗯 对|是? 的|啊|呀|呢?",
            "对|是 就? 是 这个|这样|这笔|这事|它|那个|这件事 的|啊|呀|了?",
            "就是 这个|这样|这笔|这事|它|那个|这件事 的|啊|呀|了?",
            "你 说 的? 对|没错",
            "可以 的|啊",
            "好的",
        ],
    },
    Phrases { act: UserAct::Affirm, place: Guarded, when: Always, said: &["对 对? 对? 对?", "是", "嗯 对|是"] },
    Phrases {
        act: UserAct::Affirm,
        place: Whole,
        when: YesNo,
        said: &[
            "嗯 嗯? 嗯?",
            "好|行|可以|成|有|要|中|哎|诶 的|啊|呀|吧?",
            "没问题",
            "应该 是|对 的|吧?",
            "差不多",
            "okay|ok|yes",
            // "Is that clear?", "does that help?"
            "听? 清楚|明白|懂|了解",
            "能 解决|帮到|用|听懂|听明白?",
        ],
    },
    Phrases {
        act: UserAct::Affirm,
        place: Head,
        when: YesNo,
        said: &[
            "我? 都|全|大概|差不多? 听|弄|搞|看? 清楚|明白|懂 了|啦",
            "我? 都|全|大概? 知道|晓得|了解|会 了|啦",
            "解决|帮到|有用|够用 了|的",
        ],
    },
    Phrases {
        act: UserAct::Deny,
        place: Head,
        when: Always,
        said: &[
            "不是 不是? 的|啊|呀|吧? 这个|这样|这笔|这事|它|那个|这件事? 的|啊|呀?",
            "不对 不对? 的|啊|呀?",
            "错了|说错了|搞错了|弄错了|理解错了|听错了",
            "都 不是|不对",
            "不用|不要|不需要|不必 了|的 谢谢?",
            "没有 没有 了|啊|呀?",
            "并不是|不完全是|也不是",
            "其他|别的|另外 的? 问题|事|事情|原因",
        ],
    },
    Phrases { act: UserAct::Deny, place: Guarded, when: Always, said: &["不 不? 不?", "没 没?", "没有"] },
    Phrases {
        act: UserAct::Deny,
        place: Whole,
        when: YesNo,
        said: &[
            "不用|不要|不需要|不必",
            "没有|没|不|不行|不可以|不好 的|了|啊|呀|过?",
            "哪有",
            "不 太? 是|对|像",
            "no",
            "我? 还是|还|都|也? 不 太|大|是很|怎么? 清楚|明白|懂|了解",
            "我? 还是|还|都|也? 没|没有 太|怎么|大? 听|看|搞|弄? 懂|明白",
            "我? 还是|还|都|也? 听|看|搞|弄 不 太? 懂|明白",
            "还是|还? 没|没有|不能 解决|帮到|用",
            "不能|不管用|解决不了|帮不到|还没|还没有",
        ],
    },
    Phrases {
        act: UserAct::WhoIsThis,
        place: Anywhere,
        when: Always,
        said: &[
            "你|您|你们 是|到底是 谁|哪位|哪里|什么人|哪儿|什么公司",
            "你|您|这 是? 不? 是 机器人|真人|机器|人工智能|电脑|智能客服|录音|机器人说话|人 吗|吧|还是真人|还是人工?",
            "是 不是? 机器人|真人 吗|在? 说话?",
            "我 在|是在 跟|和 谁 说话|讲话",
        ],
    },
    Phrases {
        act: UserAct::Agent,
        place: Anywhere,
        when: Always,
        said: &[
            "转|接|找|换|叫|要|给我|帮我|请|我要|转到|转接|接通 我|到|个|一下|下|给? 人工|真人|客服|坐席|专员|经理|主管 客服|服务|坐席|专员? 吧|处理?",
            "人工 客服|服务|坐席|专员|咨询?",
            "跟|和|找|让|换|叫 个|一个|你们|真|真的|你们的? 真人|活人|人|客服|经理|主管|领导 来? 说|讲|谈|聊|接|来|解释|处理 话|电话|一下?",
            "不 想? 跟|和 机器人|机器 说话|说|讲|聊",
            "真人 客服|服务?",
        ],
    },
    Phrases { act: UserAct::Agent, place: Whole, when: Always, said: &["客服", "接线员"] },
    Phrases {
        act: UserAct::Repeat,
        place: Anywhere,
        when: Always,
        said: &[
            "再 说|讲|来|念|重复 一|1? 遍|次|下",
            "重|重新|重复 说|讲|一? 一|下? 遍|次|下",
            "重复 一? 遍|下",
            "你|您 刚才|刚刚? 说|讲 什么|啥|的什么|了什么",
            "没|没有|听不 听|太? 听? 清|清楚|懂|明白|见",
            "听不 清|清楚|见|懂|到|明白",
            "说|讲 慢|大声 一点|点|些",
        ],
    },
    Phrases {
        act: UserAct::Repeat,
        place: Whole,
        when: Always,
        said: &["什么|啥|什么意思|啥意思 啊|呀?", "你说什么|您说什么|说什么", "啊 什么|啥"],
    },
    Phrases {
        act: UserAct::Help,
        place: Anywhere,
        when: Always,
        said: &[
            "我|我能|能|可以|可 可以|能|该|应该? 说|问 什么|哪些|啥|些什么",
            "你|您|你们 能|会|可以|都能 做|帮我|干|办 做|干|办? 什么|啥|哪些",
            "怎么 用|说|使用 这个? 才|好?",
            "有 什么|哪些 选项|选择",
            "不 知道 怎么|该怎么 说|讲|问|表达|描述",
        ],
    },
    Phrases {
        act: UserAct::Help,
        place: Whole,
        when: Always,
        said: &["帮助|帮忙|帮帮我|帮我", "不知道|我不知道|不清楚|我不清楚"],
    },
    Phrases {
        act: UserAct::Wait,
        place: Head,
        when: Always,
        said: &[
            "你|您|麻烦|请? 等|稍 一|等? 等|下|会|会儿|一下|一会|一会儿 啊|哈?",
            "等等",
            "稍等|等会|等下 一下|下|片刻|会|儿?",
            "我? 看|找|想|查 一? 下|看|找|想|一下 啊?",
            "别 挂|急",
        ],
    },
    Phrases {
        act: UserAct::Goodbye,
        place: Anywhere,
        when: Always,
        said: &[
            "再见|拜拜|再会|拜",
            "没|没有|就 别的|其他|其它|什么? 事|问题|事情|事儿|的 情? 了",
            "没事|没别的|没有别的|没有了没有|没了|就这些|就这样|没什么事 了|吧|儿? 了?",
            "先|那|那就 这样 吧|了",
            "挂 了|吧|电话了",
            "不 需要|用 别的|其他 了|的?",
        ],
    },
    Phrases {
        act: UserAct::Thank,
        place: Anywhere,
        when: Always,
        said: &["谢谢|多谢|感谢|谢了|谢谢啊|辛苦 你|您|你们|了|啊?", "麻烦 你|您 了", "thank you", "thanks"],
    },
    Phrases {
        act: UserAct::Upset,
        place: Anywhere,
        when: Always,
        said: &[
            "什么 破|垃圾|烂 服务|玩意|玩意儿|东西|客服|公司|平台|系统|软件?",
            "垃圾 平台|公司|客服|服务|软件|东西?",
            "气死|烦死|急死|坑死|服 我? 了",
            "他妈|他妈的|妈的|操|靠|滚|混蛋|王八蛋|骗子|神经病|有病|脑子有病",
            "打|打了|说|说了|讲了|反映|反映了|问了 好|那么|这么|很|几|三|四|五|多少 多|几|少? 次|遍|回 了?",
            "太 过分|差劲|离谱|烂|气人|坑|差 了",
            "忍 不了|无可忍",
            "受 不了|够了",
            "浪费 我? 的? 时间",
        ],
    },
    Phrases {
        act: UserAct::Filler,
        place: Whole,
        when: Always,
        said: &[
            "喂 喂? 喂?",
            "你好|您好|哈喽|hello|hi 啊|呀?",
            "好|行|哦|嗯|这样|那个|这个|就是|然后 的|啊|吧|呀?",
            "在吗|在不在|有人吗|能听到吗|听得到吗",
        ],
    },
];

/// What may follow a bare yes or no.
static FOLLOWERS: &[&str] = &["我|这|那|就|但|可|你|您|请|帮|麻烦|谢|因为|其实|另外|不过|它|呃|嗯|啊|好|没错|的话|了"];

/// Words that describe no problem.
static GLUE: &[&str] = &[
    "我|你|您|我们|你们|要|想|请|麻烦|帮|给|能|可以|可|能不能|可不可以|一下|下|吧|吗|呢|啊|的|了|就|先|那|这|这个|那个|然后|就是",
    "是|有|个|事|问|问题|好|还|也|都|不|没|没有|别|跟|和|找|到|来|说|讲|现在|直接|赶紧|快|赶快|立刻|马上|得|行|让|喂|你好|您好|怎么|一|太|好吗|好不好",
];
