"""Makes `broken_networks` and `network_styles` importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
