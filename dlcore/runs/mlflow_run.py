"""How a run, a comparison and a search look on an MLflow server: names, tags, params, parent runs, dataset inputs.

Everything may be sent twice. A run is searched by its tag `dlcore.run_id` before it is created, and copies that a
repeated request created are deleted.
"""

import contextlib
import getpass
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import dlcore.runs.local_store as local_store
import dlcore.runs.locks as locks
from dlcore.core import settings
from dlcore.runs.annotations import from_state
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import RunFolder, read_json
from dlcore.runs.lifecycle import read_state
from dlcore.runs.record import ACTIVE

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFIX = "dlcore."
RUN = PREFIX + "run_id"
STATUS = {"queued": "SCHEDULED", "running": "RUNNING", "finished": "FINISHED", "failed": "FAILED"}
_PARAMS = 100  # MLflow accepts at most 100 params per request
_NAME_LENGTH = 250
_VALUE_LENGTH = 5000  # of a param or tag
_DIGEST_LENGTH = 36  # of a dataset


def status_of(state: str) -> str:
    """MLflow's word for the state of a run or search."""
    return STATUS.get(state, "KILLED")


def find_experiment(client: "MlflowClient", project: str) -> str:
    """Id of the experiment of a project; creates it if needed."""
    from mlflow.exceptions import MlflowException

    for _ in range(2):
        known = client.get_experiment_by_name(project)
        if known is not None:
            return str(known.experiment_id)
        with contextlib.suppress(MlflowException):  # another worker created it at the same time
            return str(client.create_experiment(project))
    return str(client.create_experiment(project))


def find_or_create(client: "MlflowClient", project: str, key: tuple[str, str], create: Callable[[str], Any]) -> str:
    """Id of the one run of the experiment with that tag; `create` makes it from the id of the experiment."""
    experiment = find_experiment(client, project)
    if run_id := delete_copies(client, experiment, key):
        return run_id
    create(experiment)
    return delete_copies(client, experiment, key)


def delete_copies(client: "MlflowClient", experiment: str, key: tuple[str, str], *, expected: str = "") -> str:
    """Id of the run with that tag, empty without one; deletes all others but `expected`, or the first.

    There may be others because a request is repeated if its answer is lost.
    """
    matches = client.search_runs([experiment], f"tags.`{key[0]}` = '{key[1]}'")
    ids = sorted((run.info.run_id for run in matches), key=lambda run_id: (run_id != expected, run_id))
    for copy in ids[1:]:
        client.delete_run(copy)
    return str(ids[0]) if ids else ""


def ensure_run(client: "MlflowClient", folder: RunFolder, state: Mapping[str, Any]) -> str:
    """Id of the run on the server; creates it, and the parent run of its comparison, if needed."""
    run_tags = {RUN: folder.run_id, **origin(f"train {state.get('project')}"), **tags_of(state)}
    if parent := ensure_parent(client, state):
        run_tags["mlflow.parentRunId"] = parent

    def create(experiment: str) -> None:
        started = int(float(state.get("created", 0.0)) * 1000)
        client.create_run(experiment, start_time=started, run_name=run_tags["mlflow.runName"], tags=run_tags)

    return find_or_create(client, str(state.get("project", "dlcore")), (RUN, folder.run_id), create)


def ensure_parent(client: "MlflowClient", state: Mapping[str, Any]) -> str:
    """Id of the parent run of the comparison that a run belongs to, with its present status; empty without one."""
    labels = state.get("tags") or {}
    group = labels.get("group")
    if not group:
        return ""
    title = str(labels.get("group_title", "Comparison"))

    def create(experiment: str) -> None:
        started = int(float(state.get("created", 0.0)) * 1000)
        tags = {PREFIX + "comparison": group, **origin(f"train {state.get('project')}")}
        client.create_run(experiment, start_time=started, run_name=title, tags=tags)

    with locks.hold(settings.home() / "mirror.lock"):  # the runs of a comparison start together
        project = str(state.get("project", "dlcore"))
        parent = find_or_create(client, project, (PREFIX + "comparison", str(group)), create)
    members = [stored for stored in map(read_state, local_store.newest(project)) if _group(stored) == group]
    if any(stored.get("state") in ACTIVE for stored in members):
        client.update_run(parent, status="RUNNING")
    else:
        client.set_terminated(parent, status="FINISHED")
    return parent


def log_params(client: "MlflowClient", run_id: str, values: Mapping[str, Any]) -> None:
    """Log settings, those of nested parts under their own names."""
    from mlflow.entities import Param

    params = [Param(clean_name(name), as_text(value)) for name, value in flatten(values).items()]
    for batch in batches(params, _PARAMS):
        client.log_batch(run_id, params=batch)


def set_tags(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags; those of the same names are replaced."""
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def tags_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Run name, description, and every field of a run's state as a tag."""
    annotation = from_state(state)
    named = annotation.name or f"{state.get('model')} seed {state.get('seed')}"
    tags = {PREFIX + name: as_text(value) for name, value in state.items()}
    tags["mlflow.runName"] = named
    if annotation.note:
        tags["mlflow.note.content"] = annotation.note[:_VALUE_LENGTH]
    return tags


def log_dataset(client: "MlflowClient", run_id: str, run: Mapping[str, Any]) -> None:
    """Log the dataset that `run.json` of a bundle names as input of a run: name, digest, source, sizes of splits."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = str(run["record"]["dataset"])
    kind, source = _source(name)
    dataset = Dataset(
        name=name,
        digest=str(run.get("data_checksum") or "unknown")[:_DIGEST_LENGTH],
        source_type=kind,
        source=json.dumps(source),
        profile=json.dumps(run.get("sizes") or {}),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def describe_end(bundle: Bundle, state: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a run with a bundle: the command that repeats it, and the card as description unless it has a note."""
    tags = {"mlflow.source.name": as_text(read_json(bundle.folder / "run.json").get("command", "dlcore"))}
    if not from_state(state).note:
        card = (bundle.folder / "card.md").read_text(encoding="utf-8")
        tags["mlflow.note.content"] = card[max(0, card.find("# ")) :][:_VALUE_LENGTH]
    return tags


def flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their own names, those of nested parts included."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        flat.update(flatten(value) if isinstance(value, Mapping) else {name: value})
    return flat


def origin(command: str) -> dict[str, str]:
    """Tags that say who started a run, and how."""
    user = "unknown"
    with contextlib.suppress(OSError, KeyError, ImportError):
        user = getpass.getuser()
    return {"mlflow.user": user, "mlflow.source.type": "LOCAL", "mlflow.source.name": f"dlcore {command}"}


def clean_name(name: str) -> str:
    """A name of a metric or param with the characters that MLflow accepts."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:_NAME_LENGTH]


def as_text(value: Any) -> str:
    """A value of a param or tag."""
    return (value if isinstance(value, str) else json.dumps(value))[:_VALUE_LENGTH]


def batches(items: list[Any], size: int) -> Iterable[list[Any]]:
    """Parts of a list of at most `size` items."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def _group(state: Mapping[str, Any]) -> str:
    return str((state.get("tags") or {}).get("group", ""))


def _source(name: str) -> tuple[str, dict[str, str]]:
    """Type and place of a dataset, as MLflow stores them."""
    from dlcore.data.sources.registry import DATASETS

    known = DATASETS.get(name)
    address = (next((file.url for file in known.files if file.url), "") or known.homepage) if known else ""
    return ("http", {"url": address}) if address else ("local", {"uri": name})
