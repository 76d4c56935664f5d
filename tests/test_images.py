"""Every kind of picture that a camera or tool writes, against OpenCV and by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelrl import images
from pixelrl.errors import DataError

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (20, 30), np.uint8)
COLOR = RNG.integers(0, 256, (20, 30, 3), np.uint8)


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
        images.list_images(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.png").touch()
    with pytest.raises(DataError, match="no images in"):
        images.list_images(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        images.write_image(tmp_path / "file" / "a.png", torch.zeros(1, 2, 2))


def test_a_folders_images_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "c.tiff", "d.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in images.list_images(tmp_path)] == ["a.jpeg", "b.PNG", "c.tiff"]
    assert images.list_images(tmp_path / "a.jpeg") == [tmp_path / "a.jpeg"]


def test_the_photographs_in_the_box_are_split_by_image() -> None:
    splits = [set(images.photographs(split)) for split in ("train", "val", "test")]
    assert sum(map(len, splits)) == len(set.union(*splits)) == 14
    for path in set.union(*splits):
        assert images.read_array(path, 1).shape[2] == 1


def test_a_digest_knows_names_and_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    digest = images.digest([one, two])
    assert digest == images.digest([two, one])
    two.write_bytes(b"3")
    assert digest != images.digest([one, two])
