"""The report's page in a real browser: pointer, touch and keys, on a desk and on a phone."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import PATIENCE, chromium
from made_up import EDITS, record
from photos import write_photos
from pixelrl.cli.main import main
from pixelrl.drawing.palette import color_edits
from pixelrl.records.file import load_choices
from pixelrl.report import build


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """Evaluate a small policy on three photographs, and report on it."""
    folder = tmp_path_factory.mktemp("report")
    photos = write_photos(folder / "photos")
    out = folder / "results"
    words = ["--checkpoint", str(checkpoint), "--out", str(out), "--oracle"]
    assert main(["evaluate", *words, f"data.test.image={photos}", "data.limit=3"]) == 0
    assert main(["report", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium once for all tests here."""
    with chromium() as opened:
        yield opened


class Page:
    """Drive a report; problems on it, and requests to anywhere else, fail the test."""

    def __init__(self, browser: Any, path: Path, fragment: str = "", **settings: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1400, "height": 900}, **settings}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{path.as_uri()}#{fragment}")
        self.shown("")

    def shown(self, start: str) -> None:
        """Wait until it shows an image, step and layer: "0 3 choices"."""
        wanted = f'^="{start}"' if start else ""  # nothing begins with an empty string, in CSS
        self.page.locator(f"body[data-shown{wanted}]").wait_for(state="attached")

    def text(self, selector: str) -> str:
        """Read a text once all of it has been unpacked."""
        self.page.locator(selector).filter(has_not_text="…").wait_for(state="attached")
        return str(self.page.inner_text(selector))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Find where a pixel's middle is on the screen."""
        box = self.page.locator("#sheet").bounding_box()
        about = self.page.evaluate("[document.querySelector('#before').width,"
                                   " document.querySelector('#before').height]")  # fmt: skip
        return (
            box["x"] + (x + 0.5) / about[0] * box["width"],
            box["y"] + (y + 0.5) / about[1] * box["height"],
        )

    def pixels(self, canvas: str) -> np.ndarray:
        """Read a canvas, ``(H,W,3)``."""
        address = self.page.evaluate("(id) => document.getElementById(id).toDataURL()", canvas)
        with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as opened:
            return np.asarray(opened.convert("RGB"))

    def close(self) -> None:
        self.context.close()
        assert not self.problems, self.problems
        elsewhere = [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]
        assert not elsewhere, elsewhere


@pytest.fixture
def opened(browser: Any, results: Path) -> Iterator[Page]:
    page = Page(browser, results / "report.html")
    yield page
    page.close()


def scores_of(results: Path) -> dict[str, float]:
    with (results / "scores.csv").open() as file:
        return {row["image"]: float(row["psnr"]) for row in csv.DictReader(file)}


def test_worst_and_best_come_first(opened: Page, results: Path) -> None:
    worst = sorted(scores_of(results), key=scores_of(results).__getitem__)
    names = "#thumbs button span:first-of-type"
    assert opened.page.locator(names).all_inner_texts() == worst
    assert opened.text("#name") == worst[0]
    opened.page.select_option("#order", "psnr|best")
    assert opened.page.locator(names).all_inner_texts() == worst[::-1]
    assert opened.text("#name") == worst[-1]
    assert f"{scores_of(results)[worst[-1]]:.3f} dB" in opened.text("#scores")
    assert "oracle" in opened.text("#means")
    assert opened.page.locator("#table tbody tr").count() == 3
    with (results / "calibration.csv").open() as file:
        assert opened.page.locator("#plot circle").count() == len(list(csv.DictReader(file))) > 1


def test_hovering_tells_a_pixels_whole_history(opened: Page, results: Path) -> None:
    name = opened.text("#name")
    recorded = load_choices(results / "images" / f"{name}.choices.npz", with_arrays=True)
    opened.page.locator("#layers button", has_text="Choices").click()
    opened.shown("")
    for x, y in ((3, 5), (50, 40), (0, 0), (55, 47)):
        opened.page.mouse.move(*opened.place(x, y))
        words = ", ".join(recorded.edits[edit] for edit in recorded.choices[:, y, x])
        assert opened.text("#tip") == words
        assert opened.text("#history") == words
        assert opened.text("#pixel-title") == f"Pixel {x}, {y}"
    opened.page.mouse.click(*opened.place(20, 30))
    rows = opened.page.locator("#pixel-rows tr")
    opened.text("#pixel-rows")
    for step, row in enumerate(rows.all()):
        cells = [
            cell.replace("\N{MINUS SIGN}", "-") for cell in row.locator("td").all_inner_texts()
        ]
        assert cells[:2] == [str(step + 1), recorded.edits[recorded.choices[step, 30, 20]]]
        for cell, layer in zip(cells[2:], ("entropy", "value", "reward"), strict=True):
            value = float(recorded.arrays[layer][step, 30, 20])
            if not cell.startswith(("≤", "≥")):
                assert float(cell) == pytest.approx(value, abs=0.1), layer
    opened.page.keyboard.press("Shift+ArrowRight")
    assert opened.text("#pixel-title") == "Pixel 21, 30 (kept)"
    opened.page.keyboard.press("Escape")
    assert opened.text("#pixel-title") == "Pixel"


def test_every_pixel_has_its_edits_color(browser: Any, results: Path) -> None:
    page = Page(browser, results / "report.html", "image=photo1&step=2&layer=choices")
    recorded = load_choices(results / "images" / "photo1.choices.npz", with_arrays=True)
    table = (color_edits(recorded.edits, recorded.noop) * 255).round().byte().numpy()
    assert np.array_equal(page.pixels("view"), table[recorded.choices[1]])
    start = recorded.arrays["frames"][0]
    assert np.array_equal(page.pixels("before"), np.repeat(start, 3, axis=2))
    page.page.keyboard.press("1")
    page.shown("1 2 image")
    assert np.array_equal(page.pixels("view"), np.repeat(recorded.arrays["frames"][2], 3, axis=2))
    page.page.select_option("#against", "target")
    page.shown("1 2 image target")
    assert np.array_equal(page.pixels("before"), np.repeat(recorded.arrays["target"], 3, axis=2))
    edit = int(np.bincount(recorded.choices[1].ravel()).argmax())
    page.page.locator("#legend button").nth(edit).click()
    page.shown(f"1 2 choices target {edit}")
    alone = page.pixels("view")
    faint = (alone == (244, 245, 247)).all(2)
    assert np.array_equal(faint, recorded.choices[1] != edit)
    share = f"{(recorded.choices[1] == edit).mean():.1%}".replace("%", " %")
    assert share in page.page.locator("#legend button").nth(edit).inner_text()
    page.close()


def test_keys_do_everything(opened: Page) -> None:
    page, keys = opened.page, opened.page.keyboard
    first = page.locator("body").get_attribute("data-shown").split()[0]
    steps = int(page.locator("#step").get_attribute("max"))
    assert page.locator("#step").input_value() == str(steps)
    for number, layer in enumerate(("image", "choices", "entropy", "value", "reward"), 1):
        keys.press(str(number))
        opened.shown(f"{first} {steps} {layer}")
        chosen = page.locator('#layers [aria-checked="true"]')
        assert chosen.inner_text() == layer.capitalize()
    keys.press("ArrowLeft")
    opened.shown(f"{first} {steps - 1} reward")
    assert f"step={steps - 1}" in page.url
    for _ in range(steps):
        keys.press("ArrowLeft")
    opened.shown(f"{first} 0 reward")
    assert page.locator("#empty").is_visible()
    keys.press("ArrowDown")
    name = opened.text("#name")
    assert name == page.locator("#thumbs button span:first-of-type").nth(1).inner_text()
    keys.press("ArrowUp")
    keys.press("w")
    assert opened.text("#wipe-told") == "0 %"
    keys.press("w")
    assert opened.text("#wipe-told") == "50 %"
    width = page.locator("#sheet").bounding_box()["width"]
    keys.press("+")
    assert page.locator("#sheet").bounding_box()["width"] == pytest.approx(2 * width)
    keys.press("0")
    assert page.locator("#sheet").bounding_box()["width"] == pytest.approx(width)
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    keys.press(" ")
    assert opened.text("#play") == "Pause"
    page.clock.run_for(1000)  # of the page's clock: a step, and less than two
    opened.shown(f"{first} 1 reward")
    keys.press(" ")
    assert opened.text("#play") == "Play"
    page.evaluate("document.activeElement.blur()")
    keys.press("Tab")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_the_wipe_follows_the_pointer(opened: Page) -> None:
    box = opened.page.locator("#sheet").bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + box["width"] / 2, middle)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=4)
    opened.page.mouse.up()
    assert opened.text("#wipe-told") == "20 %"
    assert "inset(0px 0px 0px 20%)" in opened.page.evaluate(
        "getComputedStyle(document.getElementById('view')).clipPath"
    )
    assert opened.text("#pixel-title").count("kept") == 0  # a drag is no click


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Any, results: Path, scheme: str) -> None:
    settings = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    page = Page(browser, results / "report.html", "step=1&layer=choices",
                color_scheme=scheme, **settings)  # fmt: skip
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.page.evaluate(
        "[...document.querySelectorAll('#layers button, #play, select, #thumbs button')]"
        ".filter(e => e.offsetParent && e.offsetHeight < 36).map(e => e.id || e.textContent)"
    )
    assert not small
    page.page.locator("#sheet").scroll_into_view_if_needed()
    page.page.touchscreen.tap(*page.place(40, 10))
    assert page.text("#pixel-title") == "Pixel 40, 10 (kept)"
    ink, back = (
        page.page.evaluate(f"getComputedStyle(document.documentElement).{kind}")
        for kind in ("color", "backgroundColor")
    )
    assert contrast(ink, back) > 10
    page.close()


def test_images_are_ordered_by_declared_scores_alone(browser: Any, tmp_path: Path) -> None:
    for number, name in enumerate("abc"):
        record(tmp_path / f"{name}.choices.npz", (1, 4, 4), number)
    rows = "image,loss,input_gain,gain,mask_color\n"
    rows += "a,1,0.0,0.1,inf\nb,2,0.0,inf,3.25\nc,3,0.0,-0.1,0.5\n"
    (tmp_path / "scores.csv").write_text(rows)
    declared = {"gain": {"higher_is_better": True, "digits": 1},
                "mask_color": {"unit": "Lab", "higher_is_better": False, "digits": 2}}  # fmt: skip
    (tmp_path / "protocol.json").write_text(json.dumps({"scores": declared}))
    page = Page(browser, build(tmp_path, tmp_path / "page.html"))
    orders = page.page.locator("#order option").evaluate_all("all => all.map(one => one.value)")
    ends = [f"{name}|{end}" for name in declared for end in ("worst", "best")]
    assert orders == [*ends, "name"]  # by "loss" none is worst or best
    for order, names in (("gain|best", "bac"), ("gain|worst", "cab"), ("mask_color|worst", "abc")):
        page.page.select_option("#order", order)
        found = page.page.locator("#thumbs button span:first-of-type").all_inner_texts()
        assert "".join(found) == names, order
    assert page.text("#scores") == "loss 1.0000 · gain 0.1 · mask color ∞ Lab"
    assert page.text("#table thead").strip().split("\t") == [
        "image",
        "loss",
        "gain",
        "mask color (Lab)",
    ]
    assert page.text("#table tfoot").strip().split("\t")[1:] == ["2.000", "0.0", "1.88"]
    told = "gain: mean of 2 of 3, 1 infinite; mask color: mean of 2 of 3, 1 infinite"
    assert page.text("#table-note") == told
    page.close()


def contrast(one: str, other: str) -> float:
    """Measure the contrast of two colors as the WCAG define it."""

    def luminance(color: str) -> float:
        levels = np.array([int(part) for part in re.findall(r"\d+", color)[:3]]) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.slow
def test_a_megapixel_and_fifteen_steps_are_shown(browser: Any, tmp_path: Path) -> None:
    held = record(tmp_path / "a.choices.npz", (15, 1000, 1000))
    page = Page(browser, build(tmp_path, tmp_path / "page.html"), "step=1&layer=choices")
    for step in (2, 15):
        page.page.locator("#step").fill(str(step))
        page.shown(f"0 {step} ")
    page.page.mouse.move(*page.place(321, 654))
    words = [EDITS[edit] for edit in held["choices"][:, 654, 321]]
    assert page.text("#history") == ", ".join(words)
    page.close()
