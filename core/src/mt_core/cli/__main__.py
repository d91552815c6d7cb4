"""`python -m mt_core.cli`."""

import sys

from mt_core.cli import main

sys.exit(main())
