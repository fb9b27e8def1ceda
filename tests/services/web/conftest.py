"""Tests of the web server: helpers of this folder and of the browser tests."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "browser")]
