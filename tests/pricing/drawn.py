"""Promotions and baskets drawn at random: few articles, so that promotions meet, and small amounts, so that cents do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from duoline.kernel.text import Text
from duoline.pricing.promotions import rules
from duoline.pricing.promotions.types import (
    AmountOff,
    Bundle,
    BuyGet,
    Choice,
    Effect,
    EveryNth,
    FixedPrice,
    FreeDelivery,
    Item,
    Part,
    PercentOff,
    Place,
    Promotion,
    Situation,
    Step,
    Threshold,
    When,
)

AT = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def ident(kind: int, number: int) -> UUID:
    """The same id for the same thing."""
    return UUID(int=(kind << 64) | number)


SKUS = [ident(1, n) for n in range(8)]
PRODUCTS = [ident(2, n) for n in range(6)]
ROOTS = [ident(3, n) for n in range(2)]
LEAVES = [ident(3, n) for n in range(2, 6)]
BELOW = {ROOTS[0]: [ROOTS[0], *LEAVES[:2]], ROOTS[1]: LEAVES[2:], LEAVES[0]: [LEAVES[0]]}
BRANDS = [ident(4, n) for n in range(3)]
SHOP, OTHER_SHOP, REGION = ident(5, 0), ident(5, 1), ident(6, 0)
HERE = Place(SHOP, frozenset([REGION]), 5, 600)
HOME = Place(None, frozenset(), 5, 600)


def article(n: int) -> tuple[UUID, UUID, UUID, UUID | None]:
    """SKU, product, category and brand of an article."""
    return SKUS[n], PRODUCTS[min(n, 5)], LEAVES[n % 4], BRANDS[n % 3] if n != 7 else None


def item(n: int, price: int, quantity: int = 1, *, key: str = "", place: Place = HERE) -> Item:
    """A line of article n."""
    method = "delivery" if place.store_id is None else "pickup"
    return Item(key or f"{n:02}", *article(n), quantity, price, method, place)


def promotion(number: int, effect: Effect, **more: object) -> Promotion:
    """A promotion that holds now."""
    return Promotion(
        id=ident(9, number), version=1, name=Text(f"优惠{number}", f"Offer {number}"), from_at=AT, effect=effect, **more
    )


SITUATION = Situation(AT, "mall")


def choice(random: Random, *, all_of: float = 0.3) -> Choice:
    """Everything, or some articles."""
    if random.random() < all_of:
        return Choice()
    kind = random.choice(["skus", "products", "categories", "brands"])
    of = {"skus": SKUS, "products": PRODUCTS, "categories": ROOTS + LEAVES, "brands": BRANDS}[kind]
    chosen = Choice(**{kind: frozenset(random.sample(of, random.choice([1, 1, 2])))})
    if random.random() < 0.1:
        return Choice(**{kind: getattr(chosen, kind), "skus": frozenset(random.sample(SKUS, 2))})
    return chosen


def threshold(random: Random, top: int) -> Threshold:
    """Of money or units, one step or several, before or after."""
    count = random.choice([1, 1, 2, 3])
    by_units, in_share = random.random() < 0.3, random.random() < 0.3
    froms = sorted(random.sample(range(1, 8 if by_units else 3 * top), count))
    offs = sorted(random.sample(range(1, 9_000 if in_share else max(count + 1, top)), count))
    steps = tuple(
        Step(**{"from_units" if by_units else "from_minor": at, "off_bp" if in_share else "off_minor": off})
        for at, off in zip(froms, offs, strict=True)
    )
    times = random.choice([0, 1, 2]) if count == 1 and not in_share else 1
    return Threshold(steps=steps, times=times, before=random.random() < 0.3)


def effect(random: Random, top: int) -> Effect:
    """Any effect, for prices up to `top`."""
    rate = random.choice([500, 1_000, 1_200, 2_000, 5_000, 10_000, random.randint(1, 10_000)])
    return random.choice(
        [
            lambda: PercentOff(off_bp=rate),
            lambda: AmountOff(off_minor=random.randint(1, 2 * top), each=random.random() < 0.4),
            lambda: FixedPrice(price_minor=random.randint(0, top)),
            lambda: threshold(random, top),
            lambda: threshold(random, top),
            lambda: EveryNth(
                n=(n := random.randint(2, 4)),
                units=random.randint(1, n - 1),
                off_bp=rate,
                times=random.choice([0, 0, 1]),
            ),
            lambda: BuyGet(
                buy_units=random.randint(1, 3),
                get=choice(random, all_of=0),
                get_units=random.choice([1, 1, 2]),
                off_bp=rate,
                times=random.choice([0, 0, 1]),
            ),
            lambda: Bundle(
                parts=tuple(
                    Part(of=choice(random, all_of=0), units=random.choice([1, 1, 2]))
                    for _ in range(random.choice([2, 2, 3]))
                ),
                price_minor=random.randint(0, 3 * top),
                times=random.choice([0, 0, 1]),
            ),
            lambda: FreeDelivery(from_minor=random.randint(0, 4 * top), before=random.random() < 0.5),
        ]
    )()


def when(random: Random) -> When:
    """Mostly always."""
    if random.random() < 0.75:
        return When()
    return random.choice(
        [
            When(channels=frozenset(["till"])),
            When(channels=frozenset(["mall", "till"])),
            When(methods=frozenset(["pickup"])),
            When(methods=frozenset(["delivery"])),
            When(stores=frozenset([SHOP])),
            When(stores=frozenset([OTHER_SHOP]), regions=frozenset([REGION])),
            When(weekdays=frozenset([5, 6])),
            When(from_minute=540, until_minute=600),
            When(from_minute=600, until_minute=601),
            When(first_order=True),
        ]
    )


def number_of(random: Random, found: list[Promotion]) -> int:
    """A number of its own for the next promotion, in no order: no two promotions have one id."""
    return random.randint(0, 1 << 40) << 8 | len(found)


def promotions(random: Random, count: int, top: int) -> list[Promotion]:
    """So many sensible promotions with ids in no order."""
    found: list[Promotion] = []
    while len(found) < count:
        made = promotion(
            number_of(random, found),
            effect(random, top),
            of=choice(random),
            without=choice(random, all_of=0) if random.random() < 0.1 else None,
            when=when(random),
            priority=random.choice([100, 100, 200, 50]),
            group=random.choice(["", "", "", "a", "b"]),
            exclusive=random.random() < 0.1,
            until_at=random.choice([None, None, None, AT + timedelta(seconds=1)]),
        )
        if isinstance(made.effect, FreeDelivery):
            made = promotion(
                made.id.int & (1 << 64) - 1, made.effect, of=made.of, when=made.when, priority=made.priority
            )
        if not rules.problems_of(made):
            found.append(made)
    return found


def promotions_that_meet(random: Random, count: int, top: int) -> list[Promotion]:
    """The same, all of them always, on much of a basket: more of them count together."""
    found: list[Promotion] = []
    while len(found) < count:
        made = promotion(
            number_of(random, found),
            effect(random, top),
            of=choice(random, all_of=0.6),
            priority=random.choice([100, 200]),
            group=random.choice(["", "", "", "", "", "a"]),
            exclusive=random.random() < 0.04,
        )
        if not isinstance(made.effect, FreeDelivery) and not rules.problems_of(made):
            found.append(made)
    return found


def basket(random: Random, count: int, top: int) -> list[Item]:
    """Lines of few articles; the same article may stand on several."""
    prices = [random.randint(0 if random.random() < 0.05 else 1, top) for _ in SKUS]
    lines = []
    for n in range(count):
        one = random.randrange(len(SKUS))
        place = random.choice([HERE, HERE, HERE, HOME])
        lines.append(
            item(one, prices[one], random.choice([1, 1, 1, 2, 3]), key=f"{random.choice('ab')}{n}", place=place)
        )
    return lines
