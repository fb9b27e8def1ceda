"""State of a search: written to its folder, and read together with whether its worker lives."""

from dlcore.runs import folder as folders
from dlcore.runs.folder import RunFolder, read_json, translate_errors, write_json
from dlcore.runs.record import ACTIVE, State
from dlcore.runs.worker import liveness


def set_state(search_id: str, state: State, reason: str) -> None:
    """Write the state of a search, and the reason for it.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder = folders.of_run(search_id)
    with translate_errors(folder.path):
        write_json(folder.path / "state.json", {"state": state, "reason": reason[:4000]})


def read_state(folder: RunFolder) -> tuple[State, str, int | None]:
    """Return state, reason and worker pid; `interrupted` if the worker of an active search is dead."""
    pid = 0
    for _ in range(2):  # the worker may have ended properly between the two reads
        stored = read_json(folder.path / "state.json")
        state: State = stored.get("state", "failed")
        worker = liveness.read(folder) if state in ACTIVE else None
        if worker is None:
            return state, stored.get("reason", ""), None
        if liveness.is_alive(folder):
            return state, stored.get("reason", ""), worker.pid or None
        pid = worker.pid
    return "interrupted", f"the worker process {pid} died (killed, or the machine went down): resume the search.", None
