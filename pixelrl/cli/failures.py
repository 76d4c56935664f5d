"""Errors of whatever library as one line each, told from the class of the error.

What is no error of a person's, a file's, the system's or an account's is a fault of the program,
and keeps its traceback.
"""

import signal
from typing import NamedTuple

from pixelrl.errors import PixelRLError


class Failure(NamedTuple):
    """Hold what is said of an error, and the status that the process ends with."""

    line: str
    status: int = 2


FOREIGN = {
    "wandb.errors": "W&B: {}; to go without, set run.wandb=disabled",
    "wandb.sdk": "W&B: {}; to go without, set run.wandb=disabled",
    "lightning": "Lightning: {}",
    "PIL": "an image cannot be read or written: {}",
    "tifffile": "an image cannot be read or written: {}",
    "requests": "the network: {}; try again",
    "urllib3": "the network: {}; try again",
    "sqlalchemy": "the sweep's database: {}",
    "optuna": "Optuna: {}",
}
"""Whose errors are no faults of the program, by where their classes come from, and what is said."""


def explain_failure(error: BaseException) -> Failure | None:
    """Phrase an error in one line; None for a fault of the program.

    Example:
        >>> explain_failure(OSError(28, "No space left on device", "runs/a/scores.csv")).line
        'runs/a/scores.csv: No space left on device.'
        >>> explain_failure(ZeroDivisionError()) is None
        True
    """
    if isinstance(error, PixelRLError):
        return Failure(_of_a_loader(str(error)), getattr(error, "status", 2))
    for kind, number in QUIET.items():
        if isinstance(error, kind):
            return Failure("", 128 + number)
    line = _of_a_library(error) or _of_the_system(error)
    return Failure(line) if line else None


QUIET = {KeyboardInterrupt: signal.SIGINT, BrokenPipeError: getattr(signal, "SIGPIPE", 13)}
"""What needs no word: a person's own wish, and that whoever reads has left, as `head` does."""


def _of_a_library(error: BaseException) -> str:
    """Phrase another library's error, told before OSError, from which some inherit."""
    for kind in type(error).__mro__:
        for origin, told in FOREIGN.items():
            if f"{kind.__module__}.".startswith(f"{origin}."):
                return f"{told.format(_reason(error))}."
    return ""


def _of_the_system(error: BaseException) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{_reason(error)}."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "not enough memory; lower data.batch or data.crop to learn, data.tile to edit."
    if isinstance(error, UnicodeEncodeError):
        return f"{ascii(error.object)[:80]}: cannot be written as {error.encoding}."
    return ""


def _reason(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split()).rstrip(".")


def _of_a_loader(message: str) -> str:
    """Take the error itself from what a loader's process sends, a traceback; all else as it is."""
    if "Original Traceback" in message:
        return message.strip().rpartition("\n")[2].partition(": ")[2]
    return message
