"""The costs of the strategies as a line chart, as SVG that needs nothing else."""

from collections.abc import Sequence

from bench.agents.strategies import Cost

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 168, 40, 44
COLOURS = ("#5b6b7b", "#0b7a4b", "#b4530a", "#7a4bb0")
FONT = "font-family='system-ui, sans-serif' font-size='12'"
GRID = 5


def picture(vendor: str, played: dict[str, Sequence[Cost]]) -> str:
    """Return the chart: issues from left to right, thousands of units upwards."""
    most = max(cost.units for costs in played.values() for cost in costs) / 1000
    top = -(-int(most) // 50) * 50
    issues = max(len(costs) for costs in played.values())

    def x(number: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (number - 1) / max(1, issues - 1)

    def y(thousands: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * thousands / top

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>",
        f"<title>Cost per issue over {issues} issues, {vendor}</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='#ffffff'/>",
        f"<text x='{LEFT}' y='20' {FONT} fill='#1b1f24'>{vendor}: cost of each issue, in thousands "
        "of uncached input tokens</text>",
    ]
    for step in range(GRID + 1):
        value = top * step / GRID
        parts.append(
            f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y(value):.1f}' y2='{y(value):.1f}' "
            "stroke='#e3e6e8'/>"
            f"<text x='{LEFT - 8}' y='{y(value) + 4:.1f}' {FONT} fill='#57606a' "
            f"text-anchor='end'>{value:.0f}</text>"
        )
    for number in (1, *range(50, issues + 1, 50)):
        parts.append(
            f"<text x='{x(number):.1f}' y='{HEIGHT - 20}' {FONT} fill='#57606a' "
            f"text-anchor='middle'>{number}</text>"
        )
    labels = _apart({name: y(costs[-1].units / 1000) for name, costs in played.items()})
    for colour, (name, costs) in zip(COLOURS, played.items(), strict=True):
        line = " ".join(f"{x(n):.1f},{y(cost.units / 1000):.1f}" for n, cost in enumerate(costs, 1))
        parts.append(
            f"<polyline points='{line}' fill='none' stroke='{colour}' stroke-width='1.6'/>"
            f"<text x='{WIDTH - RIGHT + 8}' y='{labels[name] + 4:.1f}' {FONT} "
            f"fill='{colour}'>{name}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _apart(wanted: dict[str, float]) -> dict[str, float]:
    """Return the labels' heights, moved so that none covers another."""
    placed: dict[str, float] = {}
    below = float("-inf")
    for name, height in sorted(wanted.items(), key=lambda pair: pair[1]):
        below = placed[name] = max(height, below + 15)
    return placed
