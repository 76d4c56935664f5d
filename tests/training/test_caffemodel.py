"""A Caffe model is read whole or refused in one line, whatever its bytes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe import model, old_model
from pixelrl.errors import CheckpointError
from pixelrl.training.caffemodel import read_blobs

BLOBS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=1, max_dims=4, max_side=5),
    elements=st.floats(width=32),
)
LAYERS = st.dictionaries(st.text(max_size=200), st.lists(BLOBS, min_size=1, max_size=2), max_size=4)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caffe") / "net.caffemodel"


@given(layers=LAYERS)
def test_what_was_written_is_read(file: Path, layers: dict[str, list[np.ndarray]]) -> None:
    file.write_bytes(model(layers))
    found = read_blobs(file)
    assert list(found) == list(layers)
    for name, blobs in layers.items():
        for one, other in zip(found[name], blobs, strict=True):
            np.testing.assert_array_equal(one, other)


@given(layers=LAYERS)
def test_the_older_format_is_read_as_four_dimensions(
    file: Path, layers: dict[str, list[np.ndarray]]
) -> None:
    file.write_bytes(old_model(layers))
    found = read_blobs(file)
    assert list(found) == list(layers)
    for name, blobs in layers.items():
        for one, other in zip(found[name], blobs, strict=True):
            assert one.ndim == 4
            np.testing.assert_array_equal(one.ravel(), other.ravel())


SMALL = model({"layer1": [np.ones((2, 3), np.float32), np.zeros(2, np.float32)], "b": [np.ones(1)]})


def read_or_told(file: Path) -> dict[str, list[np.ndarray]] | str:
    """Read the blobs, or tell the one line that is allowed to come instead."""
    try:
        return read_blobs(file)
    except CheckpointError as error:
        return str(error)


def test_a_truncated_file_is_refused_or_lacks_its_last_layers(file: Path) -> None:
    file.write_bytes(SMALL)
    whole = read_blobs(file)
    refused = 0
    for length in range(len(SMALL)):
        file.write_bytes(SMALL[:length])
        found = read_or_told(file)
        if isinstance(found, str):
            assert "no Caffe model, or a damaged one" in found
            refused += 1
        else:
            assert list(found) == list(whole)[: len(found)]
    assert refused > 0.9 * len(SMALL)


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_damaged_file_is_read_or_refused(file: Path, at: int, damage: int) -> None:
    broken = bytearray(SMALL)
    broken[at] ^= damage
    file.write_bytes(broken)
    found = read_or_told(file)
    assert isinstance(found, dict) or "\n" not in found


@given(garbage=st.binary(max_size=300))
def test_garbage_is_refused_or_holds_nothing(file: Path, garbage: bytes) -> None:
    file.write_bytes(garbage)
    found = read_or_told(file)
    if isinstance(found, str):
        assert found.startswith(f"{file}: no Caffe model, or a damaged one (")


def test_a_number_may_not_go_on_for_ever(file: Path) -> None:
    file.write_bytes(b"\x80" * 1000)
    with pytest.raises(CheckpointError, match="a number does not end"):
        read_blobs(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.caffemodel: cannot be read \(No such file"):
        read_blobs(tmp_path / "none.caffemodel")


def test_the_published_denoiser_has_its_seven_layers(weights: Path) -> None:
    found = read_blobs(weights / "ircnn_gaussian25.caffemodel")
    assert list(found) == [f"layer{number}" for number in (1, 3, 6, 9, 12, 15, 18)]
    assert [found[name][0].shape for name in ("layer1", "layer12", "layer18")] == [
        (64, 1, 3, 3),
        (64, 64, 3, 3),
        (1, 64, 3, 3),
    ]
    assert sum(blob.size for blobs in found.values() for blob in blobs) == 185_857
