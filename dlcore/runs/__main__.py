"""Submits a worker: `python -m dlcore.runs RUN TOKEN` (see `worker.submit`)."""

import sys

from dlcore.runs.worker.submit import main

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
