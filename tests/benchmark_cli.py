"""Time how soon the command line answers, on this machine; nothing fails.

    python tests/benchmark_cli.py [--runs 5]

Half a second of processor time is the aim. What is tested is its cause, the same on every machine:
that nothing slow is imported (`tests/cli/test_main.py`).
"""

import argparse
import os
import subprocess
import sys
from statistics import median

COMMANDS = (["--help"], ["--version"], ["tasks"], ["fit", "--help"], ["fti"])


def processor_time(words: list[str]) -> float:
    """Run a command line; return the seconds of user time that it took."""
    before = os.times().children_user
    subprocess.run([sys.executable, "-m", "pixelrl", *words], check=False, capture_output=True)
    return os.times().children_user - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    for words in COMMANDS:
        seconds = median(processor_time(words) for _ in range(runs))
        told = "" if seconds < 0.5 else "  (over the aim of 0.5 s)"
        print(f"pixelrl {' '.join(words):12} {seconds:.2f} s{told}")


if __name__ == "__main__":
    main()
