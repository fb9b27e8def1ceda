"""Runs hostile commands in one process; prints one JSON line each: name, exit code, lines on standard error, peak.

python tests/attacks/command_line.py < FILE, where each line of FILE is a JSON list of the name and the arguments. The
first command is valid: the peak memory after it is the idle state.
"""

import contextlib
import io
import json
import resource
import sys

from dlcore import cli


def main() -> None:
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(json.dumps({"name": name, "code": code, "error": err.getvalue(), "out": out.getvalue(), "peak": peak}))


if __name__ == "__main__":
    main()
