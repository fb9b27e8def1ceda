"""What a classifier predicts for some validation samples after each epoch: one file per epoch while the run trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlcore.core.errors import RunError
from dlcore.evaluation.epoch_embedding import embed_epochs, reduce_features, trustworthiness
from dlcore.runs.folder import translate_errors

if TYPE_CHECKING:
    from dlcore.data.splits import Prepared
    from dlcore.projects.project import EpochOutputs
    from dlcore.training.events import Epoch

SAMPLES = 2000
"""Largest number of recorded samples."""
BYTES = 2**20
"""Size of all records of a run before compression."""
FEWEST_EPOCHS, MOST_EPOCHS = 8, 32


@dataclass(frozen=True)
class EpochRecord:
    """Outputs of E epochs for M of the validation samples.

    `epochs` (E,) count from 1 and increase; `rows` (M,) are indices into the validation split. `scores` (E, M, K) are
    probabilities as float16, `points` (E, M, 2) the aligned embedding of the features, `preserved` (E,) how well it
    keeps neighborhoods (trustworthiness, at most 1).
    """

    epochs: np.ndarray
    rows: np.ndarray
    scores: np.ndarray
    points: np.ndarray
    preserved: np.ndarray

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "EpochRecord":
        """Return the record of a file.

        Raises:
            ValueError: an array is missing, or does not fit the others.
        """
        if arrays.keys() != set(cls.__dataclass_fields__):
            raise ValueError("it has other arrays")
        record = cls(**arrays)
        epochs, rows = record.epochs, record.rows
        shape = (len(epochs), len(rows)) if epochs.ndim == rows.ndim == 1 else (0, 0)
        fits = record.scores.ndim == 3 and record.scores.shape[:2] == shape and record.points.shape == (*shape, 2)
        fits = fits and min(shape) > 0 and record.preserved.shape == epochs.shape
        fits = fits and epochs.dtype.kind in "iu" and rows.dtype.kind in "iu" and bool((np.diff(epochs) > 0).all())
        numbers = (record.scores, record.points, record.preserved)
        if not fits or not all(part.dtype.kind == "f" and np.isfinite(part).all() for part in numbers):
            raise ValueError("its arrays do not match")
        return record


class EpochLog:
    """Keeps the first, the best, the last and evenly spaced epochs of a run."""

    def __init__(self, folder: Path, prepared: "Prepared", *, epochs: int, first: int, best: int = 0) -> None:
        """Continue with epoch `first` of a run of `epochs`: later files are dropped, since they are trained again.

        `best` is the best epoch before.
        """
        self.folder, self.best, self._outputs = folder, best, (np.empty(0), np.empty(0))
        size = 2 * max(2, len(prepared.labels)) + 4  # bytes per sample and epoch
        available = len(prepared.validation)
        samples = max(1, min(SAMPLES, available, BYTES // (FEWEST_EPOCHS * size)))
        self.rows = np.sort(np.random.default_rng(0).permutation(available)[:samples])
        most = min(MOST_EPOCHS, max(FEWEST_EPOCHS, BYTES // (samples * size)))
        self.stride = -(-epochs // most)
        for epoch, path in self._files().items():
            if epoch >= first:
                path.unlink(missing_ok=True)

    def hold(self, outputs: "EpochOutputs") -> None:
        """Keep the outputs of the current epoch until its event."""
        logits = outputs.logits[self.rows]
        features = logits if outputs.features is None else outputs.features[self.rows]
        self._outputs = logits, features

    def write(self, event: "Epoch") -> None:
        """Write the outputs of an epoch, and drop the one before unless it is kept.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        logits, features = self._outputs
        if event.is_best:
            self.best = event.epoch
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = np.nan_to_num(shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float16)
        with translate_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = self.folder / "draft"
            with draft.open("wb") as file:
                np.savez(file, scores=scores, features=reduce_features(features))
            draft.replace(self.folder / f"{event.epoch:06d}.npz")
            for epoch, path in self._files().items():
                if epoch not in (1, self.best, event.epoch) and epoch % self.stride:
                    path.unlink()

    def collect(self) -> EpochRecord | None:
        """Return all kept epochs; None without any."""
        files = self._files()
        parts = [dict(np.load(path, allow_pickle=False)) for path in files.values()]
        if not parts or len({part["features"].shape for part in parts}) > 1:
            return None
        points = embed_epochs([part["features"] for part in parts])
        preserved = [trustworthiness(part["features"], embedded) for part, embedded in zip(parts, points, strict=True)]
        return EpochRecord(
            epochs=np.array(list(files), np.int32),
            rows=self.rows.astype(np.int32),
            scores=np.stack([part["scores"] for part in parts]),
            points=points.astype(np.float16),
            preserved=np.array(preserved, np.float32),
        )

    def clear(self) -> None:
        """Delete the files."""
        for path in self._files().values():
            path.unlink(missing_ok=True)

    def _files(self) -> dict[int, Path]:
        """Return the files by epoch, in order."""
        return {int(path.stem): path for path in sorted(self.folder.glob("[0-9]*.npz"))}


def read_record(arrays: dict[str, np.ndarray], where: Path) -> EpochRecord:
    """Return the record of a bundle.

    Raises:
        RunError: it cannot be read.
    """
    try:
        return EpochRecord.from_arrays(arrays)
    except (ValueError, TypeError) as error:
        raise RunError(f"{where} cannot be read ({error}): take another bundle.") from None
