"""Shops and distribution centres of the demo chain, as rows of the import dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from duoline.entry.demo.places import CITIES, CITY, DCS, City

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from duoline.entry.demo.size import Size

CHAIN_ZH, CHAIN_EN = "禾屿亲子", "Heyu Baby"
HEADQUARTERS = ("HQ", "禾屿亲子连锁有限公司", "Heyu Baby Chain Co.", "headquarters")

STREETS = (
    ("青禾路", "Qinghe Road"), ("云杉路", "Yunshan Road"), ("明溪街", "Mingxi Street"), ("知春里", "Zhichun Lane"),
    ("桂雨路", "Guiyu Road"), ("长堤街", "Changdi Street"), ("枫丹路", "Fengdan Road"), ("望舒街", "Wangshu Street"),
    ("半山路", "Banshan Road"), ("听涛路", "Tingtao Road"),
    ("新月街", "Xinyue Street"), ("榆荫路", "Yuyin Road"),
)  # fmt: skip
SITES = (
    ("花园里", "Garden Court"), ("星汇城", "Star Mall"), ("云廊", "Cloud Arcade"), ("湖畔天地", "Lakeside"),
    ("万物集", "Wanwu Market"), ("梧桐坊", "Plane Tree Mews"), ("光合广场", "Sunlight Plaza"), ("和悦里", "Heyue Lane"),
    ("青年汇", "Youth Square"), ("金桂中心", "Osmanthus Centre"),
    ("海棠湾", "Begonia Bay"), ("东篱街", "Dongli Street"),
)  # fmt: skip
HOURS = (
    "10:00-22:00",
    "10:00-22:00",
    "09:30-21:30",
    "09:00-21:00",
    "Mon-Thu 10:00-21:30; Fri-Sun 10:00-22:00",
    "Mon-Fri 09:00-12:30+14:00-21:00; Sat,Sun 09:00-21:00",
)
PRESENT = (
    "code",
    "kind",
    "name_zh",
    "name_en",
    "company_code",
    "company_zh",
    "company_en",
    "company_kind",
    "region_code",
    "region_zh",
    "region_en",
    "province",
    "city",
    "address_zh",
    "address_en",
    "phone",
    "lat",
    "lon",
    "hours",
    "hour_exceptions",
    "pickup",
    "ship",
    "returns",
    "pick_capacity_hour",
    "pickup_lead_min",
    "state",
    "opened_on",
)


@dataclass(frozen=True)
class Shop:
    """What the other parts of the demo need to know of a shop. `scale` is its size beside an average one."""

    code: str
    region: str
    company: str
    scale: float
    dc: bool = False


def regions(size: Size) -> list[tuple[str, City, str]]:
    """Regions of the chain: one a city, and cities again under a number when there are more than cities."""
    found = []
    for n in range(size.regions):
        city, lap = CITIES[n % len(CITIES)], n // len(CITIES)
        found.append((city.code + (str(lap + 1) if lap else ""), city, "" if not lap else f"{lap + 1} 区"))
    return found


def shops(size: Size) -> list[Shop]:
    """The shops in the order of their rows, distribution centres last."""
    return [
        Shop(row["code"], row["region_code"], row["company_code"], row["_scale"], row["kind"] == "dc")
        for row in _rows(size)
    ]


def rows(size: Size) -> Iterator[dict[str, Any]]:
    """Rows of the kind `stores`."""
    return _rows(size)


def _rows(size: Size) -> Iterator[dict[str, Any]]:
    chance = size.chance("shops")
    areas = regions(size)
    width = 3 if size.stores < 1000 * size.regions else 4
    for n in range(size.stores):
        region_code, city, part = areas[n * size.regions // size.stores]
        before = -(-(n * size.regions // size.stores) * size.stores // size.regions)
        yield _shop(size, chance, n, n - before, region_code, city, part, width)
    for n in range(size.dcs):
        yield _dc(n, areas)


def _shop(
    size: Size, chance: Random, n: int, place: int, region_code: str, city: City, part: str, width: int
) -> dict[str, Any]:
    district = city.districts[place % len(city.districts)]
    street, site = chance.choice(STREETS), SITES[(place // len(city.districts) + n * 5) % len(SITES)]
    number = chance.randrange(8, 980)
    floor = chance.choice(("1 层", "2 层", "B1 层"))
    # A shop in four is franchised, and a franchisee runs all of its shops in one region.
    company = _franchisee(region_code, city) if place % 4 == 2 else HEADQUARTERS
    return {
        "code": f"{region_code}{place + 1:0{width}d}",
        "kind": "store",
        "name_zh": f"{district.zh.rstrip('区市县镇')}{site[0]}店",
        "name_en": f"{district.en} {site[1]}",
        **_company(company),
        **_region(region_code, city, part),
        "address_zh": f"{district.zh}{street[0]} {number} 号{site[0]}{floor}",
        "address_en": f"{number} {street[1]}, {site[1]}, {district.en}, {city.en}",
        "phone": f"{city.area_code}-5555{chance.randrange(10_000):04d}",
        "lat": round(district.lat + chance.uniform(-0.012, 0.012), 5),
        "lon": round(district.lon + chance.uniform(-0.014, 0.014), 5),
        "hours": HOURS[n % len(HOURS)] if n else HOURS[0],
        "hour_exceptions": _exceptions(size, n),
        "pickup": n % 17 != 13,
        "ship": n % 9 != 7,
        "returns": n % 11 != 8,
        "pick_capacity_hour": chance.choice((8, 12, 12, 16, 20)),
        "pickup_lead_min": chance.choice((20, 30, 30, 45, 60)),
        "state": "open",
        "opened_on": size.today - timedelta(days=chance.randrange(200, 2600)),
        "_scale": round(chance.uniform(0.5, 1.5), 3),
    }


def _exceptions(size: Size, n: int) -> str:
    """A few shops close for stocktaking or for New Year's Day, and one opens late."""
    new_year = size.today.replace(year=size.today.year + 1, month=1, day=1)
    soon = size.today + timedelta(days=6 + n % 9)
    if n % 6 == 2:
        return f"{soon} closed 盘点|Stocktaking; {new_year} 12:00-18:00 元旦|New Year"
    if n % 6 == 5:
        return f"{soon} 13:00-20:00 设备维护|Maintenance"
    return ""


def _dc(n: int, areas: list[tuple[str, City, str]]) -> dict[str, Any]:
    city_code, zh, en, district_zh, district_en, lat, lon = DCS[n % len(DCS)]
    city = CITY[city_code]
    region_code, region_city, part = next((area for area in areas if area[0] == city_code), areas[0])
    lap = f" {n // len(DCS) + 1} 号" if n >= len(DCS) else ""
    return {
        "code": f"DC{n + 1:02d}",
        "kind": "dc",
        "name_zh": zh + lap,
        "name_en": f"{en.replace('-', ' ')} distribution centre{' ' + str(n // len(DCS) + 1) if lap else ''}",
        **_company(HEADQUARTERS),
        **_region(region_code, region_city, part),
        "province": city.province_zh,
        "city": city.zh,
        "address_zh": f"{district_zh}物流大道 {100 + n * 8} 号",
        "address_en": f"{100 + n * 8} Logistics Avenue, {district_en}, {city.en}",
        "phone": f"{city.area_code}-5555{9000 + n:04d}",
        "lat": float(lat),
        "lon": float(lon),
        "hours": "08:00-20:00",
        "pickup": False,
        "ship": True,
        "returns": False,
        "pick_capacity_hour": 400,
        "pickup_lead_min": 60,
        "state": "open",
        "_scale": 1.0,
    }


def _franchisee(region_code: str, city: City) -> tuple[str, str, str, str]:
    short = city.zh.rstrip("市")
    return (f"FR-{region_code}", f"{short}禾芽母婴用品有限公司", f"{city.en} Heya Baby Goods Co.", "franchisee")


def _company(company: tuple[str, str, str, str]) -> dict[str, str]:
    return dict(zip(("company_code", "company_zh", "company_en", "company_kind"), company, strict=True))


def _region(code: str, city: City, part: str) -> dict[str, str]:
    return {
        "region_code": code,
        "region_zh": city.zh.rstrip("市") + part,
        "region_en": f"{city.en}{' ' + part.removesuffix(' 区') if part else ''}",
        "province": city.province_zh,
        "city": city.zh,
    }
