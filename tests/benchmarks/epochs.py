"""What recording outputs after each epoch costs: CPU time of the recording as a share of that of training.

    python tests/benchmarks/epochs.py [PROJECT/MODEL ...]

Every epoch is validated with and without outputs, in turn; the difference, the files and the embedding are the cost.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from torch import nn

from dlcore import projects, runs
from dlcore.runs import execution
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.epoch_log import EpochLog

RUNS = ("fashion/dense", "vit/hybrid", "questions/gru", "news/encoder")


def main() -> None:
    """Print one line for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    for name in parser.parse_args().runs:
        measure(*name.split("/"))


def measure(project: str, model: str) -> None:
    """Train the quick preset and print what recording cost."""
    spent = {"plain": 0.0, "outputs": 0.0, "files": 0.0}
    original = {name: getattr(EpochLog, name) for name in ("hold", "write", "collect")}

    def timed(part: str, function: Any) -> Any:
        def call(*args: Any) -> Any:
            begin = time.process_time()
            try:
                return function(*args)
            finally:
                spent[part] += time.process_time() - begin

        return call

    def measure_epoch(session: execution.TrainingSession, module: nn.Module) -> dict[str, float]:
        task, prepared, config = session.project.task, session.prepared, session.job.config
        assert task.observe is not None and session.epoch_log is not None
        timed("plain", task.epoch_metrics)(module, prepared, config)
        metrics, outputs = timed("outputs", task.observe)(module, prepared, config)
        session.epoch_log.hold(outputs)
        return dict(metrics)

    for name, function in original.items():
        setattr(EpochLog, name, timed("files", function))
    execution._measure_epoch, before = measure_epoch, execution._measure_epoch
    start: dict[str, float] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            config = projects.configure(project, model=model, preset="quick", device="cpu")
            runs.train_here(config, Path(folder) / "bundle", lambda event: start.setdefault("at", time.process_time()))
            total = time.process_time() - start["at"] - spent["plain"]
            bundle = Bundle(Path(folder) / "bundle")
            record, size = bundle.epochs(), (bundle.folder / "epochs.npz").stat().st_size
    finally:
        execution._measure_epoch = before
        for name, function in original.items():
            setattr(EpochLog, name, function)
    assert record is not None
    extra = spent["outputs"] - spent["plain"] + spent["files"]
    print(
        f"{project}/{model}: {extra:.2f} s of {total - extra:.1f} s ({extra / (total - extra):.1%}); "
        f"{len(record.epochs)} epochs, {len(record.rows):,} samples, {size / 2**10:.0f} KiB, "
        f"trustworthiness {record.preserved.min():.2f} to {record.preserved.max():.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
