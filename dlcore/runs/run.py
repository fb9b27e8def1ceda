"""A run as pages and the command line read it, whether it is in the store or came with the workbench."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import RunError
from dlcore.runs import catalogue, inference
from dlcore.runs import folder as folders
from dlcore.runs.bundle import reference
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.catalogue import Stored
from dlcore.runs.folder import RunFolder, read_json
from dlcore.runs.metric_log import read_gradients
from dlcore.runs.record import ACTIVE, Curve, GradientNorms, Record, State, assemble
from dlcore.runs.worker import liveness, queue

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig

_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True)
class Run:
    """One run, opened for reading; everything is read afresh when asked for.

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
        """The run at this moment; its state is checked against the process.

        Raises:
            RunError: the run was deleted since.
        """
        if self.is_reference:
            return dataclasses.replace(Bundle(self.folder).record, run_id=self.run_id, pid=None)
        found = catalogue.find(self.run_id)
        if not found:
            raise _unknown(self.run_id)
        return record_of(found[0])

    @property
    def config(self) -> "RunConfig":
        """The config that decided the run."""
        from dlcore import projects

        if self.is_reference:
            return Bundle(self.folder).config
        value = read_json(RunFolder(self.folder).config)
        if not value:
            raise RunError(f"run {self.run_id}: {RunFolder(self.folder).config} is not on this machine.")
        return projects.load_config(value)

    def history(self) -> dict[str, Curve]:
        """Every metric's history, by the store's names."""
        return Bundle(self.folder).history() if self.is_reference else catalogue.history(self.run_id)

    def gradients(self) -> GradientNorms | None:
        """Norms of the gradient by layer; None where none were recorded."""
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
        """The bundle; None before the run left one."""
        path = self.folder if self.is_reference else RunFolder(self.folder).bundle
        return Bundle(path) if (path / "run.json").exists() else None

    @property
    def left(self) -> Bundle:
        """The bundle of a run that must have left one.

        Raises:
            RunError: it left none yet.
        """
        bundle = self.bundle
        if bundle is None:
            state = self.record.state
            raise RunError(f"run {self.run_id} is {state} and left no bundle yet: wait for its end, or stop it.")
        return bundle

    def predict(self, source: bytes | Path | str) -> dict[str, Any]:
        """Prediction for one input; see `dlcore.runs.inference.predict`."""
        return inference.predict(self, source)

    def explain(self, source: bytes | Path | str, *, method: str = "", target: str = "") -> dict[str, Any]:
        """Explanation of one prediction; see `dlcore.runs.inference.explain`."""
        return inference.explain(self, source, method=method, target=target)


def open_run(ref: str) -> Run:
    """The run of that id, a unique beginning of one, or `reference:<project>/<model>`.

    Raises:
        RunError: there is none, or the beginning is not unique.
    """
    if ref.startswith(reference.PREFIX):
        path = reference.find(ref)
        if path is None:
            known = ", ".join(name for name, _ in reference.every()) or "none"
            raise RunError(f"there is no reference run '{ref}': there are {known}.")
        return Run(ref, path)
    found = catalogue.find(ref)
    if len(found) > 1:
        raise RunError(f"'{ref}' begins the ids of several runs: give more of it.")
    if not found:
        raise _unknown(ref)
    return Run(found[0].run_id, folders.of_run(found[0].run_id).path)


def list_runs(project: str | None = None, limit: int = 200) -> list[Record]:
    """Runs of the store, newest first."""
    return [record_of(stored) for stored in catalogue.newest(project, limit)]


def references(project: str | None = None) -> list[Run]:
    """The runs that came with the workbench."""
    return [Run(name, path) for name, path in reference.every(project)]


def evaluate(ref: str) -> dict[str, Any]:
    """`{run_id, split, metrics, baselines}` of a run that left a bundle, and `parts` and `verdict` where it has them.

    Raises:
        RunError: the run left none yet.
    """
    run = open_run(ref)
    found = run.left.evaluation
    told = {"run_id": run.run_id, "split": found.split, "metrics": found.metrics, "baselines": found.baselines}
    return told | ({"parts": found.parts, "verdict": found.verdict} if found.parts else {})


def record_of(stored: Stored) -> Record:
    """A record from what the store holds and what the worker's process says."""
    folder = folders.of_run(stored.run_id)
    state, reason, pid = _state(stored, folder)
    if state == "interrupted" and (again := catalogue.find(stored.run_id)):
        stored = again[0]  # it may have ended properly between the two looks
        state, reason, pid = _state(stored, folder)
    return assemble(
        stored.run_id,
        stored.json("about"),
        stored.json("progress"),
        state=state,
        reason=reason,
        pid=pid,
        created=stored.created,
    )


def _state(stored: Stored, folder: RunFolder) -> tuple[State, str, int | None]:
    state: State = stored.tags["state"]  # type: ignore[assignment]
    worker = liveness.read(folder) if state in ACTIVE else None
    if worker is None:
        return state, stored.tags.get("reason", ""), None
    if liveness.is_alive(folder):
        reason = _waiting(stored) if state == "queued" else stored.tags.get("reason", "")
        return state, reason, worker.pid or None
    who = f"its process {worker.pid}" if worker.pid else "its worker"
    return "interrupted", f"{who} is gone (killed, or the machine went down): resume it.", None


def _waiting(stored: Stored) -> str:
    """Why a run that was started does not run yet."""
    device = str(stored.json("about").get("device", "cpu"))
    before = len(queue.runs_ahead(stored.run_id, device))
    return f"waits for {device} behind {before} run{'s' if before > 1 else ''}" if before else "its worker is starting"


def _unknown(ref: str) -> RunError:
    return RunError(f"there is no run '{ref}': `python -m dlcore runs list` names them all.")
