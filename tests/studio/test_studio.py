"""The studio: strangers are refused, the page does what people ask, its recipe repeats it."""

import base64
import io
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from browser import browser_page
from desks import SIZE, ask, blot, mask
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError, DataError
from pixelrl.intervention.regions import Region
from pixelrl.intervention.rules import Rule
from pixelrl.records.file import load_choices
from pixelrl.studio import server as serving
from pixelrl.studio.server import Studio
from pixelrl.studio.session import KEPT

# Who may ask


def test_strangers_are_refused(studio: Studio) -> None:
    assert studio.server_address[0] == "127.0.0.1"
    assert ask(studio, "about.json")[0] == 200
    assert ask(studio, "about.json", Host=f"localhost:{studio.server_port}")[0] == 200
    for wrong in ("", "x" * 22, studio.token[:-1], "%C3%A9"):
        assert ask(studio, "about.json", token=wrong)[0] == 403
    for host in ("evil.example", f"evil.example:{studio.server_port}", "127.0.0.1.evil.example"):
        status, told = ask(studio, "about.json", Host=host)
        assert (status, told["error"]) == (403, "the studio answers this machine only.")
    play = {"rules": [], "regions": []}
    host = f"127.0.0.1:{studio.server_port}"
    assert ask(studio, "rollout", play, Origin=f"http://{host}")[0] == 200
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        status, told = ask(studio, "rollout", play, Origin=origin)
        assert (status, told["error"]) == (403, "the studio answers its own page only.")


def test_nothing_but_the_page_is_served(studio: Studio) -> None:
    status, page = ask(studio, "")
    assert status == 200
    assert b"pixelrl" in page
    for path in ("../pyproject.toml", "page/index.html", "%2e%2e/server.py", "episodes/1/x.png"):
        assert ask(studio, path)[0] == 404
    assert ask(studio, "episodes/1/frame-6.png")[0] == 404
    assert ask(studio, "nothing", {})[0] == 404
    status, told = ask(studio, "episodes/99/frame-0.png")
    assert (status, told["error"]) == (400, "episode 99 is no longer kept; replay it.")


def test_uploads_are_limited_in_type_and_size(
    studio: Studio, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photo.read_bytes()

    def upload(body: bytes, kind: str = "image/png", **headers: str) -> tuple[int, str]:
        path = "open?name=..%2F..%2Fetc%2Fa%20b.png"
        status, told = ask(studio, path, body, Content_Type=kind, **headers)
        return status, told.get("error", told.get("name"))

    assert upload(data) == (200, "etc-a-b")  # no folder of the sender's survives
    assert studio.session.base.picture.path.is_relative_to(studio.uploads)
    assert upload(data, "text/html")[0] == 415
    assert upload(b"<svg/>", "image/png") == (
        *(400, "etc-a-b.png: not a picture; open PNG, JPEG, WEBP, BMP, TIFF."),
    )
    gif = io.BytesIO()
    Image.new("L", (30, 30)).save(gif, "GIF")
    assert "not a picture" in upload(gif.getvalue())[1]  # whatever the sender calls it
    assert "damaged" in upload(data[: len(data) // 2])[1]
    assert studio.session.base.picture.path.read_bytes() == data  # the open picture is still whole
    dot = io.BytesIO()
    Image.new("L", (1, 1)).save(dot, "PNG")
    assert "1x1 pixels are too few" in upload(dot.getvalue())[1]
    monkeypatch.setattr("pixelrl.studio.session.MOST_PIXELS", 2000)
    assert "56x48 pixels are more than the 2000" in upload(data)[1]
    monkeypatch.setattr(serving, "MOST_BYTES", 999)
    assert upload(data[:2000])[0] == 413
    assert upload(b"", Transfer_Encoding="chunked", Content_Length="x")[0] == 411


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"{", "expected JSON."),
        ([], "expected an object with rules and regions."),
        ({"rules": 3}, "rules: expected a list"),
        ({"rules": [{}] * 65}, "rules: expected a list of at most 64"),
        ({"rules": [3]}, "a rule needs kind and edits"),
        ({"rules": [{"kind": "forbid"}]}, "a rule needs kind and edits"),
        ({"rules": [{"kind": "hate", "edits": ["box"]}]}, "rule 'hate'"),
        ({"rules": [{"kind": "forbid", "edits": ["bx"]}]}, "Did you mean 'box'?"),
        ({"rules": [{"kind": "only", "edits": ["box"], "steps": "7"}]}, "has 5 steps"),
        ({"rules": [{"kind": "prefer", "edits": ["box"], "bias": "x"}]}, "a rule needs"),
        ({"rules": [{"kind": "prefer", "edits": ["box"], "bias": 1e999}]}, "finite bias"),
        ({"rules": [{"kind": "only", "edits": ["box"], "region": 0}]}, "0 regions were sent"),
        ({"rules": [], "regions": ["!"]}, "region 1: expected a mask as PNG in base64."),
        ({"rules": [], "regions": [base64.b64encode(b"GIF89a").decode()]}, "expected a mask"),
        ({"rules": [], "regions": [mask(np.ones((2, 2)))]}, "not of the picture's size"),
        ({"rules": [], "regions": [mask(np.zeros(SIZE))]}, "nothing in this mask is white"),
    ],
)
def test_requests_that_make_no_sense_are_answered_in_a_line(
    studio: Studio, sent: Any, told: str
) -> None:
    status, answer = ask(studio, "rollout", sent)
    assert status == 400
    assert told in answer["error"]
    assert "\n" not in answer["error"]
    assert ask(studio, "save", {"episode": "x"})[0] == 400


# What it does


def test_rules_are_obeyed_and_shown(studio: Studio) -> None:
    _, about = ask(studio, "about.json")
    names = [edit["name"] for edit in about["edits"]]
    base = about["episode"]
    assert (base["width"], base["height"], base["changed"]) == (56, 48, [0] * 6)
    inside = blot()
    rule = {"kind": "only", "edits": ["median"], "steps": "2-3", "region": 0}
    _, episode = ask(studio, "rollout", {"rules": [rule], "regions": [mask(inside)]})

    def choices(number: int) -> np.ndarray:
        _, sent = ask(studio, f"episodes/{number}/choices.bin")
        return np.frombuffer(sent, np.uint8).reshape(5, *SIZE)

    def picture(number: int, step: int, kind: str = "frame") -> np.ndarray:
        _, sent = ask(studio, f"episodes/{number}/{kind}-{step}.png")
        return np.asarray(Image.open(io.BytesIO(sent)))

    free, bent = choices(base["number"]), choices(episode["number"])
    assert (bent[1:3, inside] == names.index("median")).all()
    assert np.array_equal(bent[0], free[0])
    share = (bent[1] == names.index("median")).mean()
    assert episode["shares"][1][names.index("median")] == pytest.approx(share, abs=1e-6)
    for step in range(6):
        differs = picture(base["number"], step) != picture(episode["number"], step)
        assert episode["changed"][step] == differs.sum()
        white = (picture(episode["number"], step, "change") == 255).all(-1)
        assert np.array_equal(white, ~differs)
    assert episode["changed"][1] == 0 < episode["changed"][2]
    assert not differs[:, 50:].any()  # far from the region


def test_what_is_kept_can_be_repeated_by_its_recipe(
    studio: Studio, tmp_path: Path, photo: Path, checkpoint: Path
) -> None:
    path = "open?name=my%20holiday.png"
    assert ask(studio, path, photo.read_bytes(), Content_Type="image/png")[0] == 200
    rules = [
        {"kind": "forbid", "edits": ["median", "box"], "region": 0},
        {"kind": "prefer", "edits": ["-1"], "bias": 1.5, "steps": "2-4", "region": 0},
        {"kind": "only", "edits": ["keep"], "steps": "5"},
    ]
    _, episode = ask(studio, "rollout", {"rules": rules, "regions": [mask(blot())]})
    status, kept = ask(studio, "save", {"episode": episode["number"]})
    assert status == 200
    files = [Path(file) for file in kept["files"]]
    assert all(file.is_file() for file in files)
    folder = tmp_path / "kept"
    assert (folder / "inputs" / "my-holiday.png").read_bytes() == photo.read_bytes()
    recorded = load_choices(folder / "my-holiday.choices.npz")
    assert [entry["command"] for entry in recorded.history] == ["studio"] * 3
    assert recorded.history[1]["what"] == "prefer -1 by 1.5"
    assert (folder / "my-holiday.sh").read_text() == kept["command"] + "\n"

    words = shlex.split(kept["command"])
    assert words[:4] == ["python", "-m", "pixelrl", "predict"]
    words[words.index("--out") + 1] = str(tmp_path / "again")
    assert main(words[3:]) == 0
    again = load_choices(tmp_path / "again" / "my-holiday.choices.npz")
    assert np.array_equal(again.choices, recorded.choices)
    assert not np.isin(again.choices[:, blot()], [5, 8]).any()
    for name in ("my-holiday.png", "my-holiday.strip.png"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    digests = [entry.get("digest") for entry in again.history]
    assert sorted(map(str, digests)) == sorted(str(e.get("digest")) for e in recorded.history)


def test_a_task_may_work_on_a_painted_region(
    marked: Studio, studio: Studio, tmp_path: Path
) -> None:
    _, about = ask(marked, "about.json")
    assert about["masked"]
    _, sent = ask(marked, f"episodes/{about['episode']['number']}/mask.png")
    begun = np.asarray(Image.open(io.BytesIO(sent))) > 127
    assert begun[24, 28]  # the middle, to begin with
    assert 0.1 < begun.mean() < 0.3

    rule = {"kind": "only", "edits": ["darker"], "region": 0}
    body = {"rules": [rule], "regions": [mask(~blot())], "mask": mask(blot())}
    _, episode = ask(marked, "rollout", body)
    assert np.array_equal(marked.session.base.picture.mask.inside.numpy(), blot())
    assert episode["base"] == marked.session.base.number != about["episode"]["number"]
    status, answer = ask(marked, f"episodes/{about['episode']['number']}/mask.png")
    assert (status, "no longer kept" in answer["error"]) == (400, True)

    _, kept = ask(marked, "save", {"episode": episode["number"]})
    recorded = load_choices(tmp_path / "kept" / "photo0.choices.npz")
    words = shlex.split(kept["command"])
    words[words.index("--out") + 1] = str(tmp_path / "again")
    assert main(words[3:]) == 0
    again = load_choices(tmp_path / "again" / "photo0.choices.npz")
    assert np.array_equal(again.choices, recorded.choices)
    pictures = [tmp_path / folder / "photo0.png" for folder in ("again", "kept")]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()

    for wrong, told in ((mask(np.zeros(SIZE, bool)), "white"), (mask(blot()[1:]), "size")):
        status, answer = ask(marked, "rollout", {"mask": wrong})
        assert status == 400
        assert "the task's region" in answer["error"]
        assert told in answer["error"]
    status, answer = ask(studio, "rollout", {"mask": mask(blot())})
    assert (status, "works on the picture alone" in answer["error"]) == (400, True)


def test_the_desk_forgets_old_episodes_but_not_the_first(studio: Studio) -> None:
    session = studio.session
    numbers = [
        session.roll_out([Rule("prefer", ("box",), bias=n)]).number for n in range(1, KEPT + 3)
    ]
    for number in (session.base.number, *numbers[-KEPT:]):
        assert session.episode(number).number == number
    with pytest.raises(ConfigError, match="no longer kept"):
        session.episode(numbers[0])
    assert session.roll_out([]) is session.base
    wrong = Rule("forbid", ("box",), Region(torch.ones(3, 3, dtype=torch.bool), "mask"))
    with pytest.raises(DataError, match="they must be equal"):
        session.roll_out([wrong])


def test_mistakes_on_the_command_line_are_told_in_a_line(
    tmp_path: Path,
    checkpoint: Path,
    photo: Path,
    studio: Studio,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*words: str) -> str:
        assert main(["studio", *words, "--no-browser"]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "no policy is named" in refused()
    assert "nowhere.ckpt: no such file" in refused("nowhere.ckpt")
    assert "nowhere.png" in refused(str(checkpoint), str(tmp_path / "nowhere.png"))
    assert "one picture at a time" in refused(str(checkpoint), str(photo), str(photo))
    told = refused(str(checkpoint), f"data.predict.image={photo}")
    assert "without data.predict.image=" in told
    told = refused(str(checkpoint), "--port", str(studio.server_port))
    assert f"--port {studio.server_port}: cannot be listened on" in told
    assert "cannot be listened on" in refused(str(checkpoint), "--port", "70000")
    assert "--mask goes with a picture" in refused(str(checkpoint), "--mask", str(photo))
    told = refused(str(checkpoint), str(photo), "--mask", str(photo))
    assert "works on the picture alone" in told
    assert "no.npz: no such file" in refused("--task", "denoising", "network.init=no.npz", "x.png")


@pytest.mark.parametrize("named", ["first", "by option"])
def test_the_verb_serves_the_picture_it_is_given(
    named: str,
    checkpoint: Path,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served: list[Studio] = []
    monkeypatch.setattr(Studio, "serve_forever", lambda server: served.append(server))  # noqa: PLW0108 - bound
    words = [str(checkpoint)]
    if named == "by option":  # settings may stand among the files
        shape = ["network.width=8", "learning.spread=9"]
        words = ["--task", "denoising", f"network.init={checkpoint}", *shape]
    out = str(tmp_path / "out")
    assert main(["studio", *words, str(photo), "--no-browser", "--out", out]) == 0
    assert served[0].address in capsys.readouterr().out
    assert served[0].session.base.picture.path == photo
    expected = ["--checkpoint", *words] if named == "first" else words
    assert list(served[0].policy) == [*expected, "run.precision=32-true"]
    assert not served[0].uploads.exists()  # closed, and cleaned up


def test_agents_that_aim_show_what_they_doubt(studio: Studio, aiming: Studio) -> None:
    described = json.loads(json.dumps(ask(aiming, "about.json")[1]))["episode"]
    status, shown = ask(aiming, f"episodes/{described['number']}/doubt.bin")
    levels = np.frombuffer(shown, np.uint8).reshape(SIZE)
    doubt = np.asarray(aiming.session.base.doubt)
    assert status == 200
    assert np.abs(levels / 255 * described["doubtful"] - doubt)[levels < 255].max() < 0.1
    assert ask(studio, "about.json")[1]["episode"]["doubtful"] is None
    assert ask(studio, f"episodes/{studio.session.base.number}/doubt.bin")[0] == 404


# The page in a browser


def test_the_page_shows_doubt_where_there_is_one(studio: Studio, aiming: Studio) -> None:
    with browser_page(viewport={"width": 1000, "height": 800}) as page:
        page.goto(studio.address)
        page.locator("#stepname", has_text="step 5/5").wait_for()
        assert page.locator("#doubtful").is_hidden()
        page.goto(aiming.address)
        page.locator("#doubtful").click()
        page.get_by_text("How far off the agents expect to be").wait_for()
        page.locator("#mask").hover()
        page.get_by_text("perhaps off by").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_people_paint_forbid_replay_and_save(studio: Studio, tmp_path: Path, width: int) -> None:
    phone = width < 600
    with browser_page(viewport={"width": width, "height": 844}, has_touch=phone) as page:
        page.goto(studio.address)
        page.locator("#edits button").first.wait_for()
        page.locator("#stepname", has_text="step 5/5").wait_for()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
        sheet = page.locator("#mask").bounding_box()
        middle = sheet["y"] + 0.5 * sheet["height"]
        page.mouse.move(sheet["x"] + 0.2 * sheet["width"], middle)
        page.mouse.down()
        page.mouse.move(sheet["x"] + 0.4 * sheet["width"], middle, steps=4)
        page.mouse.up()
        page.get_by_text("of the picture", exact=False).first.wait_for()
        base = studio.session.base
        used = studio.session.names[int(base.choices[0, 24, 17])]
        page.get_by_role("button", name=used).first.click()
        page.get_by_role("button", name="Forbid").click()
        page.get_by_text(f"Forbid {used} in region 1").wait_for()
        page.get_by_text("The rules changed", exact=False).wait_for()
        for shown in ("Edits", "Changed", "Picture"):
            page.get_by_text(shown, exact=True).click()
        page.get_by_label("Step", exact=True).fill("1")
        page.get_by_role("button", name="Save").click()
        page.locator("#command").wait_for()
        command = page.locator("#command").text_content()
        page.get_by_role("button", name="Remove: Forbid").click()
        page.get_by_text("No rules: the agents do as they like.").wait_for()
    assert f"--forbid={used}@" in command.replace("'", "")
    recorded = load_choices(tmp_path / "kept" / "photo0.choices.npz")
    with Image.open(next((tmp_path / "kept" / "masks").iterdir())) as painted:
        inside = np.asarray(painted) > 127
    assert inside[24, 17]
    assert 0 < inside.mean() < 0.5
    assert not (recorded.choices[:, inside] == recorded.edits.index(used)).any()


def test_the_page_works_by_keyboard_and_by_dropping_a_picture(studio: Studio, photo: Path) -> None:
    with browser_page(viewport={"width": 1000, "height": 800}) as page:
        page.goto(studio.address)
        page.locator("#stepname", has_text="step 5/5").wait_for()
        page.locator("#mask").focus()
        for key in ("ArrowLeft", "ArrowUp", "]", " ", "["):
            page.keyboard.press(key)
        page.get_by_text("% of the picture").wait_for()
        page.get_by_role("button", name="Undo").press("Enter")
        page.get_by_text("nothing painted yet").wait_for()
        page.get_by_role("button", name="keep").press("Enter")
        page.get_by_role("button", name="Force").press("Enter")
        page.get_by_text("Force keep everywhere").wait_for()
        assert len(studio.session.roll_out([Rule("only", ("keep",))]).rules) == 1
        # A picture dropped while the agents still edit is opened after that, not ignored.
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        page.route("**/rollout*", hold)
        page.get_by_role("button", name="Prefer").press("Enter")
        page.locator("#file").set_input_files(photo.with_name("photo0.png"))
        page.get_by_text("The agents edit again …").wait_for()
        held[0].continue_()
        page.get_by_text("denoising · photo0, 56").wait_for()
        page.get_by_text("No rules: the agents do as they like.").wait_for()
        assert studio.session.base.picture.uploaded
        bad = {"name": "x.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
        page.locator("#file").set_input_files(bad)
        page.get_by_text("x.svg: open a PNG, JPEG, WebP, BMP or TIFF.").wait_for()


def test_people_paint_the_region_that_a_task_is_to_work_on(marked: Studio) -> None:
    with browser_page(viewport={"width": 1280, "height": 844}) as page:
        page.goto(marked.address)
        page.get_by_text("The agents edit for it.").wait_for()
        retarget = page.get_by_role("button", name="Edit for this region")
        assert retarget.is_disabled()  # they do already
        page.get_by_role("button", name="Clear").click()
        sheet = page.locator("#mask").bounding_box()
        page.mouse.move(sheet["x"] + 0.2 * sheet["width"], sheet["y"] + 0.2 * sheet["height"])
        page.mouse.down()
        page.mouse.up()
        first = marked.session.base.number
        retarget.click()
        page.get_by_text("The agents edit for it.").wait_for()
        page.get_by_text("No rules: the agents do as they like.").wait_for()
    region = marked.session.base.picture.mask
    assert marked.session.base.number > first
    assert region.inside[10, 11]
    assert not region.inside[24:, 28:].any()
