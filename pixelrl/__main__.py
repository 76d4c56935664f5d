"""Run ``python -m pixelrl``."""

import sys

from pixelrl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
