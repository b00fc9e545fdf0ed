"""Large goods: pushchairs, seats, bags, furniture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.entry.demo.pictures import signs
from duoline.entry.demo.pictures.canvas import WHITE, clear, mirrored, mix

if TYPE_CHECKING:
    from random import Random

    from duoline.entry.demo.pictures.canvas import Canvas, Palette

WOOD = (222, 186, 140)
METAL = (178, 184, 192)
RUBBER = (74, 80, 90)


def stroller(c: Canvas, p: Palette, chance: Random) -> None:
    """A pushchair with its hood up."""
    c.shadow(50, 88, 33, 3, p.ink)
    for line in ([(80, 22), (70, 47), (54, 82)], [(30, 60), (48, 68), (70, 82)], [(62, 62), (46, 70), (32, 82)]):
        c.line(line, 2.4, METAL)
    c.curve([(70, 47), (78, 27), (87, 21)], 3, RUBBER)
    c.curve([(80.5, 23.4), (87, 20.6)], 4, mix(p.accent, p.ink, 0.2))
    seat = [(29, 37), (33, 56), (41, 64), (56, 66), (66, 60), (69, 47), (52, 42)]
    c.blob(seat, p.deep)
    c.blob([(33, 44), (42, 49), (56, 48), (64, 50), (61, 58), (52, 61.5), (41, 59), (36, 54)], p.pale)
    signs.dots(c, p.light, [(43, 54), (49, 56), (55, 54), (50, 51)], 0.9)
    c.poly(
        [(28, 39), (29, 30), (34, 21), (42, 15), (52, 12.5), (62, 15), (69, 22), (72, 32), (70, 47), (50, 43)], p.main
    )
    for x, top in ((42, 15.6), (54, 12.8), (65, 18)):
        c.curve([(x, top), (x + 0.5 - (x - 50) * 0.1, 28), (50, 43)], 0.7, p.deep)
    c.curve([(28.2, 39), (38, 42), (50, 43.4), (60, 45), (70, 47)], 1.6, p.accent)
    chance.choice(signs.SIGNS)(c, 48, 27, 4.6, p.pale)
    c.box(40, 70, 64, 78, 3, p.light)
    for x, r in ((32, 7.6), (70, 7.6)):
        c.oval(x, 81, r, r, RUBBER)
        c.oval(x, 81, r * 0.68, r * 0.68, mix(METAL, WHITE, 0.6))
        c.oval(x, 81, r * 0.26, r * 0.26, p.accent)
    c.curve([(31.5, 33), (35, 24.5), (41, 18.6)], 1.3, p.light)


def carseat(c: Canvas, p: Palette, chance: Random) -> None:
    """A child's car seat with its harness."""
    c.shadow(50, 87, 29, 3.6, p.ink)
    shell = mix(p.ink, p.main, 0.25)
    c.blob(mirrored([(50, 9), (38, 10), (31, 17), (27, 33), (24, 50), (22, 66), (25, 82), (36, 87), (50, 87.6)]), shell)
    c.blob(mirrored([(50, 13), (40, 14), (35, 20), (32, 34), (30.5, 52), (50, 60)]), p.main)
    c.blob(mirrored([(50, 17), (42, 17.6), (37.5, 22), (38, 32), (43, 36.5), (50, 37)]), p.pale)
    for side in (-1, 1):
        c.blob(
            [
                (50 + side * 10, 19),
                (50 + side * 17.5, 22),
                (50 + side * 19, 33),
                (50 + side * 14, 38),
                (50 + side * 9.5, 34),
            ],
            p.light,
        )
        c.blob(
            [
                (50 + side * 17, 42),
                (50 + side * 25, 46),
                (50 + side * 27, 62),
                (50 + side * 22, 70),
                (50 + side * 16, 62),
            ],
            p.deep,
        )
    c.blob(mirrored([(50, 58), (38, 59), (29, 66), (28, 76), (35, 83), (50, 84)]), p.light)
    c.blob(mirrored([(50, 63), (40, 64), (34, 69), (34, 75), (40, 79.5), (50, 80)]), p.pale)
    for side in (-1, 1):
        c.line([(50 + side * 7, 37), (50 + side * 6, 50), (50 + side * 1.5, 62)], 2.6, RUBBER)
        c.box(50 + side * 7 - 2.6, 40, 50 + side * 7 + 2.6, 51, 2, p.accent)
    c.line([(50, 62), (50, 75)], 2.6, RUBBER)
    c.box(45.5, 59, 54.5, 66.5, 2.6, mix(p.accent, p.ink, 0.1))
    c.oval(50, 62.8, 1.9, 1.9, (226, 92, 84))
    chance.choice(signs.SIGNS)(c, 50, 26, 4.4, p.main)
    c.curve([(35.4, 26), (34, 38), (33.2, 47)], 1.2, p.light)


def carrier(c: Canvas, p: Palette, chance: Random) -> None:
    """A carrier with its straps and hip belt."""
    c.shadow(50, 87, 27, 3, p.ink, 70)
    for side in (-1, 1):
        c.curve(
            [
                (50 + side * 12, 27),
                (50 + side * 24, 17),
                (50 + side * 33, 30),
                (50 + side * 31, 48),
                (50 + side * 16, 58),
            ],
            5.6,
            p.deep,
        )
        c.curve(
            [(50 + side * 12, 27), (50 + side * 24, 17.4), (50 + side * 32.6, 30), (50 + side * 30.6, 48)], 1, p.light
        )
        c.box(50 + side * 29 - 4, 46, 50 + side * 29 + 4, 50.5, 1.4, RUBBER)
    c.blob(mirrored([(50, 21), (40, 20), (34, 24), (33.5, 38), (31, 56), (33, 70), (40, 74), (50, 75)]), p.main)
    c.blob(mirrored([(50, 37), (42, 37.4), (38.4, 42), (37.4, 56), (39.4, 66), (50, 68)]), mix(p.pale, p.main, 0.25))
    for y in range(43, 66, 4):
        c.stitches([(39, y), (50, y + 0.6), (61, y)], 0.4, p.light)
    c.blob(mirrored([(50, 13.5), (41, 14), (36, 18), (36, 25), (42, 29), (50, 30)]), p.accent)
    signs.face(c, 50, 21, 9.5, p.ink, mix(p.accent, WHITE, 0.4))
    c.blob([(14, 70), (32, 67), (50, 71), (68, 67), (86, 70), (87, 79), (70, 84), (50, 86), (30, 84), (13, 79)], p.deep)
    c.stitches([(17, 73), (34, 71), (50, 74.6), (66, 71), (83, 73)], 0.5, p.light)
    c.box(44, 74.5, 56, 82.5, 2.4, RUBBER)
    c.box(47, 76.5, 53, 80.5, 1.2, p.accent)
    signs.heart(c, 50, 52, 5, p.pale)


def backpack(c: Canvas, p: Palette, chance: Random) -> None:
    """A changing bag with pockets and a bottle in its side."""
    c.shadow(51, 87, 26, 3.4, p.ink)
    c.arc(50, 19, 7.5, 7.5, 175, 365, 2.6, p.deep)
    c.box(71, 47, 79, 72, 3, WHITE)
    c.box(70.6, 43, 79.4, 50, 2, p.accent)
    c.blob([(73, 43.5), (74, 38), (76.2, 38), (77.4, 43.5)], mix(p.accent, WHITE, 0.55))
    c.box(22, 56, 33, 82, 5, p.deep)
    c.box(67, 58, 79.5, 82, 5, p.deep)
    c.blob(mirrored([(50, 17), (38, 18), (29, 26), (27.5, 42), (27, 64), (28, 81), (37, 86.4), (50, 86.8)]), p.main)
    c.curve([(29, 38), (38, 30.5), (50, 29), (62, 30.5), (71, 38)], 1, p.deep)
    c.box(65.5, 34.6, 68, 42, 1.2, p.accent)
    c.box(32.5, 52, 67.5, 81.5, 7, p.light)
    c.box(32.5, 52, 67.5, 61, 5, mix(p.main, WHITE, 0.2))
    c.line([(35.5, 61), (64.5, 61)], 0.8, p.deep)
    c.box(47.8, 59, 52.2, 66, 1.6, p.accent)
    chance.choice(signs.SIGNS)(c, 50, 73, 4.8, p.pale)
    signs.cloud(c, 50, 42.5, 5.4, p.pale)
    for x in (36, 64):
        c.box(x - 1.6, 76, x + 1.6, 88, 1.2, mix(WOOD, p.ink, 0.28))
    c.blob([(31.6, 40), (33.6, 36), (31.8, 54), (31.6, 76), (29.6, 76), (29.8, 54)], clear(WHITE, 95))


def crib(c: Canvas, p: Palette, chance: Random) -> None:
    """A wooden cot with its bedding."""
    c.shadow(50, 88, 36, 3, p.ink)
    dark = mix(WOOD, p.ink, 0.26)
    for x in range(24, 80, 7):
        c.line([(x, 32), (x, 60)], 1.5, mix(WOOD, WHITE, 0.3))
    c.box(17, 28, 83, 33, 2, mix(WOOD, WHITE, 0.2))
    c.blob([(20, 55), (80, 55), (81, 66), (78, 70), (22, 70), (19, 66)], WHITE)
    c.blob([(24, 49), (36, 46.5), (40, 52), (38, 58), (26, 58.6)], p.pale)
    c.blob([(42, 54), (60, 50), (81, 54), (81.6, 68), (62, 71), (41, 70)], p.main)
    for x, y in ((51, 58), (60, 57), (69, 59), (76, 62), (56, 65), (66, 66)):
        signs.star(c, x, y, 1.6, p.pale)
    for x in range(20, 84, 7):
        c.line([(x, 46), (x, 74)], 1.8, WOOD)
        c.line([(x + 0.7, 46), (x + 0.7, 74)], 0.5, dark)
    c.box(14, 41, 86, 46.5, 2.4, WOOD)
    c.box(14, 72, 86, 78.5, 2.4, WOOD)
    c.box(14, 77, 86, 78.8, 0.8, dark)
    for x in (12, 83):
        c.box(x, 22, x + 5.5, 87, 2.6, mix(WOOD, p.ink, 0.08))
        c.oval(x + 2.7, 21.5, 3.4, 3.4, p.accent)
    chance.choice(signs.SIGNS)(c, 50, 75.4, 2, p.accent)
    _mobile(c, p, 50, 8, 0.62)


def _mobile(c: Canvas, p: Palette, x: float, y: float, s: float) -> None:
    """Signs hanging from a bar."""
    c.curve([(x - 22 * s, y + 9 * s), (x, y + 4 * s), (x + 22 * s, y + 9 * s)], 1.5 * s, WOOD)
    hanging = (
        (-20, 24, signs.cloud, WHITE),
        (-7, 30, signs.star, p.accent),
        (7, 26, signs.moon, p.main),
        (20, 22, signs.heart, p.accent),
    )
    for dx, length, sign, fill in hanging:
        c.line([(x + dx * s, y + 7 * s), (x + dx * s, y + (length - 5) * s)], 0.5 * s, mix(p.ink, WHITE, 0.45))
        sign(c, x + dx * s, y + length * s, 5.2 * s, fill)


def mobile(c: Canvas, p: Palette, chance: Random) -> None:
    """A mobile with felt clouds and stars, or a night light shaped like an animal."""
    if chance.random() < 0.55:
        c.shadow(50, 86, 20, 2.6, p.ink, 50)
        c.line([(50, 6), (50, 20)], 0.7, mix(p.ink, WHITE, 0.4))
        c.oval(50, 19.5, 4, 4, p.accent)
        c.ring(50, 27, 29, 8.5, 2.6, WOOD)
        for side in (-1, 1):
            c.line([(50, 19.5), (50 + side * 27, 26)], 0.6, mix(p.ink, WHITE, 0.45))
        for x, y, s, sign, fill in (
            (22, 58, 8.5, signs.cloud, WHITE), (36, 70, 7, signs.star, p.accent), (50, 59, 9, signs.bear, p.main),
            (64, 72, 7, signs.moon, mix(p.accent, WHITE, 0.25)), (78, 57, 8.5, signs.cloud, p.light),
        ):  # fmt: skip
            c.line([(x, 33), (x, y - s * 0.6)], 0.6, mix(p.ink, WHITE, 0.45))
            sign(c, x, y, s, fill)
        signs.face(c, 50, 59, 8.6, p.ink, p.accent)
        return
    c.oval(50, 52, 37, 37, clear((255, 232, 160), 70))
    c.oval(50, 52, 30, 30, clear((255, 236, 170), 90))
    c.shadow(50, 86, 23, 3.4, p.ink)
    c.box(32, 78, 68, 86.5, 4, WOOD)
    for x in (38, 62):
        c.blob([(x - 5, 34), (x - 4.5, 20), (x, 14), (x + 4.5, 20), (x + 5, 34)], mix(p.light, WHITE, 0.3))
    c.blob(
        mirrored([(50, 28), (38, 29.5), (29, 40), (27, 57), (32, 74), (42, 80), (50, 80.6)]), mix(p.light, WHITE, 0.45)
    )
    c.blob(mirrored([(50, 36), (41, 38), (35, 47), (34, 60), (38, 71), (50, 75)]), clear((255, 244, 200), 190))
    signs.face(c, 50, 52, 20, p.ink, p.accent)
    for x, y in ((20, 30), (80, 26), (84, 56), (17, 60)):
        signs.star(c, x, y, 2.4, mix(p.accent, WHITE, 0.2))


def mat(c: Canvas, p: Palette, chance: Random) -> None:
    """A play mat of big tiles, partly rolled up, with a ball."""
    c.shadow(50, 81, 37, 4, p.ink)
    c.poly([(10, 76), (27, 47), (85, 47), (91, 76)], mix(p.deep, p.ink, 0.15))
    c.poly([(10, 73.5), (27, 44.5), (85, 44.5), (91, 73.5)], p.pale)
    tints = (p.main, p.light, mix(p.accent, WHITE, 0.35), p.pale)
    for row in range(2):
        for column in range(4):
            y0, y1 = 44.5 + row * 13, 44.5 + (row + 1) * 13 + row * 3
            corners = []
            for y, edge in ((y0, 0), (y0, 1), (y1, 1), (y1, 0)):
                left, right = 27 - (y - 44.5) * 17 / 29, 85 + (y - 44.5) * 6 / 29
                corners.append((left + (right - left) * (column + edge) / 4, y))
            c.poly(corners, tints[(row * 3 + column) % 4])
            middle = (sum(x for x, _ in corners) / 4, (y0 + y1) / 2)
            chance.choice(signs.SIGNS)(c, *middle, 3.3, clear(WHITE, 190))
    c.box(20, 30, 89, 47, 8.5, p.main)
    c.box(20, 30, 89, 36, 3, clear(WHITE, 70))
    c.oval(86, 38.5, 4.6, 8.5, p.pale)
    c.arc(86, 38.5, 2.9, 5.6, 0, 320, 0.8, p.deep)
    c.arc(86, 38.5, 1.3, 2.6, 0, 270, 0.8, p.deep)
    for x in (36, 70):
        c.box(x, 29.6, x + 3.4, 47.4, 1, p.accent)
    c.shadow(33, 79, 9, 2, p.ink, 70)
    c.oval(33, 70, 9, 9, p.accent)
    c.curve([(26, 65), (33, 68.6), (41, 66)], 1.8, mix(p.accent, WHITE, 0.6))
    c.curve([(25.4, 73), (33, 76), (41, 73)], 1.8, mix(p.accent, WHITE, 0.6))
    c.oval(30, 65.6, 1.9, 1.6, clear(WHITE, 150))
