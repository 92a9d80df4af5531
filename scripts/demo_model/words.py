"""Word lists of the problem generator: names, things, animals, words whose letters are counted. Data only.

Usage: import only.
"""

# one, many, legs, one, many, legs: the pair's first member has fewer legs (or wheels)
ANIMALS_EN = (("chicken", "chickens", 2, "rabbit", "rabbits", 4), ("duck", "ducks", 2, "cow", "cows", 4),
              ("hen", "hens", 2, "pig", "pigs", 4), ("goose", "geese", 2, "goat", "goats", 4),
              ("chicken", "chickens", 2, "sheep", "sheep", 4), ("bird", "birds", 2, "cat", "cats", 4))
ANIMALS_ZH = (("鸡", "鸡", 2, "兔", "兔", 4), ("鸡", "鸡", 2, "兔子", "兔子", 4), ("鸭", "鸭", 2, "牛", "牛", 4),
              ("鹅", "鹅", 2, "羊", "羊", 4), ("鸡", "鸡", 2, "猪", "猪", 4), ("鸟", "鸟", 2, "猫", "猫", 4))
VEHICLES_EN = (("bicycle", "bicycles", 2, "tricycle", "tricycles", 3), ("motorcycle", "motorcycles", 2, "car", "cars", 4),
               ("bicycle", "bicycles", 2, "car", "cars", 4), ("tricycle", "tricycles", 3, "car", "cars", 4))
VEHICLES_ZH = (("自行车", "自行车", 2, "三轮车", "三轮车", 3), ("摩托车", "摩托车", 2, "小汽车", "小汽车", 4),
               ("自行车", "自行车", 2, "汽车", "汽车", 4), ("三轮车", "三轮车", 3, "汽车", "汽车", 4))

NAMES_EN = ("Tom Anna Ben Lucy Jack Emma Leo Mia Sam Zoe Max Ella Adam Nora Paul Ruth Carl Jane Mark Rosa Peter Maria Oscar "
            "Alice Henry Clara David Laura Simon Julia Felix Sofia Bruno Elena Victor Diana Robert Helen Martin Grace Daniel "
            "Olivia Thomas Amelia Edward Hannah George Ivy Kevin Linda Frank Susan Walter Irene Hugo Vera Ali Fatima Omar "
            "Leila Ravi Priya Kenji Yuki Ivan Olga Lars Ingrid Pedro Carmen").split()
NAMES_ZH = ("小明 小红 小刚 小丽 小华 小芳 小强 小美 张伟 王芳 李娜 刘洋 陈静 杨帆 赵磊 黄敏 周杰 吴倩 徐亮 孙悦 胡军 朱琳 高峰 林涛 何雪 "
            "郭靖 马超 罗兰 梁山 宋佳 郑凯 谢婷 韩梅 唐宁 冯波 于洁 董浩 萧红 程亮 曹颖 袁泉 邓超 许晴 傅明 沈月 曾强 彭飞 吕布 苏菲 卢俊").split()
CITIES_EN = ("Paris London Berlin Rome Madrid Vienna Prague Lisbon Dublin Oslo Helsinki Athens Warsaw Tokyo Beijing Shanghai "
             "Boston Chicago Toronto Sydney Cairo Delhi Mumbai Moscow Zurich Geneva Munich Hamburg Milan Naples Lyon Kyoto "
             "Seoul Bangkok Nairobi Lima Denver Austin Dallas Seattle").split()
CITIES_ZH = ("北京 上海 广州 深圳 杭州 南京 武汉 成都 重庆 西安 天津 苏州 长沙 郑州 青岛 大连 厦门 昆明 合肥 福州 济南 沈阳 哈尔滨 长春 南昌 "
             "贵阳 兰州 海口 拉萨 太原").split()

ITEMS_EN = (("pen", "pens"), ("pencil", "pencils"), ("notebook", "notebooks"), ("book", "books"), ("peach", "peaches"),
            ("lemon", "lemons"), ("shirt", "shirts"), ("cup", "cups"), ("ticket", "tickets"), ("cake", "cakes"),
            ("chair", "chairs"), ("lamp", "lamps"), ("ball", "balls"), ("hat", "hats"), ("bag", "bags"), ("toy", "toys"),
            ("melon", "melons"), ("ruler", "rulers"), ("bottle", "bottles"), ("jacket", "jackets"), ("coat", "coats"),
            ("sandwich", "sandwiches"), ("plate", "plates"), ("spoon", "spoons"), ("game", "games"), ("phone", "phones"))
ITEMS_ZH = (("钢笔", "支"), ("铅笔", "支"), ("笔记本", "本"), ("书", "本"), ("苹果", "个"), ("橙子", "个"), ("衬衫", "件"), ("杯子", "个"),
            ("门票", "张"), ("蛋糕", "个"), ("椅子", "把"), ("台灯", "盏"), ("足球", "个"), ("帽子", "顶"), ("书包", "个"), ("玩具", "个"),
            ("西瓜", "个"), ("尺子", "把"), ("水壶", "个"), ("外套", "件"), ("面包", "个"), ("盘子", "个"), ("手机", "部"), ("排球", "个"))

SYLLABLES = ("ba be bi bo bu ca ce co cu da de di do du fa fe fi fo ga ge go gu ha he hi ho ja ka ke ki ko la le li lo lu ma me "
             "mi mo mu na ne ni no nu pa pe pi po ra re ri ro ru sa se si so su ta te ti to tu va ve vi wa we wi za zo "
             "ban bel bin cor dan der din fer gan har ing ion ter ther tion ment ness less able ful ous ive est ary "
             "ss ll rr tt nn ee oo pp mm ff").split()

WORDS = ("strawberry banana apple orange cherry grape lemon melon peach pear plum mango papaya pineapple raspberry blueberry "
         "blackberry cranberry watermelon apricot coconut avocado tomato potato carrot onion garlic pepper cabbage lettuce spinach "
         "broccoli cucumber pumpkin mushroom celery radish turnip zucchini eggplant letter little bottle kettle settle puzzle "
         "pizza cheese butter coffee sugar cookie biscuit chocolate sandwich noodle dinner supper breakfast lunch summer winter "
         "spring autumn january february march april june july august september october november december monday tuesday wednesday "
         "thursday friday saturday sunday mississippi tennessee massachusetts pennsylvania california colorado alabama arizona "
         "florida georgia hawaii indiana kansas kentucky louisiana minnesota missouri montana nebraska nevada oklahoma oregon "
         "virginia washington wisconsin america africa asia europe australia antarctica china japan india brazil canada mexico "
         "france germany italy spain russia egypt greece sweden norway finland denmark poland hungary turkey balloon bubble rabbit "
         "chicken elephant giraffe kangaroo penguin dolphin monkey tiger lion leopard cheetah zebra buffalo squirrel hamster parrot "
         "sparrow eagle falcon pigeon seagull turtle lizard snake crocodile alligator butterfly mosquito spider beetle grasshopper "
         "caterpillar computer keyboard monitor printer internet program function variable compiler processor memory hardware software "
         "network database algorithm parallel vector matrix tensor number integer fraction decimal percent geometry algebra calculus "
         "triangle rectangle square circle parallelogram trapezoid hexagon pentagon octagon polygon sphere cylinder pyramid addition "
         "subtraction multiplication division equation sequence series difference quotient remainder committee success necessary "
         "occurrence accommodation address occasion possess possession embarrass recommend beginning running swimming stopping "
         "planning happiness sadness kindness business illness witness darkness goodness sweetness teacher student school college "
         "university library classroom blackboard pencil eraser notebook homework lesson exercise question answer problem solution "
         "science physics chemistry biology history language literature grammar spelling dictionary vocabulary sentence paragraph "
         "chapter newspaper magazine television telephone radio camera picture painting drawing music guitar piano violin trumpet "
         "orchestra concert theater cinema football basketball baseball volleyball tennis badminton hockey skating running bicycle "
         "motorcycle automobile airplane helicopter submarine railway station airport harbor bridge tunnel highway street avenue "
         "village country mountain valley river ocean island forest desert jungle meadow garden flower blossom tulip lily daisy "
         "sunflower umbrella raincoat thunder lightning rainbow snowflake hurricane tornado earthquake volcano weather temperature "
         "kitchen bathroom bedroom furniture mirror window curtain carpet pillow blanket mattress refrigerator microwave scissors "
         "hammer screwdriver needle thread button pocket jacket trousers sweater stocking slipper glasses jewelry necklace bracelet "
         "doctor nurse engineer lawyer farmer soldier sailor pilot driver waiter butcher baker barber carpenter plumber electrician "
         "hospital medicine bandage muscle shoulder stomach finger elbow knee ankle tongue throat better bitter batter matter "
         "mother father brother sister grandmother grandfather daughter uncle cousin nephew family friend neighbor children "
         "beautiful wonderful terrible horrible incredible impossible responsible different important interesting excellent "
         "hello world cat dog bird fish horse sheep goat duck goose mouse moon star sun sky tree leaf root seed rose bread rice "
         "milk water salt fire wood stone iron steel silver copper gold paper glass rubber plastic cotton wool silk leather "
         "book page word letter line point noon soon food good door floor room school pool tool cool wheel green street sleep "
         "deep feet tree three seven eleven thirteen hundred thousand million billion zero level radar civic kayak racecar noon "
         "abracadabra hippopotamus rhinoceros onomatopoeia entrepreneur bookkeeper assassin address addressee assessment "
         "lollipop peppermint pepperoni spaghetti macaroni cappuccino mozzarella tomorrow yesterday together forever "
         "distill engine token model weight layer thinking reasoning sampler kernel thread cache buffer tokenizer").split()

SURNAMES_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董程曹袁邓许傅沈曾彭吕苏"
GIVEN_ZH = "伟芳娜洋静帆磊敏杰倩亮悦军琳峰涛雪明红刚丽华强美文英平海波宁佳凯欣然子轩雨晨思远天宇心怡一诺"
PLACE_ZH = "北南东西京海州安阳河江山湖林平城长春宁波青石龙泉金华台湾沙温新德昌清永定和兴宝"
