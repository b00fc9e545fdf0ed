"""Small goods of plastic, wood and metal: bottles, toys, machines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from duoline.entry.demo.pictures import signs
from duoline.entry.demo.pictures.canvas import WHITE, clear, mirrored, mix

if TYPE_CHECKING:
    from random import Random

    from duoline.entry.demo.pictures.canvas import Canvas, Palette

WOOD = (222, 186, 140)


def bottle(c: Canvas, p: Palette, chance: Random) -> None:
    """A wide-necked bottle, half full of milk."""
    c.shadow(50, 87, 18, 3.2, p.ink)
    c.blob(mirrored([(50, 8), (47, 9), (46, 14), (43, 20), (38, 25), (50, 27)]), mix(p.accent, WHITE, 0.55))
    c.blob(mirrored([(50, 9.5), (48.6, 10.5), (48.3, 14), (47, 18), (50, 19)]), clear(WHITE, 110))
    c.box(35, 24, 65, 35, 3.5, p.main)
    for x in range(38, 64, 3):
        c.line([(x, 26.5), (x, 32.5)], 0.7, p.deep)
    glass = mirrored([(50, 34), (40, 34.5), (36, 38), (34.5, 45), (35, 56), (34, 66), (34.5, 80), (40, 86.5), (50, 87)])
    c.blob(glass, mix(p.pale, WHITE, 0.35))
    c.blob(
        mirrored([(50, 52), (42, 52.5), (36.8, 53), (37, 58), (36, 66), (36.5, 79), (41, 84.6), (50, 85)]),
        (255, 251, 240),
    )
    c.oval(50, 52.6, 13.2, 1.9, (250, 242, 224))
    for n, y in enumerate(range(44, 80, 6)):
        c.line([(57 if n % 2 else 54, y), (62, y)], 0.6, p.deep)
    chance.choice(signs.SIGNS)(c, 44.5, 67, 4.8, p.main)
    c.blob([(38, 40), (40.4, 39), (38.8, 50), (39, 62), (38.4, 78), (36.6, 76), (37, 58)], clear(WHITE, 150))
    for side in (-1, 1):
        x = 50 + side * 19
        c.arc(x, 54, 7, 12, 90 - side * 90 - 85, 90 - side * 90 + 85, 3.4, p.accent)


def soother(c: Canvas, p: Palette, chance: Random) -> None:
    """A soother lying at a slant."""
    c.shadow(50, 80, 27, 3.2, p.ink, 80)
    c.blob(mirrored([(50, 15), (43.5, 17), (41, 24), (44, 30), (45, 36), (50, 37)]), mix(p.accent, WHITE, 0.55))
    c.blob([(45, 19), (47, 17.6), (45.6, 24), (44.4, 26), (43.6, 23)], clear(WHITE, 150))
    shield = mirrored([(50, 38), (40, 35), (27, 37), (20, 46), (22, 57), (33, 63), (43, 61), (50, 64)])
    c.blob([(x, y + 2) for x, y in shield], p.deep)
    c.blob(shield, p.main)
    for x in (30, 70):
        c.oval(x, 49.5, 4.6, 5, mix(p.bottom, p.deep, 0.35))
        c.oval(x, 50, 3.8, 4.2, p.bottom)
    c.ring(50, 70, 14, 13, 3.2, p.accent)
    c.oval(50, 51, 10, 10, p.pale)
    sign = chance.choice((signs.bear, signs.moon, signs.star, signs.heart, signs.cloud))
    sign(c, 50, 51, 5.8, mix(p.accent, WHITE, 0.1))
    c.curve([(25, 44), (30, 39.6), (39, 38.4)], 1.2, p.light)


def cup(c: Canvas, p: Palette, chance: Random) -> None:
    """A straw cup with two handles."""
    c.shadow(50, 86, 20, 3.2, p.ink)
    for side in (-1, 1):
        c.arc(50 + side * 18, 57, 10.5, 12.5, 90 - side * 90 - 95, 90 - side * 90 + 95, 4.4, p.accent)
    c.blob(mirrored([(50, 37), (40, 37.5), (33.5, 40), (33.5, 55), (35.5, 72), (38, 83), (44, 86), (50, 86.3)]), p.main)
    c.blob(mirrored([(50, 56), (42, 56.4), (34, 58), (35.6, 72), (38, 83), (44, 86), (50, 86.3)]), p.light)
    c.box(31, 27, 69, 40, 5.5, mix(p.deep, p.main, 0.4))
    c.box(31, 35.5, 69, 38, 1, p.deep)
    c.curve([(50, 28), (50, 20), (53, 14), (60, 11.5)], 3.6, mix(p.accent, WHITE, 0.4))
    c.oval(61, 11.4, 1.6, 1.9, mix(p.accent, WHITE, 0.65))
    c.box(43, 23, 57, 29.5, 2.4, p.accent)
    signs.bear(c, 50, 54.5, 8.6, p.pale)
    signs.face(c, 50, 54.5, 8.2, p.ink, p.accent)
    signs.dots(c, p.pale, [(41, 71), (47, 77), (54, 73), (59, 79), (43, 81)])
    c.blob([(36.5, 43), (39, 42.4), (38, 56), (39.4, 72), (41, 81), (39.2, 80), (37, 66)], clear(WHITE, 110))


def bowl(c: Canvas, p: Palette, chance: Random) -> None:
    """A bowl on its sucker, full of something good, with a spoon."""
    c.shadow(47, 82, 30, 3.8, p.ink)
    c.blob([(31, 74), (63, 74), (67, 80), (63, 82.6), (31, 82.6), (27, 80)], p.accent)
    c.blob([(17, 47), (77, 47), (74, 62), (65, 73), (52, 77.5), (42, 77.5), (29, 73), (20, 62)], p.main)
    c.oval(47, 47, 30.3, 8, p.light)
    c.oval(47, 47.4, 27.6, 6.6, mix(p.accent, WHITE, 0.5))
    c.blob(
        [(24, 46), (33, 40.5), (42, 43), (51, 39), (60, 42.5), (69, 45.5), (60, 51), (47, 53), (32, 51)],
        mix(p.accent, WHITE, 0.72),
    )
    for x, y in ((36, 45.5), (50, 43.5), (58, 47.5), (43, 49)):
        c.oval(x, y, 2.3, 1.7, (163, 196, 120))
    c.oval(53, 48.5, 1.9, 1.5, (236, 140, 110))
    signs.bear(c, 47, 63, 7.4, p.pale)
    signs.face(c, 47, 63, 7, p.ink, p.accent)
    c.blob([(21.5, 53), (23.5, 52.6), (26, 62), (33, 71), (31, 71.4), (24.5, 64)], clear(WHITE, 100))
    c.curve([(66, 40), (74, 28), (84, 17)], 4.2, p.deep)
    c.curve([(67, 39), (74.6, 28), (84, 17.6)], 1.2, p.light)
    c.blob([(58, 42), (63, 35), (69, 36), (69, 42.5), (62, 47)], p.deep)


def appliance(c: Canvas, p: Palette, chance: Random) -> None:
    """A white machine with a lid of glass, a display and two bottles inside."""
    c.shadow(50, 86, 28, 3.6, p.ink)
    c.blob(
        mirrored([(50, 15), (38, 16), (29, 22), (26.5, 34), (26.5, 49), (50, 50)]), clear(mix(p.main, WHITE, 0.55), 190)
    )
    for x in (42, 58):
        c.box(x - 5.5, 30, x + 5.5, 52, 3.2, WHITE)
        c.box(x - 4.5, 38, x + 4.5, 52, 2.4, (255, 248, 232))
        c.box(x - 5, 25.5, x + 5, 31, 1.8, p.accent)
        c.blob([(x - 3, 26), (x - 1.3, 21), (x + 1.3, 21), (x + 3, 26)], mix(p.accent, WHITE, 0.5))
    c.blob([(30, 25), (34, 20.5), (32.6, 32), (32.4, 44), (29.6, 44), (29.4, 33)], clear(WHITE, 170))
    c.box(46, 11.5, 54, 16.5, 2.4, p.accent)
    c.box(23, 47, 77, 86, 10, mix(p.pale, WHITE, 0.5))
    c.box(23, 47, 77, 55, 4, p.main)
    c.box(23, 72, 77, 86, 9, clear(p.deep, 42))
    c.box(34, 60, 66, 73, 5, mix(p.ink, p.main, 0.12))
    c.box(38, 65.8, 45, 67.2, 0.7, p.accent)
    signs.drop(c, 50, 66.3, 2.9, mix(p.main, WHITE, 0.4))
    c.arc(59.5, 66.5, 3.2, 3.2, 120, 420, 1, p.accent)
    for x in (41, 50, 59):
        c.oval(x, 79, 2.2, 2.2, p.main if x != 50 else p.accent)
    c.box(26.5, 58, 29, 80, 1.2, WHITE)


def tub(c: Canvas, p: Palette, chance: Random) -> None:
    """A bath with foam, bubbles and a duck."""
    c.shadow(50, 84, 33, 3.6, p.ink)
    for x in (31, 69):
        c.box(x - 4, 76, x + 4, 85, 2, p.deep)
    for fx, fy, fr in ((30, 44, 7), (40, 41, 9), (52, 43, 8), (62, 41, 7), (71, 45, 6)):
        c.oval(fx, fy, fr, fr * 0.85, WHITE)
    duck = (250, 205, 92)
    c.blob([(50, 40), (54, 33), (52, 25), (58, 20.5), (64, 25), (63, 32), (72, 33), (70, 42), (60, 46)], duck)
    c.oval(57.6, 26, 1.1, 1.3, p.ink)
    c.blob([(51.5, 28), (46.5, 28.6), (47, 31.4), (52, 31.4)], (238, 140, 84))
    c.blob([(60, 36.5), (67, 36), (66, 41), (61, 41)], mix(duck, (222, 150, 40), 0.35))
    c.blob([(14, 46), (86, 46), (83, 62), (75, 76), (62, 81.5), (38, 81.5), (25, 76), (17, 62)], p.main)
    c.box(11, 43, 89, 51, 4, p.light)
    for x, y, r in ((22, 46, 4.5), (29, 48, 3.4), (73, 47, 4), (79, 49, 2.8)):
        c.oval(x, y, r, r * 0.8, WHITE)
    signs.cloud(c, 40, 65, 6, p.pale)
    signs.drop(c, 54, 66, 3.6, p.pale)
    signs.star(c, 64, 63, 3.2, p.pale)
    c.blob([(20, 55), (22, 54.6), (26, 67), (33, 75), (30.6, 75.4), (23.6, 68)], clear(WHITE, 100))
    for x, y, r in ((18, 30, 3.6), (27, 24, 2.4), (80, 29, 4.2), (74, 19, 2.6), (36, 30, 2)):
        c.oval(x, y, r, r, clear(WHITE, 150))
        c.ring(x, y, r, r, 0.4, p.light)


def blocks(c: Canvas, p: Palette, chance: Random) -> None:
    """A tower of wooden blocks."""
    c.shadow(50, 85, 33, 3.6, p.ink)
    third = mix(p.main, p.accent, 0.5)
    for x, y, s, fill in (
        (18, 62, 22, p.main),
        (41, 62, 22, p.accent),
        (64, 62, 20, mix(WOOD, WHITE, 0.15)),
        (29, 39, 22, third),
        (52, 41, 20, p.light),
    ):
        c.box(x, y, x + s, y + s + 1.5, 3, mix(fill, p.ink, 0.3))
        c.box(x, y, x + s, y + s, 3, fill)
        c.box(x + 3, y + 3, x + s - 3, y + s - 3, 2, mix(fill, WHITE, 0.4))
        chance.choice(signs.SIGNS)(c, x + s / 2, y + s / 2, s * 0.23, mix(fill, p.ink, 0.28))
    c.poly([(31, 39), (51, 39), (41, 21)], mix(p.accent, p.ink, 0.22))
    c.poly([(31, 38), (51, 38), (41, 20)], p.accent)
    c.poly([(35, 35.5), (41, 24.6), (41, 35.5)], mix(p.accent, WHITE, 0.3))
    c.oval(62, 33.5, 7.6, 7.6, mix(p.main, p.ink, 0.25))
    c.oval(62, 33, 7.6, 7.6, p.main)
    c.oval(59.6, 30.4, 2.2, 2.6, clear(WHITE, 130))
    c.poly([(80, 84), (93, 84), (86.5, 73)], mix(third, WHITE, 0.1))


def rattle(c: Canvas, p: Palette, chance: Random) -> None:
    """A ring with wooden beads and a bear's head."""
    c.shadow(50, 86, 24, 3, p.ink, 80)
    c.ring(50, 64, 22, 20.5, 5, mix(WOOD, p.ink, 0.12))
    c.ring(50, 63.4, 22, 20.5, 4.2, WOOD)
    beads = (p.main, p.accent, p.light, mix(p.main, p.accent, 0.5), WHITE)
    for n, turn in enumerate(range(20, 180, 20)):
        t = math.radians(turn)
        x, y = 50 + 19.8 * math.cos(t), 63.6 + 18.4 * math.sin(t)
        c.oval(x, y + 0.6, 5, 5, mix(beads[n % 5], p.ink, 0.28))
        c.oval(x, y, 5, 5, beads[n % 5])
        c.oval(x - 1.6, y - 1.7, 1.2, 1.4, clear(WHITE, 150))
    for x in (34.5, 65.5):
        c.oval(x, 20, 7.6, 7.6, p.deep)
        c.oval(x, 20.5, 4.3, 4.3, mix(p.accent, WHITE, 0.4))
    c.blob(mirrored([(50, 15.5), (39, 17), (31, 26), (31, 36), (38, 44.5), (50, 47.5)]), p.main)
    c.oval(50, 37, 7.4, 5.6, p.pale)
    c.oval(50, 34.6, 2, 1.5, p.ink)
    signs.face(c, 50, 33, 17, p.ink, p.accent)
    c.blob([(35, 25), (39, 20), (37.4, 26), (35, 32), (33.6, 31)], clear(WHITE, 110))


def puzzle(c: Canvas, p: Palette, chance: Random) -> None:
    """A shape sorter: a box with holes and the shapes beside it."""
    c.shadow(49, 84, 32, 3.6, p.ink)
    c.poly([(20, 40), (64, 40), (64, 83), (20, 83)], WOOD)
    c.poly([(64, 40), (79, 32), (79, 74), (64, 83)], mix(WOOD, p.ink, 0.25))
    c.poly([(20, 40), (35, 32), (79, 32), (64, 40)], mix(WOOD, WHITE, 0.35))
    c.box(24, 44, 60, 79, 3, mix(WOOD, WHITE, 0.18))
    dark = mix(WOOD, p.ink, 0.6)
    c.oval(33, 53, 6, 6, dark)
    c.box(45, 47.5, 56, 58.5, 1.5, dark)
    c.poly([(33, 64), (39.5, 75.5), (26.5, 75.5)], dark)
    signs.star(c, 50.5, 70, 7, dark)
    c.oval(47, 35.6, 5.4, 2, dark)
    c.poly([(58, 37), (68, 37), (71, 34), (61.5, 34)], dark)
    c.box(42, 16, 54, 28, 2, mix(p.accent, p.ink, 0.22))
    c.box(42, 15, 54, 27, 2, p.accent)
    c.oval(26, 27, 6.6, 6.6, mix(p.main, p.ink, 0.25))
    c.oval(26, 26.2, 6.6, 6.6, p.main)
    c.oval(24, 24, 1.9, 2.2, clear(WHITE, 140))
    signs.star(c, 86, 79, 7.2, mix(p.accent, WHITE, 0.2))
    c.poly([(70, 27), (83, 27), (76.5, 15.5)], p.deep)


def breastpump(c: Canvas, p: Palette, chance: Random) -> None:
    """A pump with its bottle, funnel and small motor."""
    c.shadow(48, 86, 30, 3.4, p.ink)
    c.box(27, 51, 47, 86, 7, mix(p.pale, WHITE, 0.4))
    c.box(28.8, 66, 45.2, 84.4, 5.6, (255, 249, 236))
    for y in (60, 65, 70, 75):
        c.line([(39, y), (43.5, y)], 0.6, p.deep)
    c.box(26, 44, 48, 54, 3, p.main)
    c.blob([(31, 45), (32, 34), (38, 29), (46, 28), (47, 36), (43, 45)], p.light)
    c.blob([(41, 35), (52, 29), (64, 18), (70, 22), (73, 38), (70, 46), (60, 42), (47, 41)], mix(p.accent, WHITE, 0.62))
    c.blob([(66, 19), (71, 22), (73.4, 34), (71, 45.6), (67.4, 40), (65.4, 30)], mix(p.accent, WHITE, 0.3))
    c.curve([(38, 31), (40, 20), (52, 15), (62, 13), (80, 24), (78, 50), (73, 60)], 1.7, p.pale)
    c.shadow(72, 86, 16, 2.4, p.ink, 60)
    c.box(58, 56, 86, 86, 10, p.main)
    c.box(58, 56, 86, 84, 10, p.light)
    c.oval(72, 68, 8.6, 8.6, WHITE)
    signs.heart(c, 72, 68.4, 4.4, p.accent)
    for x in (66, 72, 78):
        c.oval(x, 80, 1.4, 1.4, p.deep)
    c.box(29.4, 56, 31.4, 80, 1, WHITE)
    c.curve([(62, 62), (63.4, 60), (66, 58.8)], 1.3, WHITE)
