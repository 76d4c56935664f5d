"""Editing pictures: none is lost, and nothing vanishes unsaid."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photos import tiny, write_photos
from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.experiments.planning import Wish, plan_edits
from pixelrl.experiments.watching import Watch
from pixelrl.records.file import load_choices
from pixelrl.rl.editing import edit_scene, episode_reach, finish_image
from pixelrl.rl.network import PolicyValueNet
from pixelrl_tasks.denoising import Denoising

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (40, 44, 3), np.uint8)


def predict(checkpoint: Path, photos: Path, out: Path, *more: str) -> int:
    words = ["--checkpoint", str(checkpoint), "--out", str(out), f"data.predict.image={photos}"]
    return main(["predict", *words, *more])


@pytest.fixture
def limited(tmp_path: Path) -> Path:
    """Have a run be validated on the first image alone, as its checkpoint then says."""
    settings = tiny(tmp_path / "learned", "data.limit=1", "learning.episodes=1")
    return fit(compose("denoising", overrides=settings)).directory


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_of_the_pictures_is_refused(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=2)
    before = contents(photos)
    (tmp_path / "link").symlink_to(photos)
    for out in (photos, photos / ".." / "photos", tmp_path / "link", photos / "photo1.png"):
        assert predict(checkpoint, photos / "photo1.png", out, "--again") == 2
        assert "photo1.png: would be overwritten" in capsys.readouterr().err
    assert contents(photos) == before


def test_all_pictures_are_edited_wherever_they_lie_and_whatever_they_are_called(
    tmp_path: Path, limited: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=2), tmp_path / "photos" / "out"
    Image.open(photos / "photo0.png").save(photos / "photo0.bmp")
    Image.open(photos / "photo0.png").save(photos / "photo0.strip.png")
    write_photos(photos / "trip", count=1)
    (photos / "notes.txt").touch()
    assert predict(limited, photos, out, "--strip") == 0
    told = capsys.readouterr().out
    assert "found 5 pictures, 1 other files (.txt 1)" in told
    assert "5 edited" in told
    wanted = {"photo0.bmp", "photo0.png", "photo0.strip.png", "photo1.png", "trip/photo0.png"}
    strips = {"photo0.bmp.strip.png", "photo0.png.strip.png", "photo0.strip.strip.png"}
    assert set(contents(out)) == wanted | strips | {"photo1.strip.png", "trip/photo0.strip.png"}
    assert predict(limited, photos, tmp_path / "two", "data.limit=2") == 0
    assert "3 left out by data.limit" in capsys.readouterr().out


def test_one_bad_picture_stops_no_other(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=3), tmp_path / "out"
    (photos / "photo1.png").write_bytes(b"")
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(photos / "dot.png")
    assert predict(checkpoint, photos, out) == 3
    told = capsys.readouterr()
    assert set(contents(out)) == {"photo0.png", "photo2.png"}
    errors = told.err.splitlines()[-3:]
    assert errors[0].startswith(f"{photos / 'dot.png'}: image: 1x1 pixels are too few")
    assert errors[1].startswith(f"{photos / 'photo1.png'}: an empty file")
    assert errors[2].startswith("pixelrl: 2 of 4 pictures could not be edited")

    before = contents(out)
    write_photos(photos, count=3)
    (photos / "dot.png").unlink()
    assert predict(checkpoint, photos, out) == 0  # only what is missing
    told = capsys.readouterr()
    assert "1 edited" in told.out
    assert "2 left alone" in told.out
    assert contents(out).items() > before.items()


def test_nothing_that_exists_is_replaced_unasked(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=1), tmp_path / "out"
    out.mkdir()
    (out / "photo0.gif").write_bytes(b"somebody's")
    assert predict(checkpoint, photos, out, "--gif") == 3
    assert f"{out / 'photo0.gif'} is in the way" in capsys.readouterr().err
    (out / "photo0.png").write_bytes(b"somebody's")
    assert predict(checkpoint, photos, out) == 0
    assert set(contents(out).values()) == {b"somebody's"}
    assert predict(checkpoint, photos, out, "--gif", "--again") == 0
    assert b"somebody's" not in contents(out).values()


def test_what_cannot_be_kept_is_told(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    picture = Image.fromarray(COLOR)
    picture.save(photos / "pages.tif", save_all=True, append_images=[picture, picture])
    picture.save(photos / "moves.gif", save_all=True, append_images=[picture.rotate(90)])
    picture.save(photos / "color.png")
    Image.fromarray(COLOR.astype(np.uint16)[..., 0] * 257).save(photos / "deep.png")
    assert predict(checkpoint, photos, out, "--format", "jpg") == 0
    told = capsys.readouterr().out.splitlines()
    assert "2 further pages or frames left out: 1 (pages.tif)" in told
    assert "1 further page or frame left out: 1 (moves.gif)" in told
    assert "16 bits became 8: 1 (deep.png)" in told
    assert [line for line in told if line.startswith("gray agents edited the luminance")]
    assert set(contents(out)) == {"pages.jpg", "moves.jpg", "color.jpg", "deep.jpg"}
    with Image.open(out / "color.jpg") as written:
        assert (written.mode, written.size) == ("RGB", picture.size)


def test_a_photograph_in_a_photograph_out(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=2)
    one, two = (str(photos / f"photo{n}.png") for n in range(2))
    policy = ["--checkpoint", str(checkpoint)]
    assert main(["edit", one, *policy, "--out", str(tmp_path / "x" / "new.tif")]) == 0
    assert set(contents(tmp_path / "x")) == {"new.tif"}
    out = tmp_path / "out"
    assert main(["edit", one, two, "data.tile=32", *policy, "--out", str(out), "--record"]) == 0
    names = {f"photo{n}{suffix}" for n in range(2) for suffix in (".png", ".choices.npz")}
    assert set(contents(out)) == names
    one_of, other = (
        np.asarray(Image.open(path)) for path in (tmp_path / "x" / "new.tif", out / "photo0.png")
    )
    assert (one_of == other).mean() > 0.99
    capsys.readouterr()
    for words, told in [
        (["edit", *policy], "no photograph is named"),
        (["edit", one, "data.predict.image=x", *policy], "without data.predict.image="),
        (["edit", one, *policy, "--out", "a.png", "--format", "jpg"], "differ; leave one out"),
        (["edit", one, *policy, "--out", one], "would be overwritten"),
        (["edit", "nowhere", *policy], "no such file or folder"),
        (["edit", one, *policy, "--out", str(Path(one) / "x")], "cannot be a folder"),
    ]:
        assert main(words) == 2
        assert told in capsys.readouterr().err


def test_a_record_replays_to_the_picture_of_whatever_kind(tmp_path: Path, checkpoint: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.dstack([COLOR, COLOR[..., :1]]))
    picture.save(tmp_path / "clear.png", exif=exif, dpi=(200, 200))
    Image.fromarray(COLOR).save(tmp_path / "turned.jpg", exif=exif)
    out = tmp_path / "out"
    for name in ("clear.png", "turned.jpg"):
        assert predict(checkpoint, tmp_path / name, out) == 0
        record = out / f"{Path(name).stem}.choices.npz"
        again = tmp_path / f"again-{name}"
        words = ["--choices", str(record), "--image", str(tmp_path / name), "--out", str(again)]
        assert main(["replay", *words]) == 0
        assert again.read_bytes() == (out / name).read_bytes()


def test_a_mask_is_found_by_its_pictures_name(tmp_path: Path) -> None:
    photos, masks = write_photos(tmp_path / "photos", count=3), write_photos(tmp_path / "masks")
    write_photos(photos / "trip", count=1)
    write_photos(masks / "trip", count=1)
    (masks / "photo1.png").unlink()
    (masks / "photo2.png").rename(masks / "photo2.bmp")
    task = Denoising()
    plan = plan_edits(task, [photos], {"mask": str(masks)}, tmp_path / "out", Wish())
    found = {job.maps["image"].relative_to(photos): job.maps["mask"] for job in plan.jobs}
    assert {
        name.as_posix(): mask.relative_to(masks).as_posix() for name, mask in found.items()
    } == {
        "photo0.png": "photo0.png",
        "photo2.png": "photo2.bmp",
        "trip/photo0.png": "trip/photo0.png",
    }
    ((path, reason),) = plan.failed
    assert path.name == "photo1.png"
    assert "no mask of that name" in reason
    alone = plan_edits(task, [photos / "photo0.png"], {"mask": str(masks / "photo2.bmp")},
                       tmp_path / "out", Wish())  # fmt: skip
    assert alone.jobs[0].maps["mask"].name == "photo2.bmp"


def test_a_picture_in_tiles_is_the_whole_one() -> None:
    task, net = Denoising(length=2), PolicyValueNet(1, 9, width=8)
    scene = {"image": torch.rand(1, 1, 130, 200)}
    assert episode_reach(task, net) == 2 * (18 + 2)
    seen = []
    net.register_forward_hook(lambda _module, given, _answer: seen.append(given[0].shape[-2:]))
    tiled = finish_image(task, net, scene, tile=48)
    assert max(max(size) for size in seen) <= 48 + 2 * 40
    whole = edit_scene(task, net, scene).image
    assert ((tiled - whole).abs() > 1e-4).float().mean() < 1e-3  # ties may fall otherwise


def test_lines_tell_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = itertools.count(0, 6)
    with Watch(5, 50_000_000, bar=False, clock=lambda: float(next(ticks))) as watch:
        for _ in range(5):
            watch.advance(10_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert lines[0].startswith("2 of 5 pictures, 20.0 of 50.0 megapixels, about ")
    assert Counter(line.endswith(" left") for line in lines) == {True: len(lines)}
    with Watch(1, 10, bar=True) as watch:
        watch.advance(10)
    assert "1 of 1 pictures" in capsys.readouterr().err


def test_processes_share_the_pictures_each_once(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=4), tmp_path / "out"
    (photos / "photo1.png").write_bytes(b"")
    assert predict(checkpoint, photos, out, "--jobs", "2") == 3
    told = capsys.readouterr()
    assert "3 edited" in told.out
    assert f"{photos / 'photo1.png'}: an empty file" in told.err
    alone = tmp_path / "alone"
    assert predict(checkpoint, photos, alone) == 3
    assert contents(out) == contents(alone)
    capsys.readouterr()
    for words, match in [
        (["--jobs", "0"], "--jobs: expected 1 to"),
        (["--jobs", "2", "--forbid", "box", "--again"], "rules cannot be handed"),
    ]:
        assert predict(checkpoint, photos, out, *words) == 2
        assert match in capsys.readouterr().err


def test_ranks_share_the_pictures_each_once(
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photos, out = write_photos(tmp_path / "photos", count=5), tmp_path / "out"
    edited: list[dict[str, bytes]] = [{}]
    for rank in range(2):  # one after the other: what the first has done changes no share
        for name, value in {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": rank}.items():
            monkeypatch.setenv(name, str(value))
        assert predict(checkpoint, photos, out) == 0
        edited.append(contents(out))
        assert f"{3 - rank} edited" in capsys.readouterr().out
    assert len(edited[1]) == 3
    assert edited[1].items() < edited[2].items()
    assert set(edited[2]) == {f"photo{number}.png" for number in range(5)}


def test_a_large_picture_tells_its_tiles(capsys: pytest.CaptureFixture[str]) -> None:
    ticks = itertools.count(0, 6)
    with Watch(1, 12_000_000, bar=False, clock=lambda: float(next(ticks))) as watch:
        for _ in range(11):
            watch.progress(1_000_000)
        watch.advance(12_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("0 of 1 pictures, 2.0 of 12.0 megapixels, about ")
    assert len(lines) > 2


def test_a_record_of_choices_alone_is_small_and_replays(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=1)
    whole, lean = tmp_path / "whole", tmp_path / "lean"
    assert predict(checkpoint, photos, whole, "--record") == 0
    assert "look at it" in capsys.readouterr().out
    assert predict(checkpoint, photos, lean, "--choices") == 0
    assert "look at it" not in capsys.readouterr().out
    record, other = (folder / "photo0.choices.npz" for folder in (lean, whole))
    assert 3 * record.stat().st_size < other.stat().st_size
    found = load_choices(record, with_arrays=True)
    assert not found.arrays
    assert np.array_equal(found.choices, load_choices(other).choices)
    again, photo = tmp_path / "again.png", photos / "photo0.png"
    assert (
        main(["replay", "--choices", str(record), "--image", str(photo), "--out", str(again)]) == 0
    )
    assert again.read_bytes() == (lean / "photo0.png").read_bytes()
    capsys.readouterr()
    assert main(["report", str(lean)]) == 2
    assert "written by --choices" in capsys.readouterr().err
