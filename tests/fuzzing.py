"""Fuzz one reader, led by what of our code each input reaches: ``fuzzing.py NAME SECONDS``.

``nox -s fuzz`` runs it for every reader; it takes atheris. An input that breaks a reader is left in
the working folder as ``crash-…``, and repeats with ``fuzzing.py NAME 0 FILE``.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pixelrl"]):
    from readers import READERS, check_reader


def main(name: str, seconds: str, *files: str) -> None:
    """Fuzz a reader for so many seconds, or repeat the inputs in files."""
    folder = Path(tempfile.mkdtemp(prefix="pixelrl-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(READERS[name][0])
    path = folder / name
    if files:
        for file in files:
            check_reader(path, Path(file).read_bytes())
        return
    limits = [f"-max_total_time={seconds}", "-max_len=65536", "-rss_limit_mb=6000", "-timeout=60"]
    words = [sys.argv[0], *limits, "-verbosity=0", "-print_final_stats=1", str(corpus)]
    atheris.Setup(words, lambda content: check_reader(path, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
