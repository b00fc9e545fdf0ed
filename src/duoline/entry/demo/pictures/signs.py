"""Small signs for labels and backgrounds: a heart, a leaf, a moon. They stand where a pack would have words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from duoline.entry.demo.pictures.canvas import WHITE, clear, mix

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from duoline.entry.demo.pictures.canvas import Canvas, Colour, Palette


def heart(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A heart of half-width `s`."""
    c.blob(
        [
            (x, y - s * 0.45), (x + s * 0.5, y - s * 0.85), (x + s, y - s * 0.35), (x + s * 0.65, y + s * 0.35),
            (x, y + s * 0.95), (x - s * 0.65, y + s * 0.35), (x - s, y - s * 0.35), (x - s * 0.5, y - s * 0.85),
        ],
        fill,
    )  # fmt: skip


def leaf(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """Two leaves on a stalk."""
    for side in (-1, 1):
        c.blob(
            [
                (x, y + s * 0.5),
                (x + side * s * 0.25, y - s * 0.35),
                (x + side * s * 0.95, y - s * 0.75),
                (x + side * s * 0.8, y + s * 0.1),
            ],
            fill,
        )
    c.line([(x, y + s), (x, y + s * 0.2)], s * 0.16, fill)


def star(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A star with soft points."""
    points = []
    for n in range(10):
        reach = s if n % 2 == 0 else s * 0.52
        turn = math.pi * n / 5 - math.pi / 2
        points.append((x + reach * math.cos(turn), y + reach * math.sin(turn)))
    c.poly(points, fill)
    for px, py in points[::2]:
        c.oval(x + (px - x) * 0.84, y + (py - y) * 0.84, s * 0.1, s * 0.1, fill)


def moon(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A crescent."""
    outer = [(x + s * math.cos(math.radians(t)), y + s * math.sin(math.radians(t))) for t in range(50, 311, 10)]
    inner = [
        (x + s * 0.42 + s * 0.78 * math.cos(math.radians(t)), y + s * 0.78 * math.sin(math.radians(t)))
        for t in range(285, 74, -10)
    ]
    c.poly([*outer, *inner], fill)


def cloud(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A cloud."""
    c.oval(x - s * 0.5, y + s * 0.15, s * 0.5, s * 0.4, fill)
    c.oval(x + s * 0.5, y + s * 0.15, s * 0.48, s * 0.38, fill)
    c.oval(x, y - s * 0.12, s * 0.58, s * 0.52, fill)
    c.box(x - s * 0.8, y + s * 0.12, x + s * 0.8, y + s * 0.55, s * 0.25, fill)


def flower(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """Five petals; the middle stays open."""
    for n in range(5):
        turn = math.pi * 2 * n / 5 - math.pi / 2
        c.oval(x + s * 0.55 * math.cos(turn), y + s * 0.55 * math.sin(turn), s * 0.4, s * 0.4, fill)


def drop(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A drop of water."""
    c.blob(
        [
            (x, y - s),
            (x + s * 0.38, y - s * 0.25),
            (x + s * 0.62, y + s * 0.35),
            (x, y + s * 0.95),
            (x - s * 0.62, y + s * 0.35),
            (x - s * 0.38, y - s * 0.25),
        ],
        fill,
    )


def bear(c: Canvas, x: float, y: float, s: float, fill: Colour) -> None:
    """A bear's head, seen from the front, without a face."""
    for side in (-1, 1):
        c.oval(x + side * s * 0.62, y - s * 0.6, s * 0.34, s * 0.34, fill)
    c.oval(x, y, s * 0.9, s * 0.8, fill)


SIGNS: tuple[Callable[[Canvas, float, float, float, Colour], None], ...] = (
    heart,
    leaf,
    star,
    moon,
    cloud,
    flower,
    drop,
    bear,
)


def face(c: Canvas, x: float, y: float, s: float, ink: Colour, cheek: Colour) -> None:
    """Two eyes, a smile and rosy cheeks."""
    for side in (-1, 1):
        c.oval(x + side * s * 0.38, y - s * 0.05, s * 0.075, s * 0.095, ink)
        c.oval(x + side * s * 0.56, y + s * 0.2, s * 0.13, s * 0.09, cheek)
    c.arc(x, y + s * 0.12, s * 0.17, s * 0.14, 15, 165, s * 0.06, ink)


def backdrop(c: Canvas, palette: Palette, chance: Random) -> None:
    """The room: a disc of light, a floor, and a few signs floating in the air."""
    c.room(palette)
    kind = chance.randrange(4)
    if kind == 0:
        c.oval(50, 47, 37, 37, clear(WHITE, 120))
    elif kind == 1:
        c.blob([(15, 34), (38, 10), (70, 14), (88, 42), (80, 74), (50, 82), (20, 70)], clear(WHITE, 120))
    elif kind == 2:
        c.oval(50, 44, 39, 39, clear(WHITE, 80))
        c.oval(50, 44, 30, 30, clear(WHITE, 90))
    else:
        c.box(21, 9, 79, 88, 29, clear(WHITE, 110))
    floor = mix(palette.bottom, palette.main, 0.22)
    c.blob([(-10, 84), (20, 80), (55, 82), (85, 79), (112, 83), (112, 115), (-10, 115)], floor)
    sign = chance.choice(SIGNS)
    colour = mix(palette.bottom, palette.accent, 0.35)
    for x, y in chance.sample([(10, 14), (88, 12), (91, 45), (8, 50), (14, 72), (87, 70), (26, 7), (73, 8)], 4):
        sign(c, x + chance.uniform(-2, 2), y + chance.uniform(-2, 2), chance.uniform(1.3, 2.6), colour)


def words(c: Canvas, x: float, y: float, width: float, colour: Colour, chance: Random, *, lines: int = 2) -> None:
    """Lines of print, too small to read."""
    for n in range(lines):
        half = width * (1.0, 0.72, 0.84)[n % 3] / 2 * chance.uniform(0.85, 1)
        c.box(x - half, y + n * 3.2, x + half, y + n * 3.2 + 1.3, 0.65, colour)


def dots(c: Canvas, fill: Colour, spots: Sequence[tuple[float, float]], r: float = 1.2) -> None:
    """Dots of one size."""
    for x, y in spots:
        c.oval(x, y, r, r, fill)
