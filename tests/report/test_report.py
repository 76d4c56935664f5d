"""The report's page as text: everything in it, exactly, and nothing from elsewhere."""

import base64
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from made_up import EDITS, record
from pixelrl.cli.main import main
from pixelrl.records.file import Recorded, load_choices, save_choices
from pixelrl.report import build
from pixelrl.report.packing import ROOM, block, levels


def meta_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="meta">(.*)</script>', page)
    assert found
    read: dict[str, Any] = json.loads(found[1])
    return read


def blob(page: str, identity: str) -> bytes:
    found = re.search(rf'<script type="text/plain" id="{identity}">(.*)</script>', page)
    assert found, identity
    return base64.b64decode(found[1])


def test_the_page_holds_every_choice_and_picture_exactly(tmp_path: Path) -> None:
    held = record(tmp_path / "a.choices.npz", (3, 7, 9), channels=3)
    held |= load_choices(tmp_path / "a.choices.npz", with_arrays=True).arrays
    page = build(tmp_path, tmp_path / "deep" / "page.html").read_text("utf-8")
    about = meta_of(page)["images"][0]
    assert (about["name"], about["width"], about["height"], about["steps"]) == ("a", 9, 7, 3)
    for step in range(3):
        raw = np.frombuffer(zlib.decompress(blob(page, f"0-choices-{step}")), np.uint8)
        assert np.array_equal(raw.reshape(7, 9), held["choices"][step])
        shares = [(held["choices"][step] == edit).mean() for edit in range(4)]
        assert about["shares"][step] == pytest.approx(shares, abs=1e-5)
        for name in ("entropy", "value", "reward"):
            low, high = (about["layers"][name][end] for end in ("low", "high"))
            raw = np.frombuffer(zlib.decompress(blob(page, f"0-{name}-{step}")), np.uint8)
            told = low + raw.reshape(7, 9) / 255 * (high - low)
            wanted = held[name][step].astype(float).clip(low, high)
            assert np.abs(told - wanted).max() <= (high - low) / 255 * 0.51
    for step, frame in enumerate(held["frames"]):
        with Image.open(io.BytesIO(blob(page, f"0-frames-{step}"))) as opened:
            assert np.array_equal(np.asarray(opened), frame)
    with Image.open(io.BytesIO(blob(page, "0-target-0"))) as opened:
        assert np.array_equal(np.asarray(opened), held["target"])


def test_the_page_asks_for_nothing_else(tmp_path: Path) -> None:
    record(tmp_path / "a.choices.npz", (2, 5, 5))
    page = build(tmp_path, tmp_path / "page.html").read_text("utf-8")
    assert "default-src 'none'" in page
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=[\"'](?!#|data:)", markup)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "<!-- " not in markup.replace("<!doctype", "")


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "x.choices.npz"
    record(path, (1, 4, 4))
    found = load_choices(path, with_arrays=True)
    evil = "</script><script>alert(1)</script>"
    save_choices(path, Recorded(found.choices, [evil, *EDITS[1:]], {"name": evil}, found.arrays))
    page = build(tmp_path, tmp_path / "page.html").read_text("utf-8")
    assert "<script>alert" not in page
    assert meta_of(page)["edits"][0] == evil


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    side=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_levels_are_means_of_blocks(height: int, width: int, side: int, seed: int) -> None:
    layer = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float16)
    found = levels(layer, -2.0, 2.0, side)
    assert found.shape == (-(-height // side), -(-width // side))
    for row, column in np.ndindex(height // side, width // side):  # the whole blocks
        part = layer[row * side : (row + 1) * side, column * side : (column + 1) * side]
        share = (part.astype(np.float32).mean().clip(-2, 2) + 2) / 4
        assert abs(int(found[row, column]) - share * 255) <= 0.51


@given(length=st.integers(1, 20), height=st.integers(1, 5000), width=st.integers(1, 5000))
def test_blocks_keep_layers_in_bounds(length: int, height: int, width: int) -> None:
    side = block((length, height, width))
    assert length * height * width / side**2 <= ROOM
    assert side == 1 or length * height * width / (side - 1) ** 2 > ROOM


def test_scores_come_with_their_records(tmp_path: Path) -> None:
    for number, name in enumerate(("good", "bad", "stale")):
        record(tmp_path / "images" / f"{name}.choices.npz", (2, 5, 5), number)
    rows = "image,input_psnr,psnr,lab_error\ngood,20.0,31.0,1.5\nbad,20.0,25.0,nan\n"
    (tmp_path / "scores.csv").write_text(rows)
    (tmp_path / "protocol.json").write_text('{"split": "test", "task": {"sigma": 25}, "x": NaN}')
    meta = meta_of(build(tmp_path, tmp_path / "page.html").read_text("utf-8"))
    assert [image["name"] for image in meta["images"]] == ["bad", "good"]  # no longer "stale"
    assert meta["images"][0]["scores"] == {"input_psnr": 20.0, "psnr": 25.0, "lab_error": None}
    of_psnr = {"unit": "dB", "higher": True, "digits": 3}
    assert meta["scores"] == [
        {"name": "input_psnr", **of_psnr, "mean": 20.0, "note": ""},
        {"name": "psnr", **of_psnr, "mean": 28.0, "note": ""},
        {"name": "lab_error", "unit": "Lab", "higher": False, "digits": 3, "mean": 1.5,
         "note": "mean of 1 of 2, 1 missing"},
    ]  # fmt: skip
    assert meta["facts"] == {"split": "test", "task.sigma": "25", "x": "None"}


def test_directions_are_those_declared_and_never_those_of_names(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        record(tmp_path / "images" / f"{name}.choices.npz", (1, 4, 4), number)
    rows = "image,input_psnr,input_gain,psnr,gain,mask_color,loss\n"
    rows += "a,inf,0.0,inf,-0.1,1.0,1.0\nb,inf,0.0,25.0,0.3,2.0,2.0\n"
    (tmp_path / "scores.csv").write_text(rows)
    declared = {"psnr": {"unit": "dB", "higher_is_better": True, "digits": 1},
                "mask_color": {"unit": "Lab", "higher_is_better": False, "later": 1},
                "gain": {"higher_is_better": None}}  # fmt: skip
    (tmp_path / "protocol.json").write_text(json.dumps({"scores": declared, "left_out": {}}))
    meta = meta_of(build(tmp_path, tmp_path / "page.html").read_text("utf-8"))
    about = {each["name"]: each for each in meta["scores"]}
    assert list(about) == ["input_psnr", "psnr", "gain", "mask_color", "loss"]  # no input's zeros
    assert {name: each["higher"] for name, each in about.items()} == {
        "input_psnr": True, "psnr": True, "gain": None, "mask_color": False, "loss": None,
    }  # fmt: skip
    assert (about["psnr"]["mean"], about["psnr"]["note"]) == (25.0, "mean of 1 of 2, 1 infinite")
    assert about["input_psnr"]["mean"] is None
    assert [image["infinite"] for image in meta["images"]] == [
        {"input_psnr": 1, "psnr": 1}, {"input_psnr": 1},
    ]  # fmt: skip
    assert meta["images"][0]["scores"]["psnr"] is None
    assert not {"scores", "left_out"} & set(meta["facts"])


def test_an_old_protocol_is_read_with_what_the_installed_task_declares(tmp_path: Path) -> None:
    path = tmp_path / "images" / "a.choices.npz"
    record(path, (1, 4, 4))
    found = load_choices(path, with_arrays=True)
    (tmp_path / "scores.csv").write_text("image,mask_color,elsewhere\na,1.0,0.5\n")
    (tmp_path / "protocol.json").write_text("{}")
    for task, wanted in (("saliency_editing", [False, None]), ("gone", [None, None])):
        save_choices(path, found._replace(experiment={"name": task}))
        meta = meta_of(build(tmp_path, tmp_path / "page.html").read_text("utf-8"))
        assert [each["higher"] for each in meta["scores"]] == wanted


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["report", *words]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1, told
    return told[0]


def test_what_cannot_be_reported_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no such folder" in refused(capsys, str(tmp_path / "nowhere"))
    assert "no NAME.choices.npz in it" in refused(capsys, str(tmp_path))
    assert "takes no settings" in refused(capsys, str(tmp_path), "task.sigma=1")
    path = tmp_path / "a.choices.npz"
    save_choices(path, Recorded(np.zeros((1, 2, 2), np.uint8), EDITS, {}))
    assert "run predict or evaluate again" in refused(capsys, str(tmp_path))
    path.write_bytes(b"nonsense")
    assert "not a choice file" in refused(capsys, str(tmp_path))
    record(path, (1, 4, 4))
    record(other := tmp_path / "b.choices.npz", (1, 4, 4))
    found = load_choices(other, with_arrays=True)
    save_choices(other, Recorded(found.choices, ["other", *EDITS[1:]], {}, found.arrays))
    assert "a folder of their own" in refused(capsys, str(tmp_path))
    assert not list(tmp_path.glob("*report*"))  # nothing half written is left
    other.unlink()
    (tmp_path / "protocol.json").write_text("{")
    assert "damaged" in refused(capsys, str(tmp_path))
    (tmp_path / "protocol.json").write_text('{"scores": {"psnr": {"digits": "two"}}}')
    assert "digits: expected None or a whole number" in refused(capsys, str(tmp_path))


def test_records_of_subfolders_are_shown_by_their_paths(tmp_path: Path) -> None:
    for name in ("b", "a/b", "a/deep/c", ".hidden/d", "a/.e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        record(tmp_path / f"{name}.choices.npz", (2, 4, 5))
    meta = meta_of(build(tmp_path, tmp_path / "page.html").read_text("utf-8"))
    assert [image["name"] for image in meta["images"]] == ["a/b", "a/deep/c", "b"]
