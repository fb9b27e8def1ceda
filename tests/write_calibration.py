"""Write the abstention rule of bundles again, from their weights and data, and measure it on inputs of no class.

    DLCORE_DATA=... python tests/write_calibration.py [assets/runs/food/mobilenet_v2 ...]

Without folders: every reference run that stores validation probabilities. Scores, metrics and curves stay as they are;
`calibration.json`, `familiarity.npz`, the reasons in `predictions.npz` and the card are written. Needs each run's
dataset, and reads the test split to count false flags; limits come from training and validation samples alone. A run
whose dataset is missing, or whose scores cannot be reproduced, is skipped with the reason.
"""

import argparse
import dataclasses
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from PIL import Image

from dlcore import projects
from dlcore.core import settings
from dlcore.core.errors import DataError, WorkbenchError
from dlcore.data.images import images
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.data.text.corpora import PAD
from dlcore.evaluation.abstention import AbstentionRule, OutsideRate
from dlcore.projects.language import texts
from dlcore.projects.project import LoadedModel, Project
from dlcore.runs import Bundle
from dlcore.runs.bundle import card
from dlcore.runs.bundle.writer import flagging_files
from tests.out_of_scope import ALL_LANGUAGES, ALL_OFF_TOPIC

TOLERANCE = 2e-3
"""Largest mean difference from the stored probabilities: other processors round differently."""
PHOTOS, IMAGES = 80, 200
OUTSIDE: dict[str, tuple[tuple[str, str, str, int], ...]] = {
    "food101_ten": (
        ("photos of dogs", "dogs_food_vehicles", "dogs", PHOTOS),
        ("photos of vehicles", "dogs_food_vehicles", "vehicles", PHOTOS),
    ),
    "dogs_food_vehicles": (
        ("images of clothes", "fashion_mnist", "", IMAGES),
        ("handwritten digits", "mnist", "", IMAGES),
    ),
    "fashion_mnist": (("handwritten digits", "mnist", "", IMAGES),),
    "mnist": (("images of clothes", "fashion_mnist", "", IMAGES),),
}
"""Dataset of a run -> what belongs to none of its classes: name, dataset, class (any if empty), number."""
TEXTS = (
    ("sentences in ten other languages", ALL_LANGUAGES),
    ("off-topic English sentences", ALL_OFF_TOPIC),
)


def write_calibration(folder: Path) -> str:
    """Write one bundle's rule; returns a line that says what was fitted."""
    bundle = Bundle(folder)
    stored = bundle.predictions()
    if "validation_scores" not in stored:
        return f"{folder}: no validation probabilities, skipped"
    started = time.monotonic()
    loaded, project = bundle.load(), projects.get(bundle.config.project)
    prepared = _encode_again(project.prepare(bundle.config), loaded)
    if prepared.checksum != bundle.run["data_checksum"]:
        return f"{folder}: the available data differ from those of the run, skipped"
    predictions = project.predict(loaded.module, prepared, bundle.config)
    difference = max(
        float(np.abs(predictions[name].astype(np.float64) - stored[name]).mean())
        for name in ("validation_scores", "test_scores")
    )
    if difference > TOLERANCE:
        return f"{folder}: its scores differ by {difference:.2g} from the stored ones, skipped"
    _write(folder, predictions | {name: array for name, array in stored.items() if name != "test_reasons"})
    return f"{measure(folder)}; difference {difference:.1e}; {time.monotonic() - started:.0f} s"


def measure(folder: Path) -> str:
    """Measure a bundle's rule on inputs of no class; write the rates and the card."""
    bundle = Bundle(folder)
    loaded, project = bundle.load(), projects.get(bundle.config.project)
    rule = dataclasses.replace(_rule(bundle), outside=tuple(measure_outside(project, loaded)))
    (folder / "calibration.json").write_text(json.dumps(rule.as_json(), indent=1))
    (folder / "card.md").write_text(card.render_card(bundle.run, rule))
    shares = ", ".join(f"{rate.what} {rate.flagged}/{rate.n}" for rate in rule.outside)
    return (
        f"{folder}: validation {rule.flagged_share:.3f}, test {rule.false_flag_rate:.3f}, threshold "
        f"{rule.threshold:.3f}, limits {dict(rule.limits)}; {shares}"
    )


def _encode_again(prepared: Prepared, loaded: LoadedModel) -> Prepared:
    """Encode texts with the run's own vocabulary, where the one fitted now differs (other word vectors)."""
    if prepared.preprocessing.get("words") == loaded.preprocessing.get("words"):
        return prepared
    known, length, keep = texts.vocabulary(loaded), int(loaded.preprocessing["length"]), loaded.preprocessing["keep"]

    def encode(name: SplitName) -> Split:
        ids = known.encode(prepared.source["texts"][name], length=length, keep=keep)
        part = prepared.split(name)
        lengths = None if part.lengths is None else (ids != PAD).sum(axis=1)
        return dataclasses.replace(part, inputs=(torch.from_numpy(ids),), lengths=lengths)

    train, validation, test = map(encode, SPLITS)
    return dataclasses.replace(prepared, train=train, validation=validation, test=test)


def _rule(bundle: Bundle) -> AbstentionRule:
    rule = bundle.calibration
    assert rule is not None
    return rule


def _write(folder: Path, predictions: dict[str, np.ndarray]) -> None:
    flagging = flagging_files(predictions, classes=len(Bundle(folder).labels))
    for name, data in flagging.files.items():
        (folder / name).write_bytes(data)


def measure_outside(project: Project, loaded: LoadedModel) -> Iterator[OutsideRate]:
    """Yield the share of inputs of no class that is flagged or rejected, as the run answers a user."""
    if loaded.familiarity.wording is not None:
        for what, sentences in TEXTS:
            yield _rate(what, [sentence.encode() for sentence in sentences], lambda text: project.answer(loaded, text))
    for what, dataset, name, count in OUTSIDE.get(loaded.config.dataset, ()):
        data = images.load(dataset, side=64)
        rows = np.random.default_rng(0).permutation(len(data.test_labels))
        if name:
            rows = rows[data.test_labels[rows] == data.names.index(name)]
        payloads = [_as_png(data.test_pixels[row]) for row in rows[:count]]
        yield _rate(what, payloads, lambda image: project.answer(loaded, image))


def _rate(what: str, payloads: list[bytes], answer: Callable[[bytes], dict[str, object]]) -> OutsideRate:
    flagged = 0
    for payload in payloads:
        try:
            flagged += bool(answer(payload)["uncertain"])
        except DataError:  # rejected: no word is known
            flagged += 1
    return OutsideRate(what, flagged, len(payloads))


def _as_png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def main() -> None:
    """Write the rule of every bundle named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--measure", action="store_true", help="keep the rule, only measure it on inputs of no class")
    options = parser.parse_args()
    named = options.folders
    for folder in named or sorted(path.parent for path in (settings.ASSETS / "runs").glob("*/*/calibration.json")):
        try:
            print((measure if options.measure else write_calibration)(folder), flush=True)
        except WorkbenchError as error:
            print(f"{folder}: {error}, skipped", flush=True)


if __name__ == "__main__":
    main()
