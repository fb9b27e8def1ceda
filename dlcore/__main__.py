"""`python -m dlcore ...`: the workbench without a browser."""

import sys

from dlcore.cli import main

sys.exit(main())
