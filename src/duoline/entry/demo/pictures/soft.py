"""Goods of cloth: clothes, towels, bedding, soft toys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.entry.demo.pictures import signs
from duoline.entry.demo.pictures.canvas import WHITE, clear, mirrored, mix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from duoline.entry.demo.pictures.canvas import Canvas, Colour, Palette


def _pattern(c: Canvas, fill: Colour, spots: Sequence[tuple[float, float]], chance: Random, size: float = 1.9) -> None:
    """The print of a cloth: one sign over and over, or dots."""
    sign = chance.choice((*signs.SIGNS, None, None))
    for x, y in spots:
        if sign is None:
            c.oval(x, y, size * 0.5, size * 0.5, fill)
        else:
            sign(c, x, y, size, fill)


def bodysuit(c: Canvas, p: Palette, chance: Random) -> None:
    """A baby bodysuit with an envelope neck and snaps."""
    c.shadow(50, 85, 22, 2.8, p.ink, 60)
    sleeve = mirrored([(36, 22), (25, 27), (15, 41), (17, 45.5), (25.5, 49), (28.5, 47.5), (34, 40)])
    c.poly(sleeve, p.deep if chance.random() < 0.4 else p.main)
    half = [(50, 25), (43, 21), (36.5, 21), (32, 26), (33, 44), (33, 62), (36, 70), (43, 79), (45, 83.5), (50, 83.8)]
    c.blob(mirrored(half), p.main)
    c.blob([(43.5, 20.5), (50, 28.5), (56.5, 20.5), (50, 22.6)], mix(p.deep, p.ink, 0.12))
    c.curve([(42, 21), (45, 26), (50, 28.6), (55, 26), (58, 21)], 1.5, p.pale)
    c.stitches([(37, 23), (42, 28), (46, 30)], 0.45, p.pale)
    c.stitches([(63, 23), (58, 28), (54, 30)], 0.45, p.pale)
    c.line([(16.2, 43.5), (26, 47.8)], 1.6, p.pale)
    c.line([(83.8, 43.5), (74, 47.8)], 1.6, p.pale)
    for x in (46.8, 50, 53.2):
        c.oval(x, 81.2, 0.9, 0.9, p.pale)
    if chance.random() < 0.5:
        signs.bear(c, 50, 47, 8.5, p.pale)
        signs.face(c, 50, 47, 8, p.ink, p.accent)
    else:
        spots = [
            (40, 36),
            (50, 38),
            (60, 36),
            (45, 45),
            (55, 45),
            (40, 53),
            (50, 54),
            (60, 53),
            (45, 62),
            (55, 62),
            (50, 70),
        ]
        _pattern(c, p.pale, spots, chance)
    c.blob([(34.2, 30), (36.5, 32), (35.6, 50), (36, 62), (34.2, 60), (34, 45)], clear(WHITE, 70))


def _shirt(c: Canvas, p: Palette, chance: Random) -> None:
    c.poly(mirrored([(40, 19), (28, 23), (17, 37), (25, 44), (33, 38)]), p.main)
    c.blob(mirrored([(50, 22), (44, 18.5), (37, 19), (33, 24), (33.5, 36), (32.5, 51), (36, 54), (50, 55)]), p.main)
    c.blob([(43.5, 18.2), (50, 25), (56.5, 18.2), (50, 20)], p.deep)
    c.curve([(43, 18.6), (46, 23), (50, 24.8), (54, 23), (57, 18.6)], 1.4, p.pale)
    c.line([(18, 38.3), (25, 43.6)], 1.6, p.accent)
    c.line([(82, 38.3), (75, 43.6)], 1.6, p.accent)
    c.line([(34.5, 52.6), (65.5, 52.6)], 1.6, p.accent)
    sign = chance.choice(signs.SIGNS)
    sign(c, 50, 37, 6.5, p.pale)
    sign(c, 50, 37, 3.4, p.accent)


def set(c: Canvas, p: Palette, chance: Random) -> None:  # noqa: A001 - what shops call a top with its trousers
    """A top with its trousers."""
    c.shadow(50, 87, 19, 2.4, p.ink, 60)
    c.poly([(36, 55), (64, 55), (67, 86), (53.5, 86), (50, 66), (46.5, 86), (33, 86)], mix(p.accent, WHITE, 0.25))
    c.box(35.5, 54, 64.5, 60, 2, p.accent)
    for x in (34, 54.5):
        c.box(x - 0.6, 83, x + 12, 87, 1.5, p.accent)
    spots = [(41, 67), (44, 75), (38.5, 78), (59, 67), (56.5, 75), (61.5, 78)]
    _pattern(c, p.pale, spots, chance, 1.6)
    _shirt(c, p, chance)
    c.blob([(35, 24), (37.5, 25), (36.6, 40), (36.3, 51), (34.3, 51), (34.6, 38)], clear(WHITE, 75))


def coat(c: Canvas, p: Palette, chance: Random) -> None:
    """A quilted jacket with a hood."""
    c.shadow(50, 84, 24, 3, p.ink, 70)
    c.blob(mirrored([(50, 11), (42, 12), (36.5, 18), (37, 27), (43, 31), (50, 32)]), p.deep)
    c.blob(mirrored([(50, 15.5), (44.5, 16.5), (41, 21), (43, 28), (50, 31)]), mix(p.deep, p.ink, 0.35))
    c.poly(mirrored([(38, 26), (28, 30), (18, 55), (20, 66), (29, 68), (34, 50)]), p.deep)
    c.box(17.5, 62, 30, 69, 2.4, p.accent)
    c.box(70, 62, 82.5, 69, 2.4, p.accent)
    c.blob(mirrored([(50, 28), (43, 26.5), (36, 27), (32, 33), (31, 55), (30.5, 76), (34, 82), (50, 82.8)]), p.main)
    for y in (42, 53, 64, 75):
        c.curve([(31, y - 0.5), (40, y + 1.3), (50, y - 0.3), (60, y + 1.3), (69, y - 0.5)], 0.8, p.deep)
    c.line([(50, 29), (50, 82)], 1.7, p.pale)
    c.box(48.4, 33, 51.6, 38, 1.2, p.accent)
    for x0, x1 in ((35.5, 44), (56, 64.5)):
        c.box(x0, 58.5, x1, 60.3, 0.9, mix(p.deep, p.ink, 0.25))
    c.blob(mirrored([(50, 31.5), (44, 29), (38, 27.2), (41, 33), (46, 35)]), p.accent)
    chance.choice(signs.SIGNS)(c, 60, 47.5, 3.2, p.pale)
    c.blob([(33.5, 35), (36.5, 34), (34.8, 55), (35, 77), (32.6, 77), (33, 55)], clear(WHITE, 75))


def sock(c: Canvas, p: Palette, chance: Random) -> None:
    """A pair of socks."""
    c.shadow(50, 82, 29, 3, p.ink, 70)
    for dx, body, trim in ((20, p.deep, p.accent), (0, p.main, p.accent)):
        shape = [
            (27, 22),
            (44, 22),
            (44.5, 40),
            (45, 54),
            (56, 62),
            (66, 69),
            (66, 77),
            (58, 81),
            (42, 80),
            (29, 73),
            (25.5, 60),
            (27, 42),
        ]
        c.blob([(x + dx - 6, y) for x, y in shape], body)
        c.box(20.5 + dx, 19, 39 + dx, 27.5, 2.5, trim)
        for x in range(23, 38, 3):
            c.line([(x + dx, 20.5), (x + dx, 26)], 0.6, mix(trim, WHITE, 0.35))
        c.blob([(51 + dx, 63), (61 + dx, 69), (60 + dx, 77), (52 + dx, 80.5), (47.5 + dx, 72)], trim)
        c.blob([(20.5 + dx, 61), (27 + dx, 60), (32 + dx, 68), (30 + dx, 76.5), (23.5 + dx, 72)], trim)
        for y in (33, 39, 45):
            c.curve([(21 + dx, y), (30 + dx, y + 0.8), (38.6 + dx, y)], 1.6, p.pale)
    signs.bear(c, 30, 54, 5, p.pale)
    signs.face(c, 30, 54, 4.8, p.ink, p.accent)
    _pattern(c, p.pale, [(40, 66), (45, 74), (36, 71)], chance, 1.5)


def hat(c: Canvas, p: Palette, chance: Random) -> None:
    """A knitted hat with ears."""
    c.shadow(50, 78, 30, 3.2, p.ink, 80)
    for x in (31, 69):
        c.oval(x, 27, 9.5, 9.5, p.deep)
        c.oval(x, 27.5, 5.6, 5.6, p.accent)
    c.blob(mirrored([(50, 20), (38, 21.5), (27, 31), (22.5, 47), (22, 62), (34, 66), (50, 66.5)]), p.main)
    for n in range(-4, 5):
        c.curve([(50 + n * 2.2, 22), (50 + n * 5, 40), (50 + n * 6.2, 62)], 0.5, p.deep)
    c.box(18.5, 57, 81.5, 76, 8, p.pale)
    for x in range(23, 80, 4):
        c.line([(x, 60.5), (x, 72.5)], 0.9, p.light)
    signs.face(c, 50, 45, 12, p.ink, p.accent)
    chance.choice(signs.SIGNS)(c, 69, 66.5, 4.4, p.accent)
    c.blob([(28.5, 34), (33, 29), (29.5, 42), (27.5, 55), (25.5, 54), (26, 44)], clear(WHITE, 80))


def trousers(c: Canvas, p: Palette, chance: Random) -> None:
    """Maternity trousers with a wide soft band."""
    c.shadow(50, 87, 21, 2.6, p.ink, 70)
    c.poly([(32, 38), (68, 38), (71, 86), (54, 86), (50, 56), (46, 86), (29, 86)], p.main)
    c.poly([(50, 42), (68, 38), (71, 86), (54, 86), (50, 56)], clear(p.ink, 18))
    c.blob(
        mirrored([(50, 15), (39, 15.5), (33, 18), (32, 28), (31, 38), (40, 43), (50, 44.5)]), mix(p.accent, WHITE, 0.35)
    )
    for y in (19, 24, 29, 34):
        c.curve([(33, y), (42, y + 1.8), (50, y + 2.3), (58, y + 1.8), (67, y)], 0.6, mix(p.accent, WHITE, 0.65))
    c.curve([(31.4, 38), (40, 43), (50, 44.6), (60, 43), (68.6, 38)], 1.2, p.deep)
    for x, side in ((35.5, 1), (64.5, -1)):
        c.curve([(x - side * 2, 47), (x + side * 3.5, 50), (x + side * 5, 45)], 0.7, p.deep)
    c.line([(50, 45), (50, 56)], 0.7, p.deep)
    for x0, x1 in ((28.6, 46.4), (53.6, 71.4)):
        c.box(x0, 82.5, x1, 87, 1.2, p.deep)
    chance.choice((signs.heart, signs.leaf, signs.moon))(c, 50, 29.5, 4.6, p.pale)
    c.poly([(34, 44), (36.5, 44), (35, 82), (32, 82)], clear(WHITE, 70))


def sleepbag(c: Canvas, p: Palette, chance: Random) -> None:
    """A sleeping bag with short arms and a long zip."""
    c.shadow(50, 88, 24, 2.8, p.ink, 70)
    c.poly(mirrored([(38, 17), (28, 20), (19, 31), (26, 38), (34, 34)]), p.deep)
    half = [(50, 20), (44, 16.5), (37, 17), (33.5, 23), (34, 36), (30, 55), (28, 74), (33, 86), (50, 87.5)]
    c.blob(mirrored(half), p.main)
    c.blob([(43.5, 16.2), (50, 23.5), (56.5, 16.2), (50, 18)], p.deep)
    c.curve([(43, 16.6), (46, 21), (50, 23.2), (54, 21), (57, 16.6)], 1.4, p.pale)
    c.curve([(50, 23.5), (50, 50), (47, 72), (36, 84)], 1.5, p.pale)
    c.box(48.6, 24, 51.6, 28.5, 1, p.accent)
    spots = [
        (41, 32),
        (58, 30),
        (60, 42),
        (41, 45),
        (57, 54),
        (38, 58),
        (62, 66),
        (40, 70),
        (54, 68),
        (56, 79),
        (63, 77),
        (47, 81),
    ]
    _pattern(c, p.pale, spots, chance, 2.3)
    signs.moon(c, 58, 36, 1.2, p.accent)
    c.blob([(36, 24), (38, 24), (37, 40), (33, 58), (31.5, 74), (30.2, 70), (32, 54)], clear(WHITE, 80))


def towel(c: Canvas, p: Palette, chance: Random) -> None:
    """A hooded towel, folded, with another rolled up on top."""
    c.shadow(50, 83, 32, 3.4, p.ink)
    for n, fill in enumerate((p.main, p.pale, p.light)):
        y = 68 - n * 13
        c.box(22, y, 78, y + 15, 6.5, fill)
        c.box(22, y + 7, 78, y + 9, 0.6, mix(fill, p.deep, 0.28))
        c.curve([(26, y + 12), (50, y + 12.4), (74, y + 12)], 0.5, mix(fill, p.deep, 0.18))
        c.oval(76, y + 8, 2, 7, mix(fill, p.deep, 0.16))
    c.box(30, 28, 72, 43, 7.5, mix(p.accent, WHITE, 0.3))
    c.oval(70, 35.5, 6, 7.5, mix(p.accent, WHITE, 0.55))
    c.arc(70, 35.5, 4, 5, 0, 300, 0.8, p.accent)
    c.arc(70, 35.5, 1.8, 2.4, 0, 270, 0.8, p.accent)
    c.box(44, 26.5, 50, 44.5, 1, p.pale)
    chance.choice(signs.SIGNS)(c, 47, 35.5, 2.2, p.accent)
    _pattern(c, p.main, [(30, 61.5), (38, 63), (47, 61.5), (56, 63), (65, 61.5)], chance, 1.4)


def blanket(c: Canvas, p: Palette, chance: Random) -> None:
    """A quilt folded back at one corner."""
    c.shadow(50, 83, 33, 3.6, p.ink)
    c.box(19, 30, 81, 83, 9, p.deep)
    c.box(19, 27, 81, 80, 9, p.main)
    grid = [(25 + column * 10 + row % 2 * 5, 33 + row * 10.5) for row in range(5) for column in range(6)]
    _pattern(c, p.pale, [(x, y) for x, y in grid if x < 78 and not (x > 55 and y < 46)], chance, 2)
    for y in (38.2, 48.8, 59.4, 70):
        c.stitches([(20, y), (50, y + 0.6), (80, y)], 0.35, p.light)
    c.blob([(48, 25), (62, 24), (78, 26), (83, 31), (83, 46), (81, 54), (75, 50), (58, 36)], p.pale)
    c.blob([(50, 27), (62, 27), (76, 29), (80, 34), (80, 47), (74, 46), (60, 35)], mix(p.accent, WHITE, 0.6))
    c.curve([(48.5, 26), (60, 37), (76, 50.5)], 1, p.light)
    c.curve([(21, 36), (20.6, 55), (21, 73)], 1.2, p.light)


def teddy(c: Canvas, p: Palette, chance: Random) -> None:
    """A soft animal: bear, rabbit or elephant calf, sitting."""
    fur = chance.choice((p.main, (205, 170, 132), p.light))
    shade, inner = mix(fur, p.ink, 0.22), mix(fur, WHITE, 0.6)
    c.shadow(50, 86, 29, 3.4, p.ink)
    rabbit = chance.random() < 0.4
    if rabbit:
        for x, lean in ((41, -3), (59, 3)):
            c.blob([(x - 5, 30), (x - 6 + lean, 15), (x + lean, 5), (x + 6 + lean, 15), (x + 5, 30)], fur)
            c.blob(
                [(x - 2, 28), (x - 2.6 + lean, 16), (x + lean, 10), (x + 2.6 + lean, 16), (x + 2, 28)],
                mix(p.accent, WHITE, 0.4),
            )
    else:
        for x in (33, 67):
            c.oval(x, 22, 8.5, 8.5, fur)
            c.oval(x, 22.5, 4.8, 4.8, mix(p.accent, WHITE, 0.4))
    c.blob(mirrored([(50, 44), (38, 48), (31, 60), (30, 74), (38, 84), (50, 86)]), shade)
    c.blob(mirrored([(50, 52), (42, 55), (38, 64), (39, 76), (50, 80)]), inner)
    for side in (-1, 1):
        c.blob(
            [
                (50 + side * 15, 50),
                (50 + side * 24, 57),
                (50 + side * 26, 67),
                (50 + side * 20, 70),
                (50 + side * 14, 60),
            ],
            fur,
        )
        c.oval(50 + side * 20, 81, 10.5, 8, fur)
        c.oval(50 + side * 21, 82, 6, 5, inner)
    c.blob(mirrored([(50, 17), (38, 18.5), (29.5, 27), (28.5, 37), (35, 46.5), (50, 50)]), fur)
    c.oval(50, 39.5, 8.5, 6.6, inner)
    c.oval(50, 36.4, 2.4, 1.8, p.ink)
    signs.face(c, 50, 35, 20, p.ink, mix(p.accent, WHITE, 0.25))
    c.blob([(50, 50), (43, 46.6), (38.5, 49), (39.5, 54.5), (45, 54)], p.accent)
    c.blob([(50, 50), (57, 46.6), (61.5, 49), (60.5, 54.5), (55, 54)], p.accent)
    c.oval(50, 51, 2.6, 2.4, mix(p.accent, p.ink, 0.18))
    c.blob([(33.5, 26), (38, 21.5), (36, 27), (33.6, 33), (32, 32)], clear(WHITE, 90))
