"""A mask file has one meaning, for data, rules and the studio alike, or is refused by name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelrl.data.module import Whole
from pixelrl.errors import DataError
from pixelrl.images.masks import check_mask, read_mask
from pixelrl.intervention.regions import read_region
from pixelrl.settings import Data
from pixelrl_tasks.saliency_editing import SaliencyEditing

SIZE = (40, 48)
BLOT = np.zeros(SIZE, np.uint8)
BLOT[10:30, 8:30] = 255
LABELS = (BLOT > 0).astype(np.uint8)


def indexed(levels: list[int]) -> Image.Image:
    picture = Image.fromarray(LABELS).convert("P")
    picture.putpalette(levels)
    return picture


GRAY_AND_ALPHA = np.dstack([np.full_like(BLOT, 255), BLOT])
REFUSED = {
    "black": (Image.fromarray(0 * BLOT), "nothing in this mask is white"),
    "white": (Image.fromarray(0 * BLOT + 255), "everything in this mask is white"),
    "almost black": (Image.fromarray(0 * BLOT + 3), "nothing in this mask is white"),
    "labels": (Image.fromarray(LABELS), "labels are to be spread to 255"),
    "colors": (Image.fromarray(np.dstack([BLOT, 0 * BLOT, BLOT])), "a mask with colors"),
    "indexed labels": (indexed([0, 0, 0, 128, 0, 0]), "a mask with colors"),
    "transparent": (Image.fromarray(GRAY_AND_ALPHA, "LA"), "a mask with transparency"),
    "no image": (None, "not an image"),
}
TAKEN = {
    "gray": Image.fromarray(BLOT),
    "bits": Image.fromarray(BLOT > 0),
    "rgb": Image.fromarray(np.dstack([BLOT] * 3)),
    "opaque": Image.fromarray(np.dstack([BLOT] * 3 + [0 * BLOT + 255])),
    "indexed": indexed([0, 0, 0, 255, 255, 255]),
    "deep": Image.fromarray(BLOT.astype(np.uint16) * 257),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_one_meaning_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    picture, told = REFUSED[kind]
    path = tmp_path / "mask.png"
    path.write_bytes(b"no picture") if picture is None else picture.save(path)
    for read in (read_mask, read_region):
        with pytest.raises(DataError, match=rf"mask.png: .*{told}"):
            read(path)


@pytest.mark.parametrize("kind", TAKEN)
def test_all_other_forms_mean_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mask.png"
    TAKEN[kind].save(path)
    assert np.array_equal(read_region(path).inside.numpy(), BLOT > 0)
    assert read_mask(path).shape == (*SIZE, 1)


def test_gray_is_a_share_for_data_and_inside_from_one_half_on(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.linspace(0, 255, 256).astype(np.uint8)[None]).save(path)
    assert read_mask(path)[0, :, 0].tolist() == list(range(256))
    assert int(read_region(path).inside.sum()) == 128


def test_jpeg_makes_gray_almost_gray_and_that_is_no_color() -> None:
    rough = np.dstack([BLOT, np.clip(BLOT.astype(int) - 9, 0, 255), BLOT]).astype(np.uint8)
    assert (check_mask(rough, "mask")[..., 0] > 127).any()


def test_a_given_mask_is_never_replaced(tmp_path: Path) -> None:
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.fromarray(np.dstack([BLOT // 2 + 40] * 3)).save(photo)
    data = Data(test={"image": str(photo), "mask": str(mask)})
    for kind in ("black", "white"):
        REFUSED[kind][0].save(mask)
        with pytest.raises(DataError, match=r"mask\.png"):
            Whole(SaliencyEditing(), data, "test", 0).check()
    TAKEN["gray"].save(mask)
    scene = Whole(SaliencyEditing(), data, "test", 0)[0]
    assert torch.equal(scene["mask"][0], torch.from_numpy(BLOT > 0).float())
