"""What a command says: one JSON document, or lines for a person."""

import json
import math
import sys
from typing import Any


def print_result(result: Any, *, as_json: bool) -> None:
    """Print a command's result on standard output."""
    if as_json:
        print(json.dumps(_finite(result), allow_nan=False))
    else:
        _print_plain(result)
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no not-a-number: both become null."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_plain(result: Any) -> None:
    for row in result if isinstance(result, list) else [result]:
        if isinstance(result, list):
            print("  ".join(f"{_short(value)}" for value in row.values()))
        else:
            for name, value in row.items():
                print(f"{name:<14} {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        shown = {k: v for k, v in value.items() if not str(k).endswith(("_low", "_high"))}
        return ", ".join(f"{name} {_short(item)}" for name, item in shown.items())
    if isinstance(value, list):
        text = ", ".join(_short(item) for item in value[:12])
        return text + (f", ... ({len(value)} in all)" if len(value) > 12 else "")
    return f"{value:.5g}" if isinstance(value, float) else str(value)
