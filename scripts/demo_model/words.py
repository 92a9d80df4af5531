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

# Further ones, which the shipped test set does not use.
MORE_ANIMALS_EN = (("chicken", "chickens", 2, "rabbit", "rabbits", 4), ("chicken", "chickens", 2, "cow", "cows", 4), ("duck", "ducks", 2, "pig", "pigs", 4),
                   ("duck", "ducks", 2, "sheep", "sheep", 4), ("turkey", "turkeys", 2, "horse", "horses", 4), ("hen", "hens", 2, "goat", "goats", 4),
                   ("ostrich", "ostriches", 2, "zebra", "zebras", 4), ("parrot", "parrots", 2, "dog", "dogs", 4), ("rooster", "roosters", 2, "donkey", "donkeys", 4),
                   ("pigeon", "pigeons", 2, "hare", "hares", 4), ("chicken", "chickens", 2, "dog", "dogs", 4), ("swan", "swans", 2, "deer", "deer", 4),
                   ("bird", "birds", 2, "lizard", "lizards", 4), ("peacock", "peacocks", 2, "lion", "lions", 4), ("chick", "chicks", 2, "kitten", "kittens", 4),
                   ("chicken", "chickens", 2, "pig", "pigs", 4), ("crow", "crows", 2, "mouse", "mice", 4), ("ostrich", "ostriches", 2, "giraffe", "giraffes", 4))
MORE_ANIMALS_ZH = (("鸡", "鸡", 2, "兔", "兔", 4), ("小鸡", "小鸡", 2, "小兔", "小兔", 4), ("鸡", "鸡", 2, "牛", "牛", 4), ("鸭子", "鸭子", 2, "兔子", "兔子", 4),
                   ("鸭", "鸭", 2, "狗", "狗", 4), ("鹅", "鹅", 2, "猪", "猪", 4), ("鸵鸟", "鸵鸟", 2, "斑马", "斑马", 4), ("鸡", "鸡", 2, "羊", "羊", 4),
                   ("孔雀", "孔雀", 2, "鹿", "鹿", 4), ("火鸡", "火鸡", 2, "马", "马", 4), ("公鸡", "公鸡", 2, "驴", "驴", 4), ("鸡", "鸡", 2, "狗", "狗", 4),
                   ("鸽子", "鸽子", 2, "白兔", "白兔", 4), ("鹤", "鹤", 2, "龟", "龟", 4), ("仙鹤", "仙鹤", 2, "乌龟", "乌龟", 4), ("麻雀", "麻雀", 2, "老鼠", "老鼠", 4))
MORE_ITEMS_EN = tuple((w, w + "s") for w in (
    "apple orange banana pear egg donut cookie stamp sticker marble coin card flower candle basket bucket crayon eraser pillow towel scarf sock "
    "sweater belt ring camera laptop tablet mouse keyboard monitor printer cable charger desk sofa carpet mirror clock vase pot pan kettle fork bowl "
    "mug burger pizza cupcake muffin bagel pie steak carrot cabbage onion pumpkin pineapple coconut mango kite drum guitar helmet skateboard bike novel "
    "magazine poster backpack envelope folder marker stapler").split()) + (
    ("box of tea", "boxes of tea"), ("bag of rice", "bags of rice"), ("loaf of bread", "loaves of bread"), ("knife", "knives"), ("dress", "dresses"), ("glass", "glasses"),
    ("watch", "watches"), ("brush", "brushes"), ("umbrella", "umbrellas"), ("ice cream", "ice creams"), ("potato", "potatoes"), ("tomato", "tomatoes"), ("cherry", "cherries"), ("dictionary", "dictionaries"), ("battery", "batteries"))
MORE_ITEMS_ZH = (("梨", "个"), ("桃子", "个"), ("香蕉", "根"), ("鸡蛋", "个"), ("饼干", "块"), ("邮票", "张"), ("贴纸", "张"), ("弹珠", "颗"), ("卡片", "张"), ("花", "朵"),
                 ("蜡烛", "支"), ("篮子", "个"), ("牙刷", "支"), ("橡皮", "块"), ("枕头", "个"), ("毛巾", "条"), ("围巾", "条"), ("袜子", "双"), ("毛衣", "件"), ("手表", "块"),
                 ("相机", "台"), ("电脑", "台"), ("键盘", "个"), ("鼠标", "个"), ("桌子", "张"), ("沙发", "张"), ("镜子", "面"), ("花瓶", "个"), ("锅", "口"), ("勺子", "把"),
                 ("碗", "个"), ("汉堡", "个"), ("白菜", "棵"), ("南瓜", "个"), ("菠萝", "个"), ("芒果", "个"), ("风筝", "个"), ("吉他", "把"), ("小说", "本"), ("杂志", "本"),
                 ("字典", "本"), ("裤子", "条"), ("裙子", "条"), ("鞋", "双"), ("糖", "块"), ("牛奶", "盒"), ("矿泉水", "瓶"), ("果汁", "瓶"), ("可乐", "瓶"), ("月饼", "个"),
                 ("包子", "个"), ("电影票", "张"), ("雨伞", "把"), ("灯泡", "个"), ("篮球", "个"), ("羽毛球", "个"), ("电池", "节"), ("练习本", "本"), ("圆珠笔", "支"), ("蜡笔", "盒"))
MORE_WORDS = ("strawberry strawberry raspberry blueberry blackberry mississippi banana pineapple watermelon pumpkin cucumber broccoli potato tomato carrot onion garlic pepper cinnamon vanilla "
              "chocolate biscuit pancake sausage hamburger sandwich breakfast dinner supper delicious restaurant receipt recipe waitress bottle cereal yogurt butter cheese "
              "apple orange lemon cherry grape peach plum apricot coconut mango papaya avocado almond peanut walnut hazelnut pistachio popcorn pretzel doughnut cookie "
              "assassin bassoon balloon raccoon baboon buffoon pantaloon cocoon typhoon harpoon lagoon voodoo bamboo tattoo shampoo taboo kangaroo cuckoo "
              "engineering science mathematics philosophy psychology economics politics government parliament president minister senator congress democracy republic kingdom "
              "artificial intelligence language understanding knowledge reasoning attention transformer gradient descent parameter inference training dataset benchmark "
              "quick brown fox jumps over the lazy dog hello there people everyone something nothing anything everything somewhere nowhere whenever however although because "
              "queue rhythm syzygy sphinx pharaoh mnemonic pneumonia psychiatrist xylophone zigzag jazz buzz fizz puzzle dazzle drizzle nozzle muzzle quizzes "
              "llama mammal mommy daddy puppy kitty bunny penny sunny funny happy silly hilly valley alley trolley jelly belly yellow mellow hollow follow swallow "
              "Tennessee Honolulu Barcelona Singapore Philippines Madagascar Mozambique Nicaragua Guatemala Venezuela Argentina Switzerland Netherlands Liechtenstein Luxembourg "
              "aardvark bookkeeping successfully unnecessarily disappearance embarrassment millennium questionnaire guarantee parallelogram communication characteristic "
              "international responsibility extraordinary congratulations encyclopedia refrigerator uncomfortable misunderstanding electromagnetic straightforward "
              "a I an is it we go up to by red sea bee eel egg eye mom dad pop noon deed peep toot kayak level refer rotor madam civic radar statistics test tests tree trees").lower().split()
MORE_SURNAMES_EN = "Smith Johnson Brown Miller Davis Garcia Wilson Lee Taylor Walker Young King Wright Scott Green Baker Hall Chen Wang Kim Singh Khan Novak".split()
MORE_NAMES_ZH = "张三 李四 王五 赵六 小王 小李 小张 老王 小刘 小陈 小杰 阿明 欧阳修 诸葛亮 司马光 张小明 王小红 李小龙 陈美丽 刘大伟".split()
MORE_CITIES_EN = ("New York", "Los Angeles", "San Francisco", "Hong Kong", "Mexico City", "Cape Town", "New Delhi", "Las Vegas", "Kuala Lumpur", "Buenos Aires", "San Diego", "Tel Aviv",
                  "St. Louis", "Salt Lake City", "Rio de Janeiro", "Istanbul", "Singapore", "Barcelona", "Brussels", "Stockholm", "Copenhagen", "Amsterdam", "Budapest", "Jakarta")
MORE_CITIES_ZH = "石家庄 呼和浩特 乌鲁木齐 香港 台北 纽约 伦敦 巴黎 东京 柏林 悉尼 莫斯科 旧金山 洛杉矶 新加坡 宁波 无锡 温州 佛山 珠海 桂林 洛阳 扬州 烟台 景德镇 张家界".split()
