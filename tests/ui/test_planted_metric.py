"""A metric planted in a copy, one row and its computation, appears on Results, on Compare and in the card."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = """_BUILT_IN: dict[str, Metric] = {
    "balanced_accuracy": Metric("Balanced accuracy", "mean recall over classes", "percent"),
"""
SCRIPT = textwrap.dedent(
    """
    import dataclasses, json
    from streamlit.testing.v1 import AppTest
    from dlcore import projects, runs
    from dlcore.runs.bundle.card import render_card

    for name in ("lstm", "gru"):
        bundle = runs.open_run(f"reference:questions/{name}").finished_bundle
        evaluation = projects.get("questions").evaluate(bundle.predictions(), None, bundle.config)
        run = bundle.run
        run["evaluation"]["metrics"] = evaluation.metrics
        (bundle.folder / "run.json").write_text(json.dumps(run))
    assert "Balanced accuracy" in render_card(runs.open_run("reference:questions/lstm").finished_bundle.run)

    def show_results():
        from dlcore import projects, runs
        from dlcore.ui.modalities.results import results

        results(projects.get("questions"), runs.open_run("reference:questions/lstm"))

    def show_comparison():
        from dlcore.runs import comparisons
        from dlcore.ui.compare import splits, tests

        variants = tests.tested_variants(comparisons.from_references("questions").variants)
        splits.show([variant for variant in variants if variant.bundles[0].record.model in ("lstm", "gru")])

    for draw in (show_results, show_comparison):
        app = AppTest.from_function(draw, default_timeout=120).run()
        assert not app.exception, app.exception
        columns = [column for table in app.dataframe for column in table.value.columns]
        assert "Balanced accuracy" in columns, (draw.__name__, columns)
    """
)


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_one_row_and_its_computation_show_a_metric_everywhere(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "dlcore", tmp_path / "dlcore", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "assets" / "runs" / "questions", tmp_path / "assets" / "runs" / "questions")
    replace_once(tmp_path / "dlcore" / "evaluation" / "metrics.py", "_BUILT_IN: dict[str, Metric] = {\n", ROW)
    replace_once(
        tmp_path / "dlcore" / "evaluation" / "classification.py",
        '        "accuracy": hits.sum(axis=1) / total,\n',
        '        "accuracy": hits.sum(axis=1) / total,\n'
        '        "balanced_accuracy": _divide(hits, true).mean(axis=1),\n',
    )
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DLCORE_HOME": str(tmp_path / "home")}
    process = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr[-2000:]
