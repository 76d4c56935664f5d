"""What the page on Python shows runs, and what notebooks show stands alone."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import pixelrl
from browser import browser_page
from pixelrl.api.loading import Agent
from pixelrl.api.notebook import write_html, write_page
from pixelrl.config.compose import compose
from pixelrl.errors import DataError
from pixelrl.training.checkpoint import Restored, build

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def untrained(task: str, *overrides: str) -> Agent:
    experiment = compose(task, overrides=["network.width=8", *overrides])
    return Agent(Restored(experiment, build(experiment).eval()))


def test_the_code_of_the_page_runs_from_top_to_bottom(
    packed: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pixelrl.agents.list_agents", lambda: {"denoising": packed})
    monkeypatch.chdir(photo.parent)
    scope: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    assert len(blocks) > 6
    printed = capsys.readouterr().out
    assert "Agent(denoising: 9 edits, 10 steps, sees gray, on cpu)" in printed
    assert "luminance (Y of YCbCr)" in printed
    assert "Pixel 12, 30: " in printed
    assert "'forbid median, box in the mask in steps 2-'" in printed
    np.testing.assert_array_equal(scope["again"].image, scope["calmer"].image)
    np.testing.assert_array_equal(scope["same"].image, scope["result"].image)
    for name in ("better.png", "calmer.png", "calmer.gif", "calmer.html"):
        assert (photo.parent / name).is_file()


def test_agents_that_see_color_keep_a_gray_picture_gray_and_say_so(colored: np.ndarray) -> None:
    agent = untrained("color_enhancement")
    gray = Image.fromarray(colored[..., 0])
    result = agent(gray).only("brightness +")
    assert result.image.mode == "L"
    assert np.asarray(result.image).mean() > colored[..., 0].mean()
    assert any("the luminance of what they did is kept" in note for note in result.notes)
    assert agent(colored).only("red green +").image[..., 0].mean() > colored[..., 0].mean()


def test_tasks_that_work_on_a_mask_take_it(colored: np.ndarray) -> None:
    agent = untrained("saliency_editing", "task.length=2")
    mask = np.zeros(colored.shape[:2], bool)
    mask[10:30, 20:40] = True
    result = agent(colored, mask=mask)
    assert result.image.shape == colored.shape
    tensor = torch.from_numpy(colored).permute(2, 0, 1)
    batch = agent(torch.stack([tensor, tensor]), mask=torch.from_numpy(mask))
    assert torch.equal(batch[1].image, torch.from_numpy(result.image).permute(2, 0, 1))
    with pytest.raises(DataError, match=r"works on mask; pass agent\(picture, mask=\.\.\.\)"):
        agent(colored)


def test_a_notebook_is_told_all_without_anything_from_elsewhere(
    agent: pixelrl.Agent, colored: np.ndarray
) -> None:
    result = agent(colored).forbid("median")
    told = result._repr_html_()
    assert not re.findall(r"""(?:src|href)=["'](?!data:image/)""", told)
    assert "<script" not in told
    assert "http" not in told
    assert len(re.findall('src="data:image/', told)) == 3
    assert "Asked for: forbid median." in told
    assert "luminance (Y of YCbCr)" in told
    assert len(told) < 100_000
    assert result.replay(swap={"*": "keep"})._repr_html_().count("* -&gt; keep") == 1


def test_large_pictures_and_batches_stay_small(checkpoint: Path) -> None:
    agent = pixelrl.load(checkpoint, device="cpu", overrides=["task.length=2"])
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    assert len(write_html(agent(noise))) < 700_000
    batch = agent(torch.zeros(5, 1, 16, 16))
    assert write_html(batch).count("<section>") == 3
    assert "2 more: result[3], …" in write_html(batch)


def test_names_of_edits_are_text(colored: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    result = untrained("denoising")(colored)
    names = tuple(f"<b>{name}\"'" for name in result.edits)
    monkeypatch.setattr(pixelrl.Result, "edits", names)
    told = write_html(result)
    assert "<b>box" not in told
    assert "&lt;b&gt;box&quot;&#x27;" in told


def test_show_opens_the_browser_or_tells_the_notebook(
    agent: pixelrl.Agent, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    result = agent(photo)
    result.show()
    assert opened[0].startswith("file:///")
    assert opened[0].endswith("/photo.html")
    shown: list[Any] = []
    shell = SimpleNamespace(kernel=object())
    display = SimpleNamespace(display=shown.append)
    fake = SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    result.show()
    assert (shown, len(opened)) == ([result], 1)


def test_the_sliders_move_what_they_show(
    agent: pixelrl.Agent, colored: np.ndarray, tmp_path: Path
) -> None:
    page_file = tmp_path / "result.html"
    page_file.write_text(write_page(agent(colored)), "utf-8")
    with browser_page(viewport={"width": 400, "height": 700}) as page:
        page.goto(page_file.as_uri())
        wipe, step = page.locator(".wipe input"), page.locator("figure > input")
        wipe.focus()
        page.keyboard.press("End")
        assert page.locator(".wipe").evaluate("e => e.style.getPropertyValue('--at')") == "100%"
        step.focus()
        page.keyboard.press("ArrowRight")
        assert page.inner_text("output") == "2"
        top, map_top = (
            page.locator(each).evaluate("e => e.getBoundingClientRect().top")
            for each in (".map img", ".map")
        )
        height = page.locator(".map").evaluate("e => e.getBoundingClientRect().height")
        assert abs(map_top - top - height) < 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
