"""Records are small, near what they were of numbers, and exactly what they were of all else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from made_up import record
from pixelrl.errors import DataError
from pixelrl.records.file import load_choices, save_choices
from pixelrl.records.packing import MEASURES
from strategies import seeds


@given(seeds)
def test_levels_are_near_and_whole_numbers_exact(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = tmp_path_factory.mktemp("records") / "a.choices.npz"
    held = record(path, (3, 5, 7), seed, channels=3)
    found = load_choices(path, with_arrays=True)
    assert np.array_equal(found.choices, held["choices"])
    assert set(found.arrays) == set(held) - {"choices"}
    for name, array in found.arrays.items():
        assert array.dtype == held[name].dtype
        if name in MEASURES:
            wanted = held[name].astype(float)
            room = np.ptp(wanted) / 510 + 2**-11 * abs(wanted).max()
            assert abs(array - wanted).max() <= 1.01 * room
        else:
            assert np.array_equal(array, held[name])


def test_a_record_written_again_stays_the_same(tmp_path: Path) -> None:
    record(tmp_path / "a.choices.npz", (3, 5, 7))
    once = load_choices(tmp_path / "a.choices.npz", with_arrays=True)
    save_choices(tmp_path / "b.choices.npz", once)
    again = load_choices(tmp_path / "b.choices.npz", with_arrays=True)
    for name, array in once.arrays.items():
        np.testing.assert_allclose(again.arrays[name], array, rtol=2e-3, atol=2e-3)


def test_older_files_and_numbers_that_are_none_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.choices.npz"
    record(path, (2, 4, 4))
    found = load_choices(path, with_arrays=True)
    odd = found.arrays["entropy"].copy()
    odd[0, 0, 0] = np.nan
    save_choices(path, found._replace(arrays={**found.arrays, "entropy": odd}))
    assert np.array_equal(
        load_choices(path, with_arrays=True).arrays["entropy"], odd, equal_nan=True
    )
    with np.load(path) as stored:
        old = {name: stored[name] for name in stored}
    about = str(old["about"]).replace('"scales"', '"unknown"')
    old |= {name: found.arrays[name] for name in found.arrays} | {"about": np.array(about)}
    np.savez_compressed(path, **old)
    older = load_choices(path, with_arrays=True)
    assert all(np.array_equal(older.arrays[name], found.arrays[name]) for name in found.arrays)
    old["entropy"] = np.zeros((2, 4, 4), np.uint8)
    np.savez_compressed(path, **old)
    with pytest.raises(DataError, match="expected entropy"):
        load_choices(path, with_arrays=True)
