"""Add this folder to the import path, for `hostile_files` and `invalid_images`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
