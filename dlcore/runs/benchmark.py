"""`benchmark anomaly FOLDER`: detectors on a folder of labeled series, in parallel and resumable."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from dlcore.core import settings
from dlcore.core.errors import DataError, RequestError, WorkbenchError, one_line
from dlcore.data.series import window_file
from dlcore.data.series.series import Series, read_csv
from dlcore.evaluation.ranks import RankComparison
from dlcore.projects.anomaly import benchmark, recommendation
from dlcore.projects.anomaly.recommendation import Evidence
from dlcore.runs import folder

LABELS = ("windows.json", "combined_windows.json", "labels/combined_windows.json")
"""Files of labeled windows: {"group/name.csv": [[start, end], ...]}, as in the Numenta corpus."""


EVIDENCE = "evidence"
"""Stands for a detector in the jobs that gather evidence for a recommendation."""

Job = tuple[str, str, Path, Sequence[Any], Path]
"""Name of a series, detector, file, labeled windows, and the file of the result."""


@dataclass(frozen=True)
class Benchmark:
    """Results by detector and series, and one line per series or detector that failed."""

    results: dict[str, dict[str, dict[str, Any]]]
    errors: tuple[str, ...]

    @property
    def summaries(self) -> list[benchmark.DetectorSummary]:
        """One summary per detector, best first."""
        return benchmark.summarize(self.results)

    def ranks(self) -> RankComparison | None:
        """Average ranks by VUS-PR; None if there are too few detectors or no labeled series."""
        try:
            return benchmark.rank(self.results)
        except DataError:
            return None


def run(
    source: Path,
    *,
    detectors: Sequence[str] = (),
    workers: int = 0,
    train_share: float = benchmark.TRAIN_SHARE,
    report: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Benchmark:
    """Score every series of a folder with every detector; a result that is stored already is not computed again.

    workers: processes, 0: one per core. `report` is called with the number done, their total and the last one's name.

    Raises:
        RequestError: there is no such folder or detector, or no file of labels.
    """
    detectors = list(detectors or benchmark.TITLES)
    unknown = next((name for name in detectors if name not in benchmark.TITLES), None)
    if unknown:
        raise RequestError(f"unknown detector '{unknown}': choose from {', '.join(benchmark.TITLES)}.")
    labels = read_labels(source)
    files = {name: path for name in sorted(labels) if (path := find_file(source, name))}  # a corpus is often a part
    if not files:
        raise RequestError(f"{source}: none of the {len(labels)} series named in its labels is there.")
    requests = [(name, detector, path, labels[name]) for name, path in files.items() for detector in detectors]
    results: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in detectors}
    bad: dict[str, str] = {}
    for name, detector, result in _collect(requests, train_share=train_share, workers=workers, report=report):
        if isinstance(result, str):
            bad.setdefault(name, f"{name}: {result}")
        else:
            results[detector][name] = result
    return Benchmark(results, tuple(bad.values()))


def gather_evidence(
    files: Mapping[str, Path],
    *,
    workers: int = 0,
    report: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> tuple[dict[str, dict[str, Evidence]], tuple[str, ...]]:
    """Return the evidence for each detector by series, which reads no label, and one line per series that failed."""
    requests = [(name, EVIDENCE, path, ()) for name, path in files.items()]
    evidence: dict[str, dict[str, Evidence]] = {}
    errors = []
    for name, _, result in _collect(requests, train_share=benchmark.TRAIN_SHARE, workers=workers, report=report):
        if isinstance(result, str):
            errors.append(f"{name}: {result}")
        else:
            evidence[name] = {detector: Evidence(**values) for detector, values in result.items()}
    return evidence, tuple(errors)


def find_unlabeled(source: Path) -> dict[str, Path]:
    """Return the tables of a folder that its labels, if any, do not name."""
    labels = read_labels(source) if has_labels(source) else {}
    known = {path for name in labels if (path := find_file(source, name))}
    files = {path.relative_to(source).as_posix(): path for path in sorted(source.rglob("*.csv"))}
    return {name: path for name, path in files.items() if path not in known}


def _collect(
    requests: Sequence[tuple[str, str, Path, Sequence[Any]]],
    *,
    train_share: float,
    workers: int,
    report: Callable[[int, int, str], None],
) -> Iterator[tuple[str, str, dict[str, Any] | str]]:
    """Yield name, detector and result of each request, the stored ones first; a bad file's result is its error."""
    jobs: list[Job] = []
    for name, detector, path, windows in requests:
        stored = _stored(path, windows, detector, train_share)
        if known := folder.read_json(stored):
            yield name, detector, known
        else:
            jobs.append((name, detector, path, windows, stored))
    for done, result in enumerate(_run_jobs(jobs, train_share, workers), start=1):
        report(done, len(jobs), f"{result[0]}, {result[1]}")
        yield result


def has_labels(source: Path) -> bool:
    """Return whether a folder has a file of labels."""
    return any((source / name).is_file() for name in LABELS)


def read_labels(source: Path) -> dict[str, list[Any]]:
    """Return the labeled windows of a folder by series.

    Raises:
        RequestError: the folder or its file of labels is missing or invalid.
    """
    path = next((source / name for name in LABELS if (source / name).is_file()), None)
    if path is None:
        raise RequestError(f"{source} has no {LABELS[0]}: name a folder with one, as the Numenta corpus has.")
    try:
        labels = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read: {error}") from None
    if not isinstance(labels, dict) or not all(isinstance(windows, list) for windows in labels.values()):
        raise RequestError(f'{path} is not of the form {{"series.csv": [[start, end], ...]}}.')
    return labels


def find_file(source: Path, name: str) -> Path | None:
    """Return the file of a series in the folder or its folder `data`; None if it is missing or outside the folder."""
    for path in (source / name, source / "data" / name):
        if path.is_file() and path.resolve().is_relative_to(source.resolve()):
            return path
    return None


def read_series(path: Path, windows: Sequence[Any]) -> Series:
    """Return a labeled series.

    Raises:
        DataError: the file or a window cannot be read.
    """
    series = read_csv(path.read_bytes(), name=path.name)
    labeled = window_file.parse(json.dumps(list(windows)).encode()) if windows else ()
    return replace(series, windows=labeled)


def _run_jobs(jobs: Sequence[Job], train_share: float, workers: int) -> Iterator[tuple[str, str, dict[str, Any] | str]]:
    """Yield name, detector and result of each job in the order of their ends; a bad file's result is its error."""
    if workers == 1 or len(jobs) < 2:
        yield from (_score(job, train_share) for job in jobs)
        return
    with ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn"), _use_one_thread) as pool:
        for future in as_completed([pool.submit(_score, job, train_share) for job in jobs]):
            yield future.result()


def _score(job: Job, train_share: float) -> tuple[str, str, dict[str, Any] | str]:
    name, detector, path, windows, stored = job
    try:
        series = read_series(path, windows)
        if detector == EVIDENCE:
            evidence = recommendation.gather(series, train_share=train_share)
            result: dict[str, Any] = {each: values.as_json() for each, values in evidence.items()}
        else:
            result = benchmark.evaluate(series, detector, train_share=train_share)
    except WorkbenchError as error:
        return name, detector, one_line(error)
    stored.parent.mkdir(parents=True, exist_ok=True)
    folder.write_json(stored, result)
    return name, detector, result


def _stored(path: Path, windows: Sequence[Any], detector: str, train_share: float) -> Path:
    """The file of a result; its name depends on everything that the result depends on."""
    key = json.dumps([benchmark.VERSION, detector, train_share, list(windows)]).encode()
    name = hashlib.sha256(path.read_bytes() + key).hexdigest()[:32]
    return settings.home() / "benchmarks" / "anomaly" / f"{name}.json"


def _use_one_thread() -> None:
    """Leave the cores to the processes: one thread each."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
