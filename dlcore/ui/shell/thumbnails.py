"""Thumbnails of the home page: SVG drawn from the reference runs of a project, or from samples of its data."""

import base64
import io
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from dlcore.core.settings import ASSETS
from dlcore.plots.palette import GRAY, ORANGE, ORDER, SKY, VERMILLION
from dlcore.runs import Bundle, Run

WIDTH, HEIGHT = 320, 120


def project_thumbnail(slug: str, runs: Sequence[Run]) -> str:
    """Return the SVG of a project from its reference runs, the best first; empty without one."""
    bundles = [bundle for run in runs if (bundle := run.bundle) is not None]
    if not bundles:
        return ""
    return _svg(_DRAWINGS[slug](bundles)) if slug in _DRAWINGS else thumbnail(bundles[0].predictions())


def thumbnail(predictions: Mapping[str, np.ndarray]) -> str:
    """Return the SVG of test predictions; empty without scores.

    Time series: errors over time with labeled windows. Two classes: score histograms. More classes: confusion matrix.
    Forecast: ten days of the first variable, actual and predicted. Decoded sequences: a cell per symbol.
    """
    scores, targets = predictions.get("test_scores"), predictions.get("test_targets")
    if scores is None or targets is None or not len(scores):
        return ""
    if "test_written" in predictions:
        return _svg(_decoded(predictions["test_written"], targets))
    if scores.ndim == 1:
        return _svg(_errors(scores, targets)[0])
    if scores.ndim == 3:
        return _svg(_forecast(scores[:, 0, 0], targets[:, 0, 0]))
    classes = scores.shape[1]
    return _svg(_histograms(scores[:, 1], targets) if classes == 2 else _confusion(scores, targets))


def _samples(name: str, *, grid: bool = False) -> str:
    """Draw 24 images of `assets/thumbnails`, with the patches of a vision transformer on request."""
    pixels = np.load(ASSETS / "thumbnails" / f"{name}.npz")["pixels"][:24]
    sheet = pixels.reshape(3, 8, 28, 28).transpose(0, 2, 1, 3).reshape(84, 224)
    color = tuple(int(SKY[place : place + 2], 16) for place in (1, 3, 5))
    image = np.dstack([np.full((*sheet.shape, 3), color, np.uint8), sheet])
    lines = "".join(
        f'<path d="M{place} 0V{HEIGHT}M0 {place}H{WIDTH}" stroke="{GRAY}" stroke-width="1" opacity=".6"/>'
        for place in (range(0, WIDTH, 10) if grid else ())
    )
    return _image(Image.fromarray(image), (0, 0, WIDTH, HEIGHT)) + lines


def _rows_of_digits(bundles: Sequence[Bundle]) -> str:
    """Draw one digit as a recurrent network reads it: by rows, further at each step."""
    digit = np.load(ASSETS / "thumbnails" / "mnist.npz")["pixels"][7].astype(float) / 255
    steps, side = (7, 12, 17, 22, 28), HEIGHT / 28
    return "".join(
        f'<rect x="{8 + 62 * place + 2.1 * column:.1f}" y="{row * side:.1f}" width="2.1" height="{side:.1f}" '
        f'fill="{ORANGE if row == step - 1 else SKY}" opacity="{max(0.1, digit[row, column]):.2f}"/>'
        for place, step in enumerate(steps)
        for row in range(step)
        for column in range(28)
        if digit[row, column] > 0.15 or row == step - 1
    )


def _photos(bundles: Sequence[Bundle]) -> str:
    """Draw the dishes of `assets/samples/food`."""
    files = sorted((ASSETS / "samples" / "food").glob("*.png"))[:8]
    images = (Image.open(file).convert("RGB").resize((96, 72)) for file in files)
    places = [(80 * (k % 4), 60 * (k // 4), 78, 58) for k in range(len(files))]
    return "".join(_image(image, place) for image, place in zip(images, places, strict=True))


def _image(image: Image.Image, place: tuple[float, float, float, float]) -> str:
    buffer, kind = io.BytesIO(), "JPEG" if image.mode == "RGB" else "PNG"
    image.save(buffer, kind, optimize=True)
    x, y, width, height = place
    href = f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    size = f'x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none"'
    return f'<image {size} href="{href}"/>'


def _curves(metric: str) -> "Callable[[Sequence[Bundle]], str]":
    """Return a function that draws a metric by epoch, one line per reference run."""

    def draw(bundles: Sequence[Bundle]) -> str:
        curves = [bundle.history()[metric].values for bundle in bundles if metric in bundle.history()]
        curves = [values for values in curves if len(values) > 1][: len(ORDER)]
        low, high = (reduce(np.concatenate(curves)) for reduce in (np.min, np.max)) if curves else (0, 1)
        return "".join(
            _line(np.linspace(0, WIDTH, len(values)), (values - low) / ((high - low) or 1), color)
            for values, color in zip(curves, (SKY, VERMILLION, *ORDER[2:]), strict=False)
        )

    return draw


def _accuracies(bundles: Sequence[Bundle]) -> str:
    """Draw the test accuracy of each reference run as a bar, the smallest first."""
    values = sorted(float(bundle.evaluation.metrics["accuracy"]) for bundle in bundles if bundle.evaluation)
    width = WIDTH / max(1, len(values))
    return "".join(
        f'<rect x="{k * width + 2:.1f}" y="{HEIGHT - value * (HEIGHT - 12):.1f}" width="{width - 4:.1f}" '
        f'height="{value * (HEIGHT - 12):.1f}" rx="2" fill="{SKY if value > 0.5 else VERMILLION}"/>'
        for k, value in enumerate(values)
    )


def _roc(bundles: Sequence[Bundle]) -> str:
    """Draw the ROC curve of two classes, above the diagonal of a random order."""
    predictions = bundles[0].predictions()
    order = np.argsort(-predictions["test_scores"][:, 1])
    targets = predictions["test_targets"][order]
    points = np.unique(np.linspace(0, len(order) - 1, 120).astype(int))
    true, false = (np.cumsum(targets == label)[points] / max(1, (targets == label).sum()) for label in (1, 0))
    area = " ".join(f"{WIDTH * x:.1f},{HEIGHT - y * (HEIGHT - 8):.1f}" for x, y in zip(false, true, strict=True))
    fill = f'<polygon points="0,{HEIGHT} {area} {WIDTH},{HEIGHT}" fill="{SKY}" opacity=".25"/>'
    diagonal = f'<path d="M0 {HEIGHT}L{WIDTH} 8" stroke="{GRAY}" stroke-dasharray="4 4"/>'
    return fill + diagonal + _line(WIDTH * false, true, SKY)


def _recalls(bundles: Sequence[Bundle]) -> str:
    """Draw the recall of each class as a bar from the left."""
    predictions = bundles[0].predictions()
    targets, correct = predictions["test_targets"], predictions["test_scores"].argmax(axis=1)
    recalls = [float((correct[targets == k] == k).mean()) for k in range(predictions["test_scores"].shape[1])]
    height = HEIGHT / len(recalls)
    return "".join(
        f'<rect x="0" y="{k * height + 3:.1f}" width="{WIDTH * part:.1f}" height="{height - 6:.1f}" rx="2" '
        f'fill="{color}" opacity="{opacity}"/>'
        for k, recall in enumerate(recalls)
        for part, color, opacity in ((1, ORANGE, 0.3), (recall, SKY, 1))
    )


def _network(bundles: Sequence[Bundle]) -> str:
    """Draw the layers of an autoencoder as bars with the height of their width."""
    widths = [1000, *(bundles[0].config.flat[name] for name in ("hidden", "bottleneck", "hidden")), 1000]
    heights = [max(14.0, (HEIGHT - 12) * width / max(widths)) for width in widths]
    middle, step = HEIGHT / 2, WIDTH / len(widths)
    bars = [(step * (k + 0.5), height) for k, height in enumerate(heights)]
    flows = "".join(
        f'<polygon points="{a:.0f},{middle - h / 2:.1f} {b:.0f},{middle - g / 2:.1f} {b:.0f},{middle + g / 2:.1f} '
        f'{a:.0f},{middle + h / 2:.1f}" fill="{SKY}" opacity=".3"/>'
        for (a, h), (b, g) in itertools.pairwise(bars)
    )
    return flows + "".join(
        f'<rect x="{x - 7:.1f}" y="{middle - height / 2:.1f}" width="14" height="{height:.1f}" rx="4" '
        f'fill="{ORANGE if height == min(heights) else SKY}"/>'
        for x, height in bars
    )


def _threshold(bundles: Sequence[Bundle]) -> str:
    """Draw the errors of the test part on a log scale, and the run's threshold with a handle."""
    predictions, threshold = bundles[0].predictions(), bundles[0].threshold or 1.0
    scores = predictions["test_scores"]
    low = max(float(np.quantile(scores, 0.2)), 1e-9)
    drawing, top = _errors(np.log(np.maximum(scores, low) / low), predictions["test_targets"])
    y = HEIGHT - 10 - min(1.0, max(0.0, np.log(threshold / low) / top)) * (HEIGHT - 24)
    line = f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{VERMILLION}" stroke-width="2" stroke-dasharray="7 4"/>'
    return f'{drawing}{line}<rect x="{WIDTH - 36}" y="{y - 9:.1f}" width="16" height="18" rx="5" fill="{VERMILLION}"/>'


def _line(x: np.ndarray, share: np.ndarray, color: str) -> str:
    """Return a line through shares of the height, 0 at the bottom."""
    y = HEIGHT - 8 - share * (HEIGHT - 16)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
    style = 'stroke-width="2.4" vector-effect="non-scaling-stroke" stroke-linejoin="round"'
    return f'<polyline points="{points}" fill="none" stroke="{color}" {style}/>'


def _svg(body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _errors(scores: np.ndarray, targets: np.ndarray) -> tuple[str, float]:
    """Draw the highest error of each of 160 intervals (n,), with bands where a window is labeled; return its scale."""
    parts = np.array_split(np.arange(len(scores)), min(160, len(scores)))
    highest = np.array([np.nanmax(scores[part]) for part in parts])
    labeled = np.array([bool(targets[part].any()) for part in parts])
    top = np.quantile(highest, 0.995) or 1.0
    x = np.linspace(0, WIDTH, len(parts))
    y = HEIGHT - 10 - np.clip(highest / top, 0, 1) * (HEIGHT - 24)
    step = WIDTH / len(parts)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labeled.astype(int), [0]])))
    bands = "".join(
        f'<rect x="{a * step:.1f}" y="0" width="{(b - a) * step:.1f}" height="{HEIGHT}" fill="{ORANGE}" opacity=".28"/>'
        for a, b in edges.reshape(-1, 2)
    )
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    line = f'fill="none" stroke="{SKY}" stroke-width="1.8" vector-effect="non-scaling-stroke"'
    return f'{bands}<polyline points="{points}" {line}/>', float(top)


def _forecast(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw the last ten days by hour: actual values, and the forecast (n,) on top in another color."""
    lines = []
    actual = targets[-240:]
    low, high = np.nanmin(actual), np.nanmax(actual)
    for values, color, width in ((actual, SKY, 3.2), (scores[-240:], VERMILLION, 1.4)):
        y = HEIGHT - 10 - np.clip((values - low) / ((high - low) or 1.0), -0.05, 1.05) * (HEIGHT - 20)
        x = np.linspace(0, WIDTH, len(values))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}" '
            'vector-effect="non-scaling-stroke"/>'
        )
    return "".join(lines)


def _decoded(decoded: np.ndarray, targets: np.ndarray, *, rows: int = 7) -> str:
    """Draw a cell per symbol of the first sequences (N, L), correct ones in one color, errors in another."""
    targets = targets[:rows]
    targets = targets[:, : max(1, int((targets != 0).sum(axis=1).max()) - 1)]
    decoded, top = decoded[:rows, : targets.shape[1]], max(1, int(targets.max()))
    width, height = WIDTH / targets.shape[1], HEIGHT / max(1, len(targets))
    return "".join(
        _cell(r, c, width, height, SKY if decoded[r, c] == symbol else ORANGE, opacity=0.12 + 0.88 * symbol / top)
        for r, line in enumerate(targets.tolist())
        for c, symbol in enumerate(line)
        if symbol
    )


def _histograms(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw histograms of the second class's probability, one per actual class."""
    shapes = []
    for label, color in ((0, VERMILLION), (1, SKY)):
        counts, _ = np.histogram(scores[targets == label], bins=40, range=(0, 1))
        heights = np.sqrt(counts / max(1, counts.max())) * (HEIGHT - 16)
        width = WIDTH / 40
        shapes += [
            f'<rect x="{i * width + 0.8:.1f}" y="{HEIGHT - height:.1f}" width="{width - 1.6:.1f}" '
            f'height="{height:.1f}" fill="{color}" opacity=".62"/>'
            for i, height in enumerate(heights)
        ]
    return "".join(shapes)


def _confusion(scores: np.ndarray, targets: np.ndarray) -> str:
    """Draw the confusion matrix (rows: actual classes), correct predictions in one color, errors in another."""
    classes = scores.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (targets.astype(int), scores.argmax(axis=1)), 1)
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    width, height = WIDTH / classes, HEIGHT / classes
    return "".join(
        _cell(r, c, width, height, SKY if r == c else ORANGE, opacity=0.03 + 0.97 * float(np.sqrt(share[r, c])))
        for r in range(classes)
        for c in range(classes)
    )


def _cell(row: int, column: int, width: float, height: float, color: str, *, opacity: float) -> str:
    return (
        f'<rect x="{column * width + 1:.1f}" y="{row * height + 1:.1f}" width="{width - 2:.1f}" '
        f'height="{height - 2:.1f}" rx="1.5" fill="{color}" opacity="{opacity:.2f}"/>'
    )


_DRAWINGS: "dict[str, Callable[[Sequence[Bundle]], str]]" = {
    "anatomy": _network,
    "anomaly": _threshold,
    "architectures": _curves("validation_accuracy"),
    "backprop": lambda bundles: _samples("mnist"),
    "fashion": lambda bundles: _samples("fashion_mnist"),
    "food": _photos,
    "gradients": _accuracies,
    "questions": _recalls,
    "reviews_bert": _roc,
    "reviews_transformer": _curves("validation_loss"),
    "rnn": _rows_of_digits,
    "vit": lambda bundles: _samples("fashion_mnist", grid=True),
}
"""Slug of a project -> what its thumbnail shows; the others show their predictions."""
