"""`diagnose`: what the curves and gradients of a run say, with a remedy."""

import argparse
import sys
from typing import Any

from dlcore.cli.training import follow_run
from dlcore.cli.verbs import RUN_HELP, add_command


def diagnose(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Diagnose a run from its curves and gradients: evidence and remedy of each finding."""
    from dlcore import runs
    from dlcore.runs import diagnosis

    if options.fix:
        run_id = runs.start(diagnosis.fork_with_remedy(options.run)).run_id
        print(f"run {run_id}", file=sys.stderr)
        return runs.open_run(run_id).record.as_json() if options.detach else follow_run(run_id)
    result = diagnosis.diagnose(options.run)
    return result if options.json else result["findings"]


def arguments(verbs: Any) -> None:
    """Add `diagnose`."""
    parser = add_command(verbs, "diagnose", diagnose, columns=("kind", "confidence", "evidence", "remedy"))
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--fix", action="store_true", help="fork the run with the remedy of the first finding")
    parser.add_argument("--detach", action="store_true", help="with --fix: do not wait for the end")
