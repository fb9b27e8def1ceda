"""One of the processes that train the first steps of some configs; run as: RANK PROCESSES PORT OUT CONFIGS."""

import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from dlcore import projects
from dlcore.runs import execution
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import MemoryMetricLog
from dlcore.training.events import Epoch, Gradients, Step

STEPS = 20


def main(rank, processes, port, out, configs):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_RANK": rank, "GLOO_SOCKET_IFNAME": "lo"}
    results = {}
    for name, (project, settings, mode) in json.loads(Path(configs).read_text()).items():
        settings = {**settings, "devices": int(processes)}
        model, dataset = settings.pop("model", None), settings.pop("dataset", None)
        config = projects.configure(
            project, model=model, dataset=dataset, preset="quick", device="cpu", settings=settings
        )
        results[name] = first_steps(config, is_evaluated=mode == "eval")
    if int(rank) == 0:
        torch.save(results, out)


def first_steps(config, *, is_evaluated):
    """Train the first steps; with `is_evaluated` in evaluation mode. Returns what happened, as tensors."""
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        session = execution._set_up(execution.Job("a", config, folder, folder.bundle, MemoryMetricLog()))
    if is_evaluated:
        for part in session.state.module.modules():
            part.training = False
            part.train = lambda mode=True, part=part: part
        session.state.model.train = lambda mode=True: session.state.model
    results = {"weights": {}, "losses": {}, "norms": {}, "metrics": {}}
    for event in execution._events(session):
        if isinstance(event, Step):
            results["losses"][event.step] = torch.tensor([event.loss, event.samples])
        elif isinstance(event, Gradients):
            results["norms"][event.step] = torch.tensor(event.norms)
        elif isinstance(event, Epoch):
            results["metrics"] |= {(event.step, name): torch.tensor(value) for name, value in event.metrics.items()}
        if event.step >= STEPS and isinstance(event, Step | Epoch):
            break
    results["weights"] = session.state.module.state_dict()
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
