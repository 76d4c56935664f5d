from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photos import write_photos
from pixelrl.data.module import Crops, EpisodeSampler, ImageData, Whole
from pixelrl.errors import ConfigError, DataError
from pixelrl.settings import Data
from pixelrl.task import Task
from pixelrl_tasks.color_enhancement import ColorEnhancement
from pixelrl_tasks.denoising import Denoising


def data(folder: Path, **more: object) -> Data:
    photos = {"image": str(write_photos(folder))}
    return Data(train=photos, val=photos, test=photos, crop=24, batch=4, **more)  # type: ignore[arg-type]


def test_a_sample_is_the_same_whoever_makes_it(tmp_path: Path) -> None:
    one, two = (Crops(Denoising(), data(tmp_path), seed=3) for _ in range(2))
    two[9, 1]  # what was made before does not matter
    for name, value in one[5, 2].items():
        assert torch.equal(value, two[5, 2][name])
    assert not torch.equal(one[5, 2]["image"], one[6, 2]["image"])
    other = Crops(Denoising(), data(tmp_path), seed=4)
    assert not torch.equal(one[5, 2]["image"], other[5, 2]["image"])


def test_maps_are_cut_alike(tmp_path: Path) -> None:
    settings = data(tmp_path)
    settings = Data(
        **{**vars(settings), "train": {**settings.train, "target": settings.train["image"]}}
    )
    crops = Crops(Denoising(), settings, seed=0)
    for number in range(20):
        maps = crops[number, number % 3]
        assert torch.equal(maps["image"], maps["target"])
        assert maps["image"].shape == (1, 24, 24)


def test_augmentation_mirrors_and_rotates(tmp_path: Path) -> None:
    plain = Crops(Denoising(sigma=0), data(tmp_path, flip=0.0, rotate=0.0), seed=0)
    turned = Crops(Denoising(sigma=0), data(tmp_path, flip=1.0, rotate=0.0), seed=0)
    photo = torch.tensor(np.asarray(Image.open(tmp_path / "photo0.png"))).float() / 255

    def found(crop: torch.Tensor) -> bool:
        windows = photo.unfold(0, 24, 1).unfold(1, 24, 1)
        return bool((windows == crop[0]).all(-1).all(-1).any())

    for number in range(5):
        crop = plain[number, 0]["target"]
        assert found(crop)
        assert not found(crop.flip(-1))
        assert found(turned[number, 0]["target"].flip(-1))
    rotated = Crops(Denoising(sigma=0), data(tmp_path, flip=0.0, rotate=10.0), seed=0)
    share = np.mean([not found(rotated[number, 0]["target"]) for number in range(60)])
    assert 0.3 < share < 0.7  # half of the crops are rotated
    black = Crops(Denoising(sigma=0), data(tmp_path, flip=0.0, rotate=45.0), seed=0)
    mirrored = Crops(Denoising(sigma=0), data(tmp_path, rotate=45.0, border="reflect"), seed=0)
    assert any((black[n, 0]["target"] == 0).float().mean() > 0.02 for n in range(20))
    assert all((mirrored[n, 0]["target"] == 0).float().mean() < 0.02 for n in range(20))


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_share_every_episode(ranks: int) -> None:
    samplers = [EpisodeSampler(7, 10, 8, seed=1, share=(rank, ranks)) for rank in range(ranks)]
    whole = list(EpisodeSampler(7, 10, 8, seed=1, share=(0, 1)))
    parts = [list(chain(*batches)) for batches in zip(*samplers, strict=True)]
    assert parts == whole
    assert [number for batch in whole for number, _ in batch] == list(range(80))


def test_each_pass_sees_every_image_once_in_its_own_order() -> None:
    batches = EpisodeSampler(10, 6, 5, seed=1, share=(0, 1))
    indices = [index for batch in batches for _, index in batch]
    laps = [indices[start : start + 10] for start in range(0, 30, 10)]
    assert all(sorted(lap) == list(range(10)) for lap in laps)
    assert laps[0] != laps[1]


def test_a_sampler_starts_where_it_is_told() -> None:
    whole = list(EpisodeSampler(7, 10, 4, seed=1, share=(0, 1)))
    late = EpisodeSampler(7, 10, 4, seed=1, share=(0, 1))
    late.start = 6
    assert list(late) == whole[6:]


def test_uneven_shares_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.batch"):
        EpisodeSampler(7, 10, 5, seed=1, share=(0, 2))


def test_a_loader_remembers_how_far_it_is(tmp_path: Path) -> None:
    def loader() -> torch.utils.data.DataLoader[dict[str, torch.Tensor]]:
        return ImageData(Denoising(), data(tmp_path), episodes=5).train_dataloader()

    first, whole = loader(), list(loader())
    batches = iter(first)
    for _ in range(2):
        next(batches)
    second = loader()
    second.load_state_dict(first.state_dict())  # type: ignore[attr-defined]
    for batch, expected in zip(second, whole[2:], strict=True):
        assert torch.equal(batch["image"], expected["image"])


def test_the_photographs_in_the_box_need_no_folders() -> None:
    images = Whole(Denoising(), Data(val_crop=40), "val", seed=0)
    scene = images[0]
    assert images.names == ["coffee", "grass"]
    assert scene["image"].shape == scene["target"].shape == (1, 40, 40)
    assert torch.equal(scene["image"], images[0]["image"])


@pytest.mark.parametrize(
    ("task", "given", "missing"),
    [
        (ColorEnhancement(), {"train": ("image", "target")}, "val"),
        (ColorEnhancement(), {"train": ("image", "target"), "val": ("image", "target")}, "test"),
        (ColorEnhancement(), {"test": ("image", "target")}, "train"),
        (Denoising(), {"train": ("image", "target"), "test": ("image", "target")}, "val"),
        (Denoising(), {"train": ("image",)}, None),
        (Denoising(), {"test": ("image", "target")}, None),
        (ColorEnhancement(), {}, None),
    ],
)
def test_files_with_targets_are_scored_on_such_files(
    tmp_path: Path, task: Task, given: dict[str, tuple[str, ...]], missing: str | None
) -> None:
    photos = str(write_photos(tmp_path / "photos", count=2))
    folders = {split: dict.fromkeys(names, photos) for split, names in given.items()}
    module = ImageData(task, Data(**folders, crop=24, val_crop=32), episodes=1)  # type: ignore[arg-type]
    if missing is None:
        module.check()
        return
    with pytest.raises(DataError, match=rf"data\.{missing}: .*Pass data\.{missing}\.image=DIR"):
        module.check()


def test_validation_images_may_be_used_again_with_other_noise() -> None:
    images = Whole(Denoising(), Data(val_crop=40, val_repeat=3), "val", seed=0)
    once = Whole(Denoising(), Data(val_crop=40), "val", seed=0)
    assert images.names == ["coffee", "grass", "coffee-2", "grass-2", "coffee-3", "grass-3"]
    for index in range(2):
        assert torch.equal(images[index]["image"], once[index]["image"])
        assert torch.equal(images[index]["target"], images[index + 2]["target"])
        assert not torch.equal(images[index]["image"], images[index + 2]["image"])
    assert len(Whole(Denoising(), Data(val_repeat=3), "test", seed=0)) == 2


def test_files_that_differ_in_suffix_alone_are_all_used(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", count=2)
    Image.open(photos / "photo0.png").save(photos / "photo0.bmp")
    images = Whole(Denoising(), Data(test={"image": str(photos)}), "test", seed=0)
    assert images.names == ["photo0.bmp", "photo0.png", "photo1"]
    clean = write_photos(tmp_path / "clean", count=2)
    paired = {"image": str(photos), "target": str(clean)}
    files = Whole(Denoising(), Data(test=paired), "test", seed=0).files
    assert [sample["target"].name for sample in files] == ["photo0.png", "photo0.png", "photo1.png"]
    Image.open(photos / "photo1.png").save(clean / "photo1.bmp")
    assert len(Whole(Denoising(), Data(test=paired), "test", seed=0)) == 3  # its own name decides
    (photos / "photo1.png").rename(photos / "photo1.tif")
    with pytest.raises(DataError, match=r"several files .* photo1\.bmp, photo1\.png; keep one"):
        Whole(Denoising(), Data(test=paired), "test", seed=0)
