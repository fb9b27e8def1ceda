"""`python -m dlcore`: the same as the console command `dlcore`."""

import sys

from dlcore.cli import main

sys.exit(main())
