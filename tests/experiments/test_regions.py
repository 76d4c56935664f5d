"""A picture beyond memory is edited by regions, as if it were held whole."""

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.errors import DataError
from pixelrl.experiments.opening import Opened, Say, open_agents
from pixelrl.experiments.picture import edit_picture
from pixelrl.experiments.planning import Job
from pixelrl.images.exif import load_exif
from pixelrl.images.layers import read_layers
from pixelrl.images.metadata import read_metadata
from pixelrl.rl.aim import GoalPolicy
from pixelrl.training.checkpoint import build
from toys import Toy


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pictures of more than 900 pixels be beyond memory."""
    monkeypatch.setattr("pixelrl.images.limits.MOST_PIXELS", 900)


def open_toy(*more: str) -> Opened:
    """Open agents that have learned nothing, and do something all the same."""
    settings = ["network.width=4", "task.length=2", "data.tile=32", "run.accelerator=cpu"]
    experiment = compose("denoising", overrides=[*settings, *more])
    torch.manual_seed(0)
    module = build(experiment)
    for parameter in module.policy.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    if isinstance(module.policy, GoalPolicy):
        torch.nn.init.normal_(module.policy.goal.tail.weight, std=0.02)
    return open_agents(module, experiment)


AGENTS = {
    "published, gray": (),
    "aiming, color": ("task.channels=3", "network.kind=goal", "network.widths=[4,6]"),
}
KINDS: list[tuple[Any, int]] = [
    ("uint8", 1), ("uint8", 3), ("uint8", 4), ("uint16", 1), ("uint16", 3), ("float32", 4),
]  # fmt: skip


def draw_file(path: Path, kind: str, channels: int, size: tuple[int, int], **how: Any) -> None:
    """Write a picture of random samples."""
    most = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    drawn = np.random.default_rng(sum(size)).random((*size, channels), np.float32) * most
    clear = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(
        path,
        drawn.astype(kind)[..., 0] if channels == 1 else drawn.astype(kind),
        photometric="rgb" if channels > 2 else "minisblack",
        metadata=None,
        **{**clear, **how},
    )


def edit(agents: Opened, source: Path, target: Path) -> list[str]:
    return edit_picture(agents, Job({"image": source}, target, {}), Say(), lambda pixels: None)


@pytest.mark.parametrize("kind", AGENTS)
@settings(max_examples=5, phases=[Phase.generate])
@given(
    st.sampled_from(KINDS),
    st.tuples(st.integers(31, 75), st.integers(31, 75)),
    st.sampled_from([{"tile": (16, 48)}, {"rowsperstrip": 7, "compression": "zlib"}, {}]),
    st.integers(1, 8),
)
def test_by_regions_it_is_the_picture_edited_whole_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    file: tuple[str, int],
    size: tuple[int, int],
    how: dict[str, Any],
    turn: int,
) -> None:
    agents, folder = open_toy(*AGENTS[kind]), tmp_path_factory.mktemp("edits")
    source, one, other = (folder / name for name in ("in.tif", "one.tif", "other.tif"))
    draw_file(source, *file, size, extratags=[(274, "H", 1, turn, True)], **how)
    told = edit(agents, source, one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelrl.images.limits.MOST_PIXELS", 10**6)
        told_of_whole = edit(agents, source, other)
        found, wanted = read_layers(one), read_layers(other)
    assert found.dtype == wanted.dtype
    assert np.array_equal(found, wanted)
    assert not np.array_equal(found, read_layers_freely(source))
    upright = ["stored upright, where it was turned by its orientation tag"]
    assert told == told_of_whole + (upright if turn != 1 else [])
    with tifffile.TiffFile(one) as opened:
        assert opened.pages[0].is_tiled


def read_layers_freely(path: Path) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pixelrl.images.limits.MOST_PIXELS", 10**6)
        return read_layers(path)


class Held(TorchDispatchMode):
    """Count the bytes of the tensors that are alive, and the most there have been."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for value in found if isinstance(found, tuple | list) else [found]:
            if isinstance(value, Tensor):
                self.count(value.untyped_storage())
        return found

    def count(self, storage: torch.UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if place not in self.known:
            self.known.add(place)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.forget, place, size)

    def forget(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size


@pytest.mark.parametrize("kind", AGENTS)
def test_tensors_are_of_a_block_and_not_of_the_picture(tmp_path: Path, kind: str) -> None:
    agents = open_toy(*AGENTS[kind], "task.length=1")
    most = []
    for height in (180, 400):  # so that a block sees as far as it can in either
        source = tmp_path / f"{height}.tif"
        draw_file(source, "uint8", 3, (height, 100), tile=(32, 32))
        with Held() as held:
            edit(agents, source, tmp_path / "out.tif")
        most.append(held.most)
    assert most[0] > 4 * 32 * 32
    assert most[1] == most[0]


def test_what_a_file_says_is_kept_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = open_toy("task.length=1")
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    exif.get_ifd(0x8769)[33437] = 2.8
    source, out = tmp_path / "in.tif", tmp_path / "out.tif"
    picture = Image.fromarray(np.full((40, 50, 3), 90, np.uint8))
    picture.save(source, exif=exif.tobytes(), dpi=(300, 300))
    told = edit(agents, source, out)
    found = read_metadata(out)
    assert found.dpi == (300, 300)
    assert load_exif(found.exif)[271] == "Maker"
    assert load_exif(found.exif).get_ifd(0x8769)[33437] == 2.8
    assert found.turn == 1
    assert "stored upright, where it was turned by its orientation tag" in told
    monkeypatch.setattr("pixelrl.images.tiff.SMALL", 100)
    assert "EXIF of exposure and place left out of a BigTIFF" in edit(agents, source, out)
    with tifffile.TiffFile(out) as opened:
        assert opened.is_bigtiff
        assert opened.pages[0].tags.valueof(271) == "Maker"


def test_what_cannot_be_edited_by_regions_is_told_in_a_line(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.tif"
    draw_file(source, "uint8", 3, (40, 50))
    picture, cut = tmp_path / "in.png", tmp_path / "cut.tif"
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(picture)
    cut.write_bytes(source.read_bytes()[:-50])
    for path, words, match in [
        (source, ["--record"], "records, strips, GIFs and rules are of pictures that"),
        (source, ["--forbid", "box"], "records, strips, GIFs and rules are of pictures"),
        (source, ["--format", "png"], "it is written as TIFF alone; pass --format tif."),
        (source, ["data.tile=0"], "data.tile=0 has pictures edited whole"),
        (picture, [], "50x40 pixels, more than the 0 million that are read"),
        (cut, [], "a damaged or unknown image (it is cut short)"),
    ]:
        out = tmp_path / "out"
        asked = ["--checkpoint", str(checkpoint), "--out", str(out), *words]
        assert main(["edit", str(path), *asked]) == 3
        (line,) = [each for each in capsys.readouterr().err.splitlines() if str(path) in each]
        assert match in line
        assert not list(out.iterdir())
    assert main(["edit", str(source), "--checkpoint", str(checkpoint), "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["in.tif"]


@dataclass(frozen=True)
class Unlimited(Toy):
    """Do not say how far edits look."""

    reach: ClassVar[int | None] = None


def test_tasks_without_reach_and_with_further_maps_are_refused(tmp_path: Path) -> None:
    agents, source = open_toy(), tmp_path / "in.tif"
    draw_file(source, "uint8", 1, (40, 50))
    job = Job({"image": source, "mask": source}, tmp_path / "out.tif", {})
    with pytest.raises(DataError, match="its mask would be held whole"):
        edit_picture(agents, job, Say(), lambda pixels: None)
    agents.module.task = Unlimited()
    with pytest.raises(DataError, match="Unlimited does not state its reach, so it cannot"):
        edit(agents, source, tmp_path / "out.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]
