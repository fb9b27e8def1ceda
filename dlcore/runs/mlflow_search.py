"""A hyperparameter search on an MLflow server: a parent run, and below it one run per trial."""

from typing import TYPE_CHECKING, Any, Protocol

import dlcore.runs.mlflow_run as mlflow_run
from dlcore.runs.folder import RunFolder, read_json
from dlcore.runs.lifecycle import read_state
from dlcore.runs.record import ACTIVE
from dlcore.runs.search.study import Trial, open_study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow import MlflowClient

SEARCH, TRIAL = mlflow_run.PREFIX + "search_id", mlflow_run.PREFIX + "trial"
_STATUS = {"running": "RUNNING", "complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


class SearchProgress(Protocol):
    """How far a search is mirrored (`mlflow_mirror`): the state of each trial as it was sent last, by number."""

    remote_id: str
    trials: "Mapping[str, str]"
    state: "Mapping[str, Any]"

    def save(self, **changes: Any) -> None:
        """Store changed fields."""


def send(client: "MlflowClient", folder: RunFolder, sent: SearchProgress) -> None:
    """Send a search and its trials, those that changed since; any part may be sent twice."""
    stored, state = read_json(folder.config), read_state(folder)
    config = stored["config"]
    project, started = config["project"], int(stored["created"] * 1000)
    if not sent.remote_id:
        title = f"search of {config['model']}"
        origin = {**mlflow_run.origin(f"search {project}"), SEARCH: folder.run_id}

        def create(experiment: str) -> None:
            client.create_run(experiment, start_time=started, run_name=title, tags=origin)

        remote_id = mlflow_run.find_or_create(client, project, (SEARCH, folder.run_id), create)
        space = {f"search_{space['name']}": space for space in stored["search_space"]}
        limits = {name: stored[name] for name in ("n_trials", "metric", "mode", "prune")}
        mlflow_run.log_params(client, remote_id, config | limits)
        mlflow_run.set_tags(client, remote_id, {name: mlflow_run.as_text(value) for name, value in space.items()})
        sent.save(remote_id=remote_id)
    trials = open_study(folder).trials()
    for trial in trials:
        known = f"{trial.state} {len(trial.intermediate_values)}"
        if sent.trials.get(str(trial.number)) != known:
            _send_trial(client, folder, sent.remote_id, stored, trial)
            sent.save(trials={**sent.trials, str(trial.number): known})
    if state == sent.state:
        return
    name = str(state.get("state"))
    mlflow_run.set_tags(client, sent.remote_id, {mlflow_run.PREFIX + "state": name})
    if name in ACTIVE:
        client.update_run(sent.remote_id, status=mlflow_run.status_of(name))
    else:
        client.set_terminated(sent.remote_id, status=mlflow_run.status_of(name))
    sent.save(state=state)


def _send_trial(
    client: "MlflowClient", folder: RunFolder, parent: str, stored: "Mapping[str, Any]", trial: Trial
) -> None:
    """Send one trial: its params, its metric after each epoch, and how it ended."""
    from mlflow.entities import Metric

    config, metric = stored["config"], stored["metric"]
    started = int((trial.started or stored["created"]) * 1000)
    tags = {
        **mlflow_run.origin(f"search {config['project']}"),
        "mlflow.parentRunId": parent,
        TRIAL: f"{folder.run_id}/{trial.number}",
        mlflow_run.PREFIX + "state": trial.state,
    }

    def create(experiment: str) -> None:
        client.create_run(experiment, start_time=started, run_name=f"trial {trial.number}", tags=tags)

    run_id = mlflow_run.find_or_create(client, config["project"], (TRIAL, tags[TRIAL]), create)
    mlflow_run.log_params(client, run_id, trial.params)
    # Optuna notes no time of an epoch: one millisecond each keeps them in order, however often they are sent.
    rows = [Metric(metric, value, started + epoch, epoch) for epoch, value in trial.intermediate_values.items()]
    if trial.value is not None:
        rows.append(Metric(f"best_{metric}", trial.value, started + trial.best_epoch, trial.best_epoch))
    for batch in mlflow_run.batches(rows, 900):
        client.log_batch(run_id, metrics=batch)
    mlflow_run.set_tags(client, run_id, {mlflow_run.PREFIX + "state": trial.state} | _reason(trial))
    if trial.state == "running":
        client.update_run(run_id, status="RUNNING")
    else:
        client.set_terminated(run_id, status=_STATUS[trial.state], end_time=started + int(trial.seconds * 1000))


def _reason(trial: Trial) -> dict[str, str]:
    return {mlflow_run.PREFIX + "reason": trial.reason} if trial.reason else {}
