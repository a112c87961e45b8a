"""Run the command line: ``python -m model_runtime``."""

import sys

from .cli.main import main

sys.exit(main())
