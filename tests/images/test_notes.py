"""What people wrote into a picture's file stays, or is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pixelrl.images.formats import JPEG, format_of, list_reductions
from pixelrl.images.metadata import Metadata, read_metadata
from pixelrl.images.notes import make_segment, pack_captions, parse_blocks
from pixelrl.images.photograph import read_photograph
from pixelrl.images.writing import write_photograph

PICTURE = Image.fromarray(np.full((8, 9, 3), (10, 90, 200), np.uint8))
IPTC = b"\x1c\x02\x05\x00\x07A title\x1c\x02\x19\x00\x04gate"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".bmp", ".ppm")


def write_source(path: Path) -> None:
    """Write a picture with captions, XMP and texts as other programs do, where it can have them."""
    suffix, how = path.suffix, {}
    if suffix == ".png":
        info = PngInfo()
        info.add_text("Title", "A gate")
        info.add_itxt("Comment", "Ein schönes Tor", lang="de")
        info.add_text("Long", "word " * 500, zip=True)
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        how = {"pnginfo": info}
    elif suffix == ".jpg":
        how = {"extra": make_segment(IPTC), "xmp": XMP, "comment": "schön".encode()}
    elif suffix == ".webp":
        how = {"xmp": XMP, "lossless": True}
    if suffix == ".tif":
        tags = [(33723, "B", len(IPTC), IPTC, True), (700, "B", len(XMP), XMP, True)]
        tifffile.imwrite(
            path, np.asarray(PICTURE), photometric="rgb", metadata=None, extratags=tags
        )
    else:
        PICTURE.save(path, **how)


def edit(path: Path, again: Path, **changed: Any) -> tuple[Metadata, Metadata, list[str]]:
    """Write an edit that changes nothing; returns what both files tell, and what is told."""
    photograph = read_photograph(path, channels=3)
    photograph = replace(photograph, metadata=replace(photograph.metadata, **changed))
    write_photograph(again, photograph, photograph.image)
    told = list_reductions(photograph.metadata, photograph.profile, format_of(again))
    return photograph.metadata, read_metadata(again), told


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_in_its_own_format_everything_written_stays(tmp_path: Path, suffix: str) -> None:
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_source(path)
    before, after, told = edit(path, again)
    assert told == []
    assert (before.iptc, before.xmp, before.texts) == (after.iptc, after.xmp, after.texts)
    assert before.xmp == XMP
    assert before.iptc == (IPTC if suffix in {".jpg", ".tif"} else b"")
    assert len(before.texts) == {".png": 3, ".jpg": 1}.get(suffix, 0)


def test_texts_keep_their_languages_at_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_source(path)
    for kind in ("uint8", "uint16"):
        again = tmp_path / f"{kind}.png"
        edit(path, again, kind=kind, iptc=IPTC)
        found = read_metadata(again)
        assert (found.kind, found.iptc, found.xmp) == (kind, IPTC, XMP)
        with Image.open(again) as opened:
            assert opened.text["Title"] == "A gate"
            assert (opened.text["Comment"], opened.text["Comment"].lang) == (
                "Ein schönes Tor",
                "de",
            )


@pytest.mark.parametrize("source", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("target", SUFFIXES)
def test_what_another_format_cannot_hold_is_told(tmp_path: Path, source: str, target: str) -> None:
    path, again = tmp_path / f"a{source}", tmp_path / f"b{target}"
    write_source(path)
    before, after, told = edit(path, again)
    for name in ("iptc", "xmp"):
        kept, had = getattr(after, name), getattr(before, name)
        assert kept in (had, b"")
        assert (f"{name.upper()} left out" in told) == (had != kept)
    lost = [key for key, text in before.texts if (key, text) not in after.texts]
    assert told[-1:] == ([f"texts left out ({', '.join(lost)})"] if lost else told[-1:])
    assert (before.iptc == after.iptc) or target in {".webp", ".bmp", ".ppm"}


def test_a_comment_that_is_no_utf_8_stays_as_it_is(tmp_path: Path) -> None:
    path, again, png = tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "c.png"
    PICTURE.save(path, comment=b"sch\xf6n")
    edit(path, again)
    with Image.open(again) as opened:
        assert opened.info["comment"] == b"sch\xf6n"
    assert edit(path, png)[1].texts == (("Comment", "schön"),)


def test_blocks_too_long_for_a_jpeg_are_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_source(path)
    _, after, told = edit(path, tmp_path / "b.jpg", iptc=b"\x1c" * 70_000, xmp=b" " * 70_000)
    assert (after.iptc, after.xmp) == (b"", b"")
    assert told == ["XMP left out", "IPTC left out"]
    assert format_of(tmp_path / "b.jpg") is JPEG


def test_what_nobody_writes_again_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    outline = b"8BIM" + (2000).to_bytes(2) + b"\x04path\0" + (3).to_bytes(4) + b"abc\0"
    photoshop = b"Photoshop 3.0\0" + outline + pack_captions(IPTC)
    segments = {
        0xED: photoshop,
        0xEB: b"JP\0\x01credentials",
        0xE1: b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 50,
    }
    extra = b"".join(
        bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body
        for marker, body in segments.items()
    )
    PICTURE.save(path, extra=extra, dpi=(72, 72))
    before, after, told = edit(path, tmp_path / "b.jpg")
    assert before.iptc == after.iptc == IPTC
    assert told == [
        "Photoshop's own blocks left out",
        "extended XMP left out",
        "JPEG segments left out (APP11)",
    ]
    tags = [(33550, "d", 3, (1.0, 1.0, 0.0), True), (34377, "B", len(outline), outline, True)]
    tifffile.imwrite(tmp_path / "a.tif", np.asarray(PICTURE), photometric="rgb", extratags=tags)
    assert edit(tmp_path / "a.tif", tmp_path / "b.tif")[2] == [
        "Photoshop's own blocks left out",
        "TIFF tags left out (ModelPixelScaleTag)",
    ]


def test_captions_of_a_tiff_may_be_whole_numbers(tmp_path: Path) -> None:
    path, padded = tmp_path / "a.tif", IPTC + b"\0" * (-len(IPTC) % 4)
    for order in "<>":
        numbers = np.frombuffer(padded, f"{order}u4").tolist()
        tags = [(33723, "I", len(numbers), tuple(numbers), True)]
        tifffile.imwrite(path, np.asarray(PICTURE), byteorder=order, extratags=tags)
        assert read_metadata(path).iptc == padded


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.gif", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
        ("a.jpg", {"format": "MPO"}),
        ("a.png", {}),
    ],
)
def test_further_frames_of_every_format_are_told(
    tmp_path: Path, name: str, how: dict[str, Any]
) -> None:
    path, other = tmp_path / name, Image.fromarray(np.zeros((8, 9, 3), np.uint8))
    PICTURE.save(path, save_all=True, append_images=[other], **how)
    metadata, _, told = edit(path, tmp_path / f"b{path.suffix if name != 'a.gif' else '.png'}")
    assert metadata.further == 1
    assert "1 further page or frame left out" in told
    assert metadata.format != "MPO"


def test_damaged_blocks_are_none() -> None:
    whole = pack_captions(IPTC)
    for cut in range(len(whole) - len(IPTC)):
        assert parse_blocks(whole[:cut]).get(1028, b"") == b""
    assert parse_blocks(b"noise") == {}
