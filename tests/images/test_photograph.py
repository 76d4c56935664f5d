"""What comes in goes out: every kind of picture, read, edited and written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, ImageOps

from pixelrl.errors import DataError
from pixelrl.images.exif import load_exif
from pixelrl.images.files import read_array
from pixelrl.images.formats import format_of, list_reductions
from pixelrl.images.metadata import read_metadata
from pixelrl.images.photograph import read_photograph
from pixelrl.images.writing import write_photograph

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (20, 30, 3), np.uint8)
DEEP = RNG.integers(0, 2**16, (20, 30, 3), np.uint16)
ALPHA = RNG.integers(0, 256, (20, 30, 1), np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROFILE_BYTES = bytes(PROFILE)
EXPOSURE, PLACE = 0x8769, 0x8825


def exif(turn: int = 1) -> bytes:
    told = Image.Exif()
    told[271] = "Maker"
    told[274] = turn
    told.get_ifd(EXPOSURE)[36867] = "2020:01:02 03:04:05"
    told.get_ifd(EXPOSURE)[33437] = 2.8
    told.get_ifd(PLACE)[1] = "N"
    return told.tobytes()


def make(folder: Path) -> dict[str, Path]:
    """Write one file of every kind that is written again."""
    picture, clear = Image.fromarray(COLOR), Image.fromarray(np.dstack([COLOR, ALPHA]))
    for name, each, how in [
        ("color.png", picture, {}),
        ("color.bmp", picture, {}),
        ("color.ppm", picture, {}),
        ("color.tif", picture, {"compression": "tiff_lzw"}),
        ("color.webp", picture, {"lossless": True}),
        ("gray.png", picture.convert("L"), {}),
        ("gray.pgm", picture.convert("L"), {}),
        ("clear.png", clear, {}),
        ("clear.tif", clear, {}),
        ("clear.webp", clear, {"lossless": True, "exact": True}),
        ("clear-gray.png", clear.convert("LA"), {}),
    ]:
        each.save(folder / name, **how)
    for name, samples in [
        ("deep.png", DEEP),
        ("deep-gray.png", DEEP[..., 0]),
        ("deep-clear.png", np.dstack([DEEP, DEEP[..., 0]])),
        ("deep.ppm", DEEP),
    ]:
        cv2.imwrite(str(folder / name), samples)
    rgb = {"photometric": "rgb"}
    tifffile.imwrite(folder / "deep.tif", DEEP, **rgb)
    tifffile.imwrite(folder / "float.tif", (DEEP / 65535).astype(np.float32), **rgb)
    layers = np.dstack([DEEP, DEEP[..., 0]])
    tifffile.imwrite(folder / "deep-clear.tif", layers, extrasamples=["unassalpha"], **rgb)
    return {path.name: path for path in folder.iterdir()}


def raw(path: Path) -> np.ndarray:
    """Read a file's samples as they are, transparency among them, by another library."""
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    if path.suffix == ".webp":
        return np.asarray(Image.open(path))
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize("channels", [1, 3])
def test_where_nothing_is_edited_every_sample_stays(tmp_path: Path, channels: int) -> None:
    (tmp_path / "in").mkdir()
    for name, path in make(tmp_path / "in").items():
        photograph = read_photograph(path, channels)
        assert photograph.image.shape[0] == channels
        again = tmp_path / name
        write_photograph(again, photograph, photograph.image)
        before, after = raw(path), raw(again)
        assert before.dtype == after.dtype, name
        np.testing.assert_allclose(after, before, atol=1e-6, err_msg=name)
        assert list_reductions(photograph.metadata, b"", format_of(again)) == [], name


def test_gray_agents_change_luminance_alone(tmp_path: Path) -> None:
    path, again = tmp_path / "a.png", tmp_path / "b.png"
    middle = np.clip(COLOR, 40, 200)
    Image.fromarray(middle).save(path)
    photograph = read_photograph(path, channels=1)
    assert photograph.luminance_alone
    write_photograph(again, photograph, photograph.image + 10 / 255)
    assert np.array_equal(np.asarray(Image.open(again)), middle + 10)


def test_gray_pictures_stay_gray_under_agents_of_color(tmp_path: Path) -> None:
    path, again = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(np.full((4, 6), 100, np.uint8)).save(path)
    photograph = read_photograph(path, channels=3)
    redder = photograph.image + torch.tensor([100, 0, 0])[:, None, None] / 255
    write_photograph(again, photograph, redder)
    with Image.open(again) as picture:
        assert (picture.mode, picture.getpixel((0, 0))) == ("L", 130)  # 0.299 of red


def test_colors_under_transparency_stay(tmp_path: Path) -> None:
    path, again = tmp_path / "a.png", tmp_path / "b.png"
    layers = np.dstack([np.full((4, 6, 3), (10, 20, 30), np.uint8), np.zeros((4, 6), np.uint8)])
    layers[0, 0, 3] = 255
    Image.fromarray(layers).save(path)
    photograph = read_photograph(path, channels=3)
    assert float(photograph.image[0, 3, 5]) == 1  # agents see white there
    edited = photograph.image.clone()
    edited[:, 0, 0] += 5 / 255
    write_photograph(again, photograph, edited)
    found = np.asarray(Image.open(again))
    assert found[0, 0].tolist() == [15, 25, 35, 255]
    assert np.array_equal(found[1:], layers[1:])


def test_what_agents_leave_is_seen_through_transparency(tmp_path: Path) -> None:
    path, again = tmp_path / "a.tif", tmp_path / "b.tif"
    layers = np.full((4, 6, 4), 0.5, np.float32)
    layers[..., 3] = np.linspace(0.2, 1, 6)
    tifffile.imwrite(path, layers, photometric="rgb", extrasamples=["unassalpha"])
    photograph = read_photograph(path, channels=1)
    write_photograph(again, photograph, photograph.image - 0.05)
    written = read_photograph(again, channels=1)
    torch.testing.assert_close(written.image, photograph.image - 0.05)
    assert torch.equal(written.alpha, photograph.alpha)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_profile_exif_resolution_and_turn_stay(tmp_path: Path, suffix: str, turn: int) -> None:
    path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    how: dict[str, Any] = {"exif": exif(turn), "icc_profile": PROFILE_BYTES, "dpi": (300, 300)}
    Image.fromarray(COLOR).save(path, **how)
    photograph = read_photograph(path, channels=3)
    write_photograph(again, photograph, photograph.image)
    before, after = read_metadata(path), read_metadata(again)
    assert (before.turn, before.dpi, before.profile) == (after.turn, after.dpi, after.profile)
    assert after.profile == PROFILE_BYTES
    one, other = load_exif(before.exif), load_exif(after.exif)
    assert other[271] == "Maker"
    for tag in (EXPOSURE, PLACE):
        assert dict(one.get_ifd(tag)) == dict(other.get_ifd(tag)) != {}
    with Image.open(path) as opened, Image.open(again) as written:
        assert written.size == opened.size  # as they lie, and
        shown = [
            np.asarray(ImageOps.exif_transpose(each)).astype(int) for each in (opened, written)
        ]
    assert shown[0].shape == shown[1].shape
    assert np.abs(shown[0] - shown[1]).max() <= (40 if suffix == ".jpg" else 0)  # as they are seen


def test_deep_files_keep_them_too(tmp_path: Path) -> None:
    for suffix in (".png", ".tif"):
        path, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        Image.fromarray(COLOR).save(path, exif=exif(6), icc_profile=PROFILE_BYTES, dpi=(72, 144))
        photograph = read_photograph(path, channels=3)
        photograph = replace(photograph, metadata=replace(photograph.metadata, kind="uint16"))
        write_photograph(again, photograph, photograph.image)
        before, after = read_metadata(path), read_metadata(again)
        assert after.kind == "uint16"
        assert (before.turn, before.profile) == (after.turn, after.profile)
        assert after.dpi == pytest.approx(before.dpi, rel=1e-3)
        exposures = [dict(load_exif(each.exif).get_ifd(EXPOSURE)) for each in (before, after)]
        assert exposures[0] == exposures[1] != {}


def test_another_format_lies_upright(tmp_path: Path) -> None:
    path, again = tmp_path / "a.jpg", tmp_path / "b.png"
    Image.fromarray(COLOR).save(path, exif=exif(6), quality=95)
    photograph = read_photograph(path, channels=3)
    write_photograph(again, photograph, photograph.image)
    with Image.open(again) as written:
        assert (written.size, written.getexif()[274], written.getexif()[271]) == (
            (20, 30),
            1,
            "Maker",
        )
    assert np.array_equal(read_array(again, 3), read_array(path, 3))


def test_what_is_not_kept_is_told(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOR)
    palette, cmyk, pages = tmp_path / "a.png", tmp_path / "b.jpg", tmp_path / "c.tif"
    picture.quantize(16).save(palette)
    picture.convert("CMYK").save(cmyk)
    picture.save(pages, save_all=True, append_images=[picture, picture])
    clear = tmp_path / "d.png"
    cv2.imwrite(str(clear), np.dstack([DEEP, DEEP[..., 0]]))

    def told(path: Path, suffix: str) -> list[str]:
        photograph = read_photograph(path, 3)
        write_photograph(tmp_path / f"out{suffix}", photograph, photograph.image)
        return list_reductions(
            photograph.metadata, photograph.profile, format_of(Path(f"out{suffix}"))
        )

    assert told(palette, ".png") == ["palette became full color"]
    assert told(cmyk, ".jpg") == ["CMYK and other colors became RGB"]
    assert told(pages, ".tif") == ["2 further pages or frames left out"]
    assert told(clear, ".jpg") == ["16 bits became 8", "transparency left out: laid on white"]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="an empty file"):
        read_photograph(tmp_path / "a.png", 1)
