"""What can go wrong, by name. The command line prints any of these as one line."""

import difflib
from collections.abc import Iterable


class PixelRLError(Exception):
    """Be the parent of every error that pixelrl raises on purpose."""


class MapError(PixelRLError, ValueError):
    """Report a per-pixel tensor of the wrong shape, size or type."""


class DataError(PixelRLError, ValueError):
    """Report files that are missing, unreadable or do not fit together."""


class ConfigError(PixelRLError, ValueError):
    """Report a setting that does not exist or has a value it cannot have."""


class PluginError(PixelRLError, LookupError):
    """Report a plugin that is missing, claimed twice, or broken."""


class CheckpointError(PixelRLError, ValueError):
    """Report a file that is not the checkpoint or weight file it should be."""


class DivergenceError(PixelRLError, ArithmeticError):
    """Report learning that produced numbers that are none."""


class ContractError(PixelRLError, AssertionError):
    """Report a task that breaks a promise of the task contract."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Phrase the closest known name as a question, or nothing when none is close."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
