"""A day as a picture: calls open, and the calls for which pods are there. Plain SVG."""

from __future__ import annotations

from collections.abc import Sequence

from bench.day.run import Outcome

WIDTH, HEIGHT, LEFT, BELOW, TOP = 900, 260, 60, 40, 34
INK, CALLS, ROOM, STILL = "#334155", "#0f766e", "#2563eb", "#94a3b8"


def _line(points: Sequence[tuple[float, float]], highest: float, colour: str, dashes: str = "") -> str:
    def at(hour: float, value: float) -> str:
        x = LEFT + hour / 24 * (WIDTH - LEFT - 10)
        return f"{x:.1f},{TOP + (1 - value / highest) * (HEIGHT - TOP - BELOW):.1f}"

    drawn = " ".join(at(hour, value) for hour, value in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.6"{dashed} points="{drawn}"/>'


def _text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def picture(scaled: Outcome, still: Outcome) -> str:
    """One day twice: with pods by the rule, and with as many all day."""
    highest = max(room for _, _, room in still.course) * 1.08
    calls = [(hour, float(now)) for hour, now, _ in scaled.course]
    room = [(hour, there) for hour, _, there in scaled.course]
    whole = [(hour, there) for hour, _, there in still.course]
    hours = [
        _text(LEFT + h / 24 * (WIDTH - LEFT - 10), HEIGHT - 18, f"{h}:00", anchor="middle") for h in range(0, 25, 4)
    ]
    round_to = 10 ** (len(str(int(highest))) - 1)
    marks = [
        _text(LEFT - 8, TOP + (1 - value / highest) * (HEIGHT - TOP - BELOW) + 4, f"{value:,}", anchor="end")
        for value in range(0, int(highest) + 1, round_to)
    ]
    key = [
        _text(LEFT, 18, "calls open", CALLS),
        _text(LEFT + 110, 18, "new calls that the gateway's pods take: by the rule", ROOM),
        _text(LEFT + 480, 18, "as many pods all day", STILL),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{scaled.day}: calls and pods over a day</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *hours,
            *marks,
            *key,
            _line(whole, highest, STILL, "6 4"),
            _line(room, highest, ROOM),
            _line(calls, highest, CALLS),
            "</svg>",
            "",
        ]
    )
