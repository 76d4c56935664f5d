"""Write down what pip takes here, of the tested versions: every file by its digest.

``python .ci/lock.py REPORT`` reads the report of ``pip install --dry-run --ignore-installed`` and
prints requirements for ``pip install --no-deps --require-hashes``; ``nox -s lock`` does both.
"""

import json
import sys
from pathlib import Path


def main(report: Path) -> None:
    """Print a requirement with its digest for all but the project itself."""
    print(
        "# Written by `nox -s lock`: what pip takes on this kind of machine, for `nox -s plugins`."
    )
    for found in sorted(json.loads(report.read_text())["install"], key=_name):
        about, source = found["metadata"], found["download_info"]
        if "archive_info" in source:
            digest = source["archive_info"]["hashes"]["sha256"]
            print(f"{about['name']}=={about['version']} --hash=sha256:{digest}")


def _name(found: dict[str, dict[str, str]]) -> str:
    return found["metadata"]["name"].lower()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
