"""The process between a request and a worker: `python -m dlcore.runs RUN TOKEN` (see `launcher`)."""

import sys

from dlcore.runs.worker.launcher import main

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
