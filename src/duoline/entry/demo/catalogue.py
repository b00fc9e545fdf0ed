# ruff: noqa: E501 - the tables below read better with a line an entry, however long
"""What a mother-and-baby shop sells: a tree of categories, and for each leaf what its products are like."""

from __future__ import annotations

from dataclasses import dataclass

from duoline.entry.demo.words import Word


@dataclass(frozen=True)
class Leaf:
    """A category at the end of the tree and the pattern of its products.

    `low` and `high` are yuan for the smallest variant. `option` names a scale in `SCALES`; `colours` how many
    colours a product comes in. `picture` names the drawing. `weight` is the share of the chain's products.
    """

    code: str
    name: Word
    parent: str
    nouns: tuple[Word, ...]
    traits: tuple[Word, ...]
    low: float
    high: float
    picture: str
    weight: int
    weight_g: int
    option: str = ""
    colours: int = 0
    attributes: tuple[tuple[Word, tuple[Word, ...]], ...] = ()


PARENTS: tuple[tuple[str, Word], ...] = (
    ("milk", Word("奶粉", "Formula")),
    ("diaper", Word("纸尿裤", "Nappies")),
    ("food", Word("辅食", "Baby food")),
    ("feeding", Word("喂养", "Feeding")),
    ("care", Word("洗护", "Bath and care")),
    ("clothing", Word("童装", "Clothing")),
    ("toys", Word("玩具", "Toys")),
    ("maternity", Word("孕产", "Maternity")),
    ("travel", Word("出行", "Out and about")),
    ("nursery", Word("寝居", "Nursery")),
)

# Each step of a scale: what it is called and the factor on the price of the smallest.
SCALES: dict[str, tuple[Word, tuple[tuple[Word, float], ...]]] = {
    "stage": (
        Word("段位", "Stage"),
        (
            (Word("1 段", "Stage 1"), 1.0),
            (Word("2 段", "Stage 2"), 0.97),
            (Word("3 段", "Stage 3"), 0.92),
            (Word("4 段", "Stage 4"), 0.88),
        ),
    ),
    "tin": (Word("规格", "Tin"), ((Word("400 克", "400 g"), 1.0), (Word("800 克", "800 g"), 1.85))),
    "diaper": (
        Word("尺码", "Size"),
        (
            (Word("NB", "NB"), 0.92),
            (Word("S", "S"), 1.0),
            (Word("M", "M"), 1.0),
            (Word("L", "L"), 1.05),
            (Word("XL", "XL"), 1.1),
        ),
    ),
    "pants": (
        Word("尺码", "Size"),
        ((Word("M", "M"), 1.0), (Word("L", "L"), 1.04), (Word("XL", "XL"), 1.08), (Word("XXL", "XXL"), 1.12)),
    ),
    "pack": (Word("包装", "Pack"), ((Word("单包", "Single"), 1.0), (Word("3 包", "Pack of 3"), 2.8))),
    "flavour": (
        Word("口味", "Flavour"),
        (
            (Word("苹果", "Apple"), 1.0),
            (Word("南瓜", "Pumpkin"), 1.0),
            (Word("蓝莓", "Blueberry"), 1.05),
            (Word("香蕉", "Banana"), 1.0),
        ),
    ),
    "volume": (
        Word("容量", "Volume"),
        ((Word("160 毫升", "160 ml"), 1.0), (Word("240 毫升", "240 ml"), 1.15), (Word("330 毫升", "330 ml"), 1.3)),
    ),
    "care": (Word("容量", "Volume"), ((Word("200 毫升", "200 ml"), 1.0), (Word("400 毫升", "400 ml"), 1.75))),
    "cloth": (
        Word("尺码", "Size"),
        (
            (Word("59", "59"), 1.0),
            (Word("66", "66"), 1.0),
            (Word("73", "73"), 1.0),
            (Word("80", "80"), 1.0),
            (Word("90", "90"), 1.05),
        ),
    ),
    "kid": (
        Word("尺码", "Size"),
        ((Word("90", "90"), 1.0), (Word("100", "100"), 1.0), (Word("110", "110"), 1.04), (Word("120", "120"), 1.08)),
    ),
    "adult": (
        Word("尺码", "Size"),
        ((Word("M", "M"), 1.0), (Word("L", "L"), 1.0), (Word("XL", "XL"), 1.0)),
    ),
    "sock": (Word("尺码", "Size"), ((Word("0–1 岁", "0 to 1 year"), 1.0), (Word("1–3 岁", "1 to 3 years"), 1.0))),
    "teat": (
        Word("流量", "Flow"),
        ((Word("S", "S"), 1.0), (Word("M", "M"), 1.0), (Word("L", "L"), 1.0)),
    ),
}

_AGE = Word("适用月龄", "Age")
_ORIGIN = Word("产地", "Origin")
_FABRIC = Word("面料", "Fabric")
_MATERIAL = Word("材质", "Material")
_COTTONS = (Word("纯棉", "Cotton"), Word("有机棉", "Organic cotton"), Word("莫代尔棉", "Modal cotton"))
_AGES = (Word("0–6 月", "0 to 6 months"), Word("6–12 月", "6 to 12 months"), Word("1–3 岁", "1 to 3 years"))
_BABY = ((_AGE, _AGES),)
_WEAR = ((_FABRIC, _COTTONS), (Word("安全类别", "Safety class"), (Word("A 类", "Class A"),)))
_PLASTIC = (
    (_MATERIAL, (Word("PPSU", "PPSU"), Word("食品级硅胶", "Food-grade silicone"), Word("玻璃", "Glass"))),
    *_BABY,
)
_WOOD = ((_MATERIAL, (Word("榉木", "Beech"), Word("ABS", "ABS"), Word("毛绒", "Plush"))), *_BABY)


def _words(text: str) -> tuple[Word, ...]:
    """Words written as `zh/en, zh/en`."""
    return tuple(Word(*part.strip().split("/")) for part in text.split(","))


LEAVES: tuple[Leaf, ...] = (
    Leaf("milk-infant", Word("婴幼儿配方奶粉", "Infant formula"), "milk", _words("婴幼儿配方奶粉/infant formula, 活性蛋白配方奶粉/active-protein formula"), _words("A2 蛋白/A2 protein, 乳铁蛋白/lactoferrin, HMO/HMO, 水解蛋白/hydrolysed"), 128, 268, "tin", 20, 900, "stage", 0, _BABY),
    Leaf("milk-goat", Word("羊奶粉", "Goat milk"), "milk", _words("婴幼儿配方羊奶粉/goat milk formula"), _words("全羊/pure, 高钙/calcium-rich, 益生菌/probiotic"), 148, 298, "tin", 10, 900, "stage", 0, _BABY),
    Leaf("milk-organic", Word("有机奶粉", "Organic formula"), "milk", _words("有机配方奶粉/organic formula"), _words("草饲/grass-fed, 双重有机/double organic, 轻盈/light"), 158, 328, "tin", 8, 900, "tin", 0, _BABY),
    Leaf("milk-mother", Word("妈妈奶粉", "Milk for mothers"), "milk", _words("孕产妇奶粉/milk powder for mothers"), _words("叶酸/folate, 低糖/low-sugar, 高钙/calcium-rich"), 88, 168, "tin", 5, 900, "tin"),
    Leaf("diaper-tape", Word("纸尿裤", "Taped nappies"), "diaper", _words("纸尿裤/nappies, 夜用纸尿裤/night nappies"), _words("超薄/ultra-thin, 云柔/cloud-soft, 透气/breathable, 弱酸/mild-acid"), 59, 129, "diaper", 24, 1800, "diaper"),
    Leaf("diaper-pants", Word("拉拉裤", "Pull-ups"), "diaper", _words("拉拉裤/pull-ups, 训练裤/training pants"), _words("弹力/stretchy, 超薄/ultra-thin, 干爽/dry, 棉柔/cottony"), 65, 139, "diaper", 18, 1900, "pants"),
    Leaf("diaper-wipes", Word("湿巾", "Wipes"), "diaper", _words("婴儿湿巾/baby wipes, 手口湿巾/hand and mouth wipes, 棉柔巾/cotton tissues"), _words("加厚/thick, 无香/unscented, 纯水/pure-water"), 9.9, 29.9, "wipes", 14, 420, "pack"),
    Leaf("diaper-mat", Word("隔尿垫", "Changing mats"), "diaper", _words("隔尿垫/changing mat"), _words("防水/waterproof, 可洗/washable"), 29, 89, "blanket", 6, 300, "", 2, _WEAR),
    Leaf("food-cereal", Word("米粉", "Cereal"), "food", _words("高铁米粉/iron-rich rice cereal, 谷物米糊/grain porridge"), _words("有机/organic, 多谷物/multigrain, 益生元/prebiotic"), 35, 88, "box", 14, 250, "flavour", 0, _BABY),
    Leaf("food-puree", Word("果泥", "Purée"), "food", _words("果泥/fruit purée, 蔬果泥/fruit and vegetable purée"), _words("无添加糖/no added sugar, 混合/mixed, 有机/organic"), 8.9, 19.9, "pouch", 14, 110, "flavour", 0, _BABY),
    Leaf("food-snack", Word("磨牙零食", "Teething snacks"), "food", _words("磨牙饼干/teething biscuits, 溶豆/yoghurt melts, 手指泡芙/finger puffs"), _words("入口即化/melting, 高钙/calcium-rich, 非油炸/not fried"), 15.9, 39.9, "bag", 14, 80, "flavour", 0, _BABY),
    Leaf("food-noodle", Word("面条", "Noodles"), "food", _words("婴幼儿面条/baby noodles, 蝴蝶面/farfalle"), _words("无盐/salt-free, 胚芽/wheatgerm, 蔬菜/vegetable"), 16.9, 36, "box", 8, 220, "", 0, _BABY),
    Leaf("feeding-bottle", Word("奶瓶", "Bottles"), "feeding", _words("宽口奶瓶/wide-neck bottle, 防胀气奶瓶/anti-colic bottle"), _words("仿母乳/breast-like, 耐摔/unbreakable, 可变流量/variable-flow"), 59, 169, "bottle", 18, 180, "volume", 0, _PLASTIC),
    Leaf("feeding-teat", Word("奶嘴", "Teats and soothers"), "feeding", _words("安抚奶嘴/soother, 替换奶嘴/teat"), _words("柔软/soft, 夜光/night-glow, 超软/extra-soft"), 19, 59, "soother", 10, 40, "teat", 0, _PLASTIC),
    Leaf("feeding-cup", Word("水杯", "Cups"), "feeding", _words("吸管杯/straw cup, 学饮杯/training cup, 保温杯/insulated cup"), _words("防漏/leak-proof, 重力球/weighted, 轻巧/light"), 49, 159, "cup", 12, 260, "", 3, _PLASTIC),
    Leaf("feeding-dish", Word("餐具", "Tableware"), "feeding", _words("吸盘碗/suction bowl, 辅食碗勺套装/bowl and spoon set, 分格餐盘/divided plate"), _words("防摔/drop-proof, 注水保温/warm-water, 可弯/bendable"), 29, 129, "bowl", 12, 240, "", 3, _PLASTIC),
    Leaf("feeding-warmer", Word("暖奶消毒", "Warmers"), "feeding", _words("暖奶器/bottle warmer, 消毒烘干柜/steriliser, 恒温壶/thermostat kettle"), _words("智能/smart, 双瓶/two-bottle, 便携/portable"), 129, 699, "appliance", 7, 1600),
    Leaf("care-wash", Word("洗发沐浴", "Wash"), "care", _words("洗发沐浴二合一/hair and body wash, 沐浴露/body wash, 泡泡浴/bubble bath"), _words("氨基酸/amino-acid, 无泪/tear-free, 燕麦/oat"), 39, 99, "pump", 14, 450, "care", 0, _BABY),
    Leaf("care-cream", Word("润肤护理", "Skin care"), "care", _words("润肤霜/face cream, 护臀膏/nappy cream, 身体乳/body lotion"), _words("神经酰胺/ceramide, 山茶油/camellia-oil, 无香/unscented"), 29, 129, "tube", 14, 120, "", 0, _BABY),
    Leaf("care-tub", Word("浴盆", "Baths"), "care", _words("折叠浴盆/folding bath, 浴网/bath seat"), _words("感温/heat-sensing, 防滑/non-slip"), 99, 299, "tub", 6, 3200, "", 2),
    Leaf("care-towel", Word("毛巾浴巾", "Towels"), "care", _words("纱布浴巾/muslin bath towel, 口水巾/bib cloth, 洗脸巾/face cloth"), _words("六层/six-layer, 带帽/hooded, 柔软/soft"), 19, 119, "towel", 10, 260, "", 3, _WEAR),
    Leaf("clothing-body", Word("连体衣", "Bodysuits"), "clothing", _words("连体衣/bodysuit, 爬服/romper, 哈衣/snap suit"), _words("长袖/long-sleeved, 短袖/short-sleeved, 夹棉/quilted, 无骨/seamless"), 49, 139, "bodysuit", 20, 150, "cloth", 2, _WEAR),
    Leaf("clothing-set", Word("套装", "Sets"), "clothing", _words("家居服套装/home set, 内衣套装/underwear set, 卫衣套装/sweat suit"), _words("高腰护肚/high-waisted, 抗菌/antibacterial, 加绒/fleece-lined"), 69, 199, "set", 16, 280, "kid", 2, _WEAR),
    Leaf("clothing-coat", Word("外套", "Coats"), "clothing", _words("羽绒服/down jacket, 防风外套/windbreaker, 摇粒绒外套/fleece jacket"), _words("轻薄/light, 防泼水/water-repellent, 连帽/hooded"), 129, 459, "coat", 10, 420, "kid", 2, _WEAR),
    Leaf("clothing-sock", Word("袜子", "Socks"), "clothing", _words("中筒袜/crew socks, 地板袜/floor socks"), _words("防滑/non-slip, 松口/loose-top, 精梳棉/combed-cotton"), 15.9, 45, "sock", 8, 60, "sock", 2, _WEAR),
    Leaf("clothing-hat", Word("帽子", "Hats"), "clothing", _words("胎帽/newborn cap, 渔夫帽/bucket hat, 护耳帽/earflap hat"), _words("薄款/light, 防晒/sun, 针织/knitted"), 25, 89, "hat", 7, 70, "", 3, _WEAR),
    Leaf("toys-block", Word("积木拼搭", "Blocks"), "toys", _words("木质积木/wooden blocks, 大颗粒积木/big bricks, 磁力片/magnetic tiles"), _words("60 粒/60-piece, 100 粒/100-piece, 字母/alphabet"), 59, 329, "blocks", 14, 900, "", 0, _WOOD),
    Leaf("toys-plush", Word("毛绒玩具", "Soft toys"), "toys", _words("安抚玩偶/comforter, 毛绒小熊/teddy bear, 抱枕/cuddle cushion"), _words("可入口/mouth-safe, 会呼吸/breathing, 超软/extra-soft"), 49, 199, "teddy", 12, 300, "", 2, _WOOD),
    Leaf("toys-rattle", Word("摇铃牙胶", "Rattles and teethers"), "toys", _words("摇铃/rattle, 牙胶/teether, 手抓球/grasping ball"), _words("可水煮/boilable, 彩虹/rainbow, 黑白/black-and-white"), 19, 89, "rattle", 10, 90, "", 0, _PLASTIC),
    Leaf("toys-book", Word("早教绘本", "Books"), "toys", _words("布书/cloth book, 触摸书/touch-and-feel book, 纸板书/board book"), _words("双语/bilingual, 撕不烂/tear-proof, 立体/pop-up"), 29, 129, "book", 12, 350, "", 0, _BABY),
    Leaf("toys-puzzle", Word("益智拼图", "Puzzles"), "toys", _words("入门拼图/first puzzle, 形状配对盒/shape sorter, 串珠/bead maze"), _words("木质/wooden, 进阶/progressive, 磁性/magnetic"), 39, 169, "puzzle", 9, 500, "", 0, _WOOD),
    Leaf("maternity-wear", Word("孕妇装", "Maternity wear"), "maternity", _words("孕妇裤/maternity trousers, 哺乳家居服/nursing loungewear"), _words("托腹/belly-support, 可调腰围/adjustable, 透气/breathable"), 99, 299, "trousers", 8, 380, "adult", 2, _WEAR),
    Leaf("maternity-pump", Word("吸奶器", "Breast pumps"), "maternity", _words("电动吸奶器/electric breast pump, 手动吸奶器/manual breast pump"), _words("静音/silent, 免手扶/hands-free, 双边/double"), 99, 799, "breastpump", 7, 900),
    Leaf("maternity-pad", Word("产后护理", "Aftercare"), "maternity", _words("防溢乳垫/nursing pads, 产妇卫生巾/maternity pads, 待产包/hospital bag"), _words("轻薄/thin, 加长/extra-long, 即用/ready-to-go"), 25, 199, "pads", 9, 400, "pack"),
    Leaf("travel-stroller", Word("婴儿推车", "Pushchairs"), "travel", _words("婴儿推车/pushchair, 轻便伞车/umbrella pushchair, 双胞胎推车/twin pushchair"), _words("可登机/cabin-size, 高景观/high-view, 避震/cushioned"), 499, 2999, "stroller", 9, 7800, "", 2),
    Leaf("travel-seat", Word("安全座椅", "Car seats"), "travel", _words("安全座椅/car seat, 提篮/infant carrier seat, 增高垫/booster"), _words("360 度旋转/360° swivel, ISOFIX/ISOFIX, i-Size/i-Size"), 399, 2599, "carseat", 8, 9800, "", 2),
    Leaf("travel-carrier", Word("背带腰凳", "Carriers"), "travel", _words("婴儿背带/baby carrier, 腰凳/hip seat"), _words("透气网眼/mesh, 省力/light-load, 折叠/folding"), 199, 899, "carrier", 7, 800, "", 2),
    Leaf("travel-bag", Word("妈咪包", "Changing bags"), "travel", _words("妈咪双肩包/changing backpack, 妈咪手提包/changing tote"), _words("大容量/roomy, 干湿分离/wet-and-dry, 轻量/light"), 129, 459, "backpack", 7, 900, "", 3),
    Leaf("nursery-crib", Word("婴儿床", "Cots"), "nursery", _words("实木婴儿床/solid-wood cot, 折叠婴儿床/folding cot, 拼接床/bedside cot"), _words("可调高/height-adjustable, 带滚轮/on castors, 可变书桌/convertible"), 599, 2299, "crib", 6, 18000, "", 2),
    Leaf("nursery-sleep", Word("睡袋", "Sleeping bags"), "nursery", _words("分腿睡袋/legged sleeping bag, 一体睡袋/sleeping bag, 襁褓/swaddle"), _words("恒温/thermal, 防踢/kick-proof, 纱布/muslin"), 99, 329, "sleepbag", 12, 600, "cloth", 2, _WEAR),
    Leaf("nursery-quilt", Word("被褥床品", "Bedding"), "nursery", _words("婴儿被/quilt, 纱布盖毯/muslin blanket, 隔汗床单/fitted sheet"), _words("四季/all-season, 豆豆绒/minky, 可机洗/machine-washable"), 69, 399, "blanket", 10, 900, "", 3, _WEAR),
    Leaf("nursery-mobile", Word("床铃小夜灯", "Mobiles and night lights"), "nursery", _words("床铃/cot mobile, 小夜灯/night light"), _words("音乐/musical, 遥控/remote-controlled, 可投影/projecting"), 59, 299, "mobile", 7, 600, "", 0, _WOOD),
    Leaf("nursery-fence", Word("围栏爬行垫", "Playpens and mats"), "nursery", _words("爬行垫/play mat, 游戏围栏/playpen"), _words("折叠/folding, 加厚/thick, 双面/two-sided"), 159, 799, "mat", 6, 5200, "", 2),
)  # fmt: skip
