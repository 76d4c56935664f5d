"""What happened as a piece of HTML: before and after, what every pixel chose, and notes.

It stands alone: pictures lie in it as data, and of scripts it has two lines that move a slider's
value to what it shows. Where a viewer strips those, half of each picture is seen, and step 1.
"""

import base64
import html
import io
import math
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pixelrl.api.style import STYLE
from pixelrl.api.words import describe, list_shares, percent
from pixelrl.drawing.filmstrip import count_shares
from pixelrl.drawing.palette import ink_edits
from pixelrl.files import write_whole
from pixelrl.images.files import as_bytes

if TYPE_CHECKING:
    from pixelrl.api.result import Result

SIDE = 360
"""The most pixels that a picture is wide or high."""
LARGEST = 500_000
"""The most pixels of all maps of choices together."""
SMALL = 10_000
"""Up to so many pixels, pictures are embedded without loss."""
WEBP_SIDE = 16383
"""The longest side that WebP can have."""
SHOWN = 3
"""So many results of a batch are shown."""
WIPE = "this.parentNode.style.setProperty('--at',this.value+'%')"
STEP = (
    "const f=this.closest('figure');f.style.setProperty('--step',this.value-1);"
    "f.querySelector('output').value=this.value"
)


def write_html(result: "Result") -> str:
    """Write what a notebook shows of a result, or of the first few of a batch."""
    if not result.picture.batched:
        return f'<div class="pixelrl-result"><style>{STYLE}</style>{_write_one(result)}</div>'
    shown = [_write_one(result[index]) for index in range(min(SHOWN, len(result)))]
    left = len(result) - len(shown)
    more = f"<p>{left} more: result[{SHOWN}], …</p>" if left else ""
    return f'<div class="pixelrl-result"><style>{STYLE}</style>{"".join(shown)}{more}</div>'


def write_page(result: "Result") -> str:
    """Write it as a page of its own."""
    title = html.escape(describe(result))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title></head><body>{write_html(result)}</body></html>\n"
    )


def show_result(result: "Result") -> None:
    """Show a result below a notebook's cell, or in the browser where there is no notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and hasattr(shell, "kernel"):
        ipython.display.display(result)
        return
    folder = Path(tempfile.mkdtemp(prefix="pixelrl-"))
    page = folder / f"{result.picture.name}.html"
    write_whole(page, write_page(result))
    webbrowser.open(page.as_uri())


def _write_one(result: "Result") -> str:
    """Write of one picture."""
    height, width = result.played.frames.shape[-2:]
    length = len(result.played.choices)
    told = [result.policy.experiment.name, f"{width}x{height} pixels", f"{length} steps"]
    if result.doubt is not None:
        told.append(f"in doubt by {float(np.median(result.doubt)):.1f} gray levels (median)")
    asked = [str(rule) for rule in result.rules]
    history = result.played.recorded.history if result.played.recorded else ()
    asked += [str(entry.get("what")) for entry in history]
    lines = [*result.notes, *([f"Asked for: {'; '.join(asked)}."] if asked else [])]
    notes = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    head = html.escape(" · ".join(told))
    figures = f'<div class="row">{_write_wipe(result)}{_write_maps(result)}</div>'
    return f'<section><p class="head">{head}</p>{figures}{_write_legend(result)}{notes}</section>'


def _write_wipe(result: "Result") -> str:
    first, last = (_fit(result, result.played.frames[at]) for at in (0, -1))
    width, height = first.size
    return (
        f'<figure style="--width:{_width(first)}px"><div class="wipe" style="--at:50%;'
        f'aspect-ratio:{width}/{height}"><img alt="after" src="{_embed(last)}">'
        f'<img class="before" alt="before" src="{_embed(first)}"><i></i>'
        '<input type="range" min="0" max="100" value="50" step="0.5" aria-label="how much of the'
        f' picture before is seen, in percent" oninput="{WIPE}"></div>'
        "<figcaption><span>before</span><span>after</span></figcaption></figure>"
    )


def _write_maps(result: "Result") -> str:
    choices = result.played.choices[:, 0]
    names, noop = result.edits, result.policy.module.task.actions.noop
    length, height, width = choices.shape
    factor = min(1.0, SIDE / max(height, width), math.sqrt(LARGEST / choices.numel()))
    size = (max(1, round(factor * width)), max(1, round(factor * height)))
    inks = ink_edits(names, noop)
    table = [level for ink in inks for level in bytes.fromhex(ink[1:])]
    sheet = Image.new("P", (size[0], size[1] * length))
    sheet.putpalette(table)
    for step, choice in enumerate(choices.to(torch.uint8).numpy()):
        part = Image.fromarray(choice).resize(size, Image.Resampling.NEAREST)
        sheet.paste(part, (0, size[1] * step))
    shares = count_shares(result.played.choices, len(names)).tolist()
    bars = "".join(f"<span>{_write_bar(row, names, inks)}</span>" for row in shares)
    shown = _fit(result, result.played.frames[0])
    return (
        f'<figure style="--width:{_width(shown)}px;--step:0;--steps:{length}">'
        f'<div class="map" style="aspect-ratio:{width}/{height}">'
        f'<img alt="what every pixel chose" src="{_embed(sheet)}"></div>'
        f"<figcaption><span>chosen in step <output>1</output> of {length}</span></figcaption>"
        f'<div class="bars" aria-hidden="true">{bars}</div>'
        f'<input type="range" min="1" max="{length}" value="1" aria-label="step"'
        f' oninput="{STEP}"></figure>'
    )


def _write_bar(row: list[float], names: tuple[str, ...], inks: list[str]) -> str:
    parts = zip(row, names, inks, strict=True)
    return "".join(
        f'<b style="background:{ink};flex:{share:.4f}" title="{html.escape(name, quote=True)}'
        f' {percent(share)}"></b>'
        for share, name, ink in parts
        if share >= 0.0005
    )


def _write_legend(result: "Result") -> str:
    noop = result.policy.module.task.actions.noop
    inks = dict(zip(result.edits, ink_edits(result.edits, noop), strict=True))
    items = "".join(
        f'<li><b style="background:{inks[name]}"></b>{html.escape(name)}'
        f" <small>{percent(share)}</small></li>"
        for name, share in list_shares(result)
    )
    return f"<ul>{items}</ul>"


def _fit(result: "Result", frame: Tensor) -> Image.Image:
    """Show a frame ``(1,C,H,W)`` in the picture's own colors, reduced if it is large."""
    samples = result.samples(frame)
    colors = samples[:, : 1 if samples.shape[1] < 3 else 3].float()
    if samples.shape[1] in {2, 4}:
        alpha = samples[:, -1:].float()
        colors = colors * alpha + (1 - alpha)
    array: NDArray[np.uint8] = as_bytes(colors[0])
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def _width(image: Image.Image) -> int:
    """Choose how wide a picture is shown: small ones are enlarged by a whole factor."""
    return image.width * max(1, (SIDE * 3 // 5) // max(image.size))


def _embed(image: Image.Image) -> str:
    """Write a picture as a data URI: maps and small pictures without loss."""
    file, kind = io.BytesIO(), "webp"
    if max(image.size) > WEBP_SIDE:
        kind = "png"
        image.save(file, "PNG", optimize=True)
    elif image.mode == "P" or image.width * image.height <= SMALL:
        image.convert("RGB").save(file, "WEBP", lossless=True)
    else:
        image.save(file, "WEBP", quality=82)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
