"""Between page and session: what the page sends becomes values, what it shows becomes bytes."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pixelrl.drawing.palette import ink_edits
from pixelrl.errors import DataError, PixelRLError
from pixelrl.images.files import as_bytes
from pixelrl.images.masks import check_mask, is_clear
from pixelrl.intervention.regions import Region, read_steps, region_of
from pixelrl.intervention.rules import Kind, Rule
from pixelrl.studio.session import FORMATS, Episode, Session

MOST_BYTES = 32_000_000
"""The longest body that is read."""

MOST_RULES = 64
"""So many rules, and regions, a page may send at once."""


def parse_rules(sent: object, size: tuple[int, int]) -> list[Rule]:
    """Read the rules that the page sends.

    Args:
        sent: ``{"rules": [{"kind", "edits", "bias", "steps", "region"}], "regions": [PNG]}``: steps
            as `read_steps` reads them or null, a region by its place in ``regions`` or null, masks
            as PNG in base64.
        size: of the picture, ``(H, W)``.

    Raises:
        DataError: it is something else.
        ConfigError: a rule cannot be had.
    """
    if not isinstance(sent, Mapping):
        raise DataError("expected an object with rules and regions.")
    rules, masks = _list(sent, "rules"), _list(sent, "regions")
    regions = [_region(mask, f"region {n}", size) for n, mask in enumerate(masks, 1)]
    return [_rule(each, regions) for each in rules]


def parse_mask(sent: object, size: tuple[int, int]) -> Region | None:
    """Read the task's region that the page sends, ``{"mask": PNG}``; None if it sends none.

    Raises:
        DataError: it is no mask of the picture's size, or nothing in it is white.
    """
    mask = sent.get("mask") if isinstance(sent, Mapping) else None
    return None if mask is None else _region(mask, "the task's region", size)


def _list(sent: Mapping[str, Any], name: str) -> list[Any]:
    found = sent.get(name, [])
    if not isinstance(found, list) or len(found) > MOST_RULES:
        raise DataError(f"{name}: expected a list of at most {MOST_RULES}.")
    return found


def _rule(sent: object, regions: Sequence[Region]) -> Rule:
    try:
        each = cast("Mapping[str, Any]", sent)
        edits = [str(name) for name in each["edits"]]
        steps = read_steps(str(each["steps"])) if each.get("steps") else None
        number = each.get("region")
        region = None if number is None else regions[_index(number, len(regions))]
        kind = cast("Kind", str(each["kind"]))
        return Rule(kind, tuple(edits), region, steps, float(each.get("bias", 0)))
    except PixelRLError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError("a rule needs kind and edits, and may have steps, region, bias.") from error


def _index(number: object, count: int) -> int:
    if not isinstance(number, int) or not 0 <= number < count:
        raise DataError(f"region {number}: {count} regions were sent.")
    return number


def _region(sent: object, name: str, size: tuple[int, int]) -> Region:
    """Read a mask; its head tells whether it is worth decoding."""
    try:
        data = base64.b64decode(str(sent), validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as opened:
            if opened.size != (size[1], size[0]):
                raise DataError(f"{name}: the mask is not of the picture's size.")
            clear, colors = is_clear(opened), np.asarray(opened.convert("RGB"))
    except PixelRLError:
        raise
    except Exception as error:  # on what claims to be a PNG Pillow raises whatever it meets
        raise DataError(f"{name}: expected a mask as PNG in base64.") from error
    gray = check_mask(colors, name, transparent=clear)[..., 0]
    return region_of(torch.tensor(gray) / 255, name)


def describe_session(session: Session) -> dict[str, Any]:
    """Tell the page what it works with."""
    return {
        "task": session.experiment.name,
        "told": (type(session.task).__doc__ or "").partition("\n")[0],
        "steps": session.task.length,
        "masked": session.masked,
        "edits": [
            {"name": name, "ink": ink}
            for name, ink in zip(
                session.names, ink_edits(session.names, session.task.actions.noop), strict=True
            )
        ],
        "formats": [f"image/{kind.lower()}" for kind in FORMATS],
        "bytes": MOST_BYTES,
        "episode": describe_episode(session, session.base) if session.is_open() else None,
    }


def describe_episode(session: Session, episode: Episode) -> dict[str, Any]:
    """Tell the page what came of an episode."""
    height, width = episode.frames.shape[-2:]
    return {
        "number": episode.number,
        "base": (episode.base or episode).number,
        "name": episode.picture.path.stem,
        "width": width,
        "height": height,
        "doubtful": None if episode.doubt is None else doubtful(episode.doubt),
        "shares": session.shares(episode),
        "changed": [episode.change(step).pixels for step in range(session.task.length + 1)],
    }


def doubtful(doubt: Tensor) -> float:
    """Find the doubt that is shown as the most: all but a thousandth of the pixels have less.

    Args:
        doubt: ``(H,W)``, gray levels.

    Returns:
        Gray levels, at least 1.

    Example:
        >>> doubtful(torch.full((20, 20), 6.0))
        6.0
    """
    ranked = doubt.float().flatten().sort().values
    return max(1.0, float(ranked[int(0.999 * (len(ranked) - 1))]))


def encode_doubt(doubt: Tensor) -> bytes:
    """Write a doubt ``(H,W)`` a byte a pixel, row by row; 255 stands for `doubtful` and more."""
    shown = (doubt.float() / doubtful(doubt)).clamp(0, 1)
    return (255 * shown).round().to(torch.uint8).numpy().tobytes()


def encode_png(image: Tensor) -> bytes:
    """Write an image ``(C,H,W)``, C 1 or 3, as an 8-bit PNG."""
    levels = as_bytes(image[None])[0]
    picture = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
