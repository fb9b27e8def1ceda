"""Charts as small SVG strings: arrays in, SVG out. They are drawn before any chart library has loaded.

An image follows the color scheme of the page that shows it. Width and height are those of its box: shapes are
stretched, text is not.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.plots.palette import BLUE, GREEN, VERMILLION

LEFT, RIGHT, TOP, BOTTOM = 66, 10, 8, 22
"""Margins in pixels, as in the threshold component."""
COLUMNS = 460
"""Columns to which a line is reduced; each keeps its minimum and maximum."""
_STYLE = (
    "svg{color-scheme:light dark;font:11px 'Source Sans','Source Sans 3',sans-serif}text{fill:#55606E}"
    ".g{stroke:#8A8F98;stroke-opacity:.3}.l{fill:none;stroke-linejoin:round;vector-effect:non-scaling-stroke}"
    ".p{stroke:#0B66A8}@media(prefers-color-scheme:dark){text{fill:#A4AEBB}.p{stroke:#3E9BDC}}"
)


@dataclass(frozen=True)
class Line:
    """A line: y (n,) at x (n,), by default 0 to n - 1; NaN is a gap. `name` is its legend entry."""

    y: np.ndarray
    x: np.ndarray | None = None
    color: str = BLUE
    name: str = ""
    width: float = 1.5
    dash: str = ""


@dataclass(frozen=True)
class Axes:
    """Limits of the y axis, logarithmic or not, its name, and the ticks of the x axis as (x, text)."""

    low: float
    high: float
    log: bool = False
    name: str = ""
    x_ticks: Sequence[tuple[float, str]] = ()


def line_chart(
    lines: Sequence[Line],
    axes: Axes,
    *,
    height: int,
    band: tuple[np.ndarray, np.ndarray] | None = None,
    windows: Sequence[tuple[float, float]] = (),
    threshold: float | None = None,
) -> str:
    """Draw lines on common axes.

    Args:
        lines: the first one sets the x axis.
        axes: limits, names and ticks.
        height: of the image in pixels; its width is that of its box.
        band: low (n,) and high (n,) around the first line, shaded in its color.
        windows: (start, end) on the x axis, shaded.
        threshold: a horizontal line.
    """
    first = lines[0]
    x = np.arange(len(first.y)) if first.x is None else first.x
    left, span = float(x[0]), float(x[-1] - x[0]) or 1.0
    plot = height - TOP - BOTTOM

    def to_x(values: np.ndarray) -> np.ndarray:
        return 1000 * (np.asarray(values, np.float64) - left) / span

    def to_y(values: np.ndarray) -> np.ndarray:
        return np.clip(1 - _share(np.asarray(values, np.float64), axes), -0.02, 1.02) * plot

    shapes = [
        f'<rect x="{a:.1f}" width="{max(2.0, b - a):.1f}" height="{plot}" fill="{GREEN}" opacity=".17"/>'
        for a, b in (to_x(np.array(window)) for window in windows)
    ]
    if band is not None:
        around = np.r_[to_y(band[0]), to_y(band[1])[::-1]]
        points = _points(np.r_[to_x(x), to_x(x)[::-1]], around)
        shapes.append(f'<polygon points="{points}" fill="{first.color}" opacity=".22"/>')
    for line in lines:
        along, values = _reduce(x if line.x is None else line.x, line.y)
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        style = f'class="l" stroke="{line.color}" stroke-width="{line.width}"{dash}'
        shapes += [
            f'<polyline points="{_points(to_x(along[part]), to_y(values[part]))}" {style}/>' for part in _parts(values)
        ]
    if threshold is not None:
        y = float(to_y(np.array([threshold]))[0])
        shapes.append(f'<path d="M0 {y:.1f}H1000" class="l p" stroke-width="2"/>')
    texts = [_tick(value, TOP + float(to_y(np.array([value]))[0])) for value in ticks(axes)]
    texts += [_x_tick((at - left) / span, text, height) for at, text in axes.x_ticks]
    texts += _legend(lines)
    inner = (
        f'<svg x="{LEFT}" y="{TOP}" height="{plot}" style="width:calc(100% - {LEFT + RIGHT}px)" '
        f'viewBox="0 0 1000 {plot}" preserveAspectRatio="none" overflow="hidden">{"".join(shapes)}</svg>'
    )
    return document("".join(texts) + inner)


def cells(values: np.ndarray, *, width: str, height: int, levels: int = 12) -> str:
    """Draw an array (H, W) as a grid of colored cells: vermilion above 0, blue below, as the components do."""
    rows, columns = values.shape
    scale = np.nan_to_num(values / (np.nanmax(np.abs(values)) or 1.0))
    strength = np.round(scale * levels).astype(int)
    shapes = []
    for level in np.unique(strength[strength != 0]):
        path = "".join(f"M{c} {r}h1v1h-1z" for r, c in np.argwhere(strength == level))
        color = VERMILLION if level > 0 else BLUE
        shapes.append(f'<path d="{path}" fill="{color}" opacity="{abs(level) / levels:.2f}"/>')
    return document(
        f'<svg width="{width}" height="{height}" viewBox="0 0 {columns} {rows}" preserveAspectRatio="none">'
        f"{''.join(shapes)}</svg>"
    )


def document(body: str) -> str:
    """Return an SVG document as large as its box."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%"><style>{_STYLE}</style>{body}</svg>'


def ticks(axes: Axes, *, most: int = 5) -> list[float]:
    """Return round values on the y axis: powers of ten on a logarithmic one."""
    if axes.log:
        low, high = math.ceil(math.log10(axes.low)), math.floor(math.log10(axes.high))
        return [10.0**power for power in range(low, high + 1, max(1, -(-(high - low + 1) // most)))]
    rough = (axes.high - axes.low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough * 0.999)
    return [step * n for n in range(math.ceil(axes.low / step), math.floor(axes.high / step) + 1)]


def _share(values: np.ndarray, axes: Axes) -> np.ndarray:
    """Return the height of values as a share of the y axis."""
    if not axes.log:
        return np.asarray((values - axes.low) / ((axes.high - axes.low) or 1.0))
    low, high = math.log(axes.low), math.log(axes.high)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (np.log(np.maximum(values, 0)) - low) / ((high - low) or 1.0)
    return np.asarray(np.where(np.isneginf(share), 0.0, share))


def _reduce(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and maximum of each column, so that peaks stay."""
    if len(y) <= 2 * COLUMNS:
        return x, y
    starts = np.linspace(0, len(y), COLUMNS, endpoint=False).astype(np.int64)
    known = np.where(np.isfinite(y), y, np.nan)  # of a column without a finite value, both are NaN
    ends = np.stack([np.fmin.reduceat(known, starts), np.fmax.reduceat(known, starts)], axis=1)
    return np.repeat(x[starts], 2), ends.ravel()


def _parts(values: np.ndarray) -> list[slice]:
    """Return the runs of finite values."""
    known = np.concatenate([[0], np.isfinite(values).astype(int), [0]])
    edges = np.flatnonzero(np.diff(known))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if math.isfinite(b))


def _tick(value: float, y: float) -> str:
    return (
        f'<line class="g" x1="{LEFT}" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    )


def _x_tick(share: float, text: str, height: int) -> str:
    place = f"transform:translateX(calc((100% - {LEFT + RIGHT}px)*{share:.4f}))"
    return f'<text x="{LEFT}" y="{height - 6}" text-anchor="middle" style="{place}">{html.escape(text)}</text>'


def _legend(lines: Sequence[Line]) -> list[str]:
    texts, x = [], LEFT + 8
    for line in lines:
        if line.name:
            texts.append(
                f'<path d="M{x} {TOP + 6}h14" stroke="{line.color}" stroke-width="3"/>'
                f'<text x="{x + 19}" y="{TOP + 10}">{html.escape(line.name)}</text>'
            )
            x += 40 + 6 * len(line.name)
    return texts
