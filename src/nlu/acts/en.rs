//! The phrases of English.

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
            "yes|yeah|yep|yup|yah|aye yes|yeah? please?",
            "yes|yeah i do|am|did|have|would",
            "yes|yeah it|that is|was|does",
            "yes|yeah? that's|thats|that|its|it's is? exactly? right|correct|true|it|exactly please?",
            "exactly|correct|absolutely|definitely|indeed|precisely",
            "of course",
            "you got it",
            "you're|you are right|correct|spot on?",
            "that's|that is? the one|reason",
            "that's what i'm|i am? calling|ringing? about|for",
        ],
    },
    Phrases {
        act: UserAct::Affirm,
        place: Whole,
        when: YesNo,
        said: &[
            "okay|ok|sure|fine|alright|right|great|perfect|good|go|please|certainly ahead|thing|enough? please?",
            "all right",
            "uh huh",
            "mhm|mm|hmm|uhhuh hmm|hm?",
            "it|that|this|there|they is|was|does|did|are",
            "i|we do|am|did|have|would|think|guess|believe so?",
            "that's|thats it",
            "that one",
            "sounds good|right|about? right?",
            "please do",
            "why not",
            "spot on",
        ],
    },
    Phrases {
        act: UserAct::Deny,
        place: Head,
        when: Always,
        said: &[
            "no|nope no? no? thanks|thank you?",
            "no|nope? it's|its|it|that's|thats|that|this is? isn't|wasn't|not it|right|correct|that|this|quite|one|true one?",
            "no|nope i|we don't|didn't|haven't",
            "i don't|do|dont not? think so",
            "not that|this|quite|exactly|really|at|it one|all|right?",
            "that's|thats|that is? wrong|incorrect",
            "none|neither of? them|those|these|either?",
            "something else|different",
            "i don't|didn't want|mean that",
            "you got it wrong",
        ],
    },
    Phrases { act: UserAct::Deny, place: Guarded, when: Always, said: &["no", "nope", "nah"] },
    Phrases {
        act: UserAct::Deny,
        place: Guarded,
        when: YesNo,
        said: &[
            "no|nope? it's|its|it|that's|thats|that|this is|isn't|wasn't|not? not about|to? do? with?",
            "it|that|this isn't|wasn't about?",
            "not about?",
        ],
    },
    Phrases {
        act: UserAct::Deny,
        place: Whole,
        when: YesNo,
        said: &[
            "i|we don't|didn't|haven't|wouldn't|never did|have|do?",
            "it|that|they isn't|wasn't|doesn't|didn't|aren't|hasn't",
            "never|wrong|incorrect|not|negative",
            "not now|today|yet",
        ],
    },
    Phrases {
        act: UserAct::WhoIsThis,
        place: Anywhere,
        when: Always,
        said: &[
            "who|who's is|am|are? this|i|you|that|there speaking|talking|calling? to|with? now?",
            "am i speaking|talking to|with a|an robot|machine|computer|bot|human|person|recording|real person|human?",
            "are you a|an|really? real|actual|live? robot|machine|computer|bot|human|person|recording|ai|real",
            "is this a|an real|actual|live? robot|machine|computer|bot|human|person|recording|ai",
            "what company|bank is this",
        ],
    },
    Phrases {
        act: UserAct::Agent,
        place: Anywhere,
        when: Always,
        said: &[
            "operator|human|representative|receptionist|supervisor|manager being?",
            "a|an|the|your? real|live|actual|human person|human|being|agent|operator|advisor|adviser|one|voice",
            "someone|somebody real|human|alive",
            "agent|advisor|adviser|associate please?",
            "customer|client service|services|support|care rep|agent|representative|person|desk",
            "speak|talk|speaking|talking|chat|connected|connect|transferred|transfer|through me? to|with a|an|the|some|any|your|one? \
             of? your|you? live|real|actual|human? person|people|someone|somebody|anyone|anybody|one|guy|lady|member|staff|team|colleague|\
             colleagues|agent|advisor|adviser|operator|human|representative|manager|supervisor|department|customer else? service|services|support|of? staff?",
            "put|patch|get|connect|transfer me through|over? to? a|an|the? someone|somebody|anyone|person|human|agent|operator|advisor|adviser|manager|representative? please?",
            "put me through",
            "get me somebody|someone|a|an person|human|agent|manager?",
        ],
    },
    Phrases {
        act: UserAct::Agent,
        place: Whole,
        when: Always,
        said: &["customer service|services|support|care", "a? person|someone|somebody please?"],
    },
    Phrases {
        act: UserAct::Repeat,
        place: Anywhere,
        when: Always,
        said: &[
            "say|repeat that|it|this? again|once|one more? time? more?",
            "say that|it once|one more time?",
            "repeat that|it|this|please|yourself|the question|last? question?",
            "what did you say|just? say?",
            "what was|is that|the question again?",
            "didn't|couldn't|can't|cannot|did|could|don't not? quite|really? hear|catch|get|understand you|that|it|what? you? said|say|properly|clearly?",
            "come again",
            "speak|talk louder|slower|up more? slowly|clearly?",
            "beg your pardon",
            "once more",
            "one more time",
            "i missed that",
        ],
    },
    Phrases {
        act: UserAct::Repeat,
        place: Whole,
        when: Always,
        said: &[
            "sorry|pardon|what|eh|excuse|huh what|me|pardon?",
            "repeat|again",
            "say what",
            "i'm? sorry what|pardon?",
        ],
    },
    Phrases {
        act: UserAct::Help,
        place: Anywhere,
        when: Always,
        said: &[
            "what can|should|could|do i say|ask|choose",
            "what are my|the options|choices",
            "what can|do you do help? me|with?",
            "how does this work",
            "i don't know what|how to say|do|ask|put it?",
            "i don't know how to say|put|describe|explain it|that|this?",
        ],
    },
    Phrases {
        act: UserAct::Help,
        place: Whole,
        when: Always,
        said: &[
            "i? need|want? some? help me|please?",
            "can|could you help me|please?",
            "i don't know",
            "i'm not sure",
            "no idea",
            "i'm lost|confused",
        ],
    },
    Phrases {
        act: UserAct::Wait,
        place: Head,
        when: Always,
        said: &[
            "hold|hang on|up a|one|for|just? a? moment|second|minute|sec|min|bit?",
            "give me a|one|just? moment|second|minute|sec|min|while",
            "wait a|one|just|for? a? moment|second|minute|sec|min|while?",
            "just? one|a moment|second|minute|sec|min please?",
            "bear with me",
            "let me check|see|think|look|find|get|grab it|that|something?",
            "wait",
        ],
    },
    Phrases {
        act: UserAct::Goodbye,
        place: Anywhere,
        when: Always,
        said: &[
            "goodbye|bye|byebye bye? now?",
            "good bye|night",
            "that's|thats|that|that'll|that is|was|will|would? be? all|everything i? needed|wanted|for? today|now? then?",
            "nothing else|more for? today|now?",
            "i'm|i am done|finished|all? good|set?",
            "have a nice|good|great|lovely day|evening|one|weekend",
            "see you later|soon?",
            "i'll hang up|leave it now|there?",
        ],
    },
    Phrases { act: UserAct::Goodbye, place: Whole, when: Always, said: &["that's|thats it", "nothing", "never mind"] },
    Phrases {
        act: UserAct::Thank,
        place: Anywhere,
        when: Always,
        said: &[
            "thanks|thank|cheers|ta you|ever|very|so|a? so|very|lot? much|lot? for? your|the? help|time?",
            "much appreciated",
            "i appreciate it|that|your help?",
        ],
    },
    Phrases {
        act: UserAct::Upset,
        place: Anywhere,
        when: Always,
        said: &[
            "ridiculous|useless|unacceptable|outrageous|disgusting|appalling|nonsense|rubbish|joke|disgrace",
            "fed up",
            "sick of this|it|you|waiting|you?",
            "pissed off?",
            "fuck|fucking|fucked|shit|bullshit|damn|bloody|crap|hell|bastards hell|it|off?",
            "i|i've|we|we've have? already? been? called|calling|rung|phoned|rang already|you|before|twice|three|four|five|several|many|so many? before|times?",
            "second|third|fourth|fifth|tenth|hundredth time i|i've|that|i'm|i am? have|called|call|calling|rung|ring|phoned|had? to? called|call?",
            "terrible|awful|worst|horrible|pathetic service|company|bank|hotline|experience",
            "waste|wasting of? my? time",
            "for god's|goodness|heaven's|christ's sake",
            "i'm|i am so|really|very|getting|extremely? angry|furious|annoyed|frustrated|upset",
        ],
    },
    Phrases {
        act: UserAct::Filler,
        place: Whole,
        when: Always,
        said: &[
            "hello|hi|hey|hiya there|hello|again?",
            "good morning|afternoon|evening|day",
            "okay|ok|right|sure|alright|yes|well|so|anyway",
            "i see",
            "all right",
            "uh huh",
            "mhm|mm hmm|hm?",
            "are you there|still? there?",
            "you know",
            "let's|lets see",
        ],
    },
];

/// What may follow a bare "no".
static FOLLOWERS: &[&str] = &[
    "i|i'm|i've|i'd|we|we're|it|it's|its|that|that's|this|there|there's|they|you|what|the|my|not|sorry|actually|please",
    "but|because|is|isn't|wasn't|thanks|thank|for|about|about|just|let|don't|can|could|another|other|well|wait|a|an|on|yes",
];

/// Words that describe no problem.
static GLUE: &[&str] = &[
    "i|i'm|i'd|me|my|you|your|we|it|it's|this|that|is|am|are|was|be|a|an|the|to|of|with|for|and|but|so|or|on|in|at|do|does|did|have",
    "would|like|can|could|may|will|want|need|wanna|please|just|now|then|well|actually|maybe|really|right|okay|ok|sorry|here|today",
    "hello|hi|hey|good|morning|afternoon|evening|sir|madam|miss|let|get|got|tell|again|some|one|them|all|there|if|not|no|yes|yeah",
];
