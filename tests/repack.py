"""Quantize the weights of finished bundles to int8 and evaluate each bundle again with the quantized weights.

    python tests/repack.py assets/runs/news/encoder [more folders] > repacked.txt

Record, curves and baselines stay; predictions, metrics and card are those of the quantized weights, and the card says
that the test split was used once more. Needs the run's dataset.
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from dlcore import projects
from dlcore.runs import Bundle, execution
from dlcore.runs.bundle.writer import RunArtifacts, round_weights, write_bundle


def repack(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Rewrite a bundle and return its metrics before and after."""
    bundle = Bundle(folder)
    before, config, record = bundle.evaluation, bundle.config, bundle.record
    module, prepared = bundle.load().module, projects.get(config.project).prepare(config)
    if prepared.checksum != bundle.run["data_checksum"]:
        raise SystemExit(f"{folder}: the available data differ from those of the run.")
    round_weights(module, "int8")
    predictions, evaluation = execution.measure(module, prepared, config, baselines=before.baselines)
    artifacts = RunArtifacts(
        config=config,
        record=dataclasses.replace(record, metrics={**record.metrics, **evaluation.metrics}),
        prepared=prepared,
        weights=module.state_dict(),
        predictions=predictions,
        evaluation=evaluation,
        history=bundle.history(),
        gradients=bundle.gradients(),
    )
    write_bundle(artifacts, folder, weights="int8")
    return before.metrics, evaluation.metrics


def main() -> None:
    """Repack every folder and print its main metric before and after."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    torch.set_num_threads(1)
    for folder in parser.parse_args().folders:
        before, after = repack(folder)
        name = next(
            (name for name in ("accuracy", "r2_mean", "exact_match", "nab_standard") if name in after), min(after)
        )
        print(f"{folder}: {name} {before[name]:.4f} -> {after[name]:.4f}", flush=True)


if __name__ == "__main__":
    main()
