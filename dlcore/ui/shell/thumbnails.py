"""Tiny pictures for the home page, drawn as SVG from the predictions of a project's reference run."""

from collections.abc import Mapping

import numpy as np

from dlcore.plots.palette import ORANGE, SKY, VERMILLION

WIDTH, HEIGHT = 320, 120


def thumbnail(predictions: Mapping[str, np.ndarray]) -> str:
    """An SVG for one set of test predictions.

    A series shows its errors over time with the labelled windows; two classes show how their scores part; more
    classes show the confusion matrix; a forecast shows ten days of its first variable and what came; sequences that
    were written show some of them, symbol by symbol. Empty where there is nothing to draw.
    """
    scores, targets = predictions.get("test_scores"), predictions.get("test_targets")
    if scores is None or targets is None or not len(scores):
        return ""
    if "test_written" in predictions:
        return _svg(_written(predictions["test_written"], targets))
    if scores.ndim == 1:
        return _svg(_errors(scores, targets))
    if scores.ndim == 3:
        return _svg(_forecast(scores[:, 0, 0], targets[:, 0, 0]))
    classes = scores.shape[1]
    return _svg(_parting(scores[:, 1], targets) if classes == 2 else _confusion(scores, targets))


def _svg(body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _errors(scores: np.ndarray, targets: np.ndarray) -> str:
    """Highest error in each of 160 stretches of time (n,), with bands where a window is labelled."""
    parts = np.array_split(np.arange(len(scores)), min(160, len(scores)))
    highest = np.array([np.nanmax(scores[part]) for part in parts])
    labelled = np.array([bool(targets[part].any()) for part in parts])
    top = np.quantile(highest, 0.995) or 1.0
    x = np.linspace(0, WIDTH, len(parts))
    y = HEIGHT - 10 - np.clip(highest / top, 0, 1) * (HEIGHT - 24)
    step = WIDTH / len(parts)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labelled.astype(int), [0]])))
    bands = "".join(
        f'<rect x="{a * step:.1f}" y="0" width="{(b - a) * step:.1f}" height="{HEIGHT}" fill="{ORANGE}" opacity=".28"/>'
        for a, b in edges.reshape(-1, 2)
    )
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    line = f'fill="none" stroke="{SKY}" stroke-width="1.8" vector-effect="non-scaling-stroke"'
    return f'{bands}<polyline points="{points}" {line}/>'


def _forecast(scores: np.ndarray, targets: np.ndarray) -> str:
    """The last ten days, hour by hour: what happened in one colour, the forecast (n,) over it in another."""
    lines = []
    shown = targets[-240:]
    low, high = np.nanmin(shown), np.nanmax(shown)
    for values, colour, width in ((shown, SKY, 3.2), (scores[-240:], VERMILLION, 1.4)):
        y = HEIGHT - 10 - np.clip((values - low) / ((high - low) or 1.0), -0.05, 1.05) * (HEIGHT - 20)
        x = np.linspace(0, WIDTH, len(values))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
            'vector-effect="non-scaling-stroke"/>'
        )
    return "".join(lines)


def _written(values: np.ndarray, targets: np.ndarray, *, rows: int = 7) -> str:
    """The first answers (N, L) without the ends, a shade for each symbol: right in one colour, wrong in another."""
    wanted = targets[:rows]
    wanted = wanted[:, : max(1, int((wanted != 0).sum(axis=1).max()) - 1)]
    found, top = values[:rows, : wanted.shape[1]], max(1, int(wanted.max()))
    wide, tall = WIDTH / wanted.shape[1], HEIGHT / max(1, len(wanted))
    return "".join(
        f'<rect x="{c * wide + 1:.1f}" y="{r * tall + 1:.1f}" width="{wide - 2:.1f}" height="{tall - 2:.1f}" rx="1.5" '
        f'fill="{SKY if found[r, c] == symbol else ORANGE}" opacity="{0.12 + 0.88 * symbol / top:.2f}"/>'
        for r, line in enumerate(wanted.tolist())
        for c, symbol in enumerate(line)
        if symbol
    )


def _parting(scores: np.ndarray, targets: np.ndarray) -> str:
    """Histograms of the second class's probability, one for each true class."""
    shapes = []
    for label, colour in ((0, VERMILLION), (1, SKY)):
        counts, _ = np.histogram(scores[targets == label], bins=40, range=(0, 1))
        heights = np.sqrt(counts / max(1, counts.max())) * (HEIGHT - 16)
        width = WIDTH / 40
        shapes += [
            f'<rect x="{i * width + 0.8:.1f}" y="{HEIGHT - tall:.1f}" width="{width - 1.6:.1f}" height="{tall:.1f}" '
            f'fill="{colour}" opacity=".62"/>'
            for i, tall in enumerate(heights)
        ]
    return "".join(shapes)


def _confusion(scores: np.ndarray, targets: np.ndarray) -> str:
    """The confusion matrix, rows are true classes: right answers in one colour, mistakes in another."""
    classes = scores.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (targets.astype(int), scores.argmax(axis=1)), 1)
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    wide, tall = WIDTH / classes, HEIGHT / classes
    return "".join(
        f'<rect x="{c * wide + 1:.1f}" y="{r * tall + 1:.1f}" width="{wide - 2:.1f}" height="{tall - 2:.1f}" rx="1.5" '
        f'fill="{SKY if r == c else ORANGE}" opacity="{0.03 + 0.97 * float(np.sqrt(share[r, c])):.2f}"/>'
        for r in range(classes)
        for c in range(classes)
    )
