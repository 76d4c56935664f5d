"""What can go wrong, by name. The command line prints any of these as one line."""

import difflib
from collections.abc import Iterable


class PixelRLError(Exception):
    """Be the parent of every error that pixelrl raises on purpose.

    Example:
        >>> from pixelrl.discovery import TASKS, find
        >>> try:
        ...     find(TASKS, "denoisin")
        ... except PixelRLError as error:
        ...     print(str(error).partition(" Installed")[0])
        nothing named 'denoisin' in pixelrl.tasks. Did you mean 'denoising'?
    """


class MapError(PixelRLError, ValueError):
    """Report a per-pixel tensor of the wrong shape, size or type.

    Example:
        >>> import torch
        >>> from pixelrl.maps import check_map
        >>> check_map("mask", torch.zeros(1, 4, 4), "B 1 H W")
        Traceback (most recent call last):
        pixelrl.errors.MapError: mask: expected (B 1 H W), got (1, 4, 4).
    """


class DataError(PixelRLError, ValueError):
    """Report files that are missing, unreadable or do not fit together.

    Example:
        >>> from pathlib import Path
        >>> from pixelrl.images import list_images
        >>> list_images(Path("no/such"))
        Traceback (most recent call last):
        pixelrl.errors.DataError: no/such: no such folder; expected one of images.
    """


class ConfigError(PixelRLError, ValueError):
    """Report a setting that does not exist or has a value it cannot have.

    Example:
        >>> from pixelrl.ranges import check_values
        >>> from pixelrl.settings import Learning
        >>> check_values("learning", Learning(gamma=2.0))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: learning.gamma: expected a number from 0 to 1, got 2.0.
    """


class PluginError(PixelRLError, LookupError):
    """Report a plugin that is missing, claimed twice, or broken.

    Example:
        >>> from pixelrl.discovery import TASKS, load
        >>> load(TASKS, "math:denoise")
        Traceback (most recent call last):
        pixelrl.errors.PluginError: 'math:denoise': module 'math' has no 'denoise'.
    """


class CheckpointError(PixelRLError, ValueError):
    """Report a file that is not the checkpoint or weight file it should be.

    Example:
        >>> from pathlib import Path
        >>> from pixelrl.rl.network import PolicyValueNet
        >>> from pixelrl.training.official_weights import load_official_weights
        >>> load_official_weights(PolicyValueNet(1, 9), None, Path("no.npz"))
        Traceback (most recent call last):
        pixelrl.errors.CheckpointError: no.npz: no such file; pass a .npz or .caffemodel file.
    """


class DivergenceError(PixelRLError, ArithmeticError):
    """Report learning that produced numbers that are none.

    Example:
        >>> import torch
        >>> from pixelrl.training.divergence import check_finite
        >>> layer = torch.nn.Linear(1, 1)
        >>> _ = layer.bias.data.fill_(torch.nan)
        >>> check_finite(layer, 300)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.DivergenceError: episode 300: weight bias is no number: ...
    """


class ContractError(PixelRLError, AssertionError):
    """Report a task that breaks a promise of the task contract.

    Example:
        >>> from pixelrl.testing import check_saliency
        >>> check_saliency(lambda image: image.mean(1))
        Traceback (most recent call last):
        pixelrl.errors.ContractError: function has no name; give it an attribute name, a word.
    """


class UnfinishedError(PixelRLError):
    """Report that some of many pictures could not be edited; the others were.

    Example:
        >>> UnfinishedError("1 of 4 pictures could not be edited").status  # of the process
        3
    """

    status = 3


def nearest(name: str, names: Iterable[str]) -> str:
    """Phrase the closest known name as a question, or nothing when none is close.

    Example:
        >>> nearest("learning.rat", ["learning.rate", "learning.gamma"])
        " Did you mean 'learning.rate'?"
    """
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def shorten(told: str, most: int = 200) -> str:
    """Leave out the middle of what is too long for a line.

    Example:
        >>> shorten("x" * 500, most=9)
        'xxxx…xxxx'
    """
    half = (most - 1) // 2
    return told if len(told) <= most else f"{told[:half]}…{told[-half:]}"


def make_printable(told: str) -> str:
    r"""Write as escapes what a terminal would obey or hide, such as in the names of files.

    Example:
        >>> make_printable("a\x1b[31m \u202eb")
        'a\\x1b[31m \\u202eb'
    """
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in told
    )
