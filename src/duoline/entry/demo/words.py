# ruff: noqa: E501 - the tables below read better with a line an entry, however long
"""Invented brands and the words that product names are made of. Any likeness to a real brand is chance."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A word in both languages."""

    zh: str
    en: str


# What each brand makes, by the first letters of category codes; * is everything.
BRANDS: tuple[tuple[str, str, str, str], ...] = (
    ("HEYU", "禾屿", "Heyu", "*"),
    ("LINGXI", "铃溪", "Lingxi Farm", "milk food"),
    ("MUGU", "牧谷", "Mugu", "milk food"),
    ("ALPINO", "阿尔小牧", "Alpinello", "milk"),
    ("QINGHE", "青禾岭", "Qingheling", "milk food"),
    ("PUTAO", "小葡坡", "Petit Coteau", "food"),
    ("DOUMIAO", "豆苗日记", "Bean Diary", "food feeding"),
    ("YUNSHU", "云舒", "Cloudease", "diaper care"),
    ("RUANMIAN", "软棉屿", "Softisle", "diaper clothing"),
    ("QIAOGAN", "俏干", "Dryjoy", "diaper"),
    ("BUBA", "布巴", "Booba", "feeding travel"),
    ("NAIZUI", "啾啾嘴", "Tweetle", "feeding"),
    ("WANWAN", "碗碗", "Wanwan", "feeding"),
    ("SHUIDI", "水滴森林", "Dewwood", "care"),
    ("MIANHUA", "棉花糖浴", "Puffy Bath", "care"),
    ("TAOLI", "桃里", "Peachlane", "care maternity"),
    ("MIAOYI", "苗衣", "Sproutwear", "clothing"),
    ("XIAOXING", "小行星", "Tiny Planet", "clothing toys"),
    ("LUTU", "鹿途", "Fawnway", "clothing travel"),
    ("BAIGE", "白鸽纺", "Dovespun", "clothing nursery"),
    ("MUMA", "木马工坊", "Rocking Horse Works", "toys"),
    ("PIPI", "皮皮狮", "Pipi Lion", "toys"),
    ("CAIQIAO", "彩桥", "Rainbridge", "toys"),
    ("SHUYE", "树叶书房", "Leafreads", "toys"),
    ("YUANYUE", "圆月", "Fullmoon", "maternity"),
    ("HUAIXI", "怀喜", "Joyfully", "maternity"),
    ("MAMAXU", "慢慢絮", "Slowdown", "maternity nursery"),
    ("CHUFA", "出发吧", "Setoff", "travel"),
    ("ANYI", "安翼", "Safewing", "travel"),
    ("FENGLUN", "风轮", "Windwheel", "travel"),
    ("MIANCHAO", "眠巢", "Dozenest", "nursery"),
    ("XINGCHUAN", "星船", "Starboat", "nursery toys"),
)

# Names of lines of goods; a hyphen in the English stands for a space.
_SERIES = """
晨曦/Dawn 星芽/Starbud 初见/First-Light 云朵/Cloud 森林/Forest 小溪/Brook 暖阳/Sunny 月光/Moonlight 麦田/Wheatfield
珊瑚/Coral 海盐/Sea-Salt 小鹿/Fawn 蜂蜜/Honey 樱桃/Cherry 薄荷/Mint 柚子/Pomelo 燕麦/Oat 奶油/Cream 芦苇/Reed
松果/Pinecone 萤火/Firefly 风铃/Windbell 彩虹/Rainbow 气球/Balloon 小鲸/Little-Whale 兔兔/Bunny 熊掌/Bear-Paw
蒲公英/Dandelion 雪绒/Edelweiss 青柠/Lime 山茶/Camellia 银杏/Ginkgo 小满/Grain-Buds 谷雨/Spring-Rain 立夏/Early-Summer
白露/White-Dew 竹语/Bamboo 棉语/Cotton-Talk 豆豆/Bean 糖果/Candy 小船/Little-Boat 纸鹤/Paper-Crane 积云/Cumulus
星河/Starriver 小岛/Isle 向日葵/Sunflower 贝壳/Seashell 桃桃/Peach 米粒/Rice-Grain 小象/Little-Elephant 溪石/Pebble
云雀/Skylark 梧桐/Plane-Tree 小暑/Midsummer 海风/Sea-Breeze 苔原/Tundra 露珠/Dewdrop 南瓜/Pumpkin 木槿/Hibiscus 鹅黄/Gosling
"""
SERIES: tuple[Word, ...] = tuple(Word(*pair.replace("-", " ").split("/")) for pair in _SERIES.split())

COLOURS: tuple[Word, ...] = (
    Word("奶黄", "Cream"),
    Word("雾蓝", "Mist Blue"),
    Word("浅粉", "Blush"),
    Word("豆绿", "Pea Green"),
    Word("燕麦", "Oatmeal"),
    Word("陶土", "Terracotta"),
    Word("云灰", "Cloud Grey"),
    Word("紫藤", "Wisteria"),
)

# The same colours for the pictures.
COLOUR_RGB: dict[str, tuple[int, int, int]] = {
    "Cream": (246, 221, 160),
    "Mist Blue": (156, 189, 214),
    "Blush": (243, 190, 190),
    "Pea Green": (168, 198, 147),
    "Oatmeal": (222, 203, 178),
    "Terracotta": (217, 142, 109),
    "Cloud Grey": (190, 197, 205),
    "Wisteria": (190, 174, 216),
}

PLACES: tuple[Word, ...] = (
    Word("浙江", "Zhejiang"),
    Word("江苏", "Jiangsu"),
    Word("广东", "Guangdong"),
    Word("福建", "Fujian"),
    Word("山东", "Shandong"),
    Word("黑龙江", "Heilongjiang"),
    Word("内蒙古", "Inner Mongolia"),
)

FAMILY_NAMES = (
    "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜戚谢邹章苏潘葛范彭郎鲁韦马苗方俞任袁柳史唐薛雷贺"
)
GIVEN_NAMES = (
    "小满",
    "若溪",
    "子安",
    "一诺",
    "清和",
    "予宁",
    "知夏",
    "星野",
    "沐阳",
    "书瑶",
    "景行",
    "可心",
    "晓棠",
    "云舒",
    "乐言",
    "思远",
    "佳禾",
    "明月",
    "雨桐",
    "嘉木",
    "安然",
    "念慈",
    "晨光",
    "依依",
    "文博",
    "静姝",
    "海宁",
    "建国",
    "丽华",
    "志强",
)
