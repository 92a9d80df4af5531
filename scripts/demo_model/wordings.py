"""How problems are asked, in English and Chinese. WORDINGS[kind][sub] = (English list, Chinese list).

`[a|b]` draws one of its alternatives, `{slot}` is filled from the problem. Every fifth wording of a list (the 5th, 10th,
...) is never trained on: it is kept for the held-out score on unseen wordings. Lists therefore have five entries or more.

Usage: import only.
"""

WORDINGS = {
    "add": {
        "two": (
            ["{e}", "{e}=?", "{e} = ?", "[What is|What's|what is] {e}?", "[Work out|Evaluate] the sum {e}.",
             "[Calculate|Compute|Evaluate|Find|Solve] {e}[.|]", "What is {a} plus {b}?", "What is the sum of {a} and {b}?",
             "[Add|Please add] {a} and {b}[.|]", "How much is {a} and {b} [together|altogether]?", "{a} plus {b} [equals what|is what|is]?",
             "[Find|Calculate|Compute] the sum of {a} and {b}.", "Add {b} to {a}[.|]", "How much is {e}?", "What do you get when you add {b} to {a}?",
             "[Tell me|Give me] the [result|value] of {e}.", "I have {a} and get {b} more. [How many do I have now|How many is that in total]?",
             "[Do|Carry out] this addition: {e}", "What does {e} equal?", "A shop sold {a} items on Monday and {b} on Tuesday. How many [in total|in all]?"],
            ["{e}", "{e}=?", "{e}等于多少？", "计算{e}。", "请算一算{e}的结果。", "[计算|求]：{e}", "{a}加{b}等于[多少|几]？", "{a}加上{b}是多少？",
             "求{a}与{b}的和。", "{a}和{b}相加得多少？", "{a}和{b}的和是多少？", "[请计算|请问]{e}[是多少？|等于几？]", "把{a}和{b}加起来[，结果是多少？|。]",
             "{e}的[结果|值]是多少？", "比{a}多{b}的数是多少？", "[帮我算一下|算一下]{e}", "{e}=", "小明有{a}元，又得到{b}元，现在一共有多少元？",
             "求和：{e}", "仓库原有{a}箱货物，又运来{b}箱，现在共有多少箱？"]),
        "three": (
            ["{e}", "{e} = ?", "What is {e}?", "[Calculate|Compute|Find] {e}[.|]", "What is the total of {a}, {b} and {c}?", "Add {a}, {b} and {c}.",
             "What is the sum of {a}, {b} and {c}?", "[Work out|Evaluate] {e}."],
            ["{e}", "{e}=?", "{e}等于多少？", "计算{e}。", "求{a}、{b}、{c}三个数的总和。", "{a}、{b}、{c}的和是多少？", "[求|计算]：{e}", "{a}加{b}加{c}等于多少？"]),
    },
    "sub": {
        "two": (
            ["{e}", "{e}=?", "{e} = ?", "[What is|What's|what is] {e}?", "[Work out|Evaluate] the difference {e}.",
             "[Calculate|Compute|Evaluate|Find|Solve] {e}[.|]", "What is {a} minus {b}?", "Subtract {b} from {a}[.|]", "[Take|Please take] {b} away from {a}[.|]",
             "What is left when {b} is taken from {a}?", "{a} minus {b} [equals what|is what|is]?", "[Find|Calculate|What is] the difference {a} - {b}[.|]",
             "How much is {a} less {b}?", "How much is {e}?", "What do you get when you subtract {b} from {a}?", "[Tell me|Give me] the [result|value] of {e}.",
             "[Do|Carry out] this subtraction: {e}", "What does {e} equal?", "What number is {b} less than {a}?", "Start at {a} and go down by {b}. What number do you reach?"],
            ["{e}", "{e}=?", "{e}等于多少？", "计算{e}。", "请算一算{e}的结果。", "[计算|求]：{e}", "{a}减{b}等于[多少|几]？", "{a}减去{b}是多少？",
             "求{a}与{b}的差。", "从{a}里去掉{b}还剩多少？", "{a}和{b}的差是多少？（用{a}减{b}）", "[请计算|请问]{e}[是多少？|等于几？]", "比{a}少{b}的数是多少？",
             "{e}的[结果|值]是多少？", "被减数是{a}，减数是{b}，差是多少？", "[帮我算一下|算一下]{e}", "{e}=", "求差：{e}"]),
    },
    "mul": {
        "two": (
            ["{e}", "{e}=?", "{e} = ?", "[What is|What's|what is] {e}?", "[Work out|Evaluate] the product {e}.",
             "[Calculate|Compute|Evaluate|Find|Solve] {e}[.|]", "What is {a} times {b}?", "Multiply {a} by {b}[.|]", "[Multiply|Please multiply] {a} and {b}[.|]",
             "What do you get when you multiply {a} by {b}?", "{a} times {b} [equals what|is what|is]?", "[Find|Calculate|Compute] the product of {a} and {b}.",
             "What is the product of {a} and {b}?", "How much is {e}?", "There are {a} boxes with {b} eggs each. How many eggs are there?",
             "[Tell me|Give me] the [result|value] of {e}.", "What is {a} multiplied by {b}?", "[Do|Carry out] this multiplication: {e}", "What does {e} equal?",
             "A school has {a} classes of {b} pupils. How many pupils are there in total?", "Each of {a} rows has {b} seats. How many seats are there [in all|]?"],
            ["{e}", "{e}=?", "{e}等于多少？", "计算{e}。", "请算一算{e}的结果。", "[计算|求]：{e}", "{a}乘{b}等于[多少|几]？", "{a}乘以{b}是多少？",
             "求{a}与{b}的积。", "{a}和{b}相乘得多少？", "{a}和{b}的积是多少？", "[请计算|请问]{e}[是多少？|等于几？]", "{a}个{b}[是多少|相加等于多少]？",
             "{e}的[结果|值]是多少？", "每箱有{b}个苹果，{a}箱一共有多少个？", "[帮我算一下|算一下]{e}", "{e}=", "{a}的{b}倍是多少？", "求积：{e}",
             "一个剧院有{a}排座位，每排{b}个，共有多少个座位？", "学校有{a}个班，每班{b}人，一共有多少人？"]),
    },
    "div": {
        "div": (
            ["{e}", "{e}=?", "{e} = ?", "[What is|What's|what is] {e}?", "[Work out|Evaluate] the quotient {e}[, with the remainder if there is one|].",
             "[Calculate|Compute|Evaluate|Find|Solve] {e}[.|]", "What is {a} divided by {b}?", "Divide {a} by {b}[.|]",
             "[Divide|Please divide] {a} by {b} and give the remainder if there is one.", "How many times does {b} go into {a}[, and what is left|]?",
             "{a} divided by {b} [equals what|is what|is]?", "[Find|Give] the quotient and remainder of {e}.", "Find the quotient of {a} and {b}.", "How much is {e}?",
             "What are the quotient and the remainder when {a} is divided by {b}?", "[Tell me|Give me] the [result|value] of {e}.",
             "[Do|Carry out] this division: {e}", "What does {e} equal?", "{a} sweets are shared equally among {b} children. How many does each get[, and how many are left|]?",
             "Split {a} into groups of {b}. How many full groups are there, and how many are left over?"],
            ["{e}", "{e}=?", "{e}等于多少？", "计算{e}。", "请算一算{e}的结果。", "[计算|求]：{e}", "{a}除以{b}等于[多少|几]？", "{a}除以{b}是多少？",
             "求{a}除以{b}的商[和余数|]。", "把{a}平均分成{b}份，每份是多少[，还剩多少|]？", "{a}除以{b}，商和余数[各|分别]是多少？", "[请计算|请问]{e}[是多少？|等于几？]",
             "{a}里面有几个{b}？", "{e}的[结果|值]是多少？", "被除数是{a}，除数是{b}，求商[与余数|和余数]。", "[帮我算一下|算一下]{e}", "{e}=", "用{b}去除{a}，得多少？",
             "有{a}块糖，平均分给{b}个小朋友，每人分几块[，还剩几块|]？"]),
    },
    "chickens": {
        "both": (
            ["[There are|A farm has|A farmer has] {A} and {B}[ on a farm| in a cage|], {h} heads and {f} {feet}[ in all| in total|]. How many {A} and how many {B} are there?",
             "A cage holds {A} and {B}. There are {h} heads and {f} {feet}. [How many of each are there?|How many of each?|Find the number of each.]",
             "{A} and {B}: {h} heads, {f} {feet}. How many [{A} and {B}|of each]?",
             "There are {h} heads and {f} {feet} among {A} and {B}. How many {A} and {B} are there?",
             "On a farm there are only {A} and {B}. Together they have {h} heads and {f} {feet}. How many {A} and how many {B} live there?",
             "[Some|Several] {A} and {B} [are|sit] in [a|the same] [cage|pen|yard]. [I count|One counts|You count] {h} heads and {f} {feet}. How many {A} and {B} are there?",
             "A farmer counts {h} animals, all {A} and {B}, with {f} {feet} [altogether|in total]. [Find|Determine] how many of each [he has|there are].",
             "{h} animals, {A} and {B}, have {f} {feet} in all. How many {A} and how many {B}[ are there|]?",
             "In a [yard|barn|field] with {A} and {B} there are {h} heads and {f} {feet} in total. [Find|Work out] the number[s|] of {A} and {B}.",
             "If {A} and {B} together have {f} {feet} and {h} heads, how many {A} and how many {B} are there?",
             "A pen contains {A} and {B}; {h} heads, {f} {feet}. How many {A}, how many {B}?",
             "[Solve|Here is] the classic {A} and {B} problem: {h} heads and {f} {feet}. How many of each?",
             "A [farmer|man|woman] keeps {h} {A} and {B} with a total of {f} {feet}. How many {A} and {B} does [he|she] keep?",
             "Given {A} and {B} with {h} heads and {f} {feet}, [find|compute] the number of {A} and the number of {B}.",
             "I see {h} heads and {f} {feet} in a yard of {A} and {B}. How many {A} and {B} do I see?",
             "There [are|were] {h} {A} and {B} in total. They have {f} {feet} altogether. How many {A} and how many {B} are there?"],
            ["[鸡兔同笼问题：|]{a}[和|与]{b}[共有|共]{h}个头，{f}只{feet}，{a}和{b}各有多少只？", "笼子里有{a}和{b}[若干只|]，[从上面数有|共有]{h}个头，[从下面数有|共有]{f}只{feet}，[问|请问|]{a}和{b}各[有|]几只？",
             "{a}{b}同笼，[共有|共]{h}个头，{f}只{feet}，[求|问]{a}和{b}各[有|]多少只[。|？]", "[一个笼子里|农场里|院子里]有{a}和{b}共{h}只，[脚共有|共有脚|一共有]{f}只[脚|]，{a}和{b}各有多少只？",
             "{a}与{b}共{h}只，它们共有{f}只{feet}，问{a}、{b}各几只？", "今有{a}{b}同笼，上有{h}头，下有{f}{feet}，问{a}{b}各几何？",
             "农场养了{a}和{b}[一共|共]{h}只，数一数共有{f}只{feet}。[请问|]{a}和{b}[各|分别]有多少只？", "有{a}和{b}共{h}只，[一共有|合计]{f}条{feet}，[求|问]{a}、{b}的只数[。|？]",
             "{a}和{b}[加起来|合起来]有{h}个头、{f}只{feet}，{a}有几只？{b}有几只？", "院子里{a}和{b}的头共{h}个，{feet}共{f}只，{a}和{b}分别有多少只？",
             "{h}个头，{f}只{feet}，{a}和{b}各多少？", "[小明|爷爷|农民]家[养了|有]{a}和{b}共{h}只，共有{f}只{feet}，{a}和{b}各[养了|有]多少只？",
             "已知{a}、{b}共有{h}个头和{f}只{feet}，求{a}和{b}[各有多少只|的数量]。", "{a}和{b}在同一个笼子里，头{h}个，{feet}{f}只，求各有多少只。",
             "笼中{a}{b}共有头{h}个、{feet}{f}只，试求{a}、{b}各多少只。", "一个笼子里有{a}和{b}，共{h}个头，{f}只{feet}。{a}和{b}各有几只？"]),
        "one": (
            ["[There are|A farm has] {A} and {B}, {h} heads and {f} {feet} in all. How many {one} are there?",
             "A cage holds {A} and {B}. There are {h} heads and {f} {feet}. How many {one}[ are there|]?",
             "{h} animals, {A} and {B}, have {f} {feet}. How many of them are {one}?",
             "Among {A} and {B} there are {h} heads and {f} {feet}. Find the number of {one}.",
             "A farmer has {h} {A} and {B} with {f} {feet} in total. How many {one} does the farmer have?",
             "[If|When] {A} and {B} have {h} heads and {f} {feet}, how many {one} are there?"],
            ["{a}和{b}共有{h}个头，{f}只{feet}，{one}有多少只？", "笼子里有{a}和{b}，共有{h}个头，{f}只{feet}，[问|请问|]{one}有几只？",
             "{a}{b}同笼，共{h}个头，{f}只{feet}，求{one}的只数。", "农场里{a}和{b}共{h}只，{feet}共{f}只，其中{one}有多少只？",
             "院子里有{a}和{b}一共{h}只，它们有{f}只{feet}，{one}有几只？", "已知{a}、{b}共{h}个头和{f}只{feet}，{one}有多少只？"]),
        "vboth": (
            ["A [parking lot|garage|yard] has {h} vehicles, {A} and {B}, with {f} {feet} [in all|in total]. How many {A} and how many {B} are there?",
             "There are {h} {A} and {B}[ in a parking lot|]. Together they have {f} {feet}. How many of each are there?",
             "{A} have {l1} wheels and {B} have {l2}. {h} of them have {f} wheels. How many {A} and {B} are there?",
             "A shop has {h} {A} and {B} with {f} {feet} altogether. Find the number of each.",
             "In a car park stand {h} {A} and {B}. One counts {f} {feet}. How many {A} and {B} are there?",
             "{h} vehicles ({A} and {B}) have {f} {feet}. How many of each?"],
            ["停车场有{a}和{b}共{h}辆，共有{f}个{feet}，{a}和{b}各有多少辆？", "[一个停车场|车棚里]停着{a}和{b}，一共{h}辆，{f}个轮子，问两种车各有几辆？",
             "{a}有{l1}个轮子，{b}有{l2}个轮子，两种车共{h}辆，{f}个轮子，{a}和{b}各几辆？", "{a}和{b}共{h}辆，共{f}个{feet}，求{a}和{b}各多少辆。",
             "车库里{a}和{b}合计{h}辆，轮子合计{f}个，{a}、{b}分别有多少辆？", "有{a}和{b}一共{h}辆，轮子总数是{f}，{a}和{b}各有几辆？"]),
        "vone": (
            ["A parking lot has {h} vehicles, {A} and {B}, with {f} {feet} in all. How many {one} are there?", "There are {h} {A} and {B} with {f} {feet}. How many {one}?",
             "{h} {A} and {B} have {f} {feet} altogether. Find the number of {one}.", "A garage has {A} and {B}, {h} in total, with {f} {feet}. How many of them are {one}?",
             "In a yard stand {h} {A} and {B} with {f} {feet}. How many {one} stand there?"],
            ["停车场有{a}和{b}共{h}辆，共有{f}个{feet}，{one}有多少辆？", "{a}和{b}共{h}辆，轮子共{f}个，{one}有几辆？", "{a}、{b}一共{h}辆，{f}个{feet}，求{one}的辆数。",
             "车棚里有{a}和{b}共{h}辆，{f}个{feet}，其中{one}有多少辆？", "车库里停着{a}和{b}，共{h}辆车、{f}个轮子，{one}有几辆？"]),
    },
    "lin1": {
        "eq": (
            ["[Solve|solve] {e}[.|]", "Solve for {v}: {e}[.|]", "Find {v}: {e}", "Solve the equation {e}[.|]", "What value of {v} satisfies {e}?",
             "[Find|Determine|Compute] {v} if {e}[.|]", "{e}", "{e}, {v} = ?", "What is {v} if {e}?", "{e}. What is {v}?",
             "[Solve|Work out] the [linear |]equation {e} for {v}.", "If {e}, [what is {v}|find {v}|then what is {v}]?", "Find the value of {v} [in|such that|for which] {e}.",
             "Given {e}, find {v}.", "For which {v} is {e}?", "[Find|Give] the solution of {e}.", "{e}, solve for {v}", "What is the solution of {e}?",
             "Let {e}. [Find|What is] {v}[.|?]", "Please tell me what {v} is when {e}."],
            ["解方程{e}[。|]", "解方程：{e}[。|]", "{e}，求{v}[。|]", "求{v}：{e}", "当{v}为何值时，{e}？", "已知{e}，求{v}[的值|][。|]", "{e}", "{e}，{v}等于多少？", "解一元一次方程{e}[。|]",
             "方程{e}的根是多少？", "求方程{e}的解。", "方程{e}的解是[什么|多少]？", "如果{e}，那么{v}等于[几|多少]？", "若{e}，则{v}=？", "请解出{v}：{e}",
             "求[满足|使]{e}[的|成立的]{v}。", "[请|]解方程 {e}", "{e}，{v}=？", "设{e}，求{v}的值。", "请问{e}中的{v}是多少？"]),
        "word": (
            ["{a} times a number plus {b} is {c}. [What is the number|Find the number][?|.]", "A number multiplied by {a}, plus {b}, [gives|equals|is] {c}. [What is the number?|Find it.]",
             "[I think|Think] of a number. Multiply it by {a} and add {b}: the result is {c}. What is the number?", "If you multiply a number by {a} and add {b}, you get {c}. What is the number?",
             "When {b} is added to {a} times a number, the result is {c}. Which number is it?", "The sum of {a} times a number and {b} is {c}. Find the number."],
            ["一个数的{a}倍加{b}等于{c}，[这个数是多少？|求这个数。]", "某数乘{a}再加{b}得{c}，求[这个数|某数]。", "一个数乘以{a}，再加上{b}，结果是{c}。这个数是多少？", "{a}乘一个数再加{b}是{c}，这个数是几？",
             "比一个数的{a}倍多{b}的数是{c}，求这个数。", "我想了一个数，乘{a}再加{b}等于{c}，这个数是多少？"]),
        "wordm": (
            ["{a} times a number minus {b} is {c}. [What is the number|Find the number][?|.]", "A number multiplied by {a}, minus {b}, [gives|equals|is] {c}. [What is the number?|Find it.]",
             "Think of a number. Multiply it by {a} and subtract {b}: the result is {c}. What is the number?", "If you multiply a number by {a} and subtract {b}, you get {c}. What is the number?",
             "When {b} is taken from {a} times a number, {c} is left. Which number is it?", "{b} less than {a} times a number is {c}. Find the number."],
            ["一个数的{a}倍减{b}等于{c}，[这个数是多少？|求这个数。]", "某数乘{a}再减{b}得{c}，求[这个数|某数]。", "一个数乘以{a}，再减去{b}，结果是{c}。这个数是多少？", "{a}乘一个数再减{b}是{c}，这个数是几？",
             "比一个数的{a}倍少{b}的数是{c}，求这个数。", "我想了一个数，乘{a}再减{b}等于{c}，这个数是多少？"]),
    },
    "lin2": {
        "sys": (
            ["Solve {e1}, {e2}[.|]", "Solve the system {e1}, {e2}[.|]", "Solve the [system of |simultaneous |]equations {e1} and {e2}[.|]", "Find {x} and {y}: {e1}, {e2}",
             "What are {x} and {y} if {e1} and {e2}?", "{e1}, {e2}", "Given {e1} and {e2}, find {x} and {y}.", "If {e1} and {e2}, [find|what are] {x} and {y}[.|?]",
             "Solve for {x} and {y}: {e1}; {e2}", "Which {x} and {y} satisfy both {e1} and {e2}?", "{e1}; {e2}. Find {x} and {y}.", "Solve the system:\n{e1}\n{e2}",
             "[Find|Determine] the solution of {e1}, {e2}.", "{e1} and {e2}. Solve for {x} and {y}.", "Work out {x} and {y} from {e1} and {e2}."],
            ["解方程组{e1}，{e2}[。|]", "解方程组：{e1}，{e2}[。|]", "已知{e1}，{e2}，求{x}和{y}[。|]", "{e1}，{e2}，求{x}、{y}[的值|][。|]", "如果{e1}，{e2}，那么{x}和{y}各是多少？",
             "{e1}，{e2}", "求方程组{e1}，{e2}的解。", "若{e1}且{e2}，求{x}和{y}。", "解二元一次方程组：{e1}；{e2}", "{x}、{y}满足{e1}和{e2}，求{x}、{y}。",
             "解方程组：\n{e1}\n{e2}", "求{x}和{y}：{e1}；{e2}", "方程组{e1}、{e2}的解是什么？", "[请|]解方程组 {e1}, {e2}", "由{e1}与{e2}求出{x}与{y}。"]),
        "sd": (
            ["The sum of two numbers is {s} and their difference is {d}. [Find the numbers|What are the numbers|Find the two numbers][.|?]", "Two numbers add up to {s} and differ by {d}. [What are they?|Find them.]",
             "Two numbers have sum {s} and difference {d}. [Find|What are] [them|the numbers][.|?]", "Find two numbers whose sum is {s} and whose difference is {d}.",
             "Together two numbers make {s}; one is {d} larger than the other. Which numbers are they?", "The total of two numbers is {s} and the larger minus the smaller is {d}. What are the two numbers?"],
            ["两个数的和是{s}，差是{d}，[求这两个数|这两个数各是多少][。|？]", "两数之和为{s}，两数之差为{d}，求[这两个数|两数]。", "已知两个数的和是{s}，差是{d}，这两个数[分别|各]是多少？", "和是{s}、差是{d}的两个数是多少？",
             "两个数相加得{s}，大数比小数多{d}，求这两个数。", "两个数的和为{s}，它们的差为{d}，大数和小数分别是几？"]),
        "buy": (
            ["{A1} and {B1} cost ${c1}. {A2} and {B2} cost ${c2}. [How much does a {P} cost, and how much does a {Q} cost?|How much does each cost?]",
             "{A1} and {B1} cost {c1} dollars; {A2} and {B2} cost {c2} dollars. What [does a {P} and a {Q} cost each|are the prices of a {P} and a {Q}]?",
             "If {A1} and {B1} cost ${c1}, and {A2} and {B2} cost ${c2}, [find the price of a {P} and of a {Q}|what is the price of a {P} and of a {Q}][.|?]",
             "A shop sells {A1} and {B1} for ${c1}, or {A2} and {B2} for ${c2}. Find the price of a {P} and the price of a {Q}.",
             "Tom pays ${c1} for {A1} and {B1}. Anna pays ${c2} for {A2} and {B2}. How much is a {P}, and how much is a {Q}?",
             "For {A1} and {B1} one pays ${c1}, for {A2} and {B2} ${c2}. What does one {P} cost and what does one {Q} cost?"],
            ["{A1}和{B1}共{c1}元，{A2}和{B2}共{c2}元，{P}和{Q}的单价各是多少元？", "买{A1}和{B1}[要|需要]{c1}元，买{A2}和{B2}[要|需要]{c2}元，求{P}和{Q}的单价。", "{A1}、{B1}一共{c1}元；{A2}、{B2}一共{c2}元。每{up}{P}和每{uq}{Q}各多少元？",
             "已知{A1}和{B1}的总价是{c1}元，{A2}和{B2}的总价是{c2}元，{P}、{Q}每{up}、每{uq}多少元？", "小明买{A1}和{B1}花了{c1}元，小红买{A2}和{B2}花了{c2}元，{P}和{Q}的单价分别是多少？",
             "{A1}加{B1}要{c1}元，{A2}加{B2}要{c2}元，{P}多少钱一{up}，{Q}多少钱一{uq}？"]),
    },
    "percent": {
        "of": (
            ["What is {p}% of {n}?", "{p}% of {n}", "[Find|Calculate|Compute] {p}% of {n}[.|]", "What is {p} percent of {n}?", "How much is {p}% of {n}?", "[Work out|Find] {p} percent of {n}.", "{p}% of {n} = ?",
             "Take {p}% of {n}. What do you get?", "How many is {p} percent of {n}?", "A tank holds {n} liters and is {p}% full. How many liters are in it?"],
            ["{n}的{p}%是多少？", "求{n}的{p}%。", "{n}的百分之{p}是多少？", "计算{n}的{p}%[。|]", "{p}%乘{n}等于多少？", "{n}×{p}%=？", "{n}的{p}%等于[多少|几]？", "求{n}的百分之{p}[。|是多少。]", "{n}*{p}%等于多少？",
             "学校有{n}人，其中{p}%是女生，女生有多少人？"]),
        "off": (
            ["A {i} costs ${n}. It is {p}% off. What is the new price?", "A {i} costs ${n} and [is reduced|is discounted] by {p}%. [What is|Find] the new price[?|.]", "The price of a {i} is ${n}. After a discount of {p}%, what does it cost?",
             "What is the price of a ${n} {i} after {p}% off?", "A {i} is priced at ${n}. How much do you pay after a {p}% discount?", "A ${n} {i} is on sale at {p}% off. What is the sale price?", "${n} minus {p}% discount, what is the price?",
             "A {i} that costs {n} dollars gets {p}% cheaper. What does it cost now?", "[Decrease|Reduce] {n} by {p}%[.|]", "A shop takes {p} percent off the price of a {i} that was ${n}. How much is it now?"],
            ["一{u}{i}原价{n}元，降价{p}%后[是多少元|多少元]？", "{i}原价{n}元，现在便宜{p}%，现价是多少？", "{i}的价格是{n}元，打折优惠{p}%，现价多少元？", "原价{n}元的{i}降价{p}%，现在卖多少元？", "一{u}{i}标价{n}元，优惠{p}%后要付多少元？",
             "商店把{n}元的{i}降价{p}%出售，现价是多少元？", "{n}元减少{p}%是多少元？", "{i}从{n}元降价百分之{p}，现在多少元？"]),
        "zhe": (
            [],
            ["一{u}{i}原价{n}元，打{z}折后[是多少元|多少元]？", "{i}原价{n}元，现在打{z}折，现价是多少？", "原价{n}元的{i}打{z}折出售，[要付多少元|现价多少元]？", "{n}元打{z}折是多少元？", "一{u}{i}标价{n}元，按{z}折卖，售价是多少元？", "{i}的价格是{n}元，[商店|商场]打{z}折，买一{u}要多少元？"]),
        "up": (
            ["A price of ${n} [rises|goes up|increases] by {p}%. What is the new price?", "Increase {n} by {p}%[.|]", "What is {n} increased by {p}%?", "A salary of ${n} is raised by {p}%. What is the new salary?", "A town with {n} people grows by {p}%. How many people live there then?",
             "The rent was ${n} and went up {p} percent. What is it now?", "{n} plus {p}% = ?", "Something cost ${n} and became {p}% more expensive. What does it cost now?"],
            ["{n}增加{p}%是多少？", "某商品原价{n}元，涨价{p}%后[是多少元|多少元]？", "工资原来是{n}元，上涨{p}%，现在是多少元？", "{n}提高{p}%后是多少？", "去年产量是{n}吨，今年增长{p}%，今年产量是多少吨？", "价格从{n}元上涨百分之{p}，现在是多少元？", "{n}元涨{p}%后是多少元？"]),
        "what": (
            ["{a} is what percent of {b}?", "What percent of {b} is {a}?", "What percentage of {b} is {a}?", "[Express|Write] {a} out of {b} as a percentage.", "{a} out of {b} is how many percent?", "In a class of {b} pupils {a} are girls. What percentage is that?",
             "How many percent of {b} is {a}?", "A test has {b} points and I got {a}. What percent is that?"],
            ["{a}是{b}的百分之几？", "{a}占{b}的百分之几？", "{a}占{b}的百分比是多少？", "{b}人中有{a}人，占百分之几？", "{a}相当于{b}的百分之多少？", "求{a}是{b}的百分之几。", "总数是{b}，其中{a}，所占百分比是多少？"]),
        "orig": (
            ["After a {p}% discount a {i} costs ${m}. What was the original price?", "A {i} costs ${m} after {p}% off. [Find|What was] the original price[.|?]", "A {i} was reduced by {p}% and now costs ${m}. What did it cost before?", "With {p}% off, a {i} is ${m}. What is the full price?",
             "A shop sells a {i} at {p}% off for ${m}. How much was it before the discount?", "I paid ${m} for a {i} at a discount of {p}%. What was its original price?"],
            ["一{u}{i}降价{p}%后是{m}元，原价是多少元？", "{i}降价{p}%后卖{m}元，求原价。", "某商品优惠{p}%后售价{m}元，原价多少元？", "{i}便宜了{p}%，现在{m}元，原来多少元？", "一{u}{i}打折优惠{p}%之后付了{m}元，它的原价是多少？", "降价{p}%后{i}的价格是{m}元，原价是多少？"]),
        "buy": (
            ["[One|A] {i} costs ${c}. How much do {k} {I} cost?", "{k} {I} at ${c} each: what is the total?", "How much are {k} {I} at ${c} each?", "I buy {k} {I} for ${c} each. How much do I pay[ in total|]?", "What do {k} {I} cost if one {i} is ${c}?",
             "A {i} is ${c}. [Find|What is] the price of {k} {I}[.|?]", "{k} {I} cost ${c} each. What is the total price?"],
            ["一{u}{i}{c}元，{k}{u}多少元？", "每{u}{i}{c}元，买{k}{u}[要|一共要]多少元？", "{i}每{u}{c}元，{k}{u}一共多少钱？", "买{k}{u}{i}，每{u}{c}元，共需多少元？", "{i}的单价是{c}元，{k}{u}的总价是多少？", "小红买了{k}{u}{i}，单价{c}元，她要付多少元？"]),
        "change": (
            ["I buy {k} {I} at ${c} each and pay with ${m}. How much change do I get?", "{k} {I} cost ${c} each. I pay ${m}. What is the change?", "Tom buys {k} {I} for ${c} each and gives ${m}. How much change does he get?", "What is the change from ${m} for {k} {I} at ${c} each?",
             "One {i} is ${c}. How much money is left of ${m} after buying {k} {I}?", "Anna has ${m} and buys {k} {I} at ${c} each. How much does she have left?"],
            ["每{u}{i}{c}元，买{k}{u}，付{m}元，应找回多少元？", "小明买{k}{u}{i}，每{u}{c}元，给了{m}元，找回多少元？", "{i}每{u}{c}元，{m}元买{k}{u}后还剩多少元？", "买{k}{u}{i}，单价{c}元，付了{m}元，找零多少？", "妈妈带{m}元，买了{k}{u}单价{c}元的{i}，还剩多少钱？", "{i}的单价是{c}元，买{k}{u}付{m}元要找多少元？"]),
    },
    "speed": {
        "dist": (
            ["A [car|train|bus] [drives|travels|moves] at {v} for {t}. How far does it go?", "[A train|A car|A cyclist] goes {v} for {t}. [What distance does it cover|How far is that][?|?]", "How far do you get in {t} at {v}?", "What distance is covered in {t} at {v}?", "At a speed of {v}, how many {km} are covered in {t}?",
             "A [car|truck|train] travels at a [constant |]speed of {v}. What distance does it [cover|travel] in {t}?", "Speed {v}, time {t}. [Find|What is] the distance[.|?]", "If something moves at {v}, how far does it move in {t}?"],
            ["[一辆汽车|一列火车|一辆客车]{v}，{t}行多少{km}？", "[汽车|火车]的速度是{v}，行驶{t}，[路程是多少{km}|共行多少{km}]？", "速度是{v}，时间是{t}，求路程。", "[小明|一辆车]以{v}的速度[行进|行驶]{t}，走了多少{km}？", "按{v}的速度，{t}能走多远？", "一辆车{v}，行了{t}，一共行了多少{km}？", "[甲车|货车]的速度为{v}，{t}后行驶了多少{km}？"]),
        "time": (
            ["How long does [a car|a train|it] take to [cover|travel] {d} at {v}?", "A [car|train|bus] travels {d} at {v}. How many {hr} does it take?", "At {v}, how long does it take to go {d}?", "Distance {d}, speed {v}. [Find|What is] the time[.|?]", "How many {hr} are needed for {d} at a speed of {v}?",
             "A [truck|cyclist|train] moves at {v}. In how many {hr} does it [cover|go] {d}?", "If the speed is {v}, how long does a trip of {d} take?"],
            ["[一辆汽车|一列火车]{v}，行{d}需要多少{hr}？", "路程是{d}，速度是{v}，[求时间。|需要多少{hr}？]", "以{v}的速度走{d}，要多少{hr}？", "[汽车|客车]的速度是{v}，行驶{d}要几{hr}？", "两地相距{d}，汽车的速度是{v}，多少{hr}可以到达？", "一辆车{v}，{d}要走多少{hr}？", "从甲地到乙地{d}，速度为{v}，需要几{hr}？"]),
        "spd": (
            ["A [car|train|bus] travels {d} in {t}. What is its speed?", "[What is the speed of a train that goes|What is the speed of something that moves] {d} in {t}?", "{d} in {t}: what is the speed?", "Distance {d}, time {t}. [Find|What is] the speed[.|?]", "How fast is a car that needs {t} for {d}?", "A [truck|cyclist|train] covers {d} in {t}. [Find|Calculate] its [average |]speed.",
             "If it takes {t} to go {d}, what is the speed?"],
            ["[一辆汽车|一列火车]{t}行{d}，速度是多少？", "路程是{d}，时间是{t}，[求速度。|速度是多少？]", "{t}走了{d}，平均速度是多少？", "[汽车|客车]{t}行驶了{d}，求它的速度。", "两地相距{d}，汽车用了{t}到达，汽车的速度是多少？", "一辆车行{d}用了{t}，它每{hr}行多少{km}？", "从甲地到乙地{d}，用了{t}，速度是多少？"]),
        "meet": (
            ["Two [trains|cars] are {d} apart and move towards each other at {v} and {w}. After how many {hr} do they meet?", "Two [cars|trains] start {d} apart and drive towards each other, one at {v}, the other at {w}. When do they meet?", "A and B are {d} apart and go towards each other at {v} and {w}. How long until they meet?",
             "From two towns {d} apart, two cars start at the same time towards each other at {v} and {w}. After what time do they meet?", "The distance between two trains is {d}. They approach each other at {v} and {w}. In how many {hr} will they meet?", "Two people {d} apart move towards each other with speeds {v} and {w}. How many {hr} until they meet?"],
            ["甲乙两车相距{d}，同时相向而行，甲{v}，乙{w}，几{hr}后相遇？", "两地相距{d}，两车同时从两地相对开出，一辆{v}，另一辆{w}，多少{hr}后相遇？", "甲、乙两人相距{d}，相向而行，速度分别是{v}和{w}，经过多少{hr}相遇？", "两列火车相距{d}，相向开出，甲车{v}，乙车{w}，几{hr}相遇？", "A、B两地相距{d}，甲乙同时出发相向而行，甲的速度是{v}，乙的速度是{w}，求相遇时间。", "相距{d}的两车面对面行驶，速度为{v}和{w}，多久相遇？"]),
        "chase": (
            ["A [car|train] at {v} follows another that goes {w} and is {g} ahead. After how many {hr} does it catch up?", "One car drives at {w} and is {g} ahead of another that drives at {v}. How long until the second catches the first?", "B is {g} ahead of A. A moves at {v}, B at {w}. When does A catch up with B?", "A runner at {v} chases one at {w} who has a lead of {g}. How long does it take to catch up?",
             "How many {hr} does something at {v} need to overtake something at {w} that is {g} in front?", "A has a lead of {g} and moves at {w}. B follows at {v}. How long does B need to catch A?"],
            ["甲在乙后面{g}，两人同时同向而行，甲{v}，乙{w}，几{hr}后甲追上乙？", "乙在甲前面{g}，甲的速度是{v}，乙的速度是{w}，甲几{hr}追上乙？", "快车在慢车后面{g}，快车{v}，慢车{w}，多少{hr}后快车追上慢车？", "两车相距{g}，同向行驶，后车{v}，前车{w}，多久能追上？", "前面的车{w}，后面的车{v}，相距{g}，后车要多少{hr}追上前车？", "甲追乙，甲{v}，乙{w}，相距{g}，需要几{hr}追上？"]),
    },
    "seq": {
        "an": (
            ["An arithmetic sequence has first term {a} and common difference {d}. Find the {nth} term.", "[In|For] an arithmetic sequence, {a1} and {dd}. [Find|What is] {an}[.|?]", "The first term of an arithmetic sequence is {a} and the common difference is {d}. What is the {nth} term?", "What is the {nth} term of the arithmetic [sequence|progression] with first term {a} and difference {d}?",
             "Arithmetic sequence with {a1}, {dd}: compute {an}.", "[Given|Let] an arithmetic sequence with {a1} and {dd}, find {an}.", "A sequence starts with {a} and each term is {d} more than the one before. Find term number {n}.", "Find {an} of the arithmetic sequence with {a1} and common difference {d}."],
            ["等差数列的首项是{a}，公差是{d}，求第{n}项。", "等差数列中，{a1}，{dd}，求{an}[。|]", "已知等差数列[首项为|首项]{a}，[公差为|公差]{d}，第{n}项是多少？", "一个等差数列第一项是{a}，公差是{d}，它的第{n}项是多少？", "在首项为{a}、公差为{d}的等差数列里，第{n}项等于几？", "等差数列{a1}，公差{d}，{an}等于多少？", "首项{a}、公差{d}的等差数列，求第{n}项[的值|]。", "数列从{a}开始，每项比前一项大{d}，第{n}项是多少？"]),
        "list": (
            ["Find the {nth} term of the arithmetic sequence {list}, ...", "What is the {nth} term of {list}, ...?", "The arithmetic sequence {list}, ... goes on. What is its {nth} term?", "{list}, ... What is term number {n}?", "An arithmetic sequence begins {list}. Compute its {nth} term.", "[In|For] the arithmetic sequence {list}, ..., [find|what is] the {nth} term[.|?]", "[Given|Consider] the arithmetic progression {list}, ... [Find|Calculate] {an}."],
            ["等差数列{list}，……的第{n}项是多少？", "求等差数列{list}，…的第{n}项。", "数列{list}，……是等差数列，求第{n}项。", "{list}，……第{n}项是[多少|几]？", "一个等差数列的开头几项是{list}，它的第{n}项等于多少？", "已知等差数列{list}，…，求{an}[。|]", "观察等差数列{list}，……，第{n}个数是多少？"]),
        "asum": (
            ["An arithmetic sequence has first term {a} and common difference {d}. Find the sum of the first {n} terms.", "In an arithmetic sequence, {a1} and {dd}. Find {sn}, the sum of the first {n} terms.", "What is the sum of the first {n} terms of the arithmetic sequence with first term {a} and difference {d}?", "The first term is {a}, the common difference {d}. [Find|What is] the sum of the first {n} terms of this arithmetic sequence[.|?]",
             "Add up the first {n} terms of the arithmetic sequence with {a1} and {dd}.", "Find the sum of the first {n} terms of an arithmetic progression with {a1}, {dd}."],
            ["等差数列的首项是{a}，公差是{d}，求前{n}项的和。", "等差数列中，{a1}，{dd}，求前{n}项和{sn}[。|]", "已知等差数列首项{a}，公差{d}，前{n}项的和是多少？", "首项为{a}、公差为{d}的等差数列，前{n}项[之和|和]是多少？", "求以{a}为首项、{d}为公差的等差数列前{n}项之和。", "一个等差数列第一项是{a}，公差是{d}，前{n}项加起来是多少？"]),
        "onetn": (
            ["What is 1+2+3+...+{n}?", "[Find|Compute|Calculate] the sum of the [whole numbers|integers|natural numbers] from 1 to {n}.", "1 + 2 + 3 + ... + {n} = ?", "Add all numbers from 1 to {n}.", "What do you get if you add up every integer from 1 through {n}?", "What is the sum of the first {n} [natural numbers|positive integers]?", "[Sum|Add up] 1, 2, 3, ..., {n}[.|]"],
            ["1+2+3+...+{n}等于多少？", "计算1+2+3+…+{n}[。|]", "求1到{n}[所有|的所有]自然数的和。", "从1加到{n}等于多少？", "从1开始一直加到{n}，结果是多少？", "前{n}个自然数（从1开始）的和是多少？", "1+2+...+{n}=？"]),
        "gn": (
            ["A geometric sequence has first term {a} and common ratio {q}. Find the {nth} term.", "[In|For] a geometric sequence, {a1} and {qq}. [Find|What is] {an}[.|?]", "The first term of a geometric sequence is {a} and the ratio is {q}. What is the {nth} term?", "What is the {nth} term of the geometric [sequence|progression] with first term {a} and ratio {q}?", "Geometric sequence with {a1}, ratio {q}: compute {an}.", "[Given|Let] a geometric sequence with {a1} and common ratio {q}, find {an}.", "A sequence starts with {a} and each term is {q} times the one before. Find term number {n}."],
            ["等比数列的首项是{a}，公比是{q}，求第{n}项。", "等比数列中，{a1}，{qq}，求{an}[。|]", "已知等比数列[首项为|首项]{a}，[公比为|公比]{q}，第{n}项是多少？", "一个等比数列第一项是{a}，公比是{q}，它的第{n}项是多少？", "在首项为{a}、公比为{q}的等比数列里，第{n}项等于几？", "等比数列{a1}，公比{q}，{an}等于多少？", "数列从{a}开始，每项是前一项的{q}倍，第{n}项是多少？"]),
        "glist": (
            ["Find the {nth} term of the geometric sequence {list}, ...", "The geometric sequence {list}, ... goes on. What is its {nth} term?", "What is the {nth} term of the geometric progression {list}, ...?", "A geometric sequence starts {list}. Find term number {n}.", "A geometric sequence begins {list}. Compute its {nth} term.", "[In|For] the geometric sequence {list}, ..., [find|what is] the {nth} term[.|?]"],
            ["等比数列{list}，……的第{n}项是多少？", "求等比数列{list}，…的第{n}项。", "数列{list}，……是等比数列，求第{n}项。", "已知等比数列{list}，…，求{an}[。|]", "一个等比数列的开头几项是{list}，它的第{n}项等于多少？", "观察等比数列{list}，……，第{n}个数是多少？"]),
        "gsum": (
            ["A geometric sequence has first term {a} and common ratio {q}. Find the sum of the first {n} terms.", "In a geometric sequence, {a1} and {qq}. Find the sum of the first {n} terms.", "What is the sum of the first {n} terms of the geometric sequence with first term {a} and ratio {q}?", "The first term is {a}, the ratio {q}. What is the sum of the first {n} terms of this geometric sequence?", "Add up the first {n} terms of the geometric sequence with {a1} and ratio {q}.", "Find the sum of the first {n} terms of a geometric progression with {a1}, ratio {q}."],
            ["等比数列的首项是{a}，公比是{q}，求前{n}项的和。", "等比数列中，{a1}，{qq}，求前{n}项和[。|]", "已知等比数列首项{a}，公比{q}，前{n}项的和是多少？", "首项为{a}、公比为{q}的等比数列，前{n}项[之和|和]是多少？", "求以{a}为首项、{q}为公比的等比数列前{n}项之和。", "一个等比数列第一项是{a}，公比是{q}，前{n}项加起来是多少？"]),
    },
    "recur": {
        "num": (
            ["A sequence has {init} and {rule}. Find {ak}.", "{init}, {rule}. [Find|What is|Compute] {ak}[.|?]", "[Given|If] {init} and {rule}, [find|what is|compute] {ak}[.|?]", "A sequence is defined by {init}, {rule}. What is {ak}?", "Let {init} and {rule} for n ≥ 1. Determine {ak}.", "The sequence satisfies {init} and {rule}. [Calculate|Find] {ak}.", "Starting from {init}, with {rule}, what is the {nth} term?", "For the recurrence {rule} with {init}, find {ak}.", "Find the {nth} term of the sequence with {init} and {rule}.", "What is {ak} when {init} and {rule}?"],
            ["数列满足{init}，{rule}，求{ak}[。|]", "已知{init}，{rule}，求{ak}[。|]", "{init}，{rule}，{ak}等于多少？", "数列{{an}}中，{init}，{rule}，求{ak}的值。", "设{init}，且{rule}，则{ak}是多少？", "若{init}，{rule}，则{ak}=？", "在数列中，{init}，{rule}，第{n}项是多少？", "数列{{an}}满足{init}，{rule}，则{ak}等于[几|多少]？", "已知数列的首项{init}，递推式{rule}，求第{n}项。", "由{init}和{rule}求{ak}。"]),
        "gen": (
            ["A sequence has {init} and {rule}. Find a formula for {an}.", "{init}, {rule}. Find the general term.", "[Given|If] {init} and {rule}, find the general [term|formula][ {an}|].", "A sequence is defined by {init}, {rule}. What is the general term {an}?", "Let {init} and {rule}. Express {an} in terms of n.", "The sequence satisfies {init} and {rule}. Find {an}.", "Solve the recurrence {rule} with {init}.", "For {init} and {rule}, give a closed form of {an}.", "Find {an} as a function of n if {init} and {rule}."],
            ["数列满足{init}，{rule}，求通项公式[。|]", "已知{init}，{rule}，求{an}[。|]", "{init}，{rule}，求数列的通项{an}[。|]", "数列{{an}}中，{init}，{rule}，求[数列{{an}}的|]通项公式。", "设{init}，{rule}，用n表示{an}。", "若{init}，{rule}，则通项{an}=？", "已知数列{{an}}满足{init}，{rule}，求{{an}}的通项公式。", "求由{init}、{rule}确定的数列的通项公式。"]),
    },
    "gcdlcm": {
        "gcd": (
            ["What is the {w} of {a} and {b}?", "[Find|Compute|Calculate] the {w} of {a} and {b}[.|]", "gcd({a}, {b})", "gcd({a}, {b}) = ?", "What is the largest number that divides both {a} and {b}?", "[Find|Compute|What is] gcd({a}, {b})[.|?|]", "{w} of {a} and {b}[?|]", "[Determine|Work out] the {w} of {a} and {b}.", "Which is the {w} of {a} and {b}?", "The {w} of {a} and {b} is what?"],
            ["{a}和{b}的{w}是多少？", "求{a}和{b}的{w}[。|]", "求{a}与{b}的{w}[。|]", "{a}、{b}的{w}是[多少|几]？", "能同时整除{a}和{b}的最大的数是多少？", "计算{a}和{b}的{w}[。|]", "gcd({a}, {b})[等于多少？|=？]", "{a}与{b}的{w}等于多少？", "[请|]求出{a}和{b}两个数的{w}。", "{a}和{b}两数的{w}是几？"]),
        "lcm": (
            ["What is the {w} of {a} and {b}?", "[Find|Compute|Calculate] the {w} of {a} and {b}[.|]", "lcm({a}, {b})", "lcm({a}, {b}) = ?", "What is the smallest number that both {a} and {b} divide?", "[Find|Compute|What is] lcm({a}, {b})[.|?|]", "{w} of {a} and {b}[?|]", "[Determine|Work out] the {w} of {a} and {b}.", "Which is the {w} of {a} and {b}?", "The {w} of {a} and {b} is what?"],
            ["{a}和{b}的{w}是多少？", "求{a}和{b}的{w}[。|]", "求{a}与{b}的{w}[。|]", "{a}、{b}的{w}是[多少|几]？", "{a}和{b}的公倍数中最小的是多少？", "计算{a}和{b}的{w}[。|]", "lcm({a}, {b})[等于多少？|=？]", "{a}与{b}的{w}等于多少？", "[请|]求出{a}和{b}两个数的{w}。", "{a}和{b}两数的{w}是几？"]),
    },
    "units": {
        "conv": (
            ["Convert {v} {f} to {t}[.|]", "How many {t} are {v} {f}?", "{v} {f} = ? {t}", "{v} {f} in {t}", "Express {v} {f} in {t}.", "What is {v} {f} in {t}?", "How many {t} are [in|there in] {v} {f}?", "[Change|Turn] {v} {f} into {t}[.|]", "{v} {f} is how many {t}?", "Write {v} {f} as {t}.", "{v} {f} to {t}", "{v} {f} equals how many {t}?", "I have {v} {f}. How many {t} is that?"],
            ["{v}{f}等于多少{t}？", "{v}{f}=（　）{t}", "{v}{f}是多少{t}？", "把{v}{f}换算成{t}[。|]", "{v}{f}合多少{t}？", "{v}{f}=？{t}", "{v}{f}换算成{t}是多少？", "将{v}{f}化成{t}[。|]", "{v}{f}[有|相当于]多少{t}？", "请把{v}{f}改写成用{t}作单位。", "{v}{f}等于几{t}？", "单位换算：{v}{f}=____{t}", "求{v}{f}等于多少{t}。"]),
        "hm": (
            ["How many {t} are {h} {f} and {m} {s}?", "Convert {h} {f} {m} {s} to {t}.", "{h} {f} {m} {s} in {t}", "{h} {f} and {m} {s} is how many {t}?", "A film lasts {h} {f} and {m} {s}. How many {t} is that?", "[Express|Write] {h} {f} and {m} {s} in {t}."],
            ["{h}{f}{m}{s}等于多少{t}？", "{h}{f}{m}{s}是多少{t}？", "把{h}{f}{m}{s}换算成{t}[。|]", "{h}{f}{m}{s}=（　）{t}", "{h}{f}又{m}{s}合多少{t}？", "{h}{f}{m}{s}一共是多少{t}？"]),
        "tm": (
            ["How many {t} and {s} are {n} {f}?", "Convert {n} {f} to {t} and {s}.", "{n} {f} is how many {t} and {s}?", "{n} {f} in {t} and {s}", "Write {n} {f} as {t} and {s}.", "[Express|Give] {n} {f} in {t} and {s}."],
            ["{n}{f}等于几{t}几{s}？", "{n}{f}是多少{t}多少{s}？", "把{n}{f}换算成几{t}几{s}[。|]", "{n}{f}=（　）{t}（　）{s}", "{n}{f}合几{t}又几{s}？", "将{n}{f}化成几{t}几{s}。"]),
    },
    "area": {
        "recta": (
            ["A rectangle is {a} long and {b} wide. [What is its area?|Find its area.]", "What is the area of a rectangle with sides {a} and {b}?", "[Find|Calculate|Compute] the area of a {a} by {b} rectangle.", "The length of a rectangle is {a} and its width is {b}. Find the area.", "A garden in the shape of a rectangle measures {a} by {b}. What area does it have?", "Rectangle, length {a}, width {b}: area?", "A rectangle has sides of {a} and {b}. What is its area?"],
            ["长方形的长是{a}，宽是{b}，面积是多少？", "一个长方形长{a}，宽{b}，求面积。", "求长{a}、宽{b}的长方形的面积。", "长方形长{a}宽{b}，它的面积是多少？", "一块长方形的地，长{a}，宽{b}，这块地的面积是多少？", "矩形的长和宽分别是{a}和{b}，求它的面积。", "已知长方形的长为{a}，宽为{b}，面积等于多少？"]),
        "rectp": (
            ["A rectangle is {a} long and {b} wide. [What is its perimeter?|Find its perimeter.]", "What is the perimeter of a rectangle with sides {a} and {b}?", "[Find|Calculate|Compute] the perimeter of a {a} by {b} rectangle.", "The length of a rectangle is {a} and its width is {b}. Find the perimeter.", "How long is a fence around a rectangle of {a} by {b}?", "Rectangle, length {a}, width {b}: perimeter?", "A rectangle has sides of {a} and {b}. What is its perimeter?"],
            ["长方形的长是{a}，宽是{b}，周长是多少？", "一个长方形长{a}，宽{b}，求周长。", "求长{a}、宽{b}的长方形的周长。", "长方形长{a}宽{b}，它的周长是多少？", "绕着长{a}、宽{b}的长方形花坛走一圈，走了多远？", "矩形的长和宽分别是{a}和{b}，求它的周长。", "已知长方形的长为{a}，宽为{b}，周长等于多少？"]),
        "sqa": (
            ["What is the area of a square with side {a}?", "A square has sides of {a}. [What is its area?|Find its area.]", "[Find|Calculate|Compute] the area of a square of side {a}.", "The side of a square is {a}. Find its area.", "Each side of a square measures {a}. How large is its area?", "Square, side {a}: area?"],
            ["正方形的边长是{a}，面积是多少？", "一个正方形边长{a}，求面积。", "求边长为{a}的正方形的面积。", "正方形边长{a}，它的面积是多少？", "边长{a}的正方形面积有多大？", "已知正方形的边长为{a}，求它的面积。"]),
        "sqp": (
            ["What is the perimeter of a square with side {a}?", "A square has sides of {a}. [What is its perimeter?|Find its perimeter.]", "[Find|Calculate|Compute] the perimeter of a square of side {a}.", "The side of a square is {a}. Find its perimeter.", "Each side of a square measures {a}. How long is its perimeter?", "Square, side {a}: perimeter?"],
            ["正方形的边长是{a}，周长是多少？", "一个正方形边长{a}，求周长。", "求边长为{a}的正方形的周长。", "正方形边长{a}，它的周长是多少？", "边长{a}的正方形周长有多长？", "已知正方形的边长为{a}，求它的周长。"]),
        "tri": (
            ["What is the area of a triangle with base {a} and height {b}?", "A triangle has base {a} and height {b}. [What is its area?|Find its area.]", "[Find|Calculate|Compute] the area of a triangle with base {a} and height {b}.", "The base of a triangle is {a} and its height is {b}. Find the area.", "A right triangle has legs {a} and {b}. How large is its area?", "Triangle, base {a}, height {b}: area?", "The legs of a right triangle are {a} and {b}. [Find its area.|What is its area?]"],
            ["三角形的底是{a}，高是{b}，面积是多少？", "一个三角形底{a}，高{b}，求面积。", "求底{a}、高{b}的三角形的面积。", "三角形底{a}高{b}，它的面积是多少？", "直角三角形的两条直角边是{a}和{b}，它的面积有多大？", "已知三角形的底为{a}，高为{b}，面积等于多少？", "直角三角形两直角边分别为{a}和{b}，求面积。"]),
        "para": (
            ["What is the area of a parallelogram with base {a} and height {b}?", "A parallelogram has base {a} and height {b}. [What is its area?|Find its area.]", "[Find|Calculate|Compute] the area of a parallelogram with base {a} and height {b}.", "The base of a parallelogram is {a} and its height is {b}. Find the area.", "How large is a parallelogram of base {a} and height {b}?"],
            ["平行四边形的底是{a}，高是{b}，面积是多少？", "一个平行四边形底{a}，高{b}，求面积。", "求底{a}、高{b}的平行四边形的面积。", "平行四边形底{a}高{b}，它的面积是多少？", "已知平行四边形的底为{a}，高为{b}，面积等于多少？"]),
        "trap": (
            ["What is the area of a trapezoid with parallel sides {a} and {b} and height {h}?", "A trapezoid has parallel sides {a} and {b} and height {h}. [What is its area?|Find its area.]", "[Find|Calculate] the area of a trapezoid with bases {a} and {b} and height {h}.", "The bases of a trapezoid are {a} and {b}, its height is {h}. Find the area.", "How large is a trapezoid with bases of {a} and {b} and a height of {h}?", "Trapezium, parallel sides {a} and {b}, height {h}: area?"],
            ["梯形的上底是{a}，下底是{b}，高是{h}，面积是多少？", "一个梯形上底{a}，下底{b}，高{h}，求面积。", "求上底{a}、下底{b}、高{h}的梯形的面积。", "梯形上底{a}下底{b}高{h}，它的面积是多少？", "已知梯形的上底、下底和高分别为{a}、{b}、{h}，面积等于多少？", "梯形的两底是{a}和{b}，高是{h}，求面积。"]),
        "circa": (
            ["What is the area of a circle with radius {a}?", "A circle has radius {a}. [What is its area|Find its area][?|.]", "[Find|Calculate|Compute] the area of a circle of radius {a} in terms of π.", "The radius of a circle is {a}. Find its area.", "How large is the area of a circle whose radius is {a}? (Leave π in the answer.)", "Circle, radius {a}: area in terms of pi?"],
            ["圆的半径是{a}，面积是多少？", "一个圆半径{a}，求面积[（保留π）|]。", "求半径为{a}的圆的面积[（结果保留π）|]。", "圆的半径{a}，它的面积是多少？", "半径{a}的圆面积有多大（用π表示）？", "已知圆的半径为{a}，求它的面积。"]),
        "circad": (
            ["What is the area of a circle with diameter {a}?", "A circle has diameter {a}. [What is its area|Find its area][?|.]", "[Find|Calculate|Compute] the area of a circle of diameter {a} in terms of π.", "The diameter of a circle is {a}. Find its area.", "How large is the area of a circle whose diameter is {a}? (Leave π in the answer.)"],
            ["圆的直径是{a}，面积是多少？", "一个圆直径{a}，求面积[（保留π）|]。", "求直径为{a}的圆的面积[（结果保留π）|]。", "圆的直径{a}，它的面积是多少？", "直径{a}的圆面积有多大（用π表示）？"]),
        "circc": (
            ["What is the circumference of a circle with radius {a}?", "A circle has radius {a}. [What is its circumference|Find its circumference][?|.]", "[Find|Calculate|Compute] the circumference of a circle of radius {a} in terms of π.", "The radius of a circle is {a}. Find its circumference.", "How long is the circumference of a circle whose radius is {a}? (Leave π in the answer.)", "Circle, radius {a}: circumference in terms of pi?"],
            ["圆的半径是{a}，周长是多少？", "一个圆半径{a}，求周长[（保留π）|]。", "求半径为{a}的圆的周长[（结果保留π）|]。", "圆的半径{a}，它的周长是多少？", "半径{a}的圆周长有多长（用π表示）？", "已知圆的半径为{a}，求它的周长。"]),
        "boxv": (
            ["What is the volume of a box {a} long, {b} wide and {c} high?", "A [box|cuboid] measures {a} by {b} by {c}. [What is its volume?|Find its volume.]", "[Find|Calculate|Compute] the volume of a cuboid with edges {a}, {b} and {c}.", "The edges of a rectangular box are {a}, {b} and {c}. Find the volume.", "How much does a box of {a} by {b} by {c} hold? Give its volume.", "Rectangular prism {a} × {b} × {c}: volume?"],
            ["长方体的长、宽、高分别是{a}、{b}、{c}，体积是多少？", "一个长方体长{a}，宽{b}，高{c}，求体积。", "求长{a}、宽{b}、高{c}的长方体的体积。", "长方体长{a}宽{b}高{c}，它的体积是多少？", "一个盒子长{a}、宽{b}、高{c}，它的体积有多大？", "已知长方体的长为{a}，宽为{b}，高为{c}，体积等于多少？"]),
        "boxs": (
            ["What is the surface area of a box {a} long, {b} wide and {c} high?", "A [box|cuboid] measures {a} by {b} by {c}. [What is its surface area?|Find its surface area.]", "[Find|Calculate|Compute] the surface area of a cuboid with edges {a}, {b} and {c}.", "The edges of a rectangular box are {a}, {b} and {c}. Find the surface area.", "How large is the whole surface of a box of {a} by {b} by {c}?", "Rectangular prism {a} × {b} × {c}: surface area?"],
            ["长方体的长、宽、高分别是{a}、{b}、{c}，表面积是多少？", "一个长方体长{a}，宽{b}，高{c}，求表面积。", "求长{a}、宽{b}、高{c}的长方体的表面积。", "长方体长{a}宽{b}高{c}，它的表面积是多少？", "一个盒子长{a}、宽{b}、高{c}，它的表面积有多大？", "已知长方体的长为{a}，宽为{b}，高为{c}，表面积等于多少？"]),
        "cubev": (
            ["What is the volume of a cube with edge {a}?", "A cube has edges of {a}. [What is its volume?|Find its volume.]", "[Find|Calculate|Compute] the volume of a cube of side {a}.", "The edge of a cube is {a}. Find its volume.", "How large is the volume of a cube whose edge is {a}?"],
            ["正方体的棱长是{a}，体积是多少？", "一个正方体棱长{a}，求体积。", "求棱长为{a}的正方体的体积。", "正方体棱长{a}，它的体积是多少？", "棱长{a}的立方体体积有多大？"]),
        "cubes": (
            ["What is the surface area of a cube with edge {a}?", "A cube has edges of {a}. [What is its surface area?|Find its surface area.]", "[Find|Calculate|Compute] the surface area of a cube of side {a}.", "The edge of a cube is {a}. Find its surface area.", "How large is the surface of a cube whose edge is {a}?"],
            ["正方体的棱长是{a}，表面积是多少？", "一个正方体棱长{a}，求表面积。", "求棱长为{a}的正方体的表面积。", "正方体棱长{a}，它的表面积是多少？", "棱长{a}的立方体表面积有多大？"]),
        "cylv": (
            ["What is the volume of a cylinder with radius {a} and height {h}?", "A cylinder has radius {a} and height {h}. [What is its volume|Find its volume][?|.]", "[Find|Calculate] the volume of a cylinder of radius {a} and height {h} in terms of π.", "The radius of a cylinder is {a} and its height is {h}. Find the volume.", "How much does a cylinder of radius {a} and height {h} hold? Give its volume with π."],
            ["圆柱的底面半径是{a}，高是{h}，体积是多少？", "一个圆柱底面半径{a}，高{h}，求体积[（保留π）|]。", "求底面半径为{a}、高为{h}的圆柱的体积[（结果保留π）|]。", "圆柱底面半径{a}，高{h}，它的体积是多少？", "底面半径{a}、高{h}的圆柱体积有多大（用π表示）？"]),
        "cyls": (
            ["What is the surface area of a cylinder with radius {a} and height {h}?", "A cylinder has radius {a} and height {h}. [What is its total surface area|Find its surface area][?|.]", "[Find|Calculate] the total surface area of a cylinder of radius {a} and height {h} in terms of π.", "The radius of a cylinder is {a} and its height is {h}. Find the surface area.", "How large is the whole surface of a cylinder of radius {a} and height {h}? Leave π in the answer."],
            ["圆柱的底面半径是{a}，高是{h}，表面积是多少？", "一个圆柱底面半径{a}，高{h}，求表面积[（保留π）|]。", "求底面半径为{a}、高为{h}的圆柱的表面积[（结果保留π）|]。", "圆柱底面半径{a}，高{h}，它的表面积是多少？", "底面半径{a}、高{h}的圆柱表面积有多大（用π表示）？"]),
        "prisms": (
            ["The base of a right prism is an isosceles right triangle with legs {a}. The height of the prism is {h}. Find its surface area.", "A right prism has an isosceles right triangle with legs of {a} as its base and a height of {h}. [What is|Find] its [total |]surface area[?|.]", "[Find|Calculate] the surface area of a right prism of height {h} whose base is an isosceles right triangle with legs {a}.", "What is the surface area of a right triangular prism with height {h} and an isosceles right triangle with legs {a} as base?", "An isosceles right triangle with legs {a} is the base of a right prism of height {h}. How large is the surface of the prism?", "A right prism: base an isosceles right triangle with legs {a}, height {h}. Total surface area?", "Find the total surface area of a right prism with height {h} if its base is an isosceles right triangle with leg {a}."],
            ["直三棱柱的底面是等腰直角三角形，直角边长为{a}，棱柱的高为{h}，求表面积。", "一个直三棱柱，底面是直角边为{a}的等腰直角三角形，高是{h}，它的表面积是多少？", "直棱柱的底面是等腰直角三角形，直角边{a}，高{h}，求[它的|]表面积。", "求底面为等腰直角三角形（直角边{a}）、高为{h}的直三棱柱的表面积。", "以直角边为{a}的等腰直角三角形为底面、高为{h}的直三棱柱，表面积有多大？", "已知直三棱柱底面为等腰直角三角形，腰长为{a}，侧棱长为{h}，求表面积。", "底面是腰长{a}的等腰直角三角形的直三棱柱，高为{h}，表面积等于多少？"]),
        "prismv": (
            ["The base of a right prism is an isosceles right triangle with legs {a}. The height of the prism is {h}. Find its volume.", "A right prism has an isosceles right triangle with legs of {a} as its base and a height of {h}. [What is|Find] its volume[?|.]", "[Find|Calculate] the volume of a right prism of height {h} whose base is an isosceles right triangle with legs {a}.", "What is the volume of a right triangular prism with height {h} and an isosceles right triangle with legs {a} as base?", "An isosceles right triangle with legs {a} is the base of a right prism of height {h}. How large is the volume of the prism?", "A right prism: base an isosceles right triangle with legs {a}, height {h}. Volume?"],
            ["直三棱柱的底面是等腰直角三角形，直角边长为{a}，棱柱的高为{h}，求体积。", "一个直三棱柱，底面是直角边为{a}的等腰直角三角形，高是{h}，它的体积是多少？", "直棱柱的底面是等腰直角三角形，直角边{a}，高{h}，求[它的|]体积。", "求底面为等腰直角三角形（直角边{a}）、高为{h}的直三棱柱的体积。", "以直角边为{a}的等腰直角三角形为底面、高为{h}的直三棱柱，体积有多大？", "已知直三棱柱底面为等腰直角三角形，腰长为{a}，侧棱长为{h}，求体积。"]),
    },
    "compare": {
        "big": (
            ["Which is [larger|bigger|greater], {a} or {b}?", "Which number is [larger|bigger|greater]: {a} or {b}?", "{a} or {b}, which is [bigger|larger]?", "Compare {a} and {b}. Which is larger?", "Of {a} and {b}, which one is the bigger number?", "Is {a} or {b} [larger|bigger|greater]?", "What is the larger of {a} and {b}?", "[Compare|Please compare] {a} and {b}: which is greater?", "{a} vs {b}: which is [larger|bigger]?", "Which of {a} and {b} is the larger one?", "max({a}, {b})"],
            ["{a}和{b}哪个[大|更大]？", "{a}与{b}[谁|哪个][大|更大]？", "比较{a}和{b}，哪个更大？", "{a}和{b}，哪一个数[大|更大]？", "{a}、{b}两个数中较大的是哪个？", "比较大小：{a}和{b}，大的是哪个？", "[请问|请比较：]{a}和{b}哪个更大？", "{a}跟{b}相比，谁更大？", "{a}大还是{b}大？", "在{a}与{b}中，哪个数大一些？", "{a}和{b}，谁大？"]),
        "small": (
            ["Which is [smaller|less], {a} or {b}?", "Which number is smaller: {a} or {b}?", "{a} or {b}, which is smaller?", "Compare {a} and {b}. Which is smaller?", "Of {a} and {b}, which one is the smaller number?", "Is {a} or {b} smaller?", "What is the smaller of {a} and {b}?", "{a} vs {b}: which is smaller?", "min({a}, {b})"],
            ["{a}和{b}哪个[小|更小]？", "{a}与{b}[谁|哪个][小|更小]？", "比较{a}和{b}，哪个更小？", "{a}和{b}，哪一个数[小|更小]？", "{a}、{b}两个数中较小的是哪个？", "比较大小：{a}和{b}，小的是哪个？", "{a}小还是{b}小？", "{a}跟{b}相比，谁更小？"]),
    },
    "sort": {
        "asc": (
            ["Sort {list}[.|]", "Sort these numbers: {list}", "Sort {list} in ascending order[.|]", "[Arrange|Put|Order] {list} from smallest to largest[.|]", "Put the numbers {list} in increasing order.", "Sort from smallest to largest: {list}", "Sort the list {list}[.|]", "[Arrange|Order] these numbers in ascending order: {list}", "What is {list} in ascending order?", "Write {list} in order, starting with the smallest."],
            ["把{list}从小到大排序。", "将{list}从小到大排列[。|]", "从小到大排序：{list}", "把下面的数从小到大排列：{list}", "请按升序排列{list}。", "对{list}[进行|]排序[。|]", "排序：{list}", "将{list}按从小到大的顺序[排列|排好]。", "{list}从小到大怎么排？", "按由小到大的顺序写出{list}。"]),
        "desc": (
            ["Sort {list} in descending order[.|]", "[Arrange|Put|Order] {list} from largest to smallest[.|]", "Sort from largest to smallest: {list}", "Sort these numbers in descending order: {list}", "Put the numbers {list} in decreasing order.", "What is {list} in descending order?", "Sort {list}, largest first.", "Write {list} in order, starting with the largest."],
            ["把{list}从大到小排序。", "将{list}从大到小排列[。|]", "从大到小排序：{list}", "把下面的数从大到小排列：{list}", "请按降序排列{list}。", "将{list}按从大到小的顺序[排列|排好]。", "{list}从大到小怎么排？", "按由大到小的顺序写出{list}。"]),
    },
    "letters": {
        "cnt": (
            ["How many {c}'s are in {w}?", "How many {c}'s are [there |]in the word {w}?", "How many times does the letter {c} [appear|occur] in {w}?", "How many times does {c} [appear|occur] in \"{w}\"?", "In the word {w}, how often does the letter {c} occur?", "Count the [letter {c}|{c}'s] in [the word |]{w}[.|]", "How many letters {c} are in [the word |]\"{w}\"?", "how many {c} in {w}", "How many \"{c}\" are in \"{w}\"?", "Find the number of {c}'s in {w}.", "[The word|In] {w}: how many {c}'s?", "How many {c}s are in {w}?"],
            ["{w}里有几个{c}？", "单词{w}[里|中]有几个[字母|]{c}？", "{w}中有多少个[字母|]{c}？", "字母{c}在{w}中出现了几次？", "请数一数{w}这个单词里{c}出现的次数。", "“{w}”[里|中]有几个“{c}”？", "数一数{w}里有几个字母{c}[。|？]", "在单词“{w}”中，字母{c}出现[几|多少]次？", "{w}这个词[里|中][有|含有]几个{c}？", "英文单词{w}里面{c}有几个？", "{w}有多少个{c}？"]),
        "len": (
            ["How many letters are in {w}?", "How many letters does [the word |]{w} have?", "How long is the word {w}?", "Count the letters in [the word |]{w}[.|]", "Of how many letters does the word \"{w}\" consist?", "What is the length of the word \"{w}\"?", "How many letters are there in \"{w}\"?"],
            ["{w}有几个字母？", "单词{w}[一共|]有多少个字母？", "{w}这个单词由几个字母组成？", "数一数{w}有多少个字母[。|]", "“{w}”的长度是几个字母？", "“{w}”共有几个字母？", "英文单词{w}有多少个字母？"]),
    },
    "json": {
        "person": (
            ["{name} is {age} years old and lives in {city}. [Give|Return|Answer with] a JSON object with {keys}[.|]", "Extract {keys} as JSON: {name}, aged {age}, lives in {city}.", "[Make|Write|Create] a JSON object with the keys {keys}: {name} is {age} and lives in {city}.", "Turn this into JSON with {keys}: {name} lives in {city} and is {age} years old.",
             "Reply with JSON only, with the keys {keys}. {name} comes from {city} and is {age} years old.", "Return JSON with {keys} for: {name}, {age} years old, from {city}.", "{name}, {age}, lives in {city}. Output as JSON with keys {keys}.", "As a JSON object with {keys}, please: {name} from {city} is {age} years old."],
            ["{name}今年{age}岁，住在{city}。请用JSON[对象|格式]回答，包含{keys}[。|]", "把下面的信息写成JSON，键为{keys}：{name}，{age}岁，住在{city}。", "{name}住在{city}，今年{age}岁，请输出含{keys}的JSON对象。", "提取{keys}并以JSON返回：{name}今年{age}岁，来自{city}。", "请只输出JSON，字段是{keys}：{name}，家住{city}，{age}岁。", "生成一个JSON对象，包含{keys}：{name}{age}岁，住{city}。", "用JSON表示（键：{keys}）：{name}来自{city}，{age}岁。"]),
        "product": (
            ["The shop has {n} pieces of the item {item} at {price} dollars each. Give a JSON object with {keys}[.|]", "Return JSON with {keys}: item {item}, price {price}, quantity {n}.", "[Make|Write|Create] a JSON object with the keys {keys}: {n} of {item} at ${price} each.", "Extract {keys} as JSON: {item}, {price} dollars, {n} in stock.", "Reply with JSON only, with the keys {keys}. There are {n} of {item}, each for {price} dollars.", "Output as JSON with keys {keys}: {item}, ${price}, {n} pieces."],
            ["商店有{item}，单价{price}元，数量{n}。请用JSON[对象|格式]回答，包含{keys}[。|]", "把下面的信息写成JSON，键为{keys}：{item}，{price}元，{n}件。", "{item}每件{price}元，共{n}件，请输出含{keys}的JSON对象。", "提取{keys}并以JSON返回：{item}，价格{price}元，数量{n}。", "请只输出JSON，字段是{keys}：有{n}件{item}，每件{price}元。", "生成一个JSON对象，包含{keys}：{item}，{n}件，单价{price}元。"]),
        "calc": (
            ["What is {e}? Answer as JSON with the key {keys}[.|]", "[Compute|Calculate] {e} and [return|give] a JSON object with the key {keys}[.|]", "Answer with JSON, key {keys}: what is {e}?", "{e} = ? Reply with a JSON object with {keys}[.|]", "Work out {e}. Reply with JSON only, with the key {keys}.", "Give the result of {e} as JSON with key {keys}."],
            ["{e}等于多少？请用JSON回答，键为{keys}[。|]", "计算{e}，以JSON返回，键为{keys}[。|]", "用JSON对象回答，键是{keys}：{e}等于多少？", "{e}=？输出含{keys}的JSON对象。", "请只输出JSON，字段是{keys}：{e}的结果。", "算出{e}，用JSON表示，键名{keys}。"]),
    },
    "who": {
        "who": (
            ["Who are you?", "What are you?", "Hello, who are you?", "What is your name?", "Which model are you?", "Are you ChatGPT?", "Are you DeepSeek?", "What can you do?", "Introduce yourself.", "Tell me what you can do.", "Who made you?", "What kinds of problems can you solve?", "Hi!", "Hello", "Please say who you are.", "What model is this?", "Are you Qwen?", "What are you able to do?",
             "Can you introduce yourself?", "Which AI are you?", "Are you a large language model?", "Tell me about yourself.", "help", "What do you know?", "What is your model name?", "Are you GPT-4?", "What tasks can you do?", "Who trained you?", "Hey, what's your name?", "What were you trained for?", "Good morning!", "Are you human?", "Which questions can I ask you?", "How can you help me?", "Who am I talking to?",
             "Who or what are you?", "How big are you?", "Hi there, who is this?", "Are you an AI?", "Describe yourself.", "What is distill?", "How were you trained?", "What problems do you know?", "Are you Claude?", "Could you tell me who you are?"],
            ["你是谁？", "你好，你是谁？", "你叫什么名字？", "你是什么模型？", "请说说你是谁。", "你是ChatGPT吗？", "你是DeepSeek吗？", "你会做什么？", "介绍一下你自己。", "你能做什么？", "你好", "你好！", "谁训练了你？", "你会解哪些题？", "你是哪个模型？", "你是什么？", "你是通义千问吗？", "请自我介绍一下。", "你能帮我做什么？", "你都会些什么？",
             "你是人工智能吗？", "你叫什么？", "你是大模型吗？", "我可以问你什么问题？", "你是人吗？", "早上好！", "能介绍一下自己吗？", "你是GPT-4吗？", "你的名字是什么？", "这是什么模型？", "你有多大？", "谁开发了你？", "帮助", "你知道些什么？", "你擅长什么？", "您是谁？", "您好，请问您是谁？", "你是怎么训练出来的？", "你有哪些功能？", "我在跟谁说话？", "说说你自己。", "distill是什么？", "你是Qwen吗？", "请问你会做哪些题目？", "你到底是什么东西？"]),
    },
}

# Topics that the model must decline. {x} is drawn from BEYOND_THINGS.
BEYOND = (
    ["Who was {x}?", "What is the capital of {x}?", "Tell me about {x}.", "Write a poem about {x}.", "What happened to {x}?", "Write a story about {x}[.|]", "What is the weather in {x} [today|tomorrow]?", "[Explain|Describe] {x}[.|]", "What is {x}?", "How does {x} work?",
     "Write a [Python|C++|Java|JavaScript] program [for|about] {x}[.|]", "Translate \"{x}\" into [French|Chinese|German|Spanish].", "Who invented {x}?", "When was {x} [born|founded|invented|discovered]?", "Give me a recipe for {x}.", "Why is {x} [famous|important|popular]?", "What do you think of {x}?", "Where is {x}?", "Write an essay about {x}[.|]", "Recommend a book about {x}.",
     "How do I [fix|build|learn|cook|install] {x}?", "Is {x} [good|bad|dangerous|healthy]?", "Tell me a joke about {x}.", "Summarize {x}.", "What is the history of {x}?", "Compose a song about {x}.", "What is the population of {x}?", "How old is {x}?", "Which is better, {x} or {y}?", "What is the difference between {x} and {y}?",
     "Write a letter about {x}.", "What causes {x}?", "Can you [draw|sing|play] {x}?", "Who wrote {x}?", "How tall is {x}?", "What is the best way to see {x}?", "Prove that {m}.", "[Compute|Find|Evaluate] {m}[.|]", "What is {m}?", "[Prove|Show] {m}[.|]",
     "Should I buy {x}?", "Tell me something about {x} and {y}.", "[Write|Give me] a [haiku|sonnet|slogan] about {x}[.|]", "Please explain {x} to a child.", "List facts about {x}.", "Help me with {x}.", "Write code that [sorts|prints|downloads|parses] {x}.", "[What's|What is] the meaning of {x}?", "Give me advice about {x}.", "Do you like {x}?"],
    ["{x}是谁？", "{x}的首都是哪里？", "介绍一下{x}。", "写一首关于{x}的诗。", "给我讲讲{x}吧。", "写一个关于{x}的故事[。|]", "{x}[今天|明天]天气怎么样？", "[解释|说明]一下{x}[。|]", "{x}是什么？", "请描述一下{x}。", "用[Python|C++|Java]写一个[关于|]{x}的程序[。|]", "把“{x}”翻译成[英文|法文|日文]。", "谁发明了{x}？", "{x}是什么时候[出现|发明|成立]的？", "{x}怎么做才好吃？",
     "{x}为什么[有名|重要|受欢迎]？", "你觉得{x}怎么样？", "{x}在哪里？", "写一篇关于{x}的作文[。|]", "推荐一本关于{x}的书。", "怎么[修|学|做|安装]{x}？", "{x}好吗？", "讲一个关于{x}的笑话。", "总结一下{x}。", "{x}的历史是怎样的？", "{x}有多少人口？", "{x}和{y}哪个好？", "{x}和{y}有什么区别？", "{x}是谁写的？", "{x}有多高？", "证明{m}。", "求{m}[。|]", "{m}是多少？",
     "什么是{x}？", "你喜欢{x}吗？", "帮我写一封关于{x}的信。", "我应该买{x}吗？", "请告诉我{x}的意思。", "{x}的原因是什么？", "关于{x}有哪些知识？", "给我一些{x}的建议。", "[唱|画]一下{x}", "谈谈{x}与{y}。", "请给孩子讲{x}。", "你对{x}有什么看法？"])

BEYOND_THINGS = (
    ("Napoleon|Shakespeare|Einstein|Newton|Cleopatra|Mozart|Beethoven|Picasso|Confucius|Marie Curie|Julius Caesar|Abraham Lincoln|Gandhi|Socrates|France|Germany|Japan|Brazil|Egypt|"
     "Australia|Canada|India|Paris|London|Tokyo|New York|Beijing|Berlin|the moon|the sun|the sea|the Great Wall|the Roman Empire|the French Revolution|World War II|the Cold War|the Renaissance|"
     "love|autumn|spring|winter|a cat|a dog|my mother|friendship|freedom|rain|the stars|a dragon|a lonely robot|quantum physics|black holes|gravity|photosynthesis|DNA|evolution|climate change|"
     "machine learning|neural networks|blockchain|bitcoin|the stock market|inflation|the internet|electricity|a computer|an engine|a steam engine|the telephone|penicillin|vaccines|cancer|headaches|"
     "sleep|yoga|football|chess|the Olympics|basketball|tennis|pizza|pasta|sushi|chocolate cake|soup|bread|coffee|tea|a bicycle|a car|a laptop|a phone|guitar|piano|jazz|opera|Hamlet|Harry Potter|"
     "Don Quixote|The Lord of the Rings|the Bible|the Odyssey|Mount Everest|the Amazon river|the Sahara|Antarctica|the Pacific Ocean|dinosaurs|elephants|whales|bees|penguins|volcanoes|earthquakes|"
     "democracy|philosophy|ethics|religion|Buddhism|psychology|happiness|my job|my homework essay|a web server|quicksort|a linked list|a binary tree|a text file|HTML|SQL|Linux|Docker|a website|a game|"
     "good morning|I love you|how are you|thank you|war and peace|time travel|artificial intelligence|the future|my resume|a cover letter|an email|the news|politics|the president|taxes|a visa|a passport"),
    ("拿破仑|莎士比亚|爱因斯坦|牛顿|孔子|李白|杜甫|秦始皇|鲁迅|贝多芬|毕加索|法国|德国|日本|巴西|埃及|澳大利亚|加拿大|印度|巴黎|伦敦|东京|纽约|北京|上海|月亮|太阳|大海|长城|罗马帝国|法国大革命|第二次世界大战|文艺复兴|唐朝|清朝|"
     "爱情|秋天|春天|冬天|小猫|小狗|妈妈|友谊|自由|下雨|星空|龙|机器人|量子物理|黑洞|引力|光合作用|基因|进化论|气候变化|机器学习|神经网络|区块链|比特币|股票|通货膨胀|互联网|电|电脑|发动机|蒸汽机|电话|青霉素|疫苗|感冒|头痛|睡眠|瑜伽|足球|"
     "象棋|奥运会|篮球|网球|披萨|红烧肉|饺子|蛋糕|面条|面包|咖啡|茶|自行车|汽车|笔记本电脑|手机|吉他|钢琴|京剧|红楼梦|西游记|三国演义|水浒传|哈利波特|珠穆朗玛峰|长江|黄河|沙漠|南极|太平洋|恐龙|大象|鲸鱼|蜜蜂|熊猫|火山|地震|民主|哲学|道德|宗教|"
     "佛教|心理学|幸福|工作|作业|网站|快速排序|链表|二叉树|文件|网页|数据库|游戏|早上好|我爱你|谢谢|战争|时间旅行|人工智能|未来|简历|邮件|新闻|政治|总统|税|签证|护照|旅游|减肥|考试|大学|医院|股市|房价|电影|音乐|小说"))

# Mathematics outside the kinds: also declined.
BEYOND_MATH = (
    ("the derivative of x^{n}|the integral of x^{n}|the integral of sin(x) from 0 to {n}|the limit of sin(x)/x as x goes to 0|the square root of {n} is irrational|there are infinitely many primes|the determinant of a {n}x{n} matrix|"
     "the eigenvalues of a matrix|the probability of rolling {n} with two dice|the {n}th prime number|the {n}th Fibonacci number|log({n})|sin({n})|cos({n})|tan({n} degrees)|the cube root of {n}|{n} factorial|"
     "the number of ways to choose {k} of {n}|the roots of x^2+{k}x+{n}=0|the solutions of x^3={n}|{n} in binary|{n} in hexadecimal|the prime factors of {n}|the sum of 1/k^2 for all k|the angle between two vectors|the variance of {k} and {n}|"
     "e^{n}|the Pythagorean theorem|the Riemann hypothesis|Fermat's last theorem|a differential equation|the Fourier transform of a pulse|the standard deviation of {k}, {n}"),
    ("x的{n}次方的导数|sin(x)的积分|{n}的平方根|根号{n}是无理数|素数有无穷多个|{n}阶行列式|矩阵的特征值|掷两个骰子得{n}的概率|第{n}个质数|斐波那契数列第{n}项|lg{n}|sin{n}度|cos{n}度|{n}的立方根|{n}的阶乘|从{n}个中选{k}个的组合数|x²+{k}x+{n}=0的根|"
     "{n}的二进制|{n}的十六进制|{n}的质因数分解|两个向量的夹角|{k}和{n}的方差|勾股定理|黎曼猜想|费马大定理|微分方程的解|函数的极限|椭圆的离心率|双曲线的渐近线|圆锥的侧面展开图|复数的模"))

# A second collection, appended to the lists above. {nm}, {nm2}: names; {th}: things; {m}: their measure word in Chinese.
MORE = {
    "add": {
        "story": (
            ["{nm} has {a} {th} and [buys|gets|finds] {b} more. How many {th} does {nm} have now?", "{nm} collected {a} {th} and {nm2} collected {b}. How many did they collect together?",
             "There are {a} {th} in one box and {b} in another. How many {th} are [there in both boxes|in the two boxes]?", "A farmer picked {a} melons in the morning and {b} in the afternoon. How many [is that in total|did he pick in all]?",
             "A library had {a} books and got {b} new ones. How many books does it have now?", "On Saturday {a} people came, on Sunday {b}. How many people came [altogether|in total|on both days]?",
             "{nm} walked {a} steps yesterday and {b} steps today. How many steps in all?", "A train carries {a} passengers. {b} more get on. How many passengers are on the train now?",
             "If you have {a} {th} and someone gives you {b}, how many do you have?", "{nm} and {nm2} have {a} and {b} {th}. How many {th} do they have together?",
             "A village had {a} inhabitants and {b} people moved in. How many live there now?", "{nm} saved ${a} and then ${b}. How much money is that altogether?",
             "One school has {a} pupils, the other has {b}. How many pupils do the two schools have in total?", "A shelf holds {a} {th}. {nm} puts {b} more on it. How many {th} are on the shelf now?", "Put {a} {th} and {b} {th} together. How many are there?"],
            ["{nm}有{a}{m}{th}，又[买了|得到|捡到]{b}{m}，现在有多少{m}？", "{nm}收集了{a}{m}{th}，{nm2}收集了{b}{m}，两人一共收集了多少{m}？", "一个箱子里有{a}{m}{th}，另一个箱子里有{b}{m}，两个箱子共有多少{m}？",
             "农民上午摘了{a}个西瓜，下午摘了{b}个，一共摘了多少个？", "图书馆有{a}本书，又买来{b}本，现在有多少本书？", "星期六来了{a}人，星期日来了{b}人，两天共来了多少人？", "{nm}昨天走了{a}步，今天走了{b}步，两天一共走了多少步？",
             "火车上有{a}名乘客，又上来{b}名，现在有多少名乘客？", "{nm}和{nm2}分别有{a}{m}和{b}{m}{th}，合起来有多少{m}？", "商店上午卖出{a}{m}{th}，下午卖出{b}{m}，全天共卖出多少{m}？", "工厂第一天生产{a}个零件，第二天生产{b}个，两天共生产多少个？",
             "甲校有{a}名学生，乙校有{b}名学生，两校一共有多少名学生？", "{nm}存了{a}元，后来又存了{b}元，一共存了多少元？", "果园里有{a}棵苹果树和{b}棵梨树，一共有多少棵树？", "架子上原来有{a}{m}{th}，又放上去{b}{m}，现在有几{m}？"]),
    },
    "sub": {
        "story": (
            ["{nm} has {a} {th} and [gives away|loses|sells] {b}. How many {th} are left?", "There were {a} people in the hall and {b} left. How many are still there?", "A shop had {a} {th} and sold {b}. How many remain?",
             "{nm} has {a} {th}, {nm2} has {b}. How many more does {nm} have?", "A tank held {a} liters and {b} liters were used. How much is left?", "Of {a} tickets {b} are sold. How many are not sold yet?", "A book has {a} pages. {nm} has read {b}. How many pages are left to read?",
             "{nm} had ${a} and spent ${b}. How much money is left?", "What remains of {a} after removing {b}?", "A farm has {a} animals, {b} of them are sheep. How many are not sheep?", "There are {a} {th} in a box. {nm} takes out {b}. How many stay in the box?",
             "By how much is {a} larger than {b}?", "How many more {th} are {a} {th} than {b} {th}?", "From a rope of {a} cm, {b} cm are cut off. How many cm remain?", "A school has {a} pupils; {b} are boys. How many girls are there?"],
            ["{nm}有{a}{m}{th}，[送给别人|卖掉|丢了]{b}{m}，还剩多少{m}？", "大厅里有{a}人，走了{b}人，还有多少人？", "商店有{a}{m}{th}，卖出{b}{m}，还剩多少{m}？", "{nm}有{a}{m}{th}，{nm2}有{b}{m}，{nm}比{nm2}多多少{m}？", "水箱有{a}升水，用去{b}升，还剩多少升？",
             "一共{a}张票，已卖出{b}张，还有多少张没卖？", "一本书有{a}页，{nm}看了{b}页，还有多少页没看？", "{nm}有{a}元，花了{b}元，还剩多少元？", "一根绳子长{a}厘米，剪去{b}厘米，还剩多少厘米？", "学校有{a}名学生，其中男生{b}名，女生有多少名？",
             "{a}比{b}多多少？", "仓库有{a}箱货物，运走{b}箱，剩下多少箱？", "箱子里有{a}{m}{th}，{nm}拿走{b}{m}，箱子里还有几{m}？", "甲数是{a}，乙数比甲数少{b}，乙数是多少？", "农场有{a}只动物，其中{b}只是羊，其他动物有多少只？"]),
    },
    "mul": {
        "story": (
            ["Each box holds {b} {th}. How many {th} are in {a} boxes?", "{nm} has {a} bags with {b} {th} in each. How many {th} does {nm} have?", "A book has {a} pages with {b} lines on each page. How many lines are there?", "{a} buses carry {b} people each. How many people is that?",
             "A hall has {a} rows of {b} chairs. How many chairs does it have?", "{nm} reads {b} pages a day. How many pages does {nm} read in {a} days?", "A factory makes {b} {th} every day. How many does it make in {a} days?", "If one crate contains {b} {th}, how many do {a} crates contain?",
             "A machine prints {b} pages per minute. How many pages does it print in {a} minutes?", "{a} farmers plant {b} trees each. How many trees do they plant [together|in total]?", "There are {b} {th} on each of {a} shelves. How many {th} are there in total?", "A worker earns ${b} a day. How much does he earn in {a} days?",
             "{nm} runs {b} meters each day for {a} days. How many meters is that altogether?", "Every one of {a} teams has {b} players. How many players are there?", "How many {th} are there in {a} packs of {b}?"],
            ["每盒有{b}{m}{th}，{a}盒共有多少{m}？", "{nm}有{a}袋{th}，每袋{b}{m}，一共有多少{m}？", "一本书有{a}页，每页{b}行，共有多少行？", "{a}辆客车，每辆坐{b}人，一共坐多少人？", "礼堂有{a}排椅子，每排{b}把，共有多少把？", "{nm}每天看{b}页书，{a}天看多少页？",
             "工厂每天生产{b}个零件，{a}天生产多少个？", "一箱有{b}{m}{th}，{a}箱有多少{m}？", "打印机每分钟打印{b}页，{a}分钟打印多少页？", "{a}个工人每人种{b}棵树，一共种了多少棵？", "每层书架放{b}本书，{a}层共放多少本？", "工人每天挣{b}元，{a}天挣多少元？", "{nm}每天跑{b}米，{a}天一共跑多少米？",
             "{a}支球队，每队{b}名队员，共有多少名队员？", "每包{b}{m}{th}，{a}包合计多少{m}？"]),
    },
    "div": {
        "story": (
            ["{a} {th} are packed into boxes of {b}. How many full boxes are there[, and how many {th} are left|]?", "{nm} shares {a} {th} equally among {b} friends. How many does each friend get[, and how many are left over|]?", "{a} pupils form groups of {b}. How many groups are there[, and how many pupils are left|]?",
             "A rope of {a} cm is cut into pieces of {b} cm. How many pieces are there[, and how much is left|]?", "{a} {th} are put on {b} shelves equally. How many are on each shelf[, and how many are left|]?", "How many teams of {b} can be made from {a} players[, and how many players remain|]?", "{nm} has ${a}. One book costs ${b}. How many books can {nm} buy[, and how much money is left|]?",
             "A bus takes {b} people. How many full buses do {a} people fill[, and how many people are left|]?", "{a} eggs go into cartons of {b}. How many cartons are filled[, and how many eggs remain|]?", "If {a} {th} are divided into {b} equal parts, how many are in each part[, and how many are left over|]?"],
            ["{a}{m}{th}，每{b}{m}装一盒，可以装满几盒[，还剩几{m}|]？", "{nm}把{a}{m}{th}平均分给{b}个朋友，每人得几{m}[，还剩几{m}|]？", "{a}名学生每{b}人一组，可以分成几组[，还剩几人|]？", "一根{a}厘米的绳子剪成{b}厘米一段，能剪几段[，还剩多少厘米|]？", "{a}{m}{th}平均放在{b}个架子上，每个架子放几{m}[，还剩几{m}|]？",
             "{nm}有{a}元，每本书{b}元，最多能买几本[，还剩多少元|]？", "一辆车坐{b}人，{a}人可以坐满几辆[，还剩几人|]？", "{a}个鸡蛋，每盒装{b}个，能装满几盒[，还剩几个|]？", "{a}{m}{th}分成{b}等份，每份有几{m}[，还剩几{m}|]？", "{a}棵树苗，每行种{b}棵，可以种几行[，还剩几棵|]？"]),
    },
    "units": {
        "conv": (
            ["Please convert {v} {f} to {t}.", "Give {v} {f} in {t}.", "{v} {f} = how many {t}?", "If something measures {v} {f}, how much is that in {t}?", "How much is {v} {f} in {t}?", "Change the unit: {v} {f} into {t}.", "{v} {f} make how many {t}?", "Tell me how many {t} {v} {f} are."],
            ["{v}{f}合几{t}？", "{v}{f}化成{t}是多少？", "{v}{f}转换成{t}[。|]", "请把{v}{f}换算成{t}。", "用{t}作单位，{v}{f}是多少？", "多少{t}等于{v}{f}？", "{v}{f}是几{t}？", "{v}{f}用{t}表示是多少？", "请将{v}{f}改成以{t}为单位。"]),
    },
    "percent": {
        "of": (["How much is {p} percent of {n}?", "Of {n} people, {p}% are children. How many children are there?", "{n} × {p}% = ?", "Calculate {p} percent of {n}.", "{p}% of {n} is how much?", "A farm of {n} acres is {p}% forest. How many acres of forest are there?"],
               ["{n}的{p}%是几？", "果园有{n}棵树，{p}%是苹果树，苹果树有多少棵？", "{p}%的{n}是多少？", "一本书有{n}页，看了{p}%，看了多少页？", "请计算{n}的百分之{p}。", "{n}克盐水中盐占{p}%，盐有多少克？"]),
        "off": (["{p}% off ${n}: what is the price?", "A coat was ${n}. The shop gives {p}% off. How much is it now?", "What do you pay for a ${n} {i} with a {p}% discount?", "The ${n} {i} is reduced by {p} percent. New price?", "Find the price of a {i} of ${n} after a reduction of {p}%."],
                ["{i}原来{n}元，现在降价百分之{p}，要多少元？", "商品原价{n}元，促销便宜{p}%，促销价是多少元？", "{n}元的{i}减价{p}%，现价多少？", "一{u}{i}从{n}元降低{p}%，现在的价格是多少元？", "原价{n}元，打折后便宜了{p}%，实际付多少元？", "某种{i}售价{n}元，下降{p}%以后是多少元？", "{n}降低{p}%是多少？"]),
        "zhe": ([], ["{i}打{z}折，原价{n}元，现价几元？", "商场{z}折促销，一{u}{n}元的{i}要付多少钱？", "原价{n}元的商品打{z}折，实际付多少元？", "一{u}{i}{n}元，打{z}折后多少钱？"]),
        "up": (["A price of ${n} is raised by {p} percent. Find the new price.", "A population of {n} increases by {p}%. What is it now?", "If {n} grows by {p}%, what does it become?", "Add {p}% to {n}.", "The fee was ${n}; it rose by {p}%. How much is the fee now?", "Sales of {n} went up by {p}%. What are they now?", "The number of visitors, {n}, increased by {p} percent. How many visitors are there now?"],
               ["{n}上涨{p}%等于多少？", "一个村有{n}人，人口增长{p}%，现在有多少人？", "房租原来{n}元，上调{p}%，现在是多少元？", "{n}增长百分之{p}后是多少？", "商品成本{n}元，加价{p}%出售，售价是多少元？", "把{n}提高百分之{p}，得多少？", "产量原来是{n}，增加了{p}%，现在是多少？", "票价{n}元，涨了{p}%，新票价是多少元？"]),
        "what": (["What percent is {a} of {b}?", "{a} of {b} tickets are sold. What percent is that?", "Of {b} apples {a} are bad. How many percent are bad?", "Write {a}/{b} as a percentage."],
                 ["{a}是{b}的百分之多少？", "{b}个苹果中有{a}个坏了，坏了百分之几？", "{b}道题做对了{a}道，正确率是百分之几？", "把{a}/{b}写成百分数。"]),
        "orig": (["A {i} sells for ${m} after a reduction of {p}%. What was its price before?", "The sale price, {p}% off, is ${m}. What was the price before the sale?", "After taking {p}% off, a {i} costs ${m}. Find the original price.", "If a {i} at {p}% discount costs ${m}, how much did it cost originally?"],
                 ["一{u}{i}打折便宜{p}%，实际付{m}元，原价多少？", "某商品降价百分之{p}后是{m}元，求原来的价格。", "{i}现价{m}元，比原价低{p}%，原价是多少元？", "现在{m}元，降了{p}%，原来是多少元？"]),
        "buy": (["How much must I pay for {k} {I} at ${c} apiece?", "What is the cost of {k} {I} priced at ${c} each?", "{nm} buys {k} {I}; each costs ${c}. How much is that in total?"], ["{k}{u}{i}，每{u}{c}元，总价多少元？", "{nm}买{k}{u}{i}，每{u}{c}元，一共花多少钱？", "{c}元一{u}的{i}，买{k}{u}要多少钱？", "买{c}元一{u}的{i}共{k}{u}，应付多少元？"]),
        "change": (["{nm} pays ${m} for {k} {I} that cost ${c} each. What change does {nm} get?", "From ${m} I buy {k} {I} at ${c} apiece. What is left?", "{k} {I}, ${c} each, paid with ${m}: how much change?"], ["{nm}拿{m}元去买{k}{u}{c}元一{u}的{i}，找回多少元？", "用{m}元买{k}{u}{i}，每{u}{c}元，剩下多少元？", "{k}{u}{i}，一{u}{c}元，付{m}元，找多少钱？"]),
    },
    "speed": {
        "dist": (["A cyclist rides at {v} for {t}. How many {km} does he ride?", "[Moving|Driving|Travelling] at {v} for {t}, how far do you get?", "With a speed of {v} and a time of {t}, what is the distance?", "How many {km} does a train at {v} cover in {t}?", "A ship sails {t} at {v}. How far does it sail?", "{nm} moves at {v} for {t}. What distance is that?", "A plane flies at {v}. How far does it fly in {t}?", "At {v}, how far is it in {t}?"],
                 ["一艘船{v}，航行{t}，航行了多少{km}？", "{nm}骑车{v}，骑了{t}，共骑了多少{km}？", "{t}内以{v}的速度能行多少{km}？", "飞机{v}，飞行{t}，飞了多远？", "若速度为{v}，则{t}的路程是多少{km}？", "一辆车的速度是{v}，{t}能行多少{km}？", "已知速度{v}、时间{t}，求路程是多少{km}。", "{nm}从家出发，{v}，走了{t}，离家多少{km}？"]),
        "time": (["How much time is needed for {d} at {v}?", "A ship sails {d} at {v}. How long does it sail?", "{nm} has to go {d} and moves at {v}. How many {hr} does it take?", "With a speed of {v}, when have you covered {d}?", "A trip of {d} at {v} takes how many {hr}?", "At {v}, {d} take how long?"],
                 ["一艘船{v}，航行{d}要多少{hr}？", "{nm}骑车{v}，骑{d}要几{hr}？", "已知路程{d}、速度{v}，求时间。", "飞机{v}，飞{d}需要多久？", "速度为{v}时，走完{d}要几{hr}？", "全程{d}，每小时的速度不变，为{v}，几{hr}走完？"]),
        "spd": (["{nm} goes {d} in {t}. What is the speed?", "A ship needs {t} for {d}. How fast is it?", "What speed do you need to cover {d} in {t}?", "Find the speed if the distance is {d} and the time is {t}.", "A plane flies {d} in {t}. What is its average speed?", "How many {km} per {hr} is {d} in {t}?"],
                ["{nm}{t}走了{d}，{nm}的速度是多少？", "一艘船航行{d}用了{t}，速度是多少？", "已知路程{d}、时间{t}，求速度。", "飞机{t}飞了{d}，平均速度是多少？", "要在{t}内走完{d}，速度应是多少？", "{d}的路，{t}走完，速度是多少？"]),
        "meet": (["{nm} and {nm2} are {d} apart and walk towards each other at {v} and {w}. After how many {hr} do they meet?", "Two ships {d} apart sail towards each other, one with {v}, the other with {w}. How long does it take until they meet?", "Starting {d} apart, two cars approach each other with {v} and {w}. When will they meet?", "Two trains leave two towns {d} apart at the same time, heading for each other at {v} and {w}. How many {hr} pass until they meet?"],
                 ["{nm}和{nm2}相距{d}，同时相向而行，速度分别为{v}和{w}，几{hr}后相遇？", "两船相距{d}，同时相对开出，甲船{v}，乙船{w}，多少{hr}后相遇？", "甲乙两地相距{d}，客车和货车同时从两地出发相向而行，客车{v}，货车{w}，几{hr}后相遇？", "两人从相距{d}的两地同时出发，相向而行，一人{v}，另一人{w}，多久后相遇？"]),
        "chase": (["{nm} is {g} behind {nm2}. {nm} moves at {v}, {nm2} at {w}. How many {hr} until {nm} catches up?", "The first car is {g} ahead and drives at {w}, the second follows at {v}. After what time does the second reach the first?", "A police car at {v} follows a car at {w} that is {g} ahead. How long does it need to catch it?", "Two ships sail in the same direction, {g} apart; the one behind makes {v}, the one in front {w}. When does the one behind catch up?"],
                  ["{nm}在{nm2}后面{g}，{nm}{v}，{nm2}{w}，几{hr}后{nm}追上{nm2}？", "客车在货车后{g}，客车{v}，货车{w}，多少{hr}能追上？", "警车{v}，追前方{g}处{w}的汽车，需要几{hr}追上？", "两人同向而行，后面的人{v}，前面的人{w}，开始相距{g}，几{hr}后追上？"]),
    },
    "compare": {
        "big": (["Which one is larger: {a} or {b}?", "Between {a} and {b}, which is [bigger|larger|greater]?", "What is bigger, {a} or {b}?", "Which has the greater value, {a} or {b}?", "Is {a} bigger than {b}, or the other way round? Give the bigger one."], ["{a}和{b}哪个数值更大？", "{a}和{b}中，较大的数是多少？", "哪个更大，{a}还是{b}？", "请问{a}与{b}哪个大？", "{a}、{b}谁更大？", "比一比，{a}和{b}哪个大？"]),
        "small": (["Which one is smaller: {a} or {b}?", "Between {a} and {b}, which is smaller?", "What is smaller, {a} or {b}?", "Which has the lower value, {a} or {b}?"], ["{a}和{b}中，较小的数是多少？", "哪个更小，{a}还是{b}？", "请问{a}与{b}哪个小？", "{a}、{b}谁更小？"]),
    },
    "letters": {
        "cnt": (["In \"{w}\", how many times do you see the letter {c}?", "Tell me how many {c}'s the word {w} has.", "How often is {c} used in {w}?", "What is the number of {c}'s in the word \"{w}\"?", "Count how many times {c} appears in {w}.", "How many of the letters in {w} are {c}?"], ["{w}里{c}有几个？", "{w}中{c}出现了多少次？", "请问单词{w}有几个{c}？", "统计{w}里字母{c}的个数。", "单词{w}里的字母{c}一共出现几次？", "{w}含有多少个{c}？"]),
    },
    "json": {
        "person": (["{name} lives in {city}. {name} is {age}. Write this as JSON with {keys}.", "Give me JSON for this person with the keys {keys}: {name}, age {age}, city {city}.", "JSON please, keys {keys}: {name} ({age}) from {city}.", "Put {keys} of this person into a JSON object: {name} from {city}, {age} years old."], ["请把“{name}，{age}岁，{city}人”写成含{keys}的JSON。", "用JSON给出{keys}：{name}{age}岁，住在{city}。", "输出JSON，键为{keys}：姓名{name}，年龄{age}，城市{city}。", "{name}，{age}岁，来自{city}。以JSON格式给出{keys}。"]),
        "product": (["A {item} costs ${price}; we have {n}. Write this as JSON with {keys}.", "Give me JSON for this product with the keys {keys}: {item}, price {price}, {n} in stock.", "JSON please, keys {keys}: {n} pieces of {item}, {price} dollars each.", "Put {keys} into a JSON object: {item}, {price} dollars, quantity {n}."], ["库存{n}件{item}，单价{price}元，以JSON格式给出{keys}。", "用JSON给出{keys}：{item}{n}件，每件{price}元。", "输出JSON，键为{keys}：商品{item}，价格{price}，数量{n}。", "请把“{item}，{price}元，{n}件”写成含{keys}的JSON。"]),
        "calc": (["Give me {e} as a JSON object with the key {keys}.", "JSON with the key {keys}, please: {e}", "Put the value of {e} into a JSON object under {keys}.", "Evaluate {e}; the output must be JSON with {keys}."], ["以JSON格式给出{e}的结果，键为{keys}。", "输出JSON，键为{keys}：{e}", "{e}是多少？请返回JSON，键名为{keys}。", "求{e}，用含{keys}的JSON表示。"]),
    },
    "sort": {
        "asc": (["Sort increasingly: {list}", "Please sort {list}.", "Give {list} in ascending order.", "Rank {list} from lowest to highest.", "Order the numbers {list} from small to large."], ["请把{list}从小到大排一排。", "给{list}排序，从小到大。", "{list}，请从小到大排列。", "升序排列：{list}", "将下列数按从小到大排列：{list}"]),
        "desc": (["Sort decreasingly: {list}", "Please sort {list} from high to low.", "Give {list} in descending order.", "Rank {list} from highest to lowest.", "Order the numbers {list} from large to small."], ["请把{list}从大到小排一排。", "给{list}排序，从大到小。", "{list}，请从大到小排列。", "降序排列：{list}", "将下列数按从大到小排列：{list}"]),
    },
    "gcdlcm": {
        "gcd": (["Please find the {w} of {a} and {b}.", "Give the {w} of the numbers {a} and {b}.", "What's the {w} of {a} and {b}", "The numbers are {a} and {b}. Find their {w}.", "By which largest number can both {a} and {b} be divided?"], ["{a}与{b}的{w}[。|是？]", "两个数{a}、{b}的{w}是多少？", "求这两个数的{w}：{a}，{b}", "请问{a}和{b}的{w}是多少？", "{a}，{b}，求{w}。"]),
        "lcm": (["Please find the {w} of {a} and {b}.", "Give the {w} of the numbers {a} and {b}.", "What's the {w} of {a} and {b}", "The numbers are {a} and {b}. Find their {w}.", "Which smallest number is a multiple of both {a} and {b}?"], ["{a}与{b}的{w}[。|是？]", "两个数{a}、{b}的{w}是多少？", "求这两个数的{w}：{a}，{b}", "请问{a}和{b}的{w}是多少？", "{a}，{b}，求{w}。"]),
    },
}

# A third collection: sentences with many alternatives, other orders of the facts, further ways to name an operation.
RICH = {
    "add": {
        "two": (["[What do|How much do] {a} and {b} [make|give|come to|add up to|amount to][ together|]?", "[Increase|Raise] {a} by {b}[.|]", "What is {b} more than {a}?", "[Put|Bring|Take] {a} and {b} together[: what is the result?|.]", "What number is {b} greater than {a}?", "{a} increased by {b} [is|equals|gives] what?", "Start [at|from|with] {a} and go up by {b}. [Where do you end?|What number is it?]", "[The first number is|First number:] {a}[, the second is|; second number:] {b}. [What is|Find|Give] their sum[?|.]", "Which number is the sum of {a} and {b}?", "From {a}, count {b} further. Which number do you reach?", "{b} is added to {a}. What is the result?", "[If|When] you add {b} to {a}, what [comes out|do you get|is the result]?"],
                ["{a}增加{b}[是多少|等于多少|得多少]？", "{a}与{b}[加起来|合起来|合在一起|相加][是多少|等于多少|得几]？", "[什么|哪个]数比{a}[多|大]{b}？", "{a}再加{b}[是多少|等于几|得多少]？", "两个加数[分别|]是{a}和{b}，和是多少？", "一个数比{a}大{b}，这个数是多少？", "{b}比一个数少{a}，这个数怎么用加法求：{b}+{a}=？", "在{a}上加{b}[得多少|是多少|等于几]？", "[求|算]{a}、{b}[两数|两个数|][的和|之和|的总和][。|]", "甲数是{a}，乙数比甲数多{b}，乙数是多少？", "比{a}大{b}的数是[多少|几]？"]),
        "three": (["[Find|What is|Compute] the [sum|total] of [the three numbers |the numbers |]{a}, {b} and {c}[.|?]", "{a}, {b} and {c} together [make|give] what?", "{a} plus {b} plus {c} [is|equals] what?", "[Total|Sum]: {a}, {b}, {c}. [Add them up.|What is it?]", "[Put|Bring] {a}, {b} and {c} together: how much [is that|in total]?", "Add up the three numbers {a}, {b}, {c}."], ["{a}、{b}和{c}[一共|合起来|加在一起][是多少|等于多少]？", "三个加数是{a}、{b}、{c}，和是多少？", "{a}，{b}，{c}[三个数相加|三数之和][是多少|等于几]？", "把{a}、{b}、{c}加起来[。|，得多少？]", "求{a}、{b}与{c}[的和|之和|的总和][。|]", "三个数{a}、{b}、{c}的总和是多少？"]),
    },
    "sub": {
        "two": (["[Decrease|Reduce|Lower] {a} by {b}[.|]", "What is {b} less than {a}?", "[Remove|Take] {b} from {a}[. What is left?|.]", "{a} decreased by {b} [is|equals|gives] what?", "[Begin|Start] with {a} and [take off|subtract] {b}. What [remains|is left]?", "How far is it from {b} to {a}?", "What must be added to {b} to get {a}?", "{b} is subtracted from {a}. What is the result?", "[If|When] you take {b} from {a}, what [remains|is left|do you get]?", "From {a}, count back {b}. Which number do you reach?", "What number is {b} smaller than {a}?", "[The minuend is|Minuend:] {a}[, the subtrahend is|; subtrahend:] {b}. [What is|Find] the difference[?|.]", "{a} take away {b} [is|equals|makes] what?"],
                ["{a}减少{b}[是多少|等于多少|得多少]？", "[什么|哪个]数比{a}[少|小]{b}？", "{a}去掉{b}[还剩多少|剩多少|是多少]？", "{a}比{b}[多多少|大多少]？", "被减数{a}，减数{b}，[求差|差是几]。", "从{a}中减去{b}[得多少|是多少|等于几]？", "{b}加上多少等于{a}？", "{a}与{b}[相差多少|的差是多少|之差是几]？", "比{a}小{b}的数是[多少|几]？", "甲数是{a}，乙数比甲数小{b}，乙数是多少？", "减去{b}，{a}还剩[多少|几]？", "从{a}往回数{b}，是多少？"]),
        "story": (["A school has {a} children, of whom {b} are [girls|boys]. How many are [boys|girls]?", "[In a class of|Among|Of] {a} pupils {b} are [ill|absent|away]. How many are [present|there]?", "A rope is {a} m long; {b} m are used. How many m are left?", "{nm} needs {a} {th} and already has {b}. How many are missing?", "A herd has {a} animals, {b} are cows, the rest are horses. How many horses are there?", "[There are|We have] {a} {th}; {b} of them are broken. How many are [good|whole]?"],
                  ["全校{a}人，女生{b}人，男生有多少人？", "一共{a}{m}{th}，坏了{b}{m}，好的有多少{m}？", "牧场有{a}头牲口，其中牛{b}头，其余是马，马有多少头？", "全班{a}人，来了{b}人，缺席多少人？", "水池有水{a}吨，放掉{b}吨，剩下多少吨？", "{nm}要{a}{m}{th}，已经有{b}{m}，还差多少{m}？", "养殖场有{a}只鸭和鹅，其中鸭{b}只，鹅有多少只？", "油桶里有{a}升油，用掉{b}升，还有多少升？"]),
    },
    "mul": {
        "two": (["[Take|Find] {a} times {b}[.|]", "What is {a} groups of {b}?", "{a} multiplied by {b} [is|equals|gives] what?", "[The factors are|Factors:] {a} and {b}. [What is|Find] the product[?|.]", "{a} lots of {b} [make|are] how many?", "[If|When] you multiply {b} by {a}, what [comes out|do you get]?", "How much is {a} times {b}?", "Which number is the product of {a} and {b}?"], ["{a}与{b}相乘[是多少|等于多少|得几]？", "两个因数[分别|]是{a}和{b}，积是多少？", "{b}的{a}倍[是多少|等于几|得多少]？", "{a}个{b}[一共|合起来]是多少？", "[求|算]{a}、{b}[两数|两个数|][的积|之积|的乘积][。|]", "{a}乘{b}[的积|的结果]是[多少|几]？", "用{a}乘{b}[得多少|是多少]？", "{a}和{b}的乘积[是多少|等于几]？"]),
        "story": (["[One|A|Each] [pack|bag|jar|tray] [has|holds|contains] {b} {th}. How many are [in|there in] {a} [packs|bags|jars|trays]?", "{a} [packs|bags|jars|trays] of {b} {th}: how many {th} [is that|in all]?", "{a} tables with {b} guests each make how many guests?", "In {a} weeks {nm} writes {b} pages per week. How many pages is that?", "There are {a} floors with {b} rooms on every floor. How many rooms are there?", "{a} classes have {b} pupils each. How many pupils is that?"], ["每袋{b}{m}{th}，{a}袋一共多少{m}？", "一筐{b}{m}{th}，{a}筐合计多少{m}？", "每层{b}个房间，{a}层有多少个房间？", "{a}张桌子，每桌坐{b}人，可以坐多少人？", "{nm}每周写{b}页，{a}周写多少页？", "每班{b}人，{a}个班多少人？", "每人种{b}棵树，{a}人种多少棵？", "每本书{b}页，{a}本共多少页？"]),
    },
    "div": {
        "div": (["[How often|How many times] does {b} fit into {a}[, and what remains|]?", "[Divide|Split|Share] {a} [by|into] {b}[ equal parts|]. [What is the result?|What is each part?|]", "{a} over {b} [is|equals] what?", "[The dividend is|Dividend:] {a}[, the divisor is|; divisor:] {b}. [Find|Give] the quotient[ and the remainder|].", "How often can {b} be taken from {a}[, and what is left|]?", "[If|When] you divide {a} by {b}, what [comes out|do you get][, and what is the remainder|]?", "How many {b}s are [there |]in {a}[, and what is left over|]?"], ["{a}[被{b}除|÷{b}]，[商是多少|得多少][，余数是多少|]？", "被除数{a}，除数{b}，[商是多少|求商][，余数呢|和余数|]？", "{a}里最多有几个{b}[，还剩多少|]？", "{a}能分成几个{b}[，还余多少|]？", "求{a}÷{b}的商[和余数|]。", "用{a}除以{b}，[得多少|商几][，余几|]？", "{a}平均分成{b}份，[每份多少|一份是多少][，余多少|]？", "{a}除以{b}[得几|的结果是多少][，余几|]？"]),
        "story": (["{nm} puts {a} {th} into bags of {b}. How many bags are [full|filled][, and how many {th} are left|]?", "{b} [children|people|friends] share {a} {th}. How many does each [get|receive][, and what is left|]?", "{a} [plants|trees] are set in rows of {b}. How many rows are there[, and how many are left|]?", "{a} {th} [are spread|lie] evenly on {b} [tables|trays]. How many are on [one|each][, and how many are left over|]?", "Each box takes {b} {th}. How many boxes do {a} {th} fill[, and how many remain|]?", "{a} people sit at tables of {b}. How many tables are full[, and how many people remain|]?"], ["{a}{m}{th}放在{b}个盒子里，每盒放同样多，每盒几{m}[，还剩几{m}|]？", "把{a}棵树种成每行{b}棵，种几行[，剩几棵|]？", "{b}个人平分{a}{m}{th}，每人几{m}[，剩几{m}|]？", "{a}人坐车，每车{b}人，坐满几辆[，还剩几人|]？", "{a}{m}{th}，{b}{m}一袋，能装几袋[，还剩几{m}|]？", "{a}米布，每{b}米做一套，能做几套[，剩几米|]？", "{a}块糖分给{b}人，每人几块[，剩几块|]？", "{a}个零件平均装在{b}个箱子里，每箱几个[，还剩几个|]？"]),
    },
    "chickens": {
        "both": (["[There are|I count|We count|One sees] {f} {feet} and {h} heads[ in a cage of {A} and {B}|, all of {A} and {B}]. How many {A} and how many {B} are there?", "{A} and {B} have {f} {feet} and {h} heads [in all|together]. [How many of each are there?|Find the number of each.]", "{f} {feet}, {h} heads: how many {A} and {B}?", "The number of heads is {h} and the number of {feet} is {f}. [How many {A} and {B} are there?|The animals are {A} and {B}: how many of each?]", "[Together|In total], {A} and {B} [number|are] {h} and have {f} {feet}. How many {A} and {B}?", "With {f} {feet} and {h} heads, how many {A} and {B} [are there|does the farmer have]?", "A barn has {f} {feet} from {h} animals, {A} and {B}. How many {A} and how many {B}?", "{h} heads. {f} {feet}. {A} and {B}. How many of each?"],
                 ["共有{f}只{feet}，{h}个头，{a}和{b}各有多少只？", "{a}和{b}一共{f}只{feet}、{h}个头，各有几只？", "数{feet}有{f}只，数头有{h}个，{a}和{b}[各|分别]多少只？", "{feet}{f}只，头{h}个，{a}、{b}各几只？", "头的总数是{h}，{feet}的总数是{f}，{a}和{b}各多少只？", "{a}{b}共{h}只，{feet}共{f}，问各有几只？", "笼里有{f}只{feet}和{h}个头，都是{a}和{b}的，求各有多少只。", "{f}条{feet}、{h}个头，{a}和{b}各有多少？"]),
        "one": (["A [man|woman|boy|girl|shepherd] has {h} {A} and {B} with {f} {feet}. How many {one} does [he|she] have?", "How many {one} are there if {A} and {B} have {h} heads and {f} {feet}?", "{f} {feet} and {h} heads belong to {A} and {B}. How many are {one}?", "Count only the {one}: {A} and {B} have {h} heads and {f} {feet}.", "Of {h} {A} and {B} with {f} {feet}, how many are {one}?", "{A} and {B} in a yard: {h} heads, {f} {feet}. What is the number of {one}?", "In a barn are {A} and {B}, {h} in all, with {f} {feet}. How many {one} live there?", "A farm has {h} {A} and {B} and {f} {feet}. Say how many {one} it has."],
                ["{a}{b}共{h}只，{f}只{feet}，{one}几只？", "{f}只{feet}、{h}个头，都是{a}和{b}的，{one}有多少只？", "如果{a}和{b}共{h}个头，{f}只{feet}，那么{one}有几只？", "只问{one}：{a}和{b}共有{h}个头，{f}只{feet}，有多少只？", "{a}和{b}共{h}只，有{f}只{feet}，{one}的数量是多少？", "农民养了{a}和{b}共{h}只，{f}条{feet}，他养了多少只{one}？", "{a}与{b}共{h}个头，{f}只{feet}，求{one}有几只。", "一群{a}和{b}，{h}个头，{f}只{feet}，其中{one}多少只？"]),
    },
    "lin1": {
        "word": (["[Adding|If one adds] {b} to {a} times a number gives {c}. [What is|Find] the number[?|.]", "{c} is {b} more than {a} times a number. [What is|Find] the number[?|.]", "A number is multiplied by {a}, then {b} is added, and the result is {c}. What was the number?", "{nm} thinks of a number, multiplies it by {a}, adds {b} and gets {c}. What is the number?", "Find a number such that {a} times it plus {b} makes {c}.", "{a} times what number, plus {b}, is {c}?", "{b} more than {a} times a number is {c}. Which number is it?"], ["{c}比一个数的{a}倍多{b}，这个数是多少？", "一个数先乘{a}，再加{b}，得{c}，原来的数是多少？", "{nm}想了一个数，它的{a}倍加{b}是{c}，这个数是多少？", "什么数的{a}倍加上{b}等于{c}？", "一个数乘{a}后多{b}就是{c}，求这个数。", "某数的{a}倍与{b}的和是{c}，求某数。", "一个数的{a}倍多{b}是{c}，这个数是几？"]),
        "wordm": (["[Taking|If one takes] {b} from {a} times a number gives {c}. [What is|Find] the number[?|.]", "{c} is {b} less than {a} times a number. [What is|Find] the number[?|.]", "A number is multiplied by {a}, then {b} is subtracted, and the result is {c}. What was the number?", "{nm} thinks of a number, multiplies it by {a}, subtracts {b} and gets {c}. What is the number?", "Find a number such that {a} times it minus {b} makes {c}.", "{a} times what number, minus {b}, is {c}?", "{a} times a number less {b} leaves {c}. Which number is it?"], ["{c}比一个数的{a}倍少{b}，这个数是多少？", "一个数先乘{a}，再减{b}，得{c}，原来的数是多少？", "{nm}想了一个数，它的{a}倍减{b}是{c}，这个数是多少？", "什么数的{a}倍减去{b}等于{c}？", "一个数乘{a}后少{b}就是{c}，求这个数。", "某数的{a}倍与{b}的差是{c}，求某数。", "一个数的{a}倍少{b}是{c}，这个数是几？"]),
        "eq": (["[The equation|Here is an equation:] {e}[. Solve it.|. What is {v}?]", "Which {v} [solves|satisfies|makes true] {e}?", "{v} = ? [if|when|where] {e}", "[Determine|Calculate] the unknown {v} in {e}.", "We have {e}. [Find|Determine] {v}.", "Get {v} from {e}.", "{e} What is {v}?"], ["由{e}求{v}。", "{v}等于几时，{e}成立？", "[有|给定]方程{e}，求{v}。", "从{e}中求{v}的值。", "满足{e}的{v}是多少？", "方程{e}中{v}是几？", "{e}的解是多少？"]),
    },
    "lin2": {
        "sys": (["[Determine|Compute|Get] {x} and {y} from: {e1}, {e2}", "We know that {e1} and {e2}. What are {x} and {y}?", "For which {x}, {y} do {e1} and {e2} both hold?", "{x} = ?, {y} = ? when {e1} and {e2}", "Two equations: {e1} and {e2}. Find {x} and {y}.", "[The numbers|Numbers] {x} and {y} satisfy {e1} and {e2}. Find them.", "Both {e1} and {e2} are true. Find {x} and {y}.", "The system is {e1}; {e2}. What is the solution?", "Let {e1} and {e2}. Then {x} and {y} are what?", "{e1}\n{e2}\n[Find|Solve for] {x} and {y}."], ["给定{e1}和{e2}，{x}、{y}是多少？", "两个方程{e1}，{e2}，求{x}与{y}。", "当{e1}且{e2}时，{x}和{y}各是几？", "{x}、{y}同时满足{e1}，{e2}，求{x}和{y}。", "{e1}\n{e2}\n求{x}、{y}。", "已知方程{e1}与{e2}，解出{x}、{y}。", "方程组是{e1}；{e2}。求解。", "由{e1}，{e2}求{x}、{y}的值。"]),
        "sd": (["One number is {d} more than another; their sum is {s}. [What are they?|Find both.]", "The difference of two numbers is {d} and the sum is {s}. Find them.", "Two numbers differ by {d} and add up to {s}. Which are they?", "{s} is the sum of two numbers, {d} is their difference. What are they?", "The larger of two numbers exceeds the smaller by {d}, and together they are {s}. Find the numbers.", "Split {s} into two parts that differ by {d}.", "{nm} and {nm2} have {s} coins together; {nm} has {d} more. How many does each have?"], ["两数之差为{d}，之和为{s}，求这两个数。", "一个数比另一个数大{d}，它们的和是{s}，求这两个数。", "两个数相差{d}，相加是{s}，各是多少？", "把{s}分成两部分，相差{d}，各是多少？", "大数减小数得{d}，大数加小数得{s}，两数各是几？", "甲乙两数的和是{s}，甲比乙多{d}，甲乙各是多少？", "{nm}和{nm2}共有{s}元，{nm}比{nm2}多{d}元，各有多少元？"]),
        "buy": (["{nm} buys {A1} and {B1} for ${c1}; {nm2} buys {A2} and {B2} for ${c2}. What is the price of a {P} and of a {Q}?", "${c1} is the price of {A1} and {B1}, ${c2} that of {A2} and {B2}. How much is one {P} and one {Q}?", "The price of {A1} with {B1} is ${c1}, of {A2} with {B2} ${c2}. Find the price of each.", "You pay ${c1} for {A1} and {B1} and ${c2} for {A2} and {B2}. What does each cost?", "{A1} plus {B1}: ${c1}. {A2} plus {B2}: ${c2}. How much is a {P} and a {Q}?", "{A2} and {B2} together are ${c2} while {A1} and {B1} together are ${c1}. What does one {P} cost, and one {Q}?", "In a shop {A1} and {B1} cost ${c1}, and {A2} and {B2} cost ${c2}. What are the two prices?", "{nm} spent ${c1} on {A1} and {B1}, then ${c2} on {A2} and {B2}. Find the price of a {P} and a {Q}."], ["{nm}买了{A1}和{B1}，付了{c1}元；{nm2}买了{A2}和{B2}，付了{c2}元。{P}和{Q}单价各多少？", "{c1}元可买{A1}和{B1}，{c2}元可买{A2}和{B2}，{P}、{Q}的单价是多少？", "商店里{A1}和{B1}卖{c1}元，{A2}和{B2}卖{c2}元，{P}和{Q}各卖多少元？", "{A1}与{B1}的价钱是{c1}元，{A2}与{B2}的价钱是{c2}元，求{P}和{Q}的单价。", "{nm}用{c1}元买{A1}、{B1}，{nm2}用{c2}元买{A2}、{B2}，问{P}、{Q}每{up}、每{uq}几元？", "买{A1}、{B1}付{c1}元，买{A2}、{B2}付{c2}元，{P}和{Q}各几元？", "{A1}和{B1}花{c1}元，{A2}和{B2}花{c2}元，每{up}{P}多少元，每{uq}{Q}多少元？"]),
    },
    "seq": {
        "an": (["[Arithmetic sequence|Arithmetic progression]: first term {a}, difference {d}. [What is|Give] term {n}[?|.]", "Term number {n} of the arithmetic sequence with first term {a} and difference {d}?", "Starting with {a}, add {d} each time. What is the {nth} number?", "Let {a1} and {dd} in an arithmetic sequence; [what is|find] {an}[?|.]", "The sequence is arithmetic, {a1}, {dd}. [Compute|Find] its {nth} term.", "With first term {a} and common difference {d}, which is the {nth} term?", "If {a1} and the common difference is {d}, then {an} = ?"], ["首项{a}，公差{d}，等差数列的第{n}项是几？", "等差数列首项{a}，每项增加{d}，第{n}项是多少？", "从{a}起，每次加{d}，第{n}个数是多少？", "若等差数列{a1}，{dd}，则{an}=？", "等差数列的第一项为{a}，公差为{d}，则第{n}项为多少？", "等差数列中首项是{a}，公差为{d}，求它的第{n}项。", "已知{a1}，公差{d}，求等差数列的{an}。"]),
        "list": (["[Continue|Look at] the arithmetic sequence {list}, ...: what is the {nth} term?", "{list}, ... is an arithmetic sequence. Find {an}.", "The first terms of an arithmetic sequence are {list}. [Which|What] is the {nth} term?", "An arithmetic sequence starts with {list}. [Find|Give] term {n}.", "Given {list}, ..., find the {nth} number.", "Which number is in position {n} of {list}, ...?", "{list} are the first terms of an arithmetic progression. What is term {n}?"], ["等差数列前几项为{list}，求第{n}项。", "{list}是等差数列的前几项，第{n}项是多少？", "已知数列{list}，…，它的第{n}项是几？", "按规律{list}，……，第{n}个数是多少？", "等差数列以{list}开头，第{n}项是多少？", "数列{list}，……每项相差一样，第{n}项等于几？", "一列数{list}，……，第{n}个是几？"]),
        "asum": (["Find the sum of {n} terms: arithmetic sequence, first term {a}, difference {d}.", "[Arithmetic sequence|Arithmetic progression], {a1}, {dd}: what is {sn}?", "How much do the first {n} terms of the arithmetic sequence with first term {a} and difference {d} add up to?", "Starting with {a} and adding {d} each time, what is the sum of the first {n} numbers?", "With first term {a} and common difference {d}, what is the total of the first {n} terms?", "Sum of the first {n} terms if {a1} and the common difference is {d}?"], ["首项{a}，公差{d}，等差数列前{n}项之和是几？", "从{a}起每次加{d}，前{n}个数的和是多少？", "等差数列{a1}，{dd}，前{n}项之和等于多少？", "若等差数列首项为{a}，公差为{d}，则前{n}项和为多少？", "等差数列首项是{a}，公差是{d}，{sn}等于几？", "求等差数列前{n}项的和：首项{a}，公差{d}。"]),
        "onetn": (["What is the total of all [integers|numbers|whole numbers] from 1 to {n}?", "1+2+...+{n}", "Find 1 + 2 + ... + {n}.", "How much is 1 plus 2 plus 3 and so on up to {n}?", "Sum all [integers|whole numbers] between 1 and {n}.", "What is the sum 1 + 2 + 3 + ... + {n}?", "Add the numbers 1 to {n} together."], ["1加2加3一直加到{n}是多少？", "求1+2+…+{n}的和。", "1到{n}的整数之和是多少？", "1到{n}所有整数加起来是多少？", "把1到{n}的自然数全部相加，得多少？", "自然数1到{n}的和等于几？"]),
        "gn": (["[Geometric sequence|Geometric progression]: first term {a}, ratio {q}. [What is|Give] term {n}[?|.]", "Term number {n} of the geometric sequence with first term {a} and ratio {q}?", "Starting with {a}, multiply by {q} each time. What is the {nth} number?", "The sequence is geometric, {a1}, {qq}. [Compute|Find] its {nth} term.", "With first term {a} and common ratio {q}, which is the {nth} term?", "If {a1} and the common ratio is {q}, then {an} = ?"], ["首项{a}，公比{q}，等比数列的第{n}项是几？", "从{a}起，每次乘{q}，第{n}个数是多少？", "若等比数列{a1}，{qq}，则{an}=？", "等比数列的第一项为{a}，公比为{q}，则第{n}项为多少？", "等比数列中首项是{a}，公比为{q}，求它的第{n}项。", "已知{a1}，公比{q}，求等比数列的{an}。"]),
        "glist": (["{list}, ... is a geometric sequence. Find {an}.", "The first terms of a geometric sequence are {list}. What is the {nth} term?", "Look at the geometric sequence {list}, ...: what is the {nth} term?", "{list} are the first terms of a geometric progression. What is term {n}?"], ["{list}是等比数列的前几项，第{n}项是多少？", "等比数列前几项为{list}，求第{n}项。", "等比数列以{list}开头，第{n}项是多少？", "数列{list}，……后一项与前一项的比相同，第{n}项等于几？"]),
        "gsum": (["Find the sum of {n} terms: geometric sequence, first term {a}, ratio {q}.", "Starting with {a} and multiplying by {q} each time, what is the sum of the first {n} numbers?", "With first term {a} and common ratio {q}, what is the total of the first {n} terms?", "How much do the first {n} terms of the geometric sequence with first term {a} and ratio {q} add up to?"], ["首项{a}，公比{q}，等比数列前{n}项之和是几？", "从{a}起每次乘{q}，前{n}个数的和是多少？", "若等比数列首项为{a}，公比为{q}，则前{n}项和为多少？", "求等比数列前{n}项的和：首项{a}，公比{q}。"]),
    },
    "recur": {
        "num": (["We have {init} and {rule}. [What is|Find] {ak}[?|.]", "{ak} = ? with {init} and {rule}", "Compute {ak} for the sequence {init}, {rule}.", "[Suppose|Assume] that {init} and that {rule}. Find the {nth} term.", "Take {init}. The rule is {rule}. Give {ak}.", "With the rule {rule} and {init}, what is the value of {ak}?", "{rule}, {init}. Find {ak}.", "The recurrence is {rule}, the start is {init}. What is {ak}?", "Find {ak} when {rule} and {init}."], ["已知{rule}，{init}，求{ak}。", "{rule}，且{init}，{ak}是多少？", "数列首项{init}，规律是{rule}，{ak}是几？", "由{init}出发，按{rule}计算{ak}。", "当{init}，{rule}时，{ak}等于多少？", "递推关系{rule}，{init}，第{n}项是多少？", "求{ak}：{init}，{rule}", "已知数列满足{rule}，{init}，则第{n}项为多少？"]),
        "gen": (["We have {init} and {rule}. [What is|Find] the general term[?|.]", "{an} = ? as a formula, with {init} and {rule}", "Give a formula for {an} for the sequence {init}, {rule}.", "[Suppose|Assume] that {init} and that {rule}. Find the general term {an}.", "With the rule {rule} and {init}, what is the general formula for {an}?", "{rule}, {init}. Find the general term.", "The recurrence is {rule}, the start is {init}. Write {an} as a formula in n."], ["已知{rule}，{init}，求通项公式。", "{rule}，且{init}，通项公式是什么？", "数列首项{init}，规律是{rule}，求通项{an}。", "当{init}，{rule}时，通项公式是什么？", "递推关系{rule}，{init}，写出通项公式。", "求通项公式：{init}，{rule}", "已知数列满足{rule}，{init}，则{an}的通项为？"]),
    },
    "percent": {
        "of": (["[In a|A] [school|village|club|team] of {n} [pupils|people|members], {p}% [are girls|wear glasses|like tea]. How many is that?", "A bottle of {n} ml is {p}% water. How many ml of water is that?", "{p} percent of {n} [is|equals|makes] what?", "{n} people voted, {p}% said yes. How many said yes?", "{nm} has ${n} and spends {p}% of it. How much is spent?", "A barrel holds {n} liters; {p}% of that is how much?"], ["{n}人中有{p}%是男生，男生有多少人？", "全校{n}人，{p}%戴眼镜，戴眼镜的有多少人？", "{nm}有{n}元，花了其中的{p}%，花了多少元？", "水箱能装{n}升水，装了{p}%，装了多少升？", "{n}千克大豆，含油{p}%，含油多少千克？", "一条路长{n}米，修了{p}%，修了多少米？", "{n}人投票，{p}%同意，同意的有多少人？"]),
        "off": (["The old price of a {i} is ${n}; it drops by {p}%. What is the new price?", "With {p}% off, how much is a {i} that normally costs ${n}?", "A {p}% discount is given on a {i} of ${n}. What is to be paid?", "A price of ${n} falls by {p}%. What is it then?", "{n} decreased by {p}% is what?", "After a cut of {p}%, what does a ${n} {i} cost?", "A {i}, once ${n}, is {p}% cheaper now. Find its price."], ["{n}元的商品下降{p}%，现在几元？", "优惠{p}%，原价{n}元的{i}卖多少元？", "价格{n}元，降了{p}%，新价格是多少元？", "{i}标价{n}元，减{p}%，应付多少元？", "价格从{n}元下调{p}%，现在是多少元？", "{n}元打折，便宜百分之{p}，付多少元？", "把{n}减少{p}%得多少？"]),
        "zhe": ([], ["{z}折出售，原价{n}元的{i}卖多少元？", "{i}标价{n}元，打{z}折，要付多少元？", "按{z}折计算，{n}元的商品应付多少元？", "{n}元的{i}，{z}折后几元？", "{nm}买{i}，原价{n}元，打{z}折，付了多少元？", "一{u}{i}卖{n}元，现在{z}折，现价多少？"]),
        "up": (["The old value is {n}; it rises by {p}%. What is the new value?", "{n} raised by {p}% is what?", "A price of ${n} climbs {p} percent. What is it then?", "After a rise of {p}%, what does something of ${n} cost?", "Last year {n} were sold, this year {p}% more. How many this year?", "{n} plus {p} percent of it: what is the result?"], ["{n}涨了{p}%，现在是多少？", "去年{n}人，今年多了{p}%，今年多少人？", "价格{n}元，上升{p}%，新价格是多少？", "{n}加上它的{p}%是多少？", "{n}再增加百分之{p}，得多少？", "原来{n}，提高了{p}%后是几？"]),
        "orig": (["{p}% was taken off and the {i} now costs ${m}. What did it cost at first?", "${m} is the price after {p}% off. What was the full price?", "The {i} is {p}% cheaper now, at ${m}. Find the old price.", "Reduced by {p}%, a {i} is ${m}. What was the original price?", "Now ${m}, after a discount of {p}%: what was it originally?", "What did a {i} cost before a {p}% discount brought it to ${m}?"], ["优惠{p}%之后是{m}元，原价是几元？", "{i}便宜{p}%后卖{m}元，原来卖多少元？", "降价{p}%，现在{m}元，原价是？", "{m}元是降价{p}%后的价格，原价多少？", "打折省了{p}%，付了{m}元，原价多少元？", "现价{m}元，比原来便宜{p}%，原来多少元？"]),
        "buy": (["One {i} at ${c}: what do {k} [of them|{I}] cost?", "If one {i} is ${c}, how much are {k}?", "{k} times a {i} at ${c}: what is the total?", "The price per {i} is ${c}. [What|How much] do {k} {I} cost?", "Each {i} is ${c}; {nm} takes {k}. What is to be paid?", "For {k} {I} at ${c} each, how much money is needed?"], ["{i}{c}元一{u}，{k}{u}几元？", "一{u}{i}卖{c}元，{k}{u}卖多少元？", "如果每{u}{i}{c}元，{k}{u}共多少元？", "单价{c}元，{k}{u}{i}要多少钱？", "{i}每{u}的价格是{c}元，{nm}买了{k}{u}，付多少元？", "要买{k}{u}{c}元的{i}，需要多少元？"]),
        "change": (["{k} {I} are bought at ${c} each with ${m}. What remains?", "{nm} has ${m}. After buying {k} {I} for ${c} each, how much is left?", "How much of ${m} is left after {k} {I} at ${c} each?", "A {i} is ${c}. {nm} buys {k} and pays with ${m}. How much comes back?", "With ${m} {nm} buys {k} {I}, each ${c}. How much money remains?", "Pay ${m} for {k} {I} of ${c}: what is the change?"], ["带{m}元，买{k}{u}{i}，每{u}{c}元，剩多少元？", "{nm}有{m}元，买了{k}{u}{c}元的{i}，还剩几元？", "{i}{c}元一{u}，买{k}{u}，给{m}元，找几元？", "{m}元买{k}{u}{i}（每{u}{c}元），余多少元？", "付{m}元买{k}{u}单价{c}元的{i}，应找多少元？", "爸爸带了{m}元，买{k}{u}{i}，每{u}{c}元，还剩多少元？"]),
        "what": (["{a} out of {b}: what percent [is that|]?", "What part of {b} in percent is {a}?", "{a} pupils of {b} are [ill|absent]. What percentage is that?", "{nm} solved {a} of {b} problems. How many percent is that?", "Compare {a} with {b}: how many percent of {b} is it?", "[Give|Find] the percentage: {a} of {b}."], ["{b}里面的{a}占百分之几？", "{b}人来了{a}人，出勤率是百分之几？", "{a}占总数{b}的百分之几？", "{nm}做了{b}题，对{a}题，占百分之几？", "{a}除以{b}，用百分数表示是多少？", "{b}中{a}所占的百分比？"]),
    },
    "speed": {
        "dist": (["In {t}, at a speed of {v}, how many {km} [are covered|does a car go|does it go]?", "For {t} a [bike|bus|boat] [moves|goes] at {v}. How far [is that|does it get]?", "Time {t}, speed {v}: what is the distance?", "{t} at {v}: how many {km}?", "{nm} drives for {t}. The speed is {v}. How far does {nm} get?", "How far does a [train|boat|bird] get in {t} if it makes {v}?"], ["在{t}里，{v}的车走了多少{km}？", "时间{t}，速度{v}，路程是多少？", "{t}走了多远？速度是{v}。", "{nm}开车{t}，速度{v}，开了多少{km}？", "{t}，{v}，一共多少{km}？", "用{v}的速度走{t}，路程是多少？", "行{t}，{v}，求路程。"]),
        "time": (["For {d} at {v}, how many {hr} [are needed|does it take]?", "{d} at {v}: how long [is that|does it take]?", "The speed is {v}. How many {hr} for {d}?", "{nm} covers {d} at {v}. How long is {nm} on the road?", "How long is a [bus|boat|bird] under way that goes {v} over {d}?", "In what time does one go {d} with {v}?"], ["{d}的路程，{v}，要走多久？", "速度{v}，路程{d}，时间是多少？", "{v}的车，{d}要多少{hr}？", "{nm}以{v}的速度走完{d}，用了多少{hr}？", "{d}，{v}，几{hr}走完？", "从甲城到乙城{d}，汽车{v}，要几{hr}？", "走{d}，{v}，需多少{hr}？"]),
        "spd": (["In {t} a [bike|bus|boat] covers {d}. How fast is it?", "Time {t}, distance {d}: what is the speed?", "{nm} needs {t} for {d}. How fast is {nm}?", "If {d} take {t}, how fast is that?", "With {d} done in {t}, what was the speed?", "A trip of {d} lasted {t}. What was the average speed?"], ["用{t}走{d}，速度是多少？", "时间{t}，路程{d}，速度是多少？", "{nm}用{t}走完{d}，速度是多少？", "{d}用了{t}，求速度。", "{t}行{d}，每{hr}行多少{km}？", "汽车{t}走{d}，它的速度是几？", "走了{d}，花了{t}，平均速度是多少？"]),
        "meet": (["Moving towards each other at {v} and {w}, two cars start {d} apart. When do they meet?", "A goes {v}, B goes {w}, towards each other from {d} apart. After how many {hr} do they meet?", "One train makes {v}, the other {w}. They are {d} apart and approach. How long until they meet?", "{d} lie between two cyclists who ride towards each other at {v} and {w}. In how many {hr} do they meet?", "With speeds {v} and {w}, how long do two cars {d} apart need to meet?", "Two boats come towards each other at {v} and {w}; now they are {d} apart. How many {hr} until they meet?"], ["甲{v}，乙{w}，相距{d}，相向而行，几{hr}相遇？", "两车速度是{v}和{w}，从相距{d}的两地相向开出，几{hr}后相遇？", "一车{v}，另一车{w}，相距{d}，面对面开，多少{hr}后相遇？", "相距{d}，两人相向走，{v}和{w}，几{hr}遇到？", "甲车{v}，乙车{w}，两车从{d}外相向而行，求相遇时间。", "两列车相向而行，相距{d}，{v}，{w}，多少{hr}相遇？"]),
        "chase": (["B goes {w} and has a lead of {g}. A goes {v}. When does A catch B?", "The slower one makes {w}, the faster {v}; the gap is {g}. How many {hr} to catch up?", "One is {g} in front, at {w}. The other follows at {v}. How long until it catches up?", "In front: {w}. Behind: {v}. Gap: {g}. How many {hr} until the one behind catches up?", "How long does A at {v} need to catch B at {w}, who is {g} ahead?", "A slow car at {w} is {g} ahead; a fast car follows at {v}. After how many {hr} does the fast one reach it?", "{nm} leads by {g} and goes {w}; {nm2} follows at {v}. When is {nm} caught?"], ["前车{w}，后车{v}，相距{g}，几{hr}追上？", "慢的{w}，快的{v}，相差{g}，快的几{hr}追上慢的？", "乙{w}，在前面{g}；甲{v}，在后面追，几{hr}追上？", "领先{g}的人{w}，后面的人{v}，多久追上？", "一车{w}在前，一车{v}在后，间隔{g}，后车几{hr}追上？", "甲车{v}，乙车{w}，乙车在甲车前{g}，甲车几{hr}追上乙车？", "{nm}在前，{w}；{nm2}在后，{v}；相距{g}，几{hr}追上？"]),
    },
    "gcdlcm": {
        "gcd": (["[What|Which] is the [largest|biggest|greatest] [number|integer] [that divides|which divides|dividing] {a} and {b}?", "The numbers {a} and {b} have which {w}?", "{a} and {b}: {w}?", "[Numbers|Take] {a}, {b}. Their {w} is what?", "{w}: {a}, {b}", "For {a} and {b}, [find|give] the {w}.", "What is the [largest|greatest] common factor that {a} and {b} share?", "Which largest integer goes into both {a} and {b}?"], ["{a}和{b}共有的最大因数是多少？", "既能整除{a}又能整除{b}的最大数是多少？", "{w}：{a}和{b}", "数{a}与数{b}的{w}是几？", "求{w}：{a}、{b}", "{a}和{b}的公约数中最大的是多少？", "最大的能同时除尽{a}和{b}的数是几？", "{a}、{b}，它们的{w}是多少？"]),
        "lcm": (["[What|Which] is the [smallest|least|lowest] [number|integer] [that is a multiple of|divisible by] both {a} and {b}?", "The numbers {a} and {b} have which {w}?", "{a} and {b}: {w}?", "[Numbers|Take] {a}, {b}. Their {w} is what?", "{w}: {a}, {b}", "For {a} and {b}, [find|give] the {w}.", "What is the [smallest|least] common multiple that {a} and {b} share?", "Which smallest integer do both {a} and {b} go into?"], ["{a}和{b}共有的最小倍数是多少？", "既是{a}的倍数又是{b}的倍数的最小数是多少？", "{w}：{a}和{b}", "数{a}与数{b}的{w}是几？", "求{w}：{a}、{b}", "{a}和{b}的公倍数里最小的一个是多少？", "能同时被{a}和{b}整除的最小的数是几？", "{a}、{b}，它们的{w}是多少？"]),
    },
    "sort": {
        "asc": (["[Sort|Arrange|Order|Put|Rank|List] {list} [in ascending order|in increasing order|from small to big|from low to high|from least to greatest|with the smallest first|smallest first|beginning with the smallest|starting from the lowest|going up][.|]", "[From smallest to largest|In ascending order|Lowest first|Smallest first|Going up], [sort|arrange|list|order] {list}[.|]", "Line up {list} [so that the smallest comes first|from the smallest on|in rising order].", "[Numbers|The numbers]: {list}. [Sort them.|Arrange them from smallest to largest.|Ascending order, please.|Put the smallest first.]", "[Start|Begin] with the smallest and list {list} in order.", "How do {list} look [in ascending order|when sorted|sorted from low to high]?", "{list}: [sort ascending|increasing order|from small to large|smallest to largest]"], ["{list}，按从小到大[排序|排列|的顺序写出来]。", "[最小的排前面|小的在前|升序]，排列{list}。", "把{list}按[升序|由小到大|从低到高][排列|排序][。|]", "从最小的开始，依次写出{list}。", "{list}[由小到大|从小到大][怎么排列|应怎样排|的顺序是什么]？", "数字{list}，请[升序|从小到大]排。", "将{list}[由低到高|从小到大|由小到大][排队|排列][。|]"]),
        "desc": (["[Sort|Arrange|Order|Put|Rank|List] {list} [in descending order|in decreasing order|from big to small|from high to low|from greatest to least|with the largest first|largest first|beginning with the largest|starting from the highest|going down][.|]", "[From largest to smallest|In descending order|Highest first|Largest first|Going down], [sort|arrange|list|order] {list}[.|]", "Line up {list} [so that the largest comes first|from the largest on|in falling order].", "[Numbers|The numbers]: {list}. [Sort them downwards.|Arrange them from largest to smallest.|Descending order, please.|Put the largest first.]", "[Start|Begin] with the largest and list {list} in order.", "How do {list} look [in descending order|when sorted downwards|sorted from high to low]?", "{list}: [sort descending|decreasing order|from large to small|largest to smallest]"], ["{list}，按从大到小[排序|排列|的顺序写出来]。", "[最大的排前面|大的在前|降序]，排列{list}。", "把{list}按[降序|由大到小|从高到低][排列|排序][。|]", "从最大的开始，依次写出{list}。", "{list}[由大到小|从大到小][怎么排列|应怎样排|的顺序是什么]？", "数字{list}，请[降序|从大到小]排。", "将{list}[由高到低|从大到小|由大到小][排队|排列][。|]"]),
    },
    "letters": {
        "cnt": (["[Take|Look at] the word {w}. How [many {c}'s does it contain|often does it contain {c}]?", "{w} [contains|has] how many {c}'s?", "[The letter|Letter] {c} in {w}: how often?", "How often [is|does one find] [the letter |]{c} [found |written |]in {w}?", "How many {c} does {w} [have|contain]?", "Number of {c} in {w}?", "[Say|Tell me] how often {c} [occurs|appears|is] in [the word |]{w}.", "If you spell {w}, how many times do you [write|say] {c}?", "word: {w}, letter: {c}, how many?", "Please count {c} in {w}."], ["{w}，{c}有几个？", "拼写{w}时要写几个{c}？", "{c}在{w}里出现多少次？", "单词：{w}，字母：{c}，有几个？", "{w}的字母里{c}有几个？", "[在|]{w}里[面|][，|]{c}[一共|总共|]出现几次？", "请数{w}里的{c}。", "{w}中字母{c}的个数是多少？", "英文{w}里[的字母|面的|]{c}有多少个？", "单词{w}含几个{c}？"]),
        "len": (["{w} has how many letters?", "[Say|Tell me] how many letters {w} has.", "Number of letters in {w}?", "What is the number of letters of {w}?", "word: {w}, how many letters?"], ["{w}里一共有几个字母？", "请数{w}的字母个数。", "单词：{w}，共几个字母？", "{w}的字母数是多少？", "拼写{w}要写几个字母？"]),
    },
    "compare": {
        "big": (["[Take|Here are] {a} and {b}. Which is [larger|bigger|greater]?", "{a} and {b}: [the larger|the bigger|the greater] [one|number] is?", "[Name|Give|Tell me] the [larger|bigger|greater] of {a} and {b}.", "{a} or {b}: which number is [larger|bigger|greater]?", "Of the numbers {a} and {b}, which is [larger|greater]?", "Say which is [more|larger]: {a} or {b}.", "Out of {a} and {b}, pick the [larger|bigger] one.", "{a}, {b} - which is the [biggest|largest|greater]?"], ["{a}，{b}，哪个大？", "[选出|找出|写出]{a}和{b}中[较大|更大|大]的数。", "{a}和{b}之间，[较大的是哪个|哪个大|哪个较大]？", "大的那个数是{a}还是{b}？", "{a}和{b}比，哪个大？", "数{a}和数{b}，[谁更大|谁大|哪个大]？", "比大小：{a}，{b}，哪个大？"]),
        "small": (["[Take|Here are] {a} and {b}. Which is [smaller|less|lower]?", "{a} and {b}: [the smaller|the lesser|the lower] [one|number] is?", "[Name|Give|Tell me] the [smaller|lower] of {a} and {b}.", "{a} or {b}: which number is [smaller|less|lower]?", "Of the numbers {a} and {b}, which is [smaller|lower]?", "Say which is [less|smaller]: {a} or {b}.", "Out of {a} and {b}, pick the smaller one."], ["{a}，{b}，哪个小？", "[选出|找出|写出]{a}和{b}中[较小|更小|小]的数。", "{a}和{b}之间，[较小的是哪个|哪个小|哪个较小]？", "小的那个数是{a}还是{b}？", "{a}和{b}比，哪个小？", "数{a}和数{b}，[谁更小|谁小|哪个小]？", "比大小：{a}，{b}，哪个小？"]),
    },
    "json": {
        "person": (["Person: {name}, {age}, {city}. JSON with {keys}[, please|].", "[Make|Return|Output|Produce|Print] JSON [with|having|that has] [the keys |the fields |]{keys}: {name} [lives in|is from|comes from|was born in] {city} and is {age}[ years old|].", "{city} is the home of {name}, who is {age}. [Return|Give] a JSON object with {keys}.", "[Here is a person:|Data:] {name}, {city}, {age} years. [Output|Return] {keys} as JSON.", "Our guest {name} from {city} is {age}. As JSON with the fields {keys}, please.", "Fields: {keys}. Text: {name} is {age} years old and lives in {city}. Answer with JSON."], ["{name}来自{city}，{age}岁。[输出|返回|生成]JSON，字段为{keys}。", "人物：{name}，{city}，{age}岁。请给出JSON，包含{keys}。", "[输出|返回|给出]含有{keys}的JSON对象：{name}，住{city}，今年{age}岁。", "字段：{keys}。内容：{name}{age}岁，家在{city}。用JSON回答。", "家住{city}的{name}今年{age}岁，用JSON写出{keys}。", "资料：姓名{name}，{age}岁，住{city}。按{keys}输出JSON。"]),
        "product": (["Product: {item}, ${price}, {n} pieces. JSON with {keys}[, please|].", "[Make|Return|Output|Produce|Print] JSON [with|having|that has] [the keys |the fields |]{keys}: we [sell|stock|have] {n} of {item} at ${price}.", "{n} times {item} for ${price} each. [Return|Give] a JSON object with {keys}.", "[Here is an item:|Data:] {item}, {n}, ${price}. [Output|Return] {keys} as JSON.", "Fields: {keys}. Text: {item} costs {price} dollars, {n} are left. Answer with JSON."], ["{item}{n}件，每件{price}元。[输出|返回|生成]JSON，字段为{keys}。", "商品：{item}，{price}元，{n}件。请给出JSON，包含{keys}。", "[输出|返回|给出]含有{keys}的JSON对象：{item}，单价{price}元，库存{n}。", "字段：{keys}。内容：{item}有{n}件，{price}元一件。用JSON回答。", "资料：{item}，价格{price}元，数量{n}。按{keys}输出JSON。"]),
        "calc": (["[Return|Output|Print] JSON with {keys}: {e}", "Key: {keys}. Compute {e}. Answer with JSON.", "As JSON, with the field {keys}: what is {e}?", "Calculate {e}. Format: JSON object, field {keys}.", "Use JSON with the key {keys} to answer: {e} = ?"], ["字段：{keys}。计算{e}，用JSON回答。", "[返回|输出|给出]JSON，字段{keys}：{e}等于几？", "用JSON回答{e}等于多少，字段名{keys}。", "算一算{e}，结果写成JSON，键{keys}。", "{e}的结果用JSON给出，键为{keys}。"]),
    },
}

# A fourth collection: more orders and more words where the others still fell short.
FURTHER = {
    "add": {
        "two": (["What number is {b} larger than {a}?", "Which number is {b} bigger than {a}?", "[Go|Move|Step] {b} up from {a}. [Where are you?|Which number is it?]", "{a} and then {b} more: what is that?", "Count {b} on from {a}. What do you reach?", "[Join|Combine] {a} and {b}. [How many are there?|What is the total?]", "A number is {b} more than {a}. [Which is it?|What is it?|Find it.]", "[Let|Say] x be {a} and y be {b}. What is x plus y?", "How much do you have with {a} and another {b}?", "To {a}, add {b}."],
                ["乙数是{a}，甲数比乙数多{b}，甲数是多少？", "一个数是{a}，另一个数比它多{b}，另一个数是多少？", "{a}往上加{b}是多少？", "从{a}往后数{b}，是多少？", "{a}和{b}一共是多少？", "[甲是|甲数]{a}，乙比甲大{b}，乙是几？", "先有{a}，后来又有{b}，合计多少？", "{a}涨到多出{b}，是多少？", "{a}之后再过{b}是几？", "求比{a}多{b}的数。", "{a}，加上{b}，等于？"]),
        "story": (["{nm} earned ${a} in May and ${b} in June. How much in both months?", "Two rows have {a} and {b} {th}. How many {th} are there?", "A baker baked {a} breads and then {b} more. How many breads did he bake?", "{a} {th} lie here and {b} {th} lie there. How many {th} are there altogether?", "Mix {a} red and {b} blue balls. How many balls is that?", "{b} {th} are added to {a} {th}. How many are there then?"], ["工厂上午做了{a}个，下午做了{b}个，一天做了多少个？", "超市上午卖{a}箱，下午卖{b}箱，一天共卖多少箱？", "红球{a}个，蓝球{b}个，一共多少个球？", "{nm}五月挣{a}元，六月挣{b}元，两个月共挣多少元？", "前面有{a}人，后面有{b}人，总共多少人？", "面包师先烤了{a}个，又烤了{b}个，共烤了多少个？"]),
    },
    "sub": {
        "two": (["[Go|Move|Step] {b} down from {a}. [Where are you?|Which number is it?]", "Count {b} back from {a}. What do you reach?", "Which number is {b} smaller than {a}?", "A number is {b} less than {a}. [Which is it?|What is it?|Find it.]", "[Let|Say] x be {a} and y be {b}. What is x minus y?", "Lower {a} by {b}: what is it then?", "Drop {b} from {a}.", "You are at {a}. Go back {b}. Where are you now?", "{b} plus what is {a}?", "[Starting|Beginning] from {a}, go {b} lower. What is the number?"],
                ["乙数是{a}，甲数比乙数少{b}，甲数是多少？", "一个数是{a}，另一个数比它少{b}，另一个数是多少？", "{a}往下减{b}是多少？", "从{a}倒着数{b}，是几？", "{b}再加几等于{a}？", "[甲是|甲数]{a}，乙比甲小{b}，乙是几？", "{b}与哪个数相加得{a}？", "先有{a}，后来少了{b}，剩多少？", "{b}加几是{a}？", "求比{a}少{b}的数。", "{a}，减去{b}，等于？"]),
        "story": (["{nm} earned ${a} and paid ${b} rent. How much is left?", "A baker baked {a} breads and sold {b}. How many breads are left?", "{a} {th} lie on a table; {b} are taken away. How many stay?", "In a box are {a} balls; {b} are red, the others blue. How many are blue?", "{b} of {a} {th} are gone. How many are still there?", "{a} birds sit in a tree, {b} fly off. How many birds are left?"], ["红球和蓝球共{a}个，红球{b}个，蓝球多少个？", "{nm}挣了{a}元，交房租{b}元，还剩多少元？", "树上有{a}只鸟，飞走{b}只，还有几只？", "面包师烤了{a}个面包，卖出{b}个，还剩多少个？", "桌上有{a}{m}{th}，拿走{b}{m}，剩下多少{m}？", "班级共{a}人，男生有{b}人，女生是多少人？", "动物园有{a}只猴和鸟，猴{b}只，鸟有几只？"]),
    },
    "mul": {
        "two": (["Two factors are {a} and {b}. What is the product?", "Product of {a} and {b}?", "Factor one: {a}, factor two: {b}. Product?", "Let x be {a} and y be {b}. What is x times y?", "[Find|Give] the product; the factors are {a} and {b}."], ["{b}个{a}加起来是多少？", "{a}个{b}的和是多少？", "因数{a}和因数{b}的积是多少？", "{a}自己加{b}次（即{a}×{b}）是多少？", "{a}、{b}相乘得几？"]),
        "story": (["A theatre has {a} rows with {b} seats in each. How many seats?", "A field has {a} rows of {b} trees. How many trees are there?", "{nm} buys {a} sheets with {b} stamps each. How many stamps?", "{a} trains have {b} seats each. How many seats in total?"], ["体育馆有{a}排座椅，每排{b}个座椅，一共多少个座椅？", "电影院每排{b}个座位，有{a}排，座位总数是多少？", "果园有{a}行果树，每行{b}棵，共多少棵果树？", "操场上站了{a}排，每排{b}人，共多少人？", "一列火车有{a}节车厢，每节{b}个座位，共多少个座位？"]),
    },
    "div": {
        "div": (["How many times can {b} be subtracted from {a}[, and what is left|]?", "Into how many parts of {b} can {a} be split[, and what is left|]?", "[Find|Say] how often {b} is contained in {a}[, with the rest|].", "Let x be {a} and y be {b}. What is x divided by y?", "Share {a} among {b}: how much each[, and what is left|]?"], ["{a}里可以减去几个{b}[，还剩多少|]？", "{a}含有几个{b}[，还余几|]？", "把{a}分成每份{b}，可分几份[，剩多少|]？", "{b}在{a}里有几个[，余几|]？", "{a}，除以{b}，等于几[，余几|]？"]),
        "story": (["Every box gets {b} {th}. {a} {th} fill how many boxes[, and how many remain|]?", "With {b} {th} in each bag, how many bags do {a} {th} make[, and how many are left|]?", "{a} {th}, {b} per box: how many full boxes[, and how many are left|]?", "{a} euros are shared by {b} people. How much does each get[, and what is left|]?"], ["每箱装{b}{m}{th}，{a}{m}能装几箱[，还剩几{m}|]？", "{a}{m}{th}平均放进{b}个柜子，每个柜子放几{m}[，还剩几{m}|]？", "{a}元平均分给{b}人，每人几元[，还剩几元|]？", "每排坐{b}人，{a}人能坐满几排[，还剩几人|]？"]),
    },
    "chickens": {
        "both": (["There are {h} animals: {A} and {B}. The number of {feet} is {f}. How many of each?", "Number of heads: {h}. Number of {feet}: {f}. {A} and {B}: how many of each?", "Heads: {h}, {feet}: {f}. How many {A} and {B} are there?", "The heads are {h}, the {feet} are {f}. Find the number of {A} and of {B}.", "How many {A} and {B} have {h} heads and {f} {feet} together?", "We have {A} and {B}: the number of {feet} is {f}, the number of heads {h}. How many of each?"], ["头数{h}，{feet}数{f}，{a}和{b}各多少只？", "{a}和{b}的头数是{h}，{feet}数是{f}，各有几只？", "动物{h}只，都是{a}和{b}，{feet}{f}只，各有多少？", "{feet}数{f}，头数{h}，求{a}、{b}各有几只。", "{a}与{b}的{feet}共{f}只，头共{h}个，{a}几只，{b}几只？", "有{h}个头和{f}只{feet}，{a}和{b}各几只？"]),
        "one": (["I only want the {one}: {A} and {B} have {h} heads and {f} {feet}. How many are there?", "Give only the number of {one}: {h} heads, {f} {feet}, {A} and {B}.", "{A} and {B}, {h} heads and {f} {feet}: how many {one}?", "Say the number of {one} if {A} and {B} have {f} {feet} and {h} heads.", "How many {one}? {h} heads, {f} {feet}, all {A} and {B}."], ["求{one}的只数：{a}和{b}有{h}个头，{f}只{feet}。", "只求{one}：{a}和{b}共{h}只，{f}只{feet}。", "{one}有几只？{a}和{b}共有{h}个头、{f}只{feet}。", "{a}和{b}有{h}个头，{f}只{feet}，只要说{one}有几只。", "问{one}多少只：{a}、{b}共{h}个头，{f}只{feet}。", "我只想知道{one}的数量：{a}和{b}共{h}只，{feet}{f}只。"]),
    },
    "area": {
        "cubev": (["How much does a cube of edge {a} hold? Give its volume.", "Cube, edge {a}: volume?", "The volume of a cube with side {a} is what?", "All edges of a cube are {a}. [Find|What is] the volume[?|.]", "A die-shaped box has edges of {a}. What is its volume?"], ["立方体的棱长是{a}，求体积。", "一个立方体，棱长{a}，体积是多少？", "棱长为{a}的正方体，体积有多少？", "立方体棱长{a}，它的体积等于几？", "正方体每条棱长{a}，体积多大？", "求立方体的体积，棱长为{a}。"]),
        "cubes": (["How large is the whole surface of a cube of edge {a}?", "Cube, edge {a}: surface area?", "The surface area of a cube with side {a} is what?", "All edges of a cube are {a}. [Find|What is] the surface area[?|.]", "How much paper covers a cube with edges of {a}?"], ["立方体的棱长是{a}，求表面积。", "一个立方体，棱长{a}，表面积是多少？", "棱长为{a}的正方体，表面积有多少？", "立方体棱长{a}，它的表面积等于几？", "正方体每条棱长{a}，六个面的总面积多大？", "求立方体的表面积，棱长为{a}。"]),
        "recta": (["How much area does a {a} by {b} rectangle cover?", "A rectangular room is {a} by {b}. How large is its floor area?", "Length {a}, width {b}, rectangle: how large is the area?", "A rectangular field of {a} by {b}: what is its area?", "How large is a rectangle of {a} times {b}?"], ["长方形，长{a}，宽{b}，面积有多大？", "一间长方形房间长{a}、宽{b}，地面面积是多少？", "长{a}宽{b}的矩形，面积是几？", "一个长方形花坛长{a}、宽{b}，占地面积多少？", "长方形菜地长{a}，宽{b}，面积有多大？"]),
        "rectp": (["You walk once around a rectangular field of {a} by {b}. How far is that?", "A rectangular garden is {a} by {b}. How long must the fence around it be?", "Length {a}, width {b}, rectangle: how long is the perimeter?", "What is the length of all sides of a {a} by {b} rectangle together?", "How long is the border of a rectangle with sides {a} and {b}?"], ["长方形，长{a}，宽{b}，周长有多长？", "长方形操场长{a}、宽{b}，跑一圈是多少？", "给长{a}、宽{b}的长方形菜地围篱笆，篱笆多长？", "沿长{a}、宽{b}的长方形池塘走一周，要走多少？", "长{a}宽{b}的矩形，四条边一共多长？"]),
        "sqa": (["How much area does a square of side {a} cover?", "A square room has sides of {a}. How large is its floor?", "Side {a}, square: how large is the area?", "All sides of a square are {a}. What is the area?"], ["正方形，边长{a}，面积有多大？", "一块正方形地，边长{a}，面积是多少？", "边长为{a}的正方形，面积等于几？", "正方形每边长{a}，面积多少？"]),
        "sqp": (["You walk once around a square field of side {a}. How far is that?", "How long is the fence around a square garden with sides of {a}?", "Side {a}, square: how long is the perimeter?", "All sides of a square are {a}. What is the perimeter?"], ["正方形，边长{a}，周长有多长？", "绕边长{a}的正方形花坛走一圈，走多远？", "边长为{a}的正方形，周长等于几？", "正方形每边长{a}，四边共长多少？"]),
        "tri": (["How much area does a triangle of base {a} and height {b} cover?", "With base {a} and height {b}, what is the area of the triangle?", "A triangle is {b} high and its base is {a}. What is its area?", "Area of a triangle: base {a}, height {b}."], ["底为{a}、高为{b}的三角形，面积是几？", "三角形，底{a}，高{b}，面积有多大？", "一块三角形地，底{a}，高{b}，面积多少？", "求三角形面积：底{a}，高{b}。"]),
        "circa": (["How large is a circle of radius {a}?", "With radius {a}, what is the area of the circle?", "Area of a circle, radius {a}.", "A round table has radius {a}. What is its area?"], ["圆，半径{a}，面积是几？", "一个圆形花坛半径是{a}，面积是多少？", "半径为{a}的圆，面积多大？", "求圆面积：半径{a}。"]),
        "circc": (["How long is the edge of a circle of radius {a}?", "With radius {a}, what is the circumference of the circle?", "Circumference of a circle, radius {a}.", "You walk around a circle of radius {a}. How far is that?"], ["圆，半径{a}，周长是几？", "一个圆形花坛半径是{a}，周长是多少？", "绕半径{a}的圆走一圈，有多长？", "求圆周长：半径{a}。"]),
    },
    "sort": {
        "asc": (["Smallest first, sort {list}.", "Lowest first, list {list}.", "Ascending: {list}", "List {list}, the smallest first.", "{list} - in ascending order, please."], ["小的在前，大的在后：{list}", "把{list}排好，小的在前。", "最小的放前面，排{list}。", "升序：{list}", "按小到大排：{list}"]),
        "desc": (["Largest first, sort {list}.", "Greatest first, list {list}.", "Descending: {list}", "List {list}, the largest first.", "{list} - in descending order, please."], ["大的在前，小的在后：{list}", "把{list}排好，大的在前。", "最大的放前面，排{list}。", "降序：{list}", "按大到小排：{list}"]),
    },
    "letters": {
        "cnt": (["{w} has how many {c}'s?", "{w}: count the {c}'s.", "The word {w} has how many {c}'s?", "{w} includes the letter {c} how many times?", "{c} is how many times in {w}?", "Does {w} have the letter {c}, and how many times?"], ["{c}在单词{w}里有几个？", "{c}在{w}中一共有多少个？", "字母{c}在{w}里有几个？", "{c}这个字母在{w}里出现几次？", "数数{c}在{w}里有多少个。", "{w}，里面{c}有多少？"]),
        "len": (["{w}: how many letters?", "The word {w} has how many letters?", "Letters in {w}: how many?", "How many letters long is {w}?"], ["“{w}”有多少个字母？", "{w}的长度是多少个字母？", "单词{w}长几个字母？", "{w}共多少字母？", "“{w}”由几个字母组成？"]),
    },
    "json": {
        "person": (["Answer with JSON only, with the keys {keys}. {name} is from {city} and is {age} years old.", "Only JSON, please, with {keys}. {name} lives in {city}. {name} is {age}.", "Write JSON with the fields {keys}. In {city} lives {name}, who is {age}.", "Return only a JSON object. Keys: {keys}. {name} was born in {city} and is {age} years old.", "{city} is where {name} lives; {name} is {age}. Answer as JSON with {keys}.", "From {city} comes {name}, aged {age}. JSON with the keys {keys}, please.", "In {city} there lives {name}, {age} years old. Give {keys} as a JSON object.", "Give JSON. Keys: {keys}. {name} is {age} years old. {name} lives in {city}.", "Please fill a JSON object with {keys}: {age}-year-old {name} lives in {city}.", "Use JSON with {keys} to describe {name}, {age}, of {city}.", "At the age of {age}, {name} lives in {city}. Reply as JSON with {keys}.", "The city is {city}, the age is {age}, the name is {name}. JSON with {keys}.", "Name: {name}. Age: {age}. City: {city}. Give a JSON object with {keys}.", "{age} years old, from {city}: that is {name}. Put {keys} in JSON.", "Send back JSON only ({keys}). {name} is a {age}-year-old from {city}."],
                   ["只要JSON，字段{keys}。{name}是{city}人，{age}岁。", "{city}人{name}，{age}岁。用JSON输出{keys}。", "姓名：{name}，年龄：{age}，城市：{city}。请给出含{keys}的JSON。", "输出含{keys}的JSON：姓名是{name}，年龄是{age}，城市是{city}。", "年龄{age}，姓名{name}，城市{city}，返回JSON，键为{keys}。", "{age}岁的{name}住在{city}，请用JSON给出{keys}。", "在{city}住着{name}，{age}岁，JSON输出{keys}。", "给出JSON，键是{keys}：姓名{name}，年龄{age}，住{city}。", "城市{city}，姓名{name}，年龄{age}，写成JSON，包含{keys}。", "请以JSON回答，键{keys}：{name}今年{age}岁，是{city}人。"]),
        "product": (["Answer with JSON only, with the keys {keys}. A {item} costs {price} dollars and there are {n} of them.", "Text: {n} of {item} are left, each at {price} dollars. Fields: {keys}. Answer with JSON.", "Fields {keys}; the text is: we have {n} of {item} for {price} dollars each. JSON, please.", "The item is {item}, the price is {price}, the quantity is {n}. JSON with {keys}.", "Item: {item}. Price: {price}. Quantity: {n}. Give a JSON object with {keys}.", "At {price} dollars each there are {n} of {item}. Reply as JSON with {keys}.", "Only JSON, please, with {keys}. {item}, {price} dollars, {n} pieces in stock.", "Keys: {keys}. A {item} is {price} dollars; {n} are here. JSON only.", "Our stock of {item} is {n}, the price {price} dollars. Give {keys} as JSON.", "Send back JSON only ({keys}). {n} pieces of {item} cost {price} dollars each."], ["商品：{item}，价格：{price}，数量：{n}。请给出含{keys}的JSON。", "只要JSON，字段{keys}。{item}每件{price}元，有{n}件。", "数量{n}，商品{item}，价格{price}，返回JSON，键为{keys}。", "给出JSON，键是{keys}：{item}，{n}件，价格{price}元。", "请以JSON回答，键{keys}：{item}卖{price}元，剩{n}件。"]),
        "calc": (["With the key {keys}, give JSON for {e}.", "Use a JSON object with the key {keys} for the result of {e}.", "Make JSON with the key {keys}: {e} = ?", "What is {e}? Use JSON and the key {keys}.", "JSON object, key {keys}: {e}", "Put the answer of {e} into JSON; the key is {keys}.", "Using the key {keys}, answer in JSON: {e}", "{e}: answer in JSON with key {keys}.", "Your answer must be JSON with the key {keys}. What is {e}?", "Key {keys}, JSON: {e} = ?"], ["键为{keys}，用JSON给出{e}。", "用键{keys}的JSON回答：{e}=？", "JSON，键{keys}：{e}", "{e}=？用JSON，键名是{keys}。", "答案写成JSON，键用{keys}：{e}等于多少？"]),
    },
    "percent": {
        "of": (["{n} liters fit into a tank; it is {p}% full. How many liters is that?", "{p}% times {n} is what?", "{p}% × {n}", "A shop has {n} shirts and {p}% are blue. How many are blue?", "{n} students, {p}% of them came. How many came?"], ["{p}%×{n}等于多少？", "{p}%乘以{n}是多少？", "{n}乘{p}%是多少？", "{n}乘以{p}%等于几？", "{n}名学生，来了{p}%，来了多少名？"]),
        "up": (["{n} last year, {p}% more this year: how many this year?", "This year there are {p}% more than last year's {n}. How many?", "{n} becomes {p}% more. What is it?", "What is {p}% more than {n}?", "{nm} had ${n} and now has {p}% more. How much is that?"], ["去年{n}，今年比去年多{p}%，今年是多少？", "比{n}多{p}%是多少？", "{n}多了{p}%是多少？", "今年比去年的{n}增加{p}%，今年多少？", "{nm}原有{n}元，现在多了{p}%，有多少元？"]),
        "off": (["What is {p}% less than {n}?", "{p}% is taken off a price of ${n}. What is left to pay?", "A shop gives {p} percent off a {i} of ${n}. How much is it?", "{n} becomes {p}% less. What is it?", "{p} percent off ${n} is what?"], ["比{n}少{p}%是多少？", "{n}少了{p}%是多少？", "今年比去年的{n}减少{p}%，今年多少？", "{i}{n}元，降{p}%，卖几元？", "{n}元便宜{p}%是几元？"]),
        "what": (["{a} equals what percent of {b}?", "As a percentage of {b}, what is {a}?", "{a} is how many percent of {b}?", "{a}/{b} is what percent?"], ["{a}等于{b}的百分之几？", "{a}是{b}的百分之多少？", "{a}为{b}的百分之几？", "{a}/{b}是百分之几？"]),
        "buy": (["{k} {I} for ${c} each cost how much?", "Buying {k} {I} at ${c} each: how much to pay?", "How much for {k} {I} when one is ${c}?", "${c} each, {k} {I}: what is the total?"], ["{c}元一{u}，{k}{u}{i}几元？", "买{k}{u}{c}元一{u}的{i}，一共几元？", "{i}一{u}{c}元，共{k}{u}，应付几元？", "共买{k}{u}{i}，每{u}{c}元，付多少元？"]),
    },
    "speed": {
        "meet": (["{d} apart, two cars drive towards each other at {v} and {w}: after how many {hr} do they meet?", "Towards each other at {v} and {w}, from {d} apart: when do they meet?", "Two walkers come towards each other, speeds {v} and {w}, distance {d}. Time until they meet?", "Find the time until two trains meet: {d} apart, speeds {v} and {w}, towards each other."], ["两车从{d}外相对开来，{v}和{w}，几{hr}相遇？", "甲{v}，乙{w}，从相距{d}处相对而行，几{hr}相遇？", "求相遇时间：相距{d}，相向而行，速度{v}和{w}。", "相向而行，{v}和{w}，距离{d}，何时相遇？"]),
        "chase": (["How many {hr} does it take at {v} to catch up with someone at {w} who is {g} in front?", "To overtake a truck at {w} that is {g} in front, how long does a car at {v} need?", "The gap is {g}; the one behind goes {v}, the one in front {w}. When is the gap closed?", "At {v}, how long does it take to catch something at {w} that is {g} ahead?", "A car at {v} wants to overtake one at {w}, {g} in front. How many {hr} does it need?"], ["在前的{w}，在后的{v}，间隔{g}，几{hr}追上？", "一辆车{w}在前面，另一辆{v}在后面，相距{g}，后面的几{hr}追上？", "前{w}，后{v}，距离{g}，多久追上？", "后面的人{v}，前面的人{w}，差{g}，几{hr}追上？", "追前面{g}处{w}的车，自己{v}，要几{hr}？"]),
    },
    "lin2": {
        "buy": (["You pay ${c1} for {A1} with {B1}, and ${c2} for {A2} with {B2}. Find the two prices.", "One pays ${c1} for {A1} and {B1}; one pays ${c2} for {A2} and {B2}. What is a {P}, what is a {Q}?", "For ${c1} you get {A1} and {B1}, for ${c2} {A2} and {B2}. How much is each?", "It costs ${c1} to buy {A1} and {B1} and ${c2} to buy {A2} and {B2}. What does each cost?", "I paid ${c1} for {A1} and {B1} yesterday and ${c2} for {A2} and {B2} today. What does each cost?"], ["花{c1}元买{A1}和{B1}，花{c2}元买{A2}和{B2}，{P}、{Q}各几元？", "{c1}元：{A1}和{B1}；{c2}元：{A2}和{B2}。{P}和{Q}每{up}、每{uq}几元？", "付{c1}元得{A1}和{B1}，付{c2}元得{A2}和{B2}，求单价。", "昨天用{c1}元买{A1}和{B1}，今天用{c2}元买{A2}和{B2}，{P}和{Q}的单价是多少？", "{A1}、{B1}要{c1}元，{A2}、{B2}要{c2}元，{P}、{Q}单价？"]),
    },
    "seq": {
        "onetn": (["What do you get by adding every [whole number|integer] from 1 to {n}?", "Add up every number from 1 to {n}.", "Take the integers 1 through {n}. What is their sum?", "If you add all integers from 1 up to {n}, what comes out?"], ["1一直加到{n}得多少？", "把从1到{n}的每个整数都加起来是多少？", "1、2、3直到{n}，全部相加等于几？", "从1到{n}逐个相加，和是多少？"]),
        "glist": (["A geometric sequence: {list}, ... Which number is term {n}?", "Each term of {list}, ... is the same multiple of the one before. Find term {n}.", "{list}, ...: the ratio is constant. What is the {nth} term?", "In {list}, ... the quotient of neighbours is the same. What is the {nth} number?"], ["{list}，……相邻两项的比相等，第{n}项是多少？", "数列{list}，……每项是前一项的同样倍数，第{n}项是几？", "等比的一列数{list}，……，第{n}个数是多少？", "{list}，……公比不变，第{n}项等于几？"]),
    },
}

for _more in (MORE, RICH, FURTHER):
    for _kind, _subs in _more.items():
        for _sub, (_en, _zh) in _subs.items():
            _have = WORDINGS[_kind].setdefault(_sub, ([], []))
            _have[0].extend(_en)
            _have[1].extend(_zh)

# For training alone, never for the test side, not even as seen wordings: added after the held-out set was fixed.
PRACTICE = {
    ("add", "two"): (
        ["Starting at {a}, move {b} forward. Which number do you get to?", "Count up {b} from {a}.", "From {a}, go up {b}. What is the number?", "Go {b} further than {a}. What number is that?", "{b} steps forward from {a}: which number?", "Step forward {b} from {a}. Where are you?",
         "From {a} onward, count {b} more. Where do you land?", "If x is {a} and y is {b}, what is x plus y?", "x = {a}, y = {b}. What is x + y?", "Two addends are {a} and {b}. What is the sum?", "Walk up from {a} by {b}. Which number is it?", "[Begin|Start] at {a}, then rise by {b}. What do you reach?", "Go up {b} steps from {a}.", "The number after {a} by {b} steps is what?", "Advance {b} from {a}. Which number do you reach?"],
        ["从{a}向后数{b}个数，数到几？", "从{a}开始往后走{b}步，走到几？", "由{a}向上数{b}，得多少？", "从{a}起往上数{b}，到几？", "在数轴上从{a}向右走{b}，到哪个数？", "从{a}继续数{b}个，是几？", "{a}后面第{b}个数是多少？", "从{a}开始，再往后{b}个数，是多少？", "自{a}起往后推{b}，是多少？", "从{a}往前进{b}，到几？", "往后{b}，{a}变成多少？", "从{a}接着数{b}，是多少？",
         "上午卖出{a}件，下午卖出{b}件，全天卖出多少？", "从{a}出发，增加{b}，是几？", "{a}往右{b}格是几？"]),
    ("add", "story"): (
        ["In the morning {a} {th} were sold and in the afternoon {b}. How many were sold that day?", "{nm} counts {a} {th}, then another {b}. How many {th} has {nm} counted?", "{a} boys and {b} girls: how many children?", "{nm} put {a} {th} into a box and then {b} more. How many are in it?"],
        ["书店上午卖出{a}{m}{th}，下午又卖出{b}{m}，这天一共卖出多少{m}？", "上午卖了{a}{m}，下午卖了{b}{m}{th}，全天一共卖了多少{m}？", "商场早上卖出{a}{m}{th}，晚上卖出{b}{m}，一天共卖出几{m}？", "饭店上午来了{a}人，下午来了{b}人，全天共来多少人？", "男生{a}人，女生{b}人，全校多少人？", "上午运来{a}箱，下午运来{b}箱，全天运来多少箱？", "车站上午发车{a}辆，下午发车{b}辆，全天发车多少辆？"]),
    ("sub", "two"): (
        ["Starting at {a}, move {b} backward. Which number do you get to?", "Count down {b} from {a}.", "From {a}, go down {b}. What is the number?", "Count backwards from {a} by {b} steps. Where do you land?", "{b} steps back from {a}: which number?", "Step back {b} from {a}. Where are you?", "From {a}, take {b} steps backwards. Which number is it?", "If x is {a} and y is {b}, what is x minus y?", "x = {a}, y = {b}. What is x - y?",
         "Walk down from {a} by {b}. Which number is it?", "[Begin|Start] at {a}, then fall by {b}. What do you reach?", "Go down {b} steps from {a}.", "The number {b} steps before {a} is what?", "Start at {a} and go back by {b}. Which number do you reach?", "Begin at {a} and move down by {b}. What number is it?", "At {a}, go down by {b}. What do you get?", "Counting back {b} from {a} gives which number?", "Go lower than {a} by {b}. Which number is that?", "Retreat {b} from {a}. Which number do you reach?", "You start at {a} and go {b} down. What number do you reach?"],
        ["从{a}向前数{b}个数，数到几？", "从{a}开始往回走{b}步，走到几？", "由{a}向下数{b}，得多少？", "从{a}起往下数{b}，到几？", "在数轴上从{a}向左走{b}，到哪个数？", "{a}前面第{b}个数是多少？", "从{a}退回{b}，是多少？", "从{a}倒退{b}，到几？", "往回{b}，{a}变成多少？", "从{a}出发，减少{b}，是几？", "{a}往左{b}格是几？", "{b}再加上几就是{a}？"]),
    ("sub", "story"): (
        ["A village has {a} people; {b} are men. How many are women?", "A club has {a} members, {b} of them are girls. How many boys are there?", "{a} animals, {b} of them birds: how many are no birds?"],
        ["全校共{a}人，其中女生{b}人，男生有几人？", "学校有{a}个孩子，其中男孩{b}个，女孩有几个？", "一共{a}名学生，男生占{b}名，女生几名？", "村里有{a}人，其中男人{b}人，女人有多少人？", "公司有{a}名员工，其中男员工{b}名，女员工有多少名？", "动物园有{a}只动物，其中{b}只是鸟，其余有多少只？"]),
    ("mul", "two"): (
        ["Both factors are given: {a} and {b}. Find the product.", "One factor is {a}, the other {b}. What is the product?", "With the factors {a} and {b}, what is the product?"],
        ["{a}个{b}加在一起是多少？", "{a}个{b}相加得几？", "{a}个{b}总共是多少？", "把{a}个{b}加起来，得多少？", "{a}个{b}合计多少？"]),
    ("div", "div"): (
        ["How often does {a} contain {b}[, and what is the rest|]?", "Say how many times {b} goes into {a}[, with the rest|].", "How many {b}s are contained in {a}[, and what is the rest|]?"], ["{a}中包含几个{b}[，余几|]？"]),
    ("speed", "chase"): (
        ["The gap is {g}; in front {w}, behind {v}. After how many {hr} is it closed?", "Behind: {v}, in front: {w}, gap {g}. When is the gap gone?", "The follower goes {v}, the leader {w}; they are {g} apart. When does the follower catch up?"], ["前车每小时慢，{w}，后车{v}，相距{g}，多久追上？", "前面{w}，后面{v}，相隔{g}，几{hr}追上？"]),
    ("json", "product"): (
        [], ["请用JSON回答，键{keys}：{item}卖{price}元，有{n}件。", "JSON，键{keys}：{item}卖{price}元一件，剩{n}件。", "{item}卖{price}元，还剩{n}件，用JSON给出{keys}。", "{item}剩{n}件，卖{price}元，返回JSON，键为{keys}。"]),
    ("json", "person"): (
        ["The name is {name}, the city is {city}, the age is {age}. JSON with {keys}.", "The age is {age}, the city is {city} and the name is {name}. Give JSON with {keys}.", "City: {city}. Name: {name}. Age: {age}. JSON with {keys}.", "Reply in JSON with the keys {keys}. {name} comes from {city} and is {age}.", "Reply with a JSON object with {keys}. {name} is from {city}, aged {age}."], []),
    ("area", "cubev"): (["A box like a die has edges of {a}. What volume does it have?", "A dice has edges of {a}. Find its volume."], []),
    ("area", "cubes"): (["How much paper is needed for the whole surface of a cube with edges of {a}?"], ["正方体棱长{a}，六个面一共多大？", "棱长{a}的正方体，六个面的面积之和是多少？"]),
    ("chickens", "both"): (["The number of {feet} is {f} and of heads {h}; {A} and {B}. How many of each?", "We see {A} and {B}: the {feet} are {f}, the heads are {h}. How many of each?"], []),
    ("chickens", "one"): (["I want to know the {one} only: {A} and {B}, {h} heads, {f} {feet}. How many?", "Only the {one}: {A} and {B} have {h} heads and {f} {feet}. How many?"], []),
    ("letters", "len"): (["Letters in {w}?", "Number of letters: {w}", "How many letters: {w}?"], []),
    ("percent", "what"): ([], ["{a}道题对，共{b}道，正确率是百分之几？", "{b}道题对了{a}道，正确率是多少？", "{a}是{b}的百分之多少呢？", "{b}题中做对{a}题，正确率百分之几？"]),
}
