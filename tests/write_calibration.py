"""Write `calibration.json` of bundles from their stored predictions.

    python tests/write_calibration.py [assets/runs/food/mobilenet_v2 ...]

Without folders: every reference run. Runs without validation probabilities (no classifier) are skipped.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dlcore.core import settings
from dlcore.evaluation.abstention import fit_from_predictions
from dlcore.runs import Bundle


def write_calibration(folder: Path) -> str:
    """Write one bundle's file; returns a line that says what was fitted."""
    bundle = Bundle(folder)
    rule = fit_from_predictions(bundle.predictions(), classes=len(bundle.labels))
    if rule is None:
        return f"{folder}: no validation probabilities, skipped"
    (folder / "calibration.json").write_text(json.dumps(rule.as_json(), indent=1))
    return f"{folder}: temperature {rule.temperature:.3f}, threshold {rule.threshold:.3f}"


def main() -> None:
    """Write the file of every bundle named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    named = parser.parse_args().folders
    for folder in named or sorted(path.parent for path in (settings.ASSETS / "runs").glob("*/*/run.json")):
        print(write_calibration(folder))


if __name__ == "__main__":
    main()
