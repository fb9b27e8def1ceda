"""Custom networks as models of a project: built in this process by a worker, elsewhere in another one."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dlcore.core.config import Config, parse
from dlcore.core.errors import RequestError, TrainingError
from dlcore.projects import registry
from dlcore.projects.custom import fields, functions, limits, loading, source
from dlcore.projects.custom.check import CheckResult
from dlcore.projects.custom.remote import HostProcess, RemoteModule
from dlcore.projects.project import ModelEntry, Project

CHECK_SECONDS = 60.0
"""Longest time of all checks together."""
_RUNS_HERE: ContextVar[bool] = ContextVar("runs_custom_code_here", default=False)


@contextlib.contextmanager
def running_here(device: str) -> Iterator[None]:
    """Let this process run custom code inside the block, from its first network on within limits; for workers."""
    token = _RUNS_HERE.set(True)
    _on_device.set(device)
    try:
        yield
    finally:
        _RUNS_HERE.reset(token)


_on_device: ContextVar[str] = ContextVar("device_of_custom_code", default="cpu")


class Networks(Mapping[str, ModelEntry]):
    """The stored networks of a project as model entries, by id; new ones appear at once."""

    def __init__(self, project: str, reserved: Iterable[str]) -> None:
        """`reserved` are names of data settings."""
        self.project, self.reserved = project, tuple(reserved)

    def __getitem__(self, network_id: str) -> ModelEntry:
        network = source.find(network_id)
        if network is None:
            raise KeyError(network_id)
        name, _, digest = network_id.rpartition("-")
        return ModelEntry(
            title=name if network == source.example(self.project) else f"{name} ({digest[:4]})",
            summary=network.summary or "A network of your code.",
            build=lambda options, facts: _build(network, options, facts),
            config=fields.config_class(network_id, self.reserved),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(source.list_ids(self.project))

    def __len__(self) -> int:
        return len(source.list_ids(self.project))

    def __contains__(self, network_id: object) -> bool:
        return isinstance(network_id, str) and source.find(network_id) is not None


def adopt(project: Project, slug: str, **changes: Any) -> Project:
    """A project whose models are networks of the user's code; data, task and explanations are those of `project`."""
    changes["prepare"] = functions.with_augmentation(changes.get("prepare", project.prepare))
    return replace(
        project,
        slug=slug,
        task=replace(project.task, objective=functions.with_loss(project.task.objective)),
        section="workspace",
        title="Your network",
        models=Networks(slug, changes.get("data_config", project.data_config).model_fields),
        **{"reported": {}, "reported_curves": {}, "fallbacks": {}, "lessons": (), **changes},
        suggest_model=lambda dataset: "",
    )


def _build(network: source.NetworkSource, options: Config, facts: Mapping[str, int]) -> nn.Module:
    source.require_allowed()
    if not _RUNS_HERE.get():
        if torch.get_default_device().type == "meta":
            raise NotImplementedError("custom code does not run on the meta device in this process.")
        return RemoteModule(network, options.model_dump(), facts)
    limits.apply(limits_memory=not _on_device.get().startswith("cuda"))
    return loading.build(network, options, dict(facts))


def check_network(
    text: str,
    project: str,
    dataset: str,
    *,
    target: str = "",
    settings: Mapping[str, Any] = {},
    seed: int = 0,
    seconds: float = CHECK_SECONDS,
    on_result: Callable[[CheckResult], None] = lambda result: None,
) -> list[CheckResult]:
    """Check a network in another process: that it builds, takes the data, has the right output, and learns.

    settings: those of the run; a loss or augmentation of the code that they name is checked, too.

    Raises:
        RequestError: custom code is off.
        ConfigError: the text is no Python or defines no network, or no function with the name in `settings`.
    """
    source.require_allowed()
    network = source.parse_text(text, target=target)
    names = {name: settings[name] for name in fields.FUNCTIONS if name in settings}
    parse(fields.create_config(network), names)
    host, results, checking = HostProcess(text), [], "builds"
    try:
        request: dict[str, Any] = {"text": text, "target": "" if network.is_instance else network.target}
        request["functions"] = names
        answers = host.stream("check", project=project, dataset=dataset, seed=seed, seconds=seconds, **request)
        for answer, _ in answers:
            if "checking" in answer:
                checking = str(answer["checking"])
            elif "result" in answer:
                results.append(CheckResult(**answer["result"]))
                on_result(results[-1])
            elif "done" in answer:
                return results
        results.append(_describe_failure(checking, host.describe_end(seconds)))
    except TrainingError as error:
        results.append(_describe_failure(checking, str(error)))
    finally:
        host.close()
    on_result(results[-1])
    return results


def add_file(
    path: Path,
    project: str,
    dataset: str | None,
    *,
    target: str = "",
    settings: Mapping[str, Any] = {},
    on_result: Callable[[CheckResult], None] = lambda result: None,
) -> str:
    """Check the network of a Python file or notebook and store it; returns its id, the name of a model.

    dataset: of the project; by default the first on this machine. `settings` are those of the run.

    Raises:
        ConfigError: the file defines no network.
        RequestError: it cannot be read, a check failed, or custom code is off.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror or error}: name a Python file or a notebook.") from None
    network = source.read_source(data, name=path.name, target=target)
    dataset = registry.configure(project, dataset=dataset).dataset
    results = check_network(network.text, project, dataset, target=target, settings=settings, on_result=on_result)
    require_passed(results)
    return source.save(network, project)


def require_passed(results: list[CheckResult]) -> None:
    """Check that no check failed; warnings pass.

    Raises:
        RequestError: the first failed check, in one line.
    """
    for result in results:
        if result.status == "failed":
            raise RequestError(f"{result.name}: {result.sentence}")


def as_rows(results: list[CheckResult]) -> list[dict[str, Any]]:
    """The results as plain dicts."""
    return [asdict(result) for result in results]


def _describe_failure(name: str, sentence: str) -> CheckResult:
    return CheckResult(name, "failed", sentence, line_of(sentence))


def line_of(sentence: str) -> int:
    """The line that a sentence begins with, "line 12: ..."; 0 if it names none."""
    line = sentence.removeprefix("line ").partition(":")[0] if sentence.startswith("line ") else ""
    return int(line) if line.isdigit() else 0
