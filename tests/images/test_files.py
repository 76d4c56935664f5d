"""Every kind of picture that a camera or tool writes, against OpenCV and by hand."""

import errno
import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelrl.errors import DataError, MapError
from pixelrl.images import files as images
from pixelrl.images import folders

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (20, 30), np.uint8)
COLOR = RNG.integers(0, 256, (20, 30, 3), np.uint8)
DEEP = RNG.integers(0, 2**16, (20, 30, 3), np.uint16)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    samples: np.ndarray, kind: int, *extra: bytes, size: tuple[int, int] | None = None
) -> bytes:
    """Make a 16-bit PNG by hand; `kind` is its color type."""
    height, width = size or samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + data + chunk(b"IEND", b"")


def attempt(path: Path, channels: int = 3) -> np.ndarray | str:
    """Read what may be damaged; return it, or the message."""
    try:
        return images.read_array(path, channels)
    except DataError as error:
        return str(error)


def refusal(path: Path, channels: int = 3) -> str:
    """Read what cannot be read; return the one line that says so."""
    told = attempt(path, channels)
    assert isinstance(told, str)
    assert "\n" not in told
    assert str(path) in told
    return told


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_read_back(
    height: int, width: int, channels: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    levels = np.random.default_rng(seed).integers(0, 256, (channels, height, width), np.uint8)
    image = torch.tensor(levels).float() / 255
    path = tmp_path_factory.mktemp("images") / "a.png"
    images.write_image(path, image)
    assert torch.equal(images.read_image(path, channels), image)


def test_writing_clamps_and_rounds(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.png"
    images.write_image(path, torch.tensor([[[-0.5, 0.4 / 255, 0.6 / 255, 1.7]]]))
    assert cv2.imread(str(path), 0).tolist() == [[0, 0, 1, 255]]
    assert [item.name for item in path.parent.iterdir()] == ["a.png"]


def test_jpegs_are_decoded_as_opencv_does(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(GRAY).save(path, quality=90)
    assert np.array_equal(images.read_array(path, 1)[..., 0], cv2.imread(str(path), 0))
    Image.fromarray(COLOR).save(path, quality=90)
    expected = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(images.read_array(path, 3).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("color", [False, True])
def test_sixteen_bits_are_kept(tmp_path: Path, suffix: str, color: bool) -> None:
    deep = RNG.integers(0, 2**16, (20, 30, 3) if color else (20, 30), np.uint16)
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), deep[..., ::-1] if color else deep)
    read = images.read_array(path, 3 if color else 1)
    assert read.dtype == np.float32
    expected = deep if color else deep[..., None]
    np.testing.assert_allclose(read, expected / 65535, atol=1e-6)
    crossed = images.read_array(path, 1 if color else 3)
    if color:
        luma = expected @ [0.299, 0.587, 0.114] / 65535
        np.testing.assert_allclose(crossed[..., 0], luma, atol=1e-6)
    else:
        np.testing.assert_allclose(crossed, np.repeat(expected, 3, 2) / 65535, atol=1e-6)


def test_every_mode_becomes_gray_and_color(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOR)
    for name, saved in {
        "palette.png": picture.quantize(64),
        "palette.gif": picture.quantize(64),
        "bits.png": picture.convert("1"),
        "gray.png": picture.convert("L"),
        "a.webp": picture,
        "a.bmp": picture,
        "cmyk.jpg": picture.convert("CMYK"),
        "float.tif": Image.fromarray(GRAY.astype(np.float32) / 255),
        "a.ppm": picture,
        "lzw.tif": picture,
    }.items():
        path = tmp_path / name
        saved.save(path, **({"compression": "tiff_lzw"} if name == "lzw.tif" else {}))
        for channels in (1, 3):
            read = images.read_array(path, channels)
            assert read.shape == (20, 30, channels), name
            if name == "float.tif":
                np.testing.assert_allclose(read[..., 0], GRAY / 255, atol=1e-6)
            elif not name.endswith((".jpg", ".webp")):
                mode = "L" if channels == 1 else "RGB"
                with Image.open(path) as opened:
                    expected = np.asarray(opened.convert(mode)).reshape(read.shape)
                assert np.array_equal(read, expected), name


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    layers = np.zeros((1, 3, 4), np.uint8)
    layers[0, 0] = 10, 20, 30, 255
    layers[0, 1] = 10, 20, 30, 0
    layers[0, 2] = 0, 0, 0, 128
    path = tmp_path / "a.png"
    Image.fromarray(layers).save(path)
    assert images.read_array(path, 3).tolist() == [[[10, 20, 30], [255] * 3, [127] * 3]]
    Image.fromarray(np.array([[[0, 255], [0, 0]]], np.uint8)).save(path)  # gray and alpha
    assert images.read_array(path, 1).tolist() == [[[0], [255]]]


def test_photographs_are_turned_as_exif_says(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(GRAY)
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    picture.save(path, exif=exif)
    assert np.array_equal(images.read_array(path, 1)[..., 0], np.rot90(GRAY, -1))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_damaged_files_are_told_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    noise = RNG.integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    for content, told in [
        (whole[: len(whole) // 2], "damaged|not an image"),
        (b"", "an empty file"),
        (b"not a picture at all", "not an image|damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=told) as caught:
            images.read_array(path, 3)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_truncated_deep_files_are_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), RNG.integers(0, 2**16, (64, 64, 3), np.uint16))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DataError, match=r"damaged|not an image"):
        images.read_array(path, 3)


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        images.read_array(tmp_path / "a.png", 1)
    with pytest.raises(DataError, match="no such folder"):
        folders.list_images(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.png").touch()
    with pytest.raises(DataError, match="no images in"):
        folders.list_images(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        images.write_image(tmp_path / "file" / "a.png", torch.zeros(1, 2, 2))


def test_a_folders_images_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "c.tiff", "d.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in folders.list_images(tmp_path)] == ["a.jpeg", "b.PNG", "c.tiff"]
    assert folders.list_images(tmp_path / "a.jpeg") == [tmp_path / "a.jpeg"]


def test_the_photographs_in_the_box_are_split_by_image() -> None:
    splits = [set(folders.list_bundled(split)) for split in ("train", "val", "test")]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 14
    for path in set.union(*splits):
        assert images.read_array(path, 1).shape[2] == 1


def test_a_digest_knows_names_and_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    digest = folders.digest([one, two])
    assert digest == folders.digest([two, one])
    two.write_bytes(b"3")
    assert digest != folders.digest([one, two])


@pytest.mark.parametrize(
    ("samples", "how"),
    [
        (DEEP, {"bigtiff": True}),
        (DEEP, {"byteorder": ">"}),
        (DEEP, {"tile": (16, 16)}),
        (DEEP, {"compression": "zlib", "predictor": True}),
        (DEEP.transpose(2, 0, 1), {"planarconfig": "separate"}),
        (DEEP / 65535, {}),
        ((DEEP / 65535).astype(np.float16), {}),
    ],
)
def test_every_layout_of_deep_tiff_is_the_same_image(
    tmp_path: Path, samples: np.ndarray, how: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, samples, photometric="rgb", **how)
    atol = 1e-3 if samples.dtype == np.float16 else 1e-6
    np.testing.assert_allclose(images.read_array(path, 3), DEEP / 65535, atol=atol)


def test_lzw_and_white_at_zero_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), DEEP[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    np.testing.assert_allclose(images.read_array(path, 3), DEEP / 65535, atol=1e-6)
    tifffile.imwrite(path, DEEP[..., 0], photometric="miniswhite")
    np.testing.assert_allclose(images.read_array(path, 1), 1 - DEEP[..., :1] / 65535, atol=1e-6)


@pytest.mark.parametrize("turn", range(1, 9))
def test_deep_files_are_turned_as_pillow_turns_shallow_ones(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(GRAY).save(tmp_path / "shallow.png", exif=exif)
    expected = images.read_array(tmp_path / "shallow.png", 1) / 255
    deep = GRAY.astype(np.uint16) * 257
    tag = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    (tmp_path / "deep.png").write_bytes(png(deep, 0, tag))
    tifffile.imwrite(tmp_path / "deep.tif", deep, extratags=[(274, "H", 1, turn, True)])
    for name in ("deep.png", "deep.tif"):
        np.testing.assert_allclose(images.read_array(tmp_path / name, 1), expected, atol=1e-6)


def test_a_decoder_prints_nothing_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = [
        chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"no profile")),
        chunk(b"gAMA", bytes(4)),
        chunk(b"sBIT", b"\xff" * 3),
        chunk(b"bKGD", b"\0"),
    ]
    path = tmp_path / "odd.png"
    path.write_bytes(png(DEEP, 2, *odd))
    cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert "libpng" in capfd.readouterr().err  # which is what it would print
    read = images.read_image(path, channels=3)
    assert capfd.readouterr() == ("", "")
    np.testing.assert_allclose(read.permute(1, 2, 0), DEEP / 65535, atol=1e-6)


def test_deep_transparency_is_laid_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    alpha = DEEP[..., :1] / 65535
    expected = DEEP / 65535 * alpha + 1 - alpha
    path.write_bytes(png(np.dstack([DEEP, DEEP[..., 0]]), 6))
    np.testing.assert_allclose(images.read_array(path, 3), expected, atol=1e-6)
    gray = np.array([[7, 8]], np.uint16)
    path.write_bytes(png(gray, 0, chunk(b"tRNS", struct.pack(">H", 7))))
    np.testing.assert_allclose(images.read_array(path, 1)[0, :, 0], [1, 8 / 65535], atol=1e-6)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.dstack([DEEP, DEEP[..., 0]]), photometric="rgb", extrasamples=["unassalpha"]
    )
    np.testing.assert_allclose(images.read_array(path, 3), expected, atol=1e-6)


@pytest.mark.parametrize("top", [1023, 65535])
def test_content_decides_not_the_suffix(tmp_path: Path, top: int) -> None:
    samples = np.minimum(DEEP, top)
    pnm = b"P6\n# by hand\n30 20\n%d\n" % top + samples.astype(">u2").tobytes()
    (tmp_path / "pnm.png").write_bytes(pnm)
    np.testing.assert_allclose(images.read_array(tmp_path / "pnm.png", 3), samples / top, atol=1e-6)
    (tmp_path / "png.jpg").write_bytes(png(DEEP, 2))
    np.testing.assert_allclose(images.read_array(tmp_path / "png.jpg", 3), DEEP / 65535, atol=1e-6)


def test_samples_without_a_known_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for samples in (DEEP.astype(np.float32), np.full((4, 4, 3), np.nan, np.float32)):
        tifffile.imwrite(path, samples, photometric="rgb")
        assert "outside [0, 1]" in refusal(path)
    tifffile.imwrite(path, DEEP.astype(np.int16), photometric="rgb")
    assert "int16" in refusal(path)
    tifffile.imwrite(path, np.dstack([DEEP, DEEP[..., 0]]), photometric="separated")
    assert "neither gray nor RGB" in refusal(path)


def test_bombs_and_folders_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(DEEP, 2, size=(40_000, 40_000)))
    assert "too large" in refusal(path)
    (tmp_path / "b.png").mkdir()
    assert "a folder" in refusal(tmp_path / "b.png")
    assert folders.list_images(tmp_path) == [path]


@pytest.mark.parametrize(
    ("suffix", "samples"),
    [(suffix, COLOR) for suffix in (".png", ".jpg", ".gif", ".bmp", ".webp", ".ppm", ".tif")]
    + [(suffix, DEEP) for suffix in (".png", ".ppm", ".tif")],
)
def test_no_cut_is_silent(tmp_path: Path, suffix: str, samples: np.ndarray) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".gif":
        Image.fromarray(COLOR).save(path)
    else:
        cv2.imwrite(str(path), samples)
    whole, expected = path.read_bytes(), images.read_array(path, 3)
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        read = attempt(path)
        if isinstance(read, str):
            assert "\n" not in read
        else:  # only what follows the pixels was missing
            assert np.array_equal(read, expected), length


@given(seed=st.integers(0, 2**32 - 1), suffix=st.sampled_from([".png", ".jpg", ".tif", ".bmp"]))
def test_flipped_bytes_raise_nothing_else(
    seed: int, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("images") / f"a{suffix}"
    Image.fromarray(COLOR).save(path)
    content = bytearray(path.read_bytes())
    for place in rng.integers(0, min(len(content), 300), 4):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    read = attempt(path)
    assert not isinstance(read, str) or "\n" not in read


def test_reading_leaves_the_loggers_as_they_were(tmp_path: Path) -> None:
    logger = logging.getLogger("tifffile")
    before = logger.level
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    refusal(tmp_path / "a.tif")
    assert logger.level == before


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    images.write_image(path, torch.ones(1, 2, 2))

    def full(_: Image.Image, file: Path, *__: Any, **___: Any) -> None:
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DataError, match="the disk is full"):
        images.write_image(path, torch.zeros(1, 2, 2))
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(images.read_image(path, 1), torch.ones(1, 2, 2))
    with pytest.raises(MapError, match="C 1 or 3"):
        images.write_image(path, torch.zeros(2, 2, 2))


def test_a_digest_of_missing_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        folders.digest([tmp_path / "a.png"])
