"""Charts as SVG: lines over time, and single numbers, in a grid like a dashboard's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDE, HIGH = 540, 220
SMALL_WIDE, SMALL_HIGH = 270, 86
MARGIN = 12
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 34, 44
_COLOURS = (
    "#3366cc",
    "#dc7900",
    "#109618",
    "#990099",
    "#0099c6",
    "#b82e2e",
    "#66aa00",
    "#994499",
    "#5574a6",
    "#aaaa11",
)

_SHORT = frozenset({"percentunit", "currencyUSD", "bytes", "ms", "s", "short"})

Point = tuple[float, float]
"""Seconds since the beginning, and a value."""


@dataclass(frozen=True)
class Chart:
    """Of one panel. `lines`: legend -> points. `number`: the newest value instead of lines."""

    title: str
    unit: str
    lines: dict[str, list[Point]] = field(default_factory=dict)
    limit: float | None = None
    number: bool = False
    silent: str = ""  # said where there are no points


def sheet(title: str, about: str, charts: Sequence[Chart], seconds: float) -> str:
    """One picture: numbers in rows of four, charts in rows of two."""
    numbers = [chart for chart in charts if chart.number]
    wide = [chart for chart in charts if not chart.number]
    parts, y = [], 64
    for row in range(0, len(numbers), 4):
        for column, chart in enumerate(numbers[row : row + 4]):
            parts.append(_placed(_number(chart), MARGIN + column * SMALL_WIDE, y))
        y += SMALL_HIGH + 8
    for row in range(0, len(wide), 2):
        for column, chart in enumerate(wide[row : row + 2]):
            parts.append(_placed(_lines(chart, seconds), MARGIN + column * WIDE, y))
        y += HIGH + 8
    head = _text(MARGIN, 26, title, size=18, weight="bold") + _text(MARGIN, 46, about, colour="#555555")
    return document(2 * WIDE + 2 * MARGIN, y + MARGIN, head + "".join(parts))


def document(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>\n'
    )


def shown(value: float, unit: str) -> str:
    """A value as people read it."""
    if math.isnan(value):
        return "–"
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "currencyUSD":
            return f"${value:.3g}"
        case "bytes":
            return f"{value / 1e6:.0f} MB"
        case "ms" | "s":
            return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
        case "short":
            return f"{value:.3g}"
    return f"{value:.3g} {unit}"


def _placed(body: str, x: float, y: float) -> str:
    return f'<g transform="translate({x:g},{y:g})">{body}</g>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 11,
    colour: str = "#222222",
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    look = f'font-size="{size}" fill="{colour}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'


def _frame(width: float, height: float, title: str) -> str:
    box = f'<rect width="{width - 8:g}" height="{height:g}" fill="#fafafa" stroke="#dddddd"/>'
    return box + _text(10, 18, title, weight="bold")


def _number(chart: Chart) -> str:
    newest = [points[-1][1] for points in chart.lines.values() if points]
    value = newest[0] if newest else math.nan
    over = chart.limit is not None and value >= chart.limit
    colour = "#b82e2e" if over else "#109618"
    told = shown(value, chart.unit) if newest else chart.silent or "no data"
    size = 26 if newest else 12
    title = chart.title if len(chart.title) < 40 else chart.title[:38] + "…"
    return _frame(SMALL_WIDE, SMALL_HIGH, title) + _text(
        10, 58, told, size=size, colour=colour if newest else "#777777"
    )


def _lines(chart: Chart, seconds: float) -> str:
    right, bottom = WIDE - 8 - _RIGHT, HIGH - _BOTTOM
    values = [value for points in chart.lines.values() for _, value in points if math.isfinite(value)]
    # A word would not fit beside every line: it stands in the title.
    axis, title = (chart.unit, chart.title) if chart.unit in _SHORT else ("short", f"{chart.title}, {chart.unit}")
    out = [_frame(WIDE, HIGH, title)]
    if not values:
        return out[0] + _text(WIDE / 2, HIGH / 2, chart.silent or "no data", colour="#777777", anchor="middle")
    top = _round_up(max(values)) if max(values) > 0 else 1.0
    if chart.limit is not None and chart.limit <= 3 * top:
        top = max(top, _round_up(chart.limit))

    def at(second: float, value: float) -> str:
        x = _LEFT + (right - _LEFT) * min(max(second / seconds, 0), 1)
        return f"{x:.1f},{bottom - (bottom - _TOP) * min(value / top, 1):.1f}"

    for part in range(5):
        value = top * part / 4
        y = bottom - (bottom - _TOP) * part / 4
        out.append(f'<line x1="{_LEFT}" y1="{y:g}" x2="{right:g}" y2="{y:g}" stroke="#e4e4e4"/>')
        out.append(_text(_LEFT - 5, y + 4, shown(value, axis), size=10, colour="#555555", anchor="end"))
    for part in range(5):
        x = _LEFT + (right - _LEFT) * part / 4
        told, anchor = f"{seconds * part / 4:.0f} s", "end" if part == 4 else "middle"
        out.append(_text(x, bottom + 14, told, size=10, colour="#555555", anchor=anchor))
    if chart.limit is not None and chart.limit <= top:
        path = f"{at(0, chart.limit)} {at(seconds, chart.limit)}"
        out.append(f'<polyline points="{path}" stroke="#b82e2e" stroke-dasharray="5 3"/>')
    x = 10.0
    for number, (legend, points) in enumerate(sorted(chart.lines.items())):
        colour = _COLOURS[number % len(_COLOURS)]
        for piece in _unbroken(points, seconds):
            path = " ".join(at(*point) for point in piece)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        width = 22 + 5.6 * len(legend)
        if x + width < WIDE - 20:
            out.append(f'<rect x="{x:g}" y="{HIGH - 17}" width="10" height="4" fill="{colour}"/>')
            out.append(_text(x + 14, HIGH - 11, legend, size=10))
        x += width
    return "".join(out)


def _unbroken(points: Sequence[Point], seconds: float) -> list[list[Point]]:
    """Pieces of a line: where values are missing it is not drawn."""
    pieces: list[list[Point]] = []
    before = -math.inf
    for second, value in points:
        if not math.isfinite(value):
            continue
        if second - before > max(seconds / 40, 5):
            pieces.append([])
        pieces[-1].append((second, value))
        before = second
    return pieces


def _round_up(value: float) -> float:
    """A little more, that divides well by four."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if unit * step >= value * 0.999)
