"""Write `assets/behavior/rates.json`: failure rates of the reference runs in the shipped behavioral tests.

    python tests/write_behavior.py [reference:reviews_lstm/improved_lstm ...]

Without runs: every reference run of a text classifier. Needs no dataset, but the pretrained networks that bundles omit.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dlcore import projects, runs
from dlcore.data.text import behavior as templates
from dlcore.runs import behavior

FIELDS = ("capability", "kind", "failed", "n")


def main(names: list[str]) -> None:
    """Test the named runs, or all; keep the rates of all other runs."""
    suites = templates.shipped_suites()
    checksums = {suite.name: suite.checksum for suite in suites}
    stored = json.loads(behavior.STORED.read_text()) if behavior.STORED.exists() and names else {"runs": {}}
    if names and stored["suites"] != checksums:
        raise SystemExit("the templates changed: run this for all runs")
    for run in runs.references():
        is_text = projects.get(run.record.project).modality == "text"
        bundle = run.finished_bundle
        if (names and run.run_id not in names) or not is_text or not templates.suites_for(bundle.labels, suites):
            continue
        report = behavior.check(bundle, suites=suites)
        stored["runs"][run.run_id] = [{name: rate.as_json()[name] for name in FIELDS} for rate in report.rates]
        print(run.run_id, flush=True)
    rows = {run_id: stored["runs"][run_id] for run_id in sorted(stored["runs"])}
    text = ",\n".join(f"  {json.dumps(run_id)}: {json.dumps(rates)}" for run_id, rates in rows.items())
    behavior.STORED.write_text(f'{{\n "suites": {json.dumps(checksums)},\n "runs": {{\n{text}\n }}\n}}\n')


if __name__ == "__main__":
    main(sys.argv[1:])
