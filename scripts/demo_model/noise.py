"""Varies the wording of training questions, so that a model learns what is asked rather than forty sentences by heart:
synonyms, words left out, put in or replaced, a sentence about something else before or after. Only the template's own
text is touched, never what fills its slots. The test side never passes through here.

Usage: import only.
"""
import re

from words import WORDS

SLOT = re.compile(r"(\{\{?[^{}]*\}\}?)")

SYNONYMS_EN = [g.split("|") for g in (
    "Find|Compute|Calculate|Determine|Work out|Give|Get|Figure out|Obtain|Tell me|State|Please find|I need|Name",
    "What is|What's|What would be|Tell me|Do you know|Can you tell me|Find|I want to know",
    "How many|What number of|Find how many|Tell me how many|Count how many|Say how many",
    "How much is|What is|How much would be|What do you get for", "are there|do we have|exist|can be found|will there be|would there be",
    "in all|in total|altogether|together|overall|as a whole|combined", "has|owns|holds|keeps|possesses|got", "costs|is priced at|sells for|goes for|is sold at",
    "travels|goes|moves|drives|runs|proceeds", "train|car|bus|truck|ship|lorry|van|coach|tram", "needs|requires|takes", "left|remaining|left over|over", "gets|receives|obtains|earns",
    "number|value|figure", "smallest|lowest|least|minimal", "largest|highest|biggest|greatest|maximal", "larger|bigger|greater|higher", "smaller|lower|less",
    "Sort|Arrange|Order|Rank|Put in order", "appear|occur|show up|turn up|come up", "letter|character|symbol", "word|string", "there are|we see|one finds|you can see|there were",
    "shop|store|market|kiosk", "farm|yard|meadow|stable|barn", "cage|pen|coop|box", "farmer|man|woman|boy|girl|peasant|neighbour", "reduced|lowered|cut|discounted", "increased|raised|lifted",
    "cover|travel|manage|go", "in terms of|expressed in|using", "equation|relation", "satisfies|has|fulfils|obeys", "Given|Suppose|Assume|We know|Let us take|With", "If|When|Suppose|In case|Provided", "and|as well as|along with",
    "box|crate|case|basket|drawer", "apart|away from each other|distant", "towards each other|at each other|in opposite directions to meet", "how long|how much time", "each|every one|per piece|apiece", "buys|purchases|gets|orders", "pays|hands over|gives",
    "children|kids|pupils|people|friends|students", "morning|beginning|forenoon", "now|at present|today|by now", "then|after that|afterwards", "original|old|former|previous", "sum|total", "write|put down|note", "with|having|of",
)]
SYNONYMS_ZH = [g.split("|") for g in (
    "多少|几|几多", "求出|计算|算出|求|请求出|请算出|试求|求一下", "共有|一共有|总共有|合计有|共计有", "是多少|等于多少|为多少|是几|等于几|得多少", "分别|各自|各", "需要|要|得要|须", "请问|想问|想知道|问|告诉我", "现在|如今|目前", "还剩|剩下|还余|剩", "购买|买|买了",
    "排列|排序|排好|排", "从小到大|由小到大|从低到高|由低到高", "从大到小|由大到小|从高到低|由高到低", "出现|出现过", "单词|英文单词|英语单词|词", "已知|若|设|如果|假如|现有", "相遇|碰面|遇到", "追上|赶上|追到", "汽车|火车|客车|卡车|轿车|公交车|摩托车", "行驶|走|行|开", "农场|院子|农家|养殖场", "笼子|笼|圈",
    "商店|超市|商场|店里", "学校|小学|中学", "降价|减价|优惠|便宜", "上涨|增加|提高|增长", "原价|原来的价格|原先的价格", "现价|现在的价格|新价格", "满足|符合", "写成|表示成|写作", "换算成|化成|转换成|换成|变成", "图书馆|书店|阅览室", "一共|总共|共|合计", "平均分成|平均分给|均分给|分成", "每箱|每盒|每袋|每筐", "单价|价格", "和|与|跟|及", "同时|一起", "今天|昨天|上周",
)]
_lookup_en = {w: [x for x in g if x != w] for g in SYNONYMS_EN for w in g}
_lookup_zh = {w: [x for x in g if x != w] for g in SYNONYMS_ZH for w in g}
FIND_EN = re.compile(r"(?<![A-Za-z])(" + "|".join(sorted(map(re.escape, _lookup_en), key=len, reverse=True)) + r")(?![A-Za-z])", re.I)
FIND_ZH = re.compile("|".join(sorted(map(re.escape, _lookup_zh), key=len, reverse=True)))

# Words that alone decide what is asked: they stay.
KEEP_EN = set(
    "plus minus times divided sum difference product quotient remainder area perimeter surface volume circumference radius diameter larger bigger greater smaller less more ascending descending "
    "smallest largest increasing decreasing lowest highest least greatest common multiple divisor gcd lcm max min off discount reduced reduction percent increase increased rises raised grows up before original "
    "arithmetic geometric ratio first term terms general formula closed letters letter far fast long speed distance time towards meet ahead behind catch change legs heads cube square circle cylinder box "
    "rectangle triangle parallelogram trapezoid prism json wide high from to by of off subtract add multiply divide take away left and or less not sold is much many back backward backwards forward forwards fewer further ahead onward rise rises fall falls fell drop drops "
    "decrease decreased than gives gave lost loses ate used spent spends broke bought gets got added remain remains older taller in per between into total".split())
KEEP_ZH = set("上下左右回退进往倒再又共前后了吃用丢拿走飞来给加减乘除和差积商余多少大小升降增涨便宜原现体面周表径底高半直最公约倍因首项比等前通递几去从到打折占百分速度路程时间相向追遇同后单位换算字母长正圆柱梯形平行三角棱排序数列占剩还卖送买找")
FILL_EN = ("the now please then so well some just really very of to for this that there here also only it one my our your nice simple little short quick again today tomorrow always "
           "certain given following exactly about indeed maybe kindly").split() + WORDS[:300]
FILL_ZH = "的了呢吧啊请就这那个一在里中也都很好快帮我你们他她它有是会能可以着过给对于与及其之所得地今明天年月日"

BEFORE_EN = ("I am learning this at school. ", "My teacher asked me this. ", "Here is a problem. ", "Try this one. ", "I have a question. ", "Be careful. ", "This one is easy. ", "Good morning! ", "Let me ask you something. ", "For my homework: ",
             "Could you do this for me? ", "Look at this. ", "A short exercise. ", "Next one: ", "I wonder about this. ", "Test: ", "Dear model, ", "It is a nice day. ", "We had this in class today. ", "Think about this: ", "Solve this for me. ", "Math question. ")
AFTER_EN = (" Thanks!", " Thank you.", " Thanks in advance.", " Be exact.", " Please be careful.", " Take your time.", " I need the answer today.", " Only the result, please.", " Can you do that?", " Answer in one line.", " No tricks.",
            " Check your result.", " That is all.", " Please answer quickly.", " I am curious.", " Give the result.", " What do you think?")
BEFORE_ZH = ("我在学数学。", "老师问了我这道题。", "有一道题：", "试试这个：", "我有个问题。", "仔细看题。", "这题不难。", "早上好！", "请看题。", "作业：", "能帮我做这道题吗？", "下一题：", "小测验：", "今天天气不错。", "想一想：", "考考你：", "来一道题。", "帮我看看这题：", "同学问我：", "例题：")
AFTER_ZH = ("谢谢！", "谢谢。", "请仔细算。", "不要算错。", "我今天就要答案。", "只要结果。", "你会吗？", "请检查一下结果。", "就这样。", "请快点回答。", "我很好奇。", "拜托了。", "请给出结果。")


def pick(r, seq):
    return seq[int(r.random() * len(seq))]


def synonyms(r, text, zh, p):
    def swap(m):
        if r.random() > p:
            return m.group()
        w = m.group()
        if zh:
            return pick(r, _lookup_zh[w])
        options = _lookup_en.get(w) or _lookup_en.get(w.capitalize()) or _lookup_en.get(w.lower())
        if not options:
            return w
        new = pick(r, options)
        return new[0].upper() + new[1:] if w[0].isupper() else new[0].lower() + new[1:]
    return (FIND_ZH if zh else FIND_EN).sub(swap, text)


def roughen(r, text, zh, p):
    """Leaves words out (or Chinese characters), replaces some, puts others in, each with a chance of about p."""
    if zh:
        out = []
        for ch in text:
            u = r.random()
            if u < 3 * p and "\u4e00" <= ch <= "\u9fff" and ch not in KEEP_ZH:
                if u < p:
                    continue
                out.append(pick(r, FILL_ZH) if u < 2 * p else ch + pick(r, FILL_ZH))
            else:
                out.append(ch)
        return "".join(out)
    words = text.split(" ")
    out = []
    for w in words:
        u = r.random()
        if u < 3 * p and w.isalpha() and w.lower() not in KEEP_EN:
            if u < p:
                continue
            out.append(pick(r, FILL_EN))
            if u > 2 * p:
                out.append(w)
        else:
            out.append(w)
    return " ".join(out)


def vary(r, template, zh):
    """A template for one training question; slots stay as they are."""
    u = r.random()
    if u < 0.3:
        return template
    parts = SLOT.split(template)
    rough = 0.0 if u < 0.6 else 0.03 if u < 0.85 else 0.08
    for i in range(0, len(parts), 2):
        if parts[i].strip():
            parts[i] = synonyms(r, parts[i], zh, 0.35)
            if rough:
                parts[i] = roughen(r, parts[i], zh, rough)
    out = "".join(parts)
    return out if out.strip() else template


def around(r, question, zh):
    """A sentence before or after that has nothing to do with the problem."""
    u = r.random()
    if u < 0.05:
        return pick(r, BEFORE_ZH if zh else BEFORE_EN) + question
    if u < 0.1:
        return question + pick(r, AFTER_ZH if zh else AFTER_EN)
    return question
