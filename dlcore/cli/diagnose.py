"""`diagnose`: what the curves and gradients of a run say, with a remedy."""

import argparse
from typing import Any

from dlcore.cli.verbs import RUN_HELP, add_command


def diagnose(options: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    """Diagnose a run from its curves and gradients: evidence and remedy of each finding."""
    from dlcore.runs import diagnosis

    result = diagnosis.diagnose(options.run)
    return result if options.json else result["findings"]


def arguments(verbs: Any) -> None:
    """Add `diagnose`."""
    parser = add_command(verbs, "diagnose", diagnose, columns=("kind", "evidence", "remedy"))
    parser.add_argument("run", metavar="RUN", help=RUN_HELP)
