"""Regions of a TIFF are parts of the whole; written by tiles, it is the same picture."""

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixelrl.errors import DataError
from pixelrl.images import regions, tiff
from pixelrl.images.deep import turn_upright
from pixelrl.images.exif import load_exif
from pixelrl.images.layers import read_layers
from pixelrl.images.limits import is_beyond
from pixelrl.images.metadata import Metadata, read_metadata
from pixelrl.images.regions import Region, open_regions
from pixelrl.images.writing import write_samples
from strategies import seeds

LAYOUTS: dict[str, tuple[int, dict[str, Any]]] = {
    "gray": (1, {"photometric": "minisblack"}),
    "inverted": (1, {"photometric": "miniswhite"}),
    "gray, clear": (2, {"photometric": "minisblack", "extrasamples": ["unassalpha"]}),
    "color": (3, {"photometric": "rgb"}),
    "planes": (3, {"photometric": "rgb", "planarconfig": "separate"}),
    "clear": (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "premultiplied": (4, {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
    "unspecified": (4, {"photometric": "rgb", "extrasamples": ["unspecified"]}),
}
PIECES: dict[str, dict[str, Any]] = {
    "rows": {},
    "strips": {"rowsperstrip": 5},
    "packed strips": {"rowsperstrip": 7, "compression": "zlib"},
    "tiles": {"tile": (16, 32)},
    "packed tiles": {"tile": (32, 16), "compression": "zlib", "predictor": True},
}
KINDS = {"uint8": 255, "uint16": 65535, "float32": 1}


def read_region(path: Path, region: Region) -> np.ndarray:
    with open_regions(path) as opened:
        return opened.read(region)


def read_size(path: Path) -> tuple[int, int]:
    with open_regions(path) as opened:
        return opened.size


def samples(layout: str, kind: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """Fill the samples of a layout as a file has them."""
    count, how = LAYOUTS[layout]
    drawn = np.random.default_rng(seed).random((*size, count), np.float32)
    if layout == "premultiplied":
        drawn[..., :3] *= drawn[..., 3:]
    array = drawn.astype(kind) if kind == "float32" else (drawn * KINDS[kind]).astype(kind)
    if how.get("planarconfig") == "separate":
        return np.ascontiguousarray(np.moveaxis(array, -1, 0))
    return array[..., 0] if count == 1 else array


FILES = st.tuples(
    st.sampled_from(list(LAYOUTS)),
    st.sampled_from(list(PIECES)),
    st.sampled_from(list(KINDS)),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.integers(1, 8),
    st.sampled_from("<>"),
)
"""Layout, pieces, kind, size, orientation, order of bytes."""


@settings(max_examples=50)
@given(FILES, st.booleans(), st.data())
def test_a_region_is_a_part_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, file: Any, big: bool, data: st.DataObject
) -> None:
    layout, pieces, kind, size, turn, order = file
    path = tmp_path_factory.mktemp("regions") / "a.tif"
    tifffile.imwrite(
        path,
        samples(layout, kind, size, data.draw(seeds)),
        byteorder=order,
        bigtiff=big and order == "<",  # of others Pillow, which reads wholes, knows nothing
        metadata=None,
        extratags=[(274, "H", 1, turn, True)],
        **{**LAYOUTS[layout][1], **PIECES[pieces]},
    )
    whole = read_layers(path)
    height, width = read_size(path)
    assert whole.shape[:2] == (height, width)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, height))
    right = data.draw(st.integers(left + 1, width))
    for region in [(0, 0, height, width), (top, left, bottom, right)]:
        found = read_region(path, region)
        wanted = whole[region[0] : region[2], region[1] : region[3]]
        assert found.dtype == wanted.dtype
        assert np.array_equal(found, wanted)


def test_only_the_pieces_that_a_region_meets_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    picture = np.zeros((320, 320, 3), np.uint8)
    tifffile.imwrite(path, picture, tile=(32, 32), compression="zlib", photometric="rgb")
    met: list[tuple[int, int]] = []
    read = regions._read_pieces

    def counted(*asked: Any) -> Any:
        for piece in read(*asked):
            met.append(piece[1:3])
            yield piece

    monkeypatch.setattr(regions, "_read_pieces", counted)
    read_region(path, (40, 60, 64, 65))
    assert met == [(0, 0), (32, 32), (32, 64)]  # the first to see that it can be unpacked


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Write files that cannot be read by regions, and tell what has to be said of each."""
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (40, 50, 3), np.uint8)
    picture, found = Image.fromarray(color), {}

    def add(name: str, match: str) -> Path:
        found[name] = (folder / f"{name}.tif", match)
        return folder / f"{name}.tif"

    picture.quantize(8).save(add("palette", "its colors are PALETTE"))
    picture.convert("1").save(add("bits", "it has 1 bits a sample"))
    picture.convert("CMYK").save(add("inks", "its colors are SEPARATED"))
    picture.convert("LAB").save(add("lab", "its colors are CIELAB"))
    path = add("spectrum", "it has 7 samples a pixel, of unknown meaning")
    tifffile.imwrite(path, np.zeros((8, 9, 7), np.uint8), photometric="minisblack",
                     planarconfig="contig")  # fmt: skip
    path = add("signed", "samples of type int16 have no known range")
    tifffile.imwrite(path, color.astype(np.int16), photometric="rgb")
    path = add("bright", r"samples outside \[0, 1\]")
    tifffile.imwrite(path, color.astype(np.float32), photometric="rgb")
    path = add("cut", "it is cut short")
    tifffile.imwrite(path, color, photometric="rgb")
    path.write_bytes(path.read_bytes()[:-100])
    path = add("cut-tiles", "it is cut short")
    tifffile.imwrite(path, color, photometric="rgb", tile=(16, 16))
    path.write_bytes(path.read_bytes()[:-100])
    path = add("noise", "a damaged or unknown image")
    tifffile.imwrite(path, color, photometric="rgb", compression="zlib", rowsperstrip=8)
    with tifffile.TiffFile(path) as opened:
        start = opened.pages[0].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[start : start + 40] = bytes(range(40))
    path.write_bytes(bytes(content))
    picture.save(add("png", "a damaged or unknown image"), "PNG")
    add("empty", "a damaged or unknown image").touch()
    add("head", "a damaged or unknown image").write_bytes(struct.pack("<2sHI", b"II", 42, 4000))
    add("nowhere", "no such file")
    return found


def test_what_cannot_be_read_by_regions_is_told_in_a_line(tmp_path: Path) -> None:
    for path, match in bad_files(tmp_path).values():
        with pytest.raises(DataError, match=match) as raised:
            read_size(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_packed_pieces_have_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "LARGEST", 500)
    for name, how in [("packed", {"compression": "zlib", "rowsperstrip": 40}), ("rows", {})]:
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.zeros((40, 50), np.uint8), photometric="minisblack", **how)
        if how:
            with pytest.raises(DataError, match="packed in pieces of 50x40 pixels"):
                read_size(path)
        else:
            read_size(path)


def test_packings_of_an_extra_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path, compression="tiff_lzw")

    def missing(*_: Any) -> Any:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(regions, "_read", missing)
    with pytest.raises(DataError, match="unpacking LZW needs imagecodecs; pip install"):
        read_size(path)


# Writing


PICTURES = st.tuples(
    st.integers(1, 4),
    st.sampled_from(list(KINDS)),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
"""Channels, kind, size."""


@settings(max_examples=25)
@given(PICTURES, st.sampled_from([16, 32, 64]), st.booleans(), seeds)
def test_written_by_tiles_it_is_the_same_picture(
    tmp_path_factory: pytest.TempPathFactory, picture: Any, side: int, big: bool, seed: int
) -> None:
    channels, kind, size = picture
    folder = tmp_path_factory.mktemp("tiles")
    one, other = folder / "a.tif", folder / "b.tif"
    array = (np.random.default_rng(seed).random((*size, channels)) * KINDS[kind]).astype(kind)
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    exif.get_ifd(0x8769)[33437] = 2.8
    told = Metadata("TIFF", kind, channels < 3, channels in {2, 4}, 6, b"Exif\0\0" + exif.tobytes())
    tiles = (
        array[top : top + side, left : left + side]
        for top in range(0, size[0], side)
        for left in range(0, size[1], side)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff, "SMALL", 0 if big else 2**32)
        tiff.write_tiles(one, tiles, side, array.shape, told)
    write_samples(other, array, told, b"")
    assert np.array_equal(tifffile.imread(one).reshape(array.shape), array)
    assert np.array_equal(read_layers(one), read_layers(other))
    found, wanted = read_metadata(one), read_metadata(other)
    assert (found.kind, found.gray, found.clear) == (wanted.kind, wanted.gray, wanted.clear)
    assert (found.turn, wanted.turn) == (1, 6)
    with tifffile.TiffFile(one) as opened:
        assert opened.is_bigtiff == big
        assert opened.pages[0].tags.valueof(271) == "Maker"
    if not big:
        assert load_exif(found.exif).get_ifd(0x8769)[33437] == 2.8


def test_copied_by_regions_no_more_than_a_block_is_held(tmp_path: Path) -> None:
    told, most = Metadata("TIFF", "uint8", gray=False, clear=False), []
    for height in (256, 256, 2048):  # the first for what is made once
        path, again = tmp_path / f"{height}.tif", tmp_path / "again.tif"
        picture = np.random.default_rng(0).integers(0, 256, (height, 256, 3), np.uint8)
        tifffile.imwrite(path, picture, tile=(32, 64), compression="zlib", photometric="rgb")
        with open_regions(path) as opened:
            tiles = (
                opened.read((top, left, top + 128, left + 128))
                for top in range(0, height, 128)
                for left in range(0, 256, 128)
            )
            tracemalloc.start()
            tiff.write_tiles(again, tiles, 128, (height, 256, 3), told)
            most.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert np.array_equal(tifffile.imread(again), picture)
    assert most[2] - most[1] < 50_000  # the picture has 1,600,000 bytes


def test_an_error_among_the_tiles_leaves_no_file(tmp_path: Path) -> None:
    def tiles() -> Any:
        yield np.zeros((16, 16, 1), np.uint8)
        raise DataError("the second is damaged")

    gray = Metadata("TIFF", "uint8", gray=True, clear=False)
    with pytest.raises(DataError, match="the second is damaged"):
        tiff.write_tiles(tmp_path / "a.tif", tiles(), 16, (16, 32, 1), gray)
    assert not list(tmp_path.iterdir())


def test_only_tiffs_are_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixelrl.images.limits.MOST_PIXELS", 100)
    for name, size, wanted in [("a.tif", 11, True), ("b.tif", 10, False), ("c.png", 11, False)]:
        Image.new("L", (10, size)).save(tmp_path / name)
        assert is_beyond(tmp_path / name) is wanted
    assert not is_beyond(tmp_path / "nowhere.tif")


def test_regions_are_turned_as_wholes_are() -> None:
    lying = np.arange(12).reshape(3, 4, 1)
    for turn in range(1, 9):
        upright = turn_upright(lying, turn)
        height, width = upright.shape[:2]
        top, left, bottom, right = regions._lay((0, 1, 2, 3), (height, width), turn)
        there = turn_upright(lying[top:bottom, left:right], turn)
        assert np.array_equal(there, upright[0:2, 1:3])
