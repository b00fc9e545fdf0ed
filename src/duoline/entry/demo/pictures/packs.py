"""Goods in tins, packs, boxes, bags and tubes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duoline.entry.demo.pictures import signs
from duoline.entry.demo.pictures.canvas import WHITE, clear, mirrored, mix

if TYPE_CHECKING:
    from random import Random

    from duoline.entry.demo.pictures.canvas import Canvas, Palette


def tin(c: Canvas, p: Palette, chance: Random) -> None:
    """A tin of milk powder with its lid, and a scoop beside it."""
    c.shadow(51, 83, 27, 4, p.ink)
    c.oval(50, 81, 21, 4.5, p.deep)
    c.poly([(29, 30), (71, 30), (71, 81), (29, 81)], p.main)
    c.oval(50, 81, 21, 4.5, p.main)
    c.poly([(29, 38), (71, 38), (71, 70), (29, 70)], p.pale)
    c.oval(50, 70, 21, 4.5, p.pale)
    c.oval(50, 38, 21, 4.5, p.main)
    c.poly([(29, 30), (71, 30), (71, 38), (29, 38)], p.main)
    chance.choice(signs.SIGNS)(c, 50, 54, 6.5, p.accent)
    signs.words(c, 50, 64, 19, p.deep, chance)
    c.poly([(29, 30), (34.5, 30), (34.5, 84.5), (31, 83.2), (29, 81)], clear(WHITE, 85))
    c.poly([(64, 30), (71, 30), (71, 81), (68, 83.6), (64, 84.6)], clear(p.ink, 24))
    lid = mix(p.accent, WHITE, 0.15)
    c.poly([(27.5, 24), (72.5, 24), (72.5, 30), (27.5, 30)], lid)
    c.oval(50, 30, 22.5, 4.8, lid)
    c.oval(50, 24, 22.5, 4.8, mix(p.accent, WHITE, 0.45))
    c.oval(50, 23.7, 18.5, 3.6, mix(p.accent, WHITE, 0.6))
    c.shadow(81, 84, 8, 2, p.ink, 70)
    c.box(74, 76, 84, 84, 3, p.light)
    c.oval(79, 76.5, 5, 1.8, WHITE)
    c.line([(84, 78), (92, 73.5)], 2, p.light)


def box(c: Canvas, p: Palette, chance: Random) -> None:
    """A carton seen a little from the side, with a bowl of what is in it."""
    c.shadow(52, 84, 28, 4, p.ink)
    c.poly([(30, 24), (64, 24), (64, 84), (30, 84)], p.main)
    c.poly([(64, 24), (76, 19), (76, 78), (64, 84)], p.deep)
    c.poly([(30, 24), (42, 19), (76, 19), (64, 24)], p.light)
    c.blob([(30, 58), (40, 52), (52, 57), (64, 50), (64, 84), (30, 84)], p.pale)
    c.poly([(30, 70), (64, 70), (64, 84), (30, 84)], p.pale)
    c.oval(47, 39, 11, 11, p.pale)
    chance.choice(signs.SIGNS)(c, 47, 39, 6, p.accent)
    signs.words(c, 47, 63, 22, p.deep, chance)
    for x, y in ((40, 77), (47, 79), (54, 76)):
        signs.drop(c, x, y, 2.4, p.accent)
    c.poly([(30, 24), (34, 24), (34, 84), (30, 84)], clear(WHITE, 70))
    c.shadow(27, 86, 13, 2.4, p.ink, 70)
    c.blob([(15, 76), (39, 76), (36.5, 84), (31, 87), (23, 87), (17.5, 84)], mix(p.accent, WHITE, 0.25))
    c.oval(27, 76, 12.2, 3.2, mix(p.accent, WHITE, 0.55))
    c.oval(27, 76, 10, 2.3, p.pale)


def pouch(c: Canvas, p: Palette, chance: Random) -> None:
    """A pouch to squeeze, with a spout, and fruit at its foot."""
    c.shadow(50, 84, 24, 3.6, p.ink)
    c.blob(
        [
            (33, 31),
            (42, 28.5),
            (50, 28),
            (58, 28.5),
            (67, 31),
            (68.5, 55),
            (71, 80),
            (60, 84),
            (40, 84),
            (29, 80),
            (31.5, 55),
        ],
        p.main,
    )
    c.blob([(36, 66), (50, 60), (64, 66), (67, 80), (58, 83), (42, 83), (33, 80)], p.light)
    c.poly([(33, 31), (67, 31), (67.3, 35), (32.7, 35)], p.deep)
    c.box(45, 20, 55, 29, 1.5, p.pale)
    c.box(43, 12.5, 57, 22.5, 3, p.accent)
    for x in (46, 49, 52):
        c.line([(x + 0.5, 14.5), (x + 0.5, 20.5)], 0.7, mix(p.accent, WHITE, 0.4))
    c.oval(50, 49, 11.5, 11.5, p.pale)
    chance.choice(signs.SIGNS)(c, 50, 49, 6, p.accent)
    signs.words(c, 50, 70, 17, p.deep, chance)
    c.blob([(34.5, 37), (37.5, 37), (36, 60), (35, 78), (31.5, 78), (33.5, 58)], clear(WHITE, 90))
    _fruit(c, 24, 80, (233, 120, 104), p.ink)
    _fruit(c, 77, 81, (243, 190, 92), p.ink)


def _fruit(c: Canvas, x: float, y: float, fill: tuple[int, ...], ink: tuple[int, ...]) -> None:
    c.shadow(x, y + 5.5, 7, 1.6, ink, 60)
    c.blob(
        [(x, y - 5), (x + 5.5, y - 6), (x + 7, y), (x + 3.5, y + 6), (x - 3.5, y + 6), (x - 7, y), (x - 5.5, y - 6)],
        fill,
    )
    c.oval(x - 3, y - 2, 1.5, 2.2, clear(WHITE, 120))
    c.curve([(x, y - 4.5), (x + 0.5, y - 7), (x + 2, y - 9)], 0.9, mix(ink, fill, 0.2))
    c.blob([(x + 1, y - 8), (x + 4, y - 10.5), (x + 7, y - 9.5), (x + 4.5, y - 7)], (150, 184, 120))


def bag(c: Canvas, p: Palette, chance: Random) -> None:
    """A bag of snacks with a window, and three of them outside."""
    c.shadow(50, 84, 26, 3.6, p.ink)
    c.blob(
        [(31, 24), (50, 23), (69, 24), (71.5, 40), (70, 60), (72, 82), (50, 84.5), (28, 82), (30, 60), (28.5, 40)],
        p.main,
    )
    for y in (22, 80.5):
        c.poly([(30.2, y), (69.8, y), (70.3, y + 4.5), (29.7, y + 4.5)], p.deep)
        for x in range(32, 70, 3):
            c.line([(x, y + 1), (x, y + 3.5)], 0.5, p.main)
    c.oval(50, 62, 14, 11.5, p.pale)
    c.oval(50, 62, 12.4, 10, mix(p.pale, p.accent, 0.15))
    for px, py in ((44, 63), (51, 58), (56, 65), (49, 67.5), (43, 57.5)):
        signs.star(c, px, py, 3.5, mix(p.accent, WHITE, 0.2))
    chance.choice(signs.SIGNS)(c, 50, 36.5, 5.5, p.pale)
    signs.words(c, 50, 44, 20, p.pale, chance)
    c.blob([(33.5, 29), (37, 29), (36, 50), (36.5, 78), (32.8, 78), (34.2, 52)], clear(WHITE, 75))
    for sx, sy, s in ((22, 83, 4.5), (78, 82, 5), (84.5, 86, 3.6)):
        signs.star(c, sx, sy, s, mix(p.accent, WHITE, 0.1))


def diaper(c: Canvas, p: Palette, chance: Random) -> None:
    """A plump pack of nappies with a handle, and one nappy in front."""
    c.shadow(51, 83.5, 33, 4, p.ink)
    c.arc(50, 25, 9, 8, 180, 360, 2.6, p.deep)
    c.blob(
        [
            (24, 28),
            (37, 24.5),
            (50, 24),
            (63, 24.5),
            (76, 28),
            (79, 42),
            (77.5, 60),
            (79, 78),
            (66, 83),
            (50, 83.8),
            (34, 83),
            (21, 78),
            (22.5, 60),
            (21, 42),
        ],
        p.main,
    )
    c.blob(
        [
            (21.8, 50),
            (36, 44),
            (50, 50),
            (64, 43),
            (78.2, 49),
            (77.5, 60),
            (79, 78),
            (66, 83),
            (50, 83.8),
            (34, 83),
            (21, 78),
            (22.5, 60),
        ],
        p.pale,
    )
    c.box(27, 31, 45, 40, 4.5, p.pale)
    signs.words(c, 36, 33.4, 12, p.deep, chance)
    chance.choice(signs.SIGNS)(c, 64, 36, 4.5, p.pale)
    signs.bear(c, 62, 63, 10.5, p.light)
    c.oval(62, 66.5, 4.2, 3.2, p.pale)
    c.oval(62, 65.2, 1.3, 1, p.ink)
    signs.face(c, 62, 63, 9.5, p.ink, p.accent)
    c.blob([(25, 31), (28.5, 30), (26.5, 52), (27, 77), (23.5, 76), (24.5, 55)], clear(WHITE, 90))
    c.shadow(35, 87, 18, 2.6, p.ink, 70)
    c.blob(
        [
            (16.5, 68),
            (27, 65.5),
            (38, 66),
            (50, 68),
            (48.5, 75),
            (42.5, 77.5),
            (38, 85.5),
            (28, 85.5),
            (24, 77.5),
            (18, 75),
        ],
        WHITE,
    )
    c.blob([(21, 70.5), (33, 69), (45, 70.5), (40, 75.5), (36.5, 83), (29.5, 83), (26, 75.5)], mix(p.pale, WHITE, 0.3))
    c.box(17.5, 69, 22, 74, 1.2, p.accent)
    c.box(44.5, 69, 49, 74, 1.2, p.accent)
    signs.heart(c, 33, 75.5, 2.4, p.main)


def wipes(c: Canvas, p: Palette, chance: Random) -> None:
    """A flat pack of wipes with its flap open and one wipe coming out."""
    c.shadow(50, 79, 35, 4, p.ink)
    c.blob(
        [
            (17, 50),
            (33, 46),
            (50, 45),
            (67, 46),
            (83, 50),
            (85, 63),
            (83, 76),
            (67, 79.5),
            (50, 80),
            (33, 79.5),
            (17, 76),
            (15, 63),
        ],
        p.main,
    )
    for x in (16.2, 81.2):
        c.box(x, 51, x + 2.6, 75, 1, p.deep)
    c.box(33, 51, 67, 70, 6, p.pale)
    c.blob([(38, 58), (41, 43), (37, 31), (46, 35), (52, 27), (56, 36), (64, 33), (60, 45), (62, 58), (50, 61)], WHITE)
    c.curve([(46, 57), (46.5, 46), (45, 37)], 0.6, p.light)
    c.curve([(55, 57), (54.5, 47), (56, 38)], 0.6, p.light)
    c.oval(50, 60.5, 13, 4.6, clear(p.ink, 22))
    c.box(35, 61, 65, 68.5, 4, p.accent)
    signs.words(c, 50, 63.2, 14, mix(p.accent, WHITE, 0.7), chance, lines=1)
    chance.choice(signs.SIGNS)(c, 26, 62, 4.2, p.pale)
    chance.choice(signs.SIGNS)(c, 74.5, 62, 4.2, p.pale)
    signs.words(c, 50, 73, 24, p.light, chance, lines=1)
    c.curve([(20, 52), (34, 48.6), (50, 47.6), (64, 48.4)], 1.3, p.light)


def pads(c: Canvas, p: Palette, chance: Random) -> None:
    """A tall pack of pads and two round ones leaning on it."""
    c.shadow(52, 84, 27, 3.6, p.ink)
    c.box(34, 20, 74, 84, 7, p.main)
    c.blob([(34, 46), (46, 40), (60, 46), (74, 39), (74, 78), (68, 84), (40, 84), (34, 78)], p.pale)
    c.oval(54, 32, 8, 8, p.pale)
    chance.choice(signs.SIGNS)(c, 54, 32, 4.6, p.accent)
    signs.flower(c, 54, 59, 8, p.light)
    c.oval(54, 59, 2.6, 2.6, p.accent)
    signs.words(c, 54, 73, 22, p.deep, chance)
    c.box(37, 24, 40.5, 80, 1.7, clear(WHITE, 85))
    for x, y, r in ((28, 74, 12), (40, 79, 8.5)):
        c.shadow(x, y + r - 1, r, 1.8, p.ink, 60)
        c.oval(x, y, r, r, mix(p.pale, p.main, 0.25))
        c.oval(x - 0.5, y - 0.5, r * 0.9, r * 0.9, WHITE)
        c.ring(x - 0.5, y - 0.5, r * 0.6, r * 0.6, 0.6, p.light)
        signs.heart(c, x - 0.5, y - 0.5, r * 0.24, p.light)


def pump(c: Canvas, p: Palette, chance: Random) -> None:
    """A bottle with a pump, and bubbles."""
    c.shadow(50, 84, 20, 3.6, p.ink)
    c.blob(mirrored([(50, 36), (41, 36.5), (35, 42), (33.5, 52), (33.5, 70), (35, 81), (42, 84.4)]), p.main)
    c.blob(mirrored([(50, 49), (42, 49.5), (36.5, 53), (36.5, 68), (38, 75), (43, 77)]), p.pale)
    c.box(43, 29, 57, 38, 2, p.accent)
    c.box(47.8, 21, 52.2, 30, 1, mix(p.accent, p.ink, 0.15))
    c.box(44.5, 16.5, 62, 22, 2.7, p.accent)
    c.curve([(60, 19.3), (65, 20), (66, 24)], 3.2, p.accent)
    chance.choice(signs.SIGNS)(c, 50, 57.5, 5.4, p.accent)
    signs.words(c, 50, 67, 16, p.deep, chance)
    c.blob([(37.5, 43), (39.8, 42), (38.2, 54), (38.4, 76), (36, 74), (35.8, 55)], clear(WHITE, 110))
    for x, y, r in ((74, 62, 5.5), (80.5, 72, 3.4), (69.5, 76, 4.2), (25, 70, 4.8), (20, 60, 2.8), (29.5, 79, 3)):
        c.oval(x, y, r, r, clear(WHITE, 130))
        c.ring(x, y, r, r, 0.45, mix(p.main, WHITE, 0.35))
        c.oval(x - r * 0.35, y - r * 0.35, r * 0.2, r * 0.26, WHITE)


def tube(c: Canvas, p: Palette, chance: Random) -> None:
    """A tube on its cap and a jar of cream."""
    c.shadow(50, 84, 29, 3.6, p.ink)
    c.poly([(26, 18), (60, 18), (55.5, 74), (30.5, 74)], p.main)
    c.box(25, 15, 61, 20.5, 1, p.deep)
    for x in range(28, 60, 3):
        c.line([(x, 16.4), (x, 19)], 0.5, p.main)
    c.box(30, 73, 56, 84, 2.5, p.accent)
    for x in (35, 39, 43, 47, 51):
        c.line([(x, 75.5), (x, 81.5)], 0.7, mix(p.accent, WHITE, 0.35))
    c.blob([(29.5, 34), (43, 29), (56.5, 34), (54, 60), (43, 64), (32, 60)], p.pale)
    chance.choice(signs.SIGNS)(c, 43, 43, 5.6, p.accent)
    signs.words(c, 43, 53, 15, p.deep, chance)
    c.poly([(28.5, 22), (32, 22), (34.5, 72), (32.6, 72)], clear(WHITE, 95))
    c.box(59, 66, 83, 84, 4, p.light)
    c.box(59, 72, 83, 79, 0.5, p.pale)
    c.oval(71, 66.5, 12, 3, WHITE)
    c.blob([(63, 66), (67, 62.5), (71, 64), (74, 59.5), (78, 63.5), (79, 66.5), (71, 68)], WHITE)
    c.curve([(67, 64.5), (71, 65.6), (75, 63)], 0.7, p.light)
    signs.leaf(c, 71, 75.5, 2.2, p.accent)


def book(c: Canvas, p: Palette, chance: Random) -> None:
    """A board book standing open a little, with a picture on its cover."""
    c.shadow(52, 84, 30, 3.6, p.ink)
    c.poly([(70, 25), (80, 21), (80, 79), (70, 84)], mix(p.accent, p.ink, 0.12))
    for n in range(3):
        c.poly(
            [(69 + n * 3, 26.5 - n), (71 + n * 3, 25.5 - n), (71 + n * 3, 82 - n), (69 + n * 3, 83 - n)],
            WHITE if n % 2 == 0 else p.pale,
        )
    c.box(24, 24, 71, 84, 3.5, p.main)
    c.box(24, 24, 31, 84, 3, p.deep)
    c.box(34, 29, 67, 79, 4, p.pale)
    c.blob(
        [(34, 64), (44, 58), (55, 63), (67, 57), (67, 76), (64, 79), (37, 79), (34, 76)],
        mix(p.main, (160, 196, 130), 0.4),
    )
    c.oval(59.5, 38.5, 4.6, 4.6, p.accent)
    signs.cloud(c, 43, 38, 5, WHITE)
    signs.bear(c, 50, 61, 9, mix(p.accent, p.ink, 0.15))
    signs.face(c, 50, 61, 8.6, p.ink, mix(p.accent, WHITE, 0.5))
    signs.words(c, 50, 46, 18, p.deep, chance, lines=1)
    c.line([(28, 29), (28, 79)], 0.5, p.main)
