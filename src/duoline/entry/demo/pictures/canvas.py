"""A small drawing board: shapes in units of a hundredth of the side, smooth curves, soft shadows, gentle colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIDE = 640
OVER = 2
"""Everything is drawn this many times too large and then reduced, which smooths the edges."""

SHADOW_STEPS = 12

Colour = tuple[int, ...]
Point = tuple[float, float]

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Palette:
    """The colours of one picture: the goods, what stands out on them, lines, and the room behind."""

    name: str
    main: Colour
    accent: Colour
    ink: Colour
    top: Colour
    bottom: Colour

    @property
    def light(self) -> Colour:
        """The goods in the light."""
        return mix(self.main, WHITE, 0.45)

    @property
    def pale(self) -> Colour:
        """Nearly white, with a breath of the colour."""
        return mix(self.main, WHITE, 0.8)

    @property
    def deep(self) -> Colour:
        """The goods in the shade."""
        return mix(self.main, self.ink, 0.32)


def rgb(text: str) -> Colour:
    """A colour from six hexadecimal digits."""
    return tuple(int(text[n : n + 2], 16) for n in (0, 2, 4))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """A colour between two: `share` of the second."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a[:3], b[:3], strict=True))


def clear(colour: Colour, alpha: int) -> Colour:
    """A colour that lets `255 - alpha` parts of what is behind through."""
    return (*colour[:3], alpha)


PALETTES: tuple[Palette, ...] = tuple(
    Palette(name, *(rgb(code) for code in codes.split()))
    for name, codes in (
        ("Cream", "F4D58D E58C63 7A5A34 FFF9EC FBEACB"),
        ("Mist Blue", "8FB8DA F2B56B 34506C F3F8FD DBE8F5"),
        ("Blush", "F0A8AE 8FB9A6 7C4049 FFF5F4 FADEDD"),
        ("Pea Green", "A2C485 F0B36C 435A33 F6FBF0 E0EED0"),
        ("Oatmeal", "D8BD99 8FAEC4 6B533D FCF8F2 EEE2D1"),
        ("Terracotta", "DD8B68 F2CF8F 6B3928 FEF4EE F6DCCC"),
        ("Cloud Grey", "AAB9C7 F0A388 3F4C5A F7F9FB E1E7ED"),
        ("Wisteria", "B5A3DA F3C67C 4C3F70 F9F6FD E5DDF3"),
    )
)


class Canvas:
    """One picture being drawn."""

    def __init__(self) -> None:
        self.size = SIDE * OVER
        self.image = Image.new("RGB", (self.size, self.size))
        self._pen = ImageDraw.Draw(self.image, "RGBA")

    def _at(self, value: float) -> float:
        return value * self.size / 100

    def _points(self, points: Sequence[Point]) -> list[Point]:
        return [(self._at(x), self._at(y)) for x, y in points]

    def room(self, palette: Palette) -> None:
        """The background: light falls from above."""
        shades = Image.new("RGB", (1, 2))
        shades.putdata([palette.top[:3], palette.bottom[:3]])
        # One column is shaded and then drawn out: blending a whole picture would take ten times as long.
        column = shades.resize((1, self.size), Image.Resampling.BICUBIC)
        self.image.paste(column.resize(self.image.size, Image.Resampling.NEAREST))

    def shadow(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: int = 90) -> None:
        """The soft shadow of something that stands here: ovals within ovals, since blurring is slow."""
        for n in range(SHADOW_STEPS):
            grown = 1.16 - 0.5 * n / SHADOW_STEPS
            self.oval(x, y, rx * grown, ry * grown, clear(colour, strength // SHADOW_STEPS))

    def box(self, x0: float, y0: float, x1: float, y1: float, radius: float, fill: Colour) -> None:
        """A box with round corners."""
        corners = [self._at(v) for v in (x0, y0, x1, y1)]
        radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
        self._pen.rounded_rectangle(corners, self._at(radius), fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """An oval around a point."""
        self._pen.ellipse([self._at(v) for v in (x - rx, y - ry, x + rx, y + ry)], fill=fill)

    def ring(self, x: float, y: float, rx: float, ry: float, width: float, fill: Colour) -> None:
        """An oval line around a point."""
        corners = [self._at(v) for v in (x - rx, y - ry, x + rx, y + ry)]
        self._pen.ellipse(corners, outline=fill, width=round(self._at(width)))

    def arc(
        self, x: float, y: float, rx: float, ry: float, begin: float, end: float, width: float, fill: Colour
    ) -> None:
        """A piece of an oval line with round ends; degrees clockwise from three o'clock."""
        steps = max(8, int(abs(end - begin) / 4))
        turns = [math.radians(begin + (end - begin) * n / steps) for n in range(steps + 1)]
        self.line([(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns], width, fill)

    def poly(self, points: Sequence[Point], fill: Colour) -> None:
        """A shape with corners."""
        self._pen.polygon(self._points(points), fill=fill)

    def blob(self, points: Sequence[Point], fill: Colour) -> None:
        """A shape without corners through the points."""
        self.poly(smooth(points, closed=True), fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A line with round joints and ends. Opaque colours only: joints overlap."""
        at, w = self._points(points), self._at(width)
        self._pen.line(at, fill=fill, width=max(1, round(w)), joint="curve")
        for x, y in (at[0], at[-1]):
            self._pen.ellipse([x - w / 2, y - w / 2, x + w / 2, y + w / 2], fill=fill)

    def curve(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A smooth line through the points."""
        self.line(smooth(points, closed=False), width, fill)

    def stitches(self, points: Sequence[Point], width: float, fill: Colour, *, gap: int = 2) -> None:
        """A sewn line: dashes along a smooth line through the points."""
        path = smooth(points, closed=False)
        for n in range(0, len(path) - 1, gap * 2):
            self.line(path[n : n + gap + 1], width, fill)

    def finished(self) -> Image.Image:
        """The picture at its real size."""
        return self.image.reduce(OVER)


def smooth(points: Sequence[Point], *, closed: bool, steps: int = 10) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    found: list[Point] = []
    for n in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(n + k - 1) % count] for k in range(4))
        else:
            p0, p1, p2, p3 = points[max(n - 1, 0)], points[n], points[n + 1], points[min(n + 2, count - 1)]
        for step in range(steps):
            t = step / steps
            found.append((_spline(p0[0], p1[0], p2[0], p3[0], t), _spline(p0[1], p1[1], p2[1], p3[1], t)))
    if not closed:
        found.append(points[-1])
    return found


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def mirrored(points: Sequence[Point], axis: float = 50) -> list[Point]:
    """The points and, on the way back, their mirror images: half a shape becomes a whole one."""
    return [*points, *((2 * axis - x, y) for x, y in reversed(points) if x != axis)]
