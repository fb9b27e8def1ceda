"""A run as pages and the command line read it, whether it was trained here or came with the workbench."""

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlcore.runs.inference as inference
import dlcore.runs.local_store as local_store
from dlcore.core import access
from dlcore.core.errors import RunError
from dlcore.runs.bundle import reference
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import RunFolder, read_json
from dlcore.runs.lifecycle import live_state, stored_state, unknown
from dlcore.runs.metric_file import read_metrics
from dlcore.runs.metric_log import read_gradients
from dlcore.runs.record import ACTIVE, STARTING, Curve, GradientNorms, Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig
    from dlcore.runs.batch.predict import BatchListener, BatchResult

_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True)
class Run:
    """One run, opened for reading; every access reads the files again.

    `folder` is the run's folder, or the bundle itself for a reference run.
    """

    run_id: str
    folder: Path

    @property
    def is_reference(self) -> bool:
        """Whether this run came with the workbench."""
        return self.run_id.startswith(reference.PREFIX)

    @property
    def record(self) -> Record:
        """The run at this moment; its state is checked against the worker process.

        Raises:
            RunError: the run was deleted.
        """
        if self.is_reference:
            return dataclasses.replace(Bundle(self.folder).record, run_id=self.run_id, pid=None)
        return read_record(RunFolder(self.folder))

    @property
    def config(self) -> "RunConfig":
        """The config of the run."""
        from dlcore import projects

        if self.is_reference:
            return Bundle(self.folder).config
        value = read_json(RunFolder(self.folder).config)
        if not value:
            raise RunError(f"run {self.run_id}: {RunFolder(self.folder).config} is missing or unreadable.")
        return projects.load_config(value)

    def history(self) -> dict[str, Curve]:
        """History of every metric."""
        return Bundle(self.folder).history() if self.is_reference else read_metrics(RunFolder(self.folder))

    def gradients(self) -> GradientNorms | None:
        """Gradient norms by layer; None if none were recorded."""
        if self.is_reference:
            return Bundle(self.folder).gradients()
        return read_gradients(RunFolder(self.folder).gradients)

    def log_tail(self, lines: int = 200) -> str:
        """The last lines of the worker's log."""
        try:
            with RunFolder(self.folder).log.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    @property
    def bundle(self) -> Bundle | None:
        """The bundle; None until the run has written one."""
        path = self.folder if self.is_reference else RunFolder(self.folder).bundle
        return Bundle(path) if (path / "run.json").exists() else None

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics on the test split at the best epoch, with `<name>_low` and `<name>_high` as 95 % interval.

        Raises:
            RunError: the run has no bundle yet.
        """
        return self.finished_bundle.evaluation.metrics

    @property
    def finished_bundle(self) -> Bundle:
        """The bundle of a run that must have one.

        Raises:
            RunError: it has none yet.
        """
        bundle = self.bundle
        if bundle is None:
            raise RunError(
                f"run {self.run_id} is {self.record.state} and has no bundle yet: wait until it ends, or stop it."
            )
        return bundle

    def predict(self, source: bytes | Path | str, *, whole: bool = False, baseline: str = "") -> dict[str, Any]:
        """Prediction for one input; see `dlcore.runs.inference.predict`."""
        return inference.predict(self.finished_bundle, source, whole=whole, baseline=baseline)

    def predict_file(
        self, source: Path | str, output: Path | str, *, text: str = "", listener: "BatchListener | None" = None
    ) -> "BatchResult":
        """Table of the predictions for all inputs of a file; see `dlcore.runs.batch.predict.predict_file`."""
        from dlcore.runs.batch.predict import predict_file

        return predict_file(self.finished_bundle, Path(source), Path(output), text=text, listener=listener)

    def explain(self, source: bytes | Path | str, *, method: str = "", target: str = "") -> dict[str, Any]:
        """Explanation of one prediction; see `dlcore.runs.inference.explain`."""
        return inference.explain(self.finished_bundle, source, method=method, target=target)


def open_run(ref: str) -> Run:
    """The run with that id, a unique prefix of one, or `reference:<project>/<model>`.

    Raises:
        RunError: no run matches, or several do.
    """
    if ref.startswith(reference.PREFIX):
        path = reference.find(ref)
        if path is None:
            known = ", ".join(name for name, _ in reference.every()) or "none"
            raise RunError(f"there is no reference run '{ref}': available are {known}.")
        return Run(ref, path)
    folders = local_store.find(ref)
    if len(folders) > 1:
        raise RunError(f"several runs start with '{ref}': give more of the id.")
    if not folders:
        raise unknown(ref)
    return Run(folders[0].run_id, folders[0].path)


def list_runs(project: str | None = None, limit: int | None = None) -> list[Record]:
    """Runs of one project or all, newest first; at most `limit` of them if it is given."""
    return [record for record, _ in read_records(local_store.newest_states(project, limit))]


def list_jobs() -> tuple[list[Record], list[Record]]:
    """Active and paused runs that the viewer may change; each state file is read once.

    Running runs come before queued ones, both in the order of creation; paused runs, newest first.
    """
    states = {*ACTIVE, "paused"}
    stored = [pair for pair in local_store.newest_states() if pair[1].get("state") in states]
    records = editable_runs(record for record, _ in read_records(stored))
    active = [record for record in records if record.state in ACTIVE]
    paused = [record for record in records if record.state == "paused"]
    return sorted(active, key=lambda record: (record.state != "running", record.created)), paused


def list_active() -> list[Record]:
    """Running and queued runs that the viewer may change, see `list_jobs`."""
    return list_jobs()[0]


def list_paused() -> list[Record]:
    """Paused runs that the viewer may change, newest first."""
    return list_jobs()[1]


def editable_runs(records: Iterable[Record]) -> list[Record]:
    """Those that the viewer may change, without the ones that others share."""
    return [record for record in records if access.can_change({"owner": record.owner})]


def read_records(stored: Iterable[tuple[RunFolder, dict[str, Any]]]) -> list[tuple[Record, dict[str, Any]]]:
    """The records of runs, each with the content of its state file; one that was deleted meanwhile is left out."""
    records = []
    for folder, state in stored:
        with contextlib.suppress(RunError):
            records.append((read_record(folder, state), state))
    return records


def references(project: str | None = None) -> list[Run]:
    """The runs that came with the workbench."""
    return [Run(name, path) for name, path in reference.every(project)]


def further_references(project: str) -> list[Run]:
    """The runs on further datasets that came with the workbench, without weights."""
    return [Run(name, path) for name, path in reference.lesson_runs(project, reference.DATASETS)]


def evaluate(ref: str) -> dict[str, Any]:
    """`{run_id, split, metrics, baselines}` of a run with a bundle; `season`, `parts` and `verdict` if it has them.

    Raises:
        RunError: the run has no bundle yet.
    """
    run = open_run(ref)
    evaluation = run.finished_bundle.evaluation
    answer = {
        "run_id": run.run_id,
        "split": evaluation.split,
        "metrics": evaluation.metrics,
        "baselines": evaluation.baselines,
    }
    answer |= {"season": evaluation.season} if evaluation.season else {}
    return answer | ({"parts": evaluation.parts, "verdict": evaluation.verdict} if evaluation.parts else {})


def read_record(folder: RunFolder, stored: Mapping[str, Any] | None = None) -> Record:
    """The record in a run folder, its state checked against the worker process; `stored`: see `live_state`.

    Raises:
        RunError: the run was deleted, or its state file cannot be read.
    """
    live = live_state(folder, stored)
    if not live.fields:
        if folder.state.exists() and not stored_state(folder):
            raise RunError(f"{folder.state} cannot be read: restore it, or delete the folder.")
        raise unknown(folder.run_id)
    fields: dict[str, Any] = {"state": live.state, "reason": live.reason, "pid": live.pid}
    if live.state != "running":
        fields |= {"doing": live.reason if live.reason == STARTING else "", "doing_share": 0.0}
    fields["command"] = (live.is_active and folder.read_command()) or ""
    return Record.from_state(folder.run_id, live.fields, **fields)
