"""Colors survive their profiles: against published matrices, through files and the command line."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelrl.cli.main import main
from pixelrl.color import lab_distance
from pixelrl.errors import ConfigError, DataError
from pixelrl.images.files import as_map, read_array, read_embedded_profile
from pixelrl.images.profiles import find_profile, icc_profile, read_map, read_profiled
from skips import need

codecs = need("imagecodecs")

# Lindbloom's tables: ProPhoto to XYZ under D50, and XYZ under D50 to linear sRGB (Bradford).
PROPHOTO = np.array(
    [[0.7976749, 0.1351917, 0.0313534], [0.2880402, 0.7118741, 0.0000857], [0, 0, 0.8252100]]
)
SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def as_srgb(prophoto: np.ndarray) -> np.ndarray:
    """Convert ``(H,W,3)`` by the book."""
    linear = (prophoto.astype(np.float64) ** 1.8 @ PROPHOTO.T @ SRGB.T).clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def photograph(seed: int = 0, size: tuple[int, int] = (24, 31)) -> np.ndarray:
    """Make muted colors, most of which both spaces have."""
    rng = np.random.default_rng(seed)
    return 0.25 + 0.5 * rng.random((*size, 1)) + 0.1 * (rng.random((*size, 3)) - 0.5)


def write_tiff(path: Path, values: np.ndarray, profile: bytes) -> Path:
    """Write 16-bit RGB as the original files of the color task are."""
    deep = np.round(values * 65535).astype(np.uint16)
    tags = [(34675, 7, len(profile), profile, True)] if profile else []
    tifffile.imwrite(path, deep, photometric="rgb", extratags=tags)
    return path


def write_png(path: Path, values: np.ndarray, profile: bytes) -> Path:
    levels = np.round(values * 255).astype(np.uint8)
    Image.fromarray(levels).save(path, icc_profile=profile or None)
    return path


def test_deep_prophoto_becomes_srgb_by_the_book(tmp_path: Path) -> None:
    values = photograph()
    path = write_tiff(tmp_path / "a.tif", values, icc_profile("prophoto"))
    found = read_profiled(path, 3, "srgb")
    assert found.dtype == np.float32
    # A 16-bit profile states its matrix and curve to four digits or so.
    np.testing.assert_allclose(found, as_srgb(values), atol=1e-3)
    assert np.abs(found - values).max() > 0.05


def test_eight_bits_are_converted_as_finely(tmp_path: Path) -> None:
    values = photograph()
    path = write_png(tmp_path / "a.png", values, icc_profile("prophoto"))
    levels = np.round(values * 255) / 255
    found = read_profiled(path, 3, "srgb")
    np.testing.assert_allclose(found, as_srgb(levels), atol=1e-3)
    assert len(np.unique(found)) > 256  # no detour through 8 bits


@given(st.integers(0, 1000))
def test_there_and_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("images")
    values = photograph(seed)
    plain = write_tiff(folder / "plain.tif", values, b"")
    wide = read_profiled(plain, 3, "prophoto")  # without a profile it counts as sRGB
    back = read_profiled(write_tiff(folder / "wide.tif", wide, icc_profile("prophoto")), 3, "srgb")
    np.testing.assert_allclose(back, values, atol=1e-3)


def test_numbers_are_left_alone_unless_wanted_otherwise(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", photograph(), icc_profile("prophoto"))
    np.testing.assert_array_equal(read_profiled(path, 3, "ignore"), read_array(path, 3))
    plain = write_png(tmp_path / "b.png", photograph(), b"")
    np.testing.assert_array_equal(read_profiled(plain, 3, "srgb"), as_floats(read_array(plain, 3)))
    np.testing.assert_allclose(
        read_profiled(path, 1, "srgb")[..., 0],
        read_profiled(path, 3, "srgb") @ np.array([0.299, 0.587, 0.114]),
        atol=1e-5,
    )


def as_floats(levels: np.ndarray) -> np.ndarray:
    return levels.astype(np.float32) / np.float32(255)


def test_gray_with_a_gray_profile(tmp_path: Path) -> None:
    gray = codecs.cms_profile("gray", whitepoint=(0.3457, 0.3585), gamma=1.8)
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tmp_path / "a.png"
    Image.fromarray(levels).save(path, icc_profile=bytes(gray))
    found = read_profiled(path, 3, "srgb")
    linear = (levels / 255) ** 1.8
    wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(found, np.repeat(wanted[..., None], 3, 2), atol=2e-3)


def test_a_mask_has_no_color(tmp_path: Path) -> None:
    gray = np.repeat(photograph()[..., :1], 3, axis=2)
    path = write_png(tmp_path / "a.png", gray, icc_profile("prophoto"))
    np.testing.assert_array_equal(read_map(path, "mask", 3, "srgb"), read_array(path, 1))
    assert read_map(path, "target", 3, "srgb").shape[2] == 3


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        (b"nonsense" * 40, "its profile is of"),
        (b"\0" * 16 + b"RGB " + b"\0" * 200, "cannot be used"),
        (b"\0" * 16 + b"CMYK" + b"\0" * 200, "its profile is of cmyk"),
    ],
)
def test_profiles_that_cannot_be_used(tmp_path: Path, profile: bytes, told: str) -> None:
    path = write_tiff(tmp_path / "a.tif", photograph(), profile)
    with pytest.raises(DataError, match=told) as caught:
        read_profiled(path, 3, "srgb")
    assert str(path) in str(caught.value)
    assert "data.profile=ignore" in str(caught.value)
    assert read_profiled(path, 3, "ignore").shape == (24, 31, 3)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_png(tmp_path / "a.png", photograph(), b"")
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(ConfigError, match=r"pip install 'pixelrl\[icc\]'"):
        read_profiled(path, 3, "srgb")
    assert read_profiled(path, 3, "ignore").shape == (24, 31, 3)


def test_what_an_edit_carries(tmp_path: Path) -> None:
    wide = icc_profile("prophoto")
    path = write_png(tmp_path / "a.png", photograph(), wide)
    assert find_profile(path, "ignore", 3) == wide
    assert find_profile(path, "ignore", 1) == b""  # a gray edit of a color file
    assert find_profile(path, "srgb", 3) == b""
    assert find_profile(path, "prophoto", 3) == wide
    plain = write_png(tmp_path / "b.png", photograph(), b"")
    assert find_profile(plain, "ignore", 3) == b""
    assert find_profile(plain, "prophoto", 3) == wide


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit a policy of the color task, barely."""
    root = tmp_path_factory.mktemp("runs")
    options = [f"run.root={root}", "run.name=color", "learning.episodes=1", "data.limit=1"]
    assert main(["fit", "--task", "color_enhancement", "--config", "smoke", *options]) == 0
    return root / "color"


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.float16, np.float32])
def test_every_tiff_that_is_read_has_its_profile_found(tmp_path: Path, kind: type) -> None:
    """Pillow opens no TIFF of 32-bit color, and an edit must not be lost for that."""
    values, wide = photograph(), icc_profile("prophoto")
    top = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    path = tmp_path / "a.tif"
    tags = [(34675, 7, len(wide), wide, True)]
    tifffile.imwrite(path, (values * top).astype(kind), photometric="rgb", extratags=tags)
    assert find_profile(path, "ignore", 3) == wide
    np.testing.assert_allclose(read_profiled(path, 3, "srgb"), as_srgb(values), atol=2e-3)


def test_the_command_line_states_scores_of_either_space(tmp_path: Path, policy: Path) -> None:
    """The same pairs, read as ProPhoto numbers or converted, have nearly the same Lab errors."""
    numbers = [photograph(seed, (32, 40)) for seed in (1, 2)]
    lively = [(each - 0.5) * 1.2 + 0.5 for each in numbers]
    for kind, values in (("input", numbers), ("target", lively)):
        (tmp_path / kind).mkdir()
        for index, each in enumerate(values):
            write_tiff(tmp_path / kind / f"{index}.tif", each, icc_profile("prophoto"))
    sets = [f"data.test.image={tmp_path / 'input'}", f"data.test.target={tmp_path / 'target'}"]
    common = ["--checkpoint", str(policy), "data.limit=0", *sets]
    errors = {}
    for name, settings in {
        "numbers": ["task.space=prophoto"],
        "converted": ["data.profile=srgb"],
        "mistaken": [],
    }.items():
        out = tmp_path / name
        assert main(["evaluate", *common, *settings, "--out", str(out)]) == 0
        table = np.genfromtxt(out / "scores.csv", delimiter=",", names=True)
        errors[name] = table["input_lab_error"]
    for index in range(2):
        one, other = (
            as_map(each.astype(np.float32))[None]
            for each in (
                np.round(numbers[index] * 65535) / 65535,
                np.round(lively[index] * 65535) / 65535,
            )
        )
        wanted = float(lab_distance(one, other, "prophoto").mean())
        assert errors["numbers"][index] == pytest.approx(wanted, rel=0.03)  # scored in 8 bits
    np.testing.assert_allclose(errors["converted"], errors["numbers"], rtol=0.02)
    assert (errors["mistaken"] < 0.95 * errors["numbers"]).all()


def test_edits_carry_the_profile_and_replay_alike(
    tmp_path: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wide = icc_profile("prophoto")
    write_tiff(tmp_path / "a.tif", photograph(), wide)
    common = ["--checkpoint", str(policy), "data.predict.image=a.tif"]
    for settings, carried in (([], wide), (["data.profile=srgb"], b"")):
        out = tmp_path / f"out{len(settings)}"
        assert main(["predict", *common, *settings, "--out", str(out)]) == 0
        assert read_embedded_profile(out / "a.tif") == carried
        again = out / "again.tif"
        choices = str(out / "a.choices.npz")
        replayed = ["replay", "--choices", choices, "--image", "a.tif", "--out", str(again)]
        assert main(replayed) == 0
        assert again.read_bytes() == (out / "a.tif").read_bytes()
    assert torch.equal(*(as_map(read_array(out / name, 3)) for name in ("a.tif", "again.tif")))
