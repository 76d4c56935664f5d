"""A picture comes back as it came: its kind, shape, type, and, where nothing was done, itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pixelrl.api.channels import finish, look
from pixelrl.api.kinds import take_map, take_picture, take_region
from pixelrl.errors import DataError, MapError, PixelRLError
from pixelrl.images.carrying import lay_on_white
from pixelrl.images.photograph import finish_photograph, read_photograph

TYPES = ["uint8", "uint16", "float16", "float32", "float64"]
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda size: st.sampled_from([size, *((*size, channels) for channels in (1, 2, 3, 4))])
)


def numbers(shapes: Any) -> Any:
    def of(kind: str) -> Any:
        whole = kind.startswith("u")
        each = None if whole else st.floats(-0.5, 1.5, width=int(kind[5:]), allow_subnormal=False)
        return arrays.arrays(kind, shapes, elements=each)

    return st.sampled_from(TYPES).flatmap(of)


def through(value: Any, channels: int, change: float = 0.0) -> Any:
    """Have agents add a number to what they see."""
    picture = take_picture(value, channels)
    seen = look(picture, channels)
    return picture.restore(finish(picture, seen, seen + change))


@given(numbers(SHAPES), st.sampled_from([1, 3]))
def test_untouched_arrays_come_back_as_they_were(array: np.ndarray, channels: int) -> None:
    back = through(array, channels)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


@given(numbers(SHAPES), st.sampled_from([1, 3]), st.booleans())
def test_untouched_tensors_come_back_as_they_were(
    array: np.ndarray, channels: int, batched: bool
) -> None:
    flat = torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1)
    tensor = torch.stack([flat, flat]) if batched else flat
    back = through(tensor, channels)
    assert (back.dtype, back.shape, back.device) == (tensor.dtype, tensor.shape, tensor.device)
    assert torch.equal(back, tensor)


@given(st.sampled_from(["L", "LA", "RGB", "RGBA"]), st.sampled_from([1, 3]), st.binary(min_size=48))
def test_untouched_images_come_back_as_they_were(mode: str, channels: int, content: bytes) -> None:
    image = Image.frombytes(mode, (4, 3), content[: 12 * len(mode)])
    image.info["comment"] = "kept"
    back = through(image, channels)
    assert (back.mode, back.size, back.info) == (image.mode, image.size, image.info)
    assert back.tobytes() == image.tobytes()


@given(numbers(SHAPES), st.sampled_from([1, 3]), st.floats(-0.25, 0.25))
def test_what_agents_do_never_touches_transparency_or_what_came_in(
    array: np.ndarray, channels: int, change: float
) -> None:
    before = array.copy()
    back = through(array, channels, change)
    np.testing.assert_array_equal(array, before)
    if array.ndim == 3 and array.shape[2] in {2, 4}:
        np.testing.assert_array_equal(back[..., -1], array[..., -1])


@given(arrays.arrays("float64", (3, 4, 3), elements=st.floats(0.25, 0.75)))
def test_agents_that_see_gray_change_luminance_and_keep_both_colors(array: np.ndarray) -> None:
    back = through(array, 1, 0.125)
    rgb = np.array(
        [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    )
    before, after = array @ rgb.T, back @ rgb.T
    np.testing.assert_allclose(after[..., 0] - before[..., 0], 0.125, atol=1e-6)
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-6)


@given(arrays.arrays("uint8", (4, 5, 3)))
def test_agents_see_8_bit_color_as_pillow_makes_it_gray(array: np.ndarray) -> None:
    seen = look(take_picture(array, 1), 1)[0, 0]
    expected = np.asarray(Image.fromarray(array).convert("L"))
    assert np.array_equal((255 * seen).round().numpy(), expected)
    assert torch.equal(seen, torch.from_numpy(expected.copy()) / 255)


def test_deep_gray_images_keep_their_16_bits() -> None:
    array = np.arange(0, 65536, 4096, dtype=np.uint16).reshape(4, 4)
    back = through(Image.fromarray(array), 1)
    assert back.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(back), array)


@pytest.mark.parametrize(
    ("mode", "wanted"), [("1", "L"), ("P", "RGB"), ("CMYK", "RGB"), ("YCbCr", "RGB")]
)
def test_other_modes_become_the_nearest_and_say_so(mode: str, wanted: str) -> None:
    image = Image.new("L", (5, 4), 255).convert(mode)
    picture = take_picture(image, 1)
    assert picture.restore(picture.samples).mode == wanted
    assert picture.notes == (f"A picture of mode {mode} came in; the result's is {wanted}.",)


def test_a_transparent_color_becomes_transparency() -> None:
    image = Image.new("RGB", (3, 2), (255, 0, 0))
    image.info["transparency"] = (255, 0, 0)
    back = through(image, 3)
    assert back.mode == "RGBA"
    assert not np.asarray(back)[..., 3].any()


def test_transparency_is_seen_on_white() -> None:
    clear = np.zeros((3, 4, 4), np.uint8)
    assert (look(take_picture(clear, 1), 1) == 1).all()


def test_files_become_images_with_their_profile(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.new("RGB", (4, 3), (1, 2, 3)).save(path, icc_profile=b"x" * 16 + b"RGB " + b"y" * 108)
    picture = take_picture(str(path), 1)
    back = picture.restore(picture.samples)
    assert (back.mode, back.getpixel((0, 0)), picture.name) == ("RGB", (1, 2, 3), "one")
    assert back.info["icc_profile"][16:20] == b"RGB "


def test_deep_files_say_that_the_result_has_8_bits(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 3), 40000, np.uint16)).save(path)
    picture = take_picture(path, 1)
    assert picture.restore(picture.samples).mode == "L"
    assert "deeper than 8 bits" in picture.notes[0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.zeros((3, 40, 50), np.uint8), "np.moveaxis"),
        (np.zeros((4, 4, 7), np.uint8), "1 to 4 channels"),
        (np.zeros(4, np.uint8), "expected"),
        (np.zeros((0, 4), np.uint8), "no pixel"),
        (np.zeros((4, 4), np.int64), "int64: expected uint8"),
        (np.zeros((4, 4), np.complex64), "expected uint8"),
        (np.zeros((4, 4), object), "expected uint8"),
        (np.zeros((4, 4), bool), "bool: expected uint8"),
        (np.full((4, 4), 200.0), "divide by 255"),
        (np.full((4, 4), np.nan), "no finite number"),
        (torch.zeros(40, 50, 3), "picture.movedim"),
        (torch.zeros(40, 50), "expected"),
        (torch.zeros(2, 5, 4, 4), "1 to 4 channels"),
        (torch.full((1, 4, 4), 255.0), "divide by 255"),
        (torch.zeros((1, 4, 4), dtype=torch.int32), "int32: expected uint8"),
        (Image.new("F", (3, 3)), "mode F"),
        (Image.new("I", (3, 3)), "mode I"),
        (Image.new("L", (0, 3)), "no pixel"),
        ([[0, 1]], "of type list: expected a path"),
        (None, "of type NoneType"),
        ("no/such.png", "no such file"),
    ],
)
def test_what_is_no_picture_is_told_in_a_line(value: Any, told: str) -> None:
    with pytest.raises(PixelRLError, match=told) as error:
        take_picture(value, 1)
    assert "\n" not in str(error.value)


def test_agents_of_other_channels_are_told() -> None:
    with pytest.raises(MapError, match="see 2 channels"):
        look(take_picture(np.zeros((4, 4)), 2), 2)


@pytest.mark.parametrize(
    "make", [np.asarray, lambda mask: mask * np.uint8(255), torch.from_numpy, Image.fromarray]
)
def test_masks_come_as_any_kind(make: Any) -> None:
    inside = np.zeros((4, 6), bool)
    inside[1:3, 2:] = True
    mask = make(inside)
    assert torch.equal(take_region(mask).inside, torch.from_numpy(inside))
    assert take_map("mask", mask, 3).shape == (1, 1, 4, 6)


def test_black_masks_and_stacks_of_them_are_told() -> None:
    with pytest.raises(DataError, match="nothing in this mask is white"):
        take_region(np.zeros((3, 3)))
    with pytest.raises(MapError, match="expected one, for all"):
        take_region(torch.ones(2, 1, 3, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_half_transparent_pictures_change_as_their_files_do(
    tmp_path: Path, mode: str, channels: int
) -> None:
    file = tmp_path / "clear.png"
    content = np.random.default_rng(0).bytes(12 * len(mode))
    image = Image.frombytes(mode, (4, 3), content)
    image.save(file)
    picture, photograph = take_picture(image, channels), read_photograph(file, channels)
    seen = look(picture, channels)
    # Of files, what agents see is rounded to 8 bits once more.
    torch.testing.assert_close(seen[0], photograph.image, atol=1 / 255, rtol=0)
    change = 0.1 * torch.rand(seen.shape, generator=torch.Generator().manual_seed(0))
    found = finish(picture, seen, seen + change)
    expected = finish_photograph(photograph, photograph.image + change[0])
    torch.testing.assert_close(found[0, :-1], expected, atol=1e-5, rtol=1e-5)
    if channels == found.shape[1] - 1:  # where no luminance stands between, white shows the change
        shown = lay_on_white(found[:, :-1], picture.alpha)
        visible = (picture.alpha > 0).expand_as(shown)  # type: ignore[operator]
        torch.testing.assert_close(shown[visible], (seen + change)[visible], atol=1e-5, rtol=1e-5)
