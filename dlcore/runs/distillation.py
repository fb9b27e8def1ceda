"""The teacher of a run: its probabilities for the training texts, computed once and cached."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dlcore.core import progress
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.images import array_cache
from dlcore.data.splits import Prepared
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.inference import open_bundle
from dlcore.runs.run import open_run

AT_ONCE = 256
SMALLEST = 1e-6
"""Least probability of a class: its logarithm is finite."""


def add_teacher(prepared: Prepared, config: RunConfig) -> Prepared:
    """Return the data with the teacher's log-probabilities of the training and unlabeled texts, if the config names a
    teacher.

    Raises:
        ConfigError: the teacher learned from other data, or has other classes.
        RunError: there is no such run, or it has no bundle.
    """
    name = str(config.flat.get("teacher", ""))
    if not name:
        return prepared
    bundle = open_run(name).finished_bundle
    _check(name, bundle, prepared, config)
    texts = [*prepared.source["texts"]["train"], *prepared.source.get("unlabeled", [])]
    key = hashlib.sha256("\0".join([bundle.record.run_id, bundle.run["written"], *texts]).encode())
    place = array_cache.get_or_create("teacher", key.hexdigest(), lambda draft: _compute(bundle, texts, draft))
    scores = np.array(array_cache.load(place / "scores.npy"))
    order = [bundle.labels.index(label) for label in prepared.labels]
    return replace(prepared, teacher_scores=torch.from_numpy(scores[:, order]))


def _check(name: str, bundle: Bundle, prepared: Prepared, config: RunConfig) -> None:
    """Check that the teacher has the student's classes and has not learned from its test texts.

    Raises:
        ConfigError: it does not suit.
    """
    teacher = bundle.config
    if set(bundle.labels) != set(prepared.labels):
        raise ConfigError(f"teacher={name}: its classes are {', '.join(bundle.labels)[:80]}: choose another run.")
    folds = [(each.flat.get("folds", 0), each.flat.get("fold", 0)) for each in (teacher, config)]
    if bundle.run["data_checksum"] != prepared.checksum or folds[0] != folds[1]:
        raise ConfigError(
            f"teacher={name}: it learned from {teacher.dataset}, perhaps from test texts of this run: choose a run on "
            f"{config.dataset}."
        )


def _compute(bundle: Bundle, texts: list[str], draft: Path) -> None:
    project, loaded = open_bundle(bundle)
    if project.answer_many is None:
        raise ConfigError(f"teacher={bundle.record.run_id}: '{project.slug}' classifies no texts: choose another run.")
    scores = np.full((len(texts), len(loaded.labels)), 1 / len(loaded.labels), dtype=np.float32)
    for start in range(0, len(texts), AT_ONCE):
        answers = project.answer_many(loaded, [text.encode() for text in texts[start : start + AT_ONCE]])
        for row, answer in enumerate(answers, start):
            if not isinstance(answer, DataError):  # a text without a known word tells nothing
                scores[row] = [answer["probabilities"][label] for label in loaded.labels]
        progress.report("Asking the teacher (cached)", min(start + AT_ONCE, len(texts)), len(texts))
    np.save(draft / "scores.npy", np.log(np.clip(scores, SMALLEST, None)))
