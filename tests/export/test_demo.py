"""The demo page in a browser: it edits, tells what was chosen, and asks no other server."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import browser_page
from build_demo import build_page
from photos import write_photos
from skips import without

PACKAGE = Path(__file__).parents[2] / "build" / "onnxruntime-web" / "package"


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and log nothing."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def runtime() -> Path:
    """Where onnxruntime-web is; asked for first, as exporting takes its time."""
    if not PACKAGE.is_dir():
        pytest.skip(without("onnxruntime-web in build/", "nox -s demo"))
    return PACKAGE


@pytest.fixture(scope="module")
def address(
    runtime: Path, exported: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    out = tmp_path_factory.mktemp("page") / "demo"
    build_page(runtime, out, dict.fromkeys(("denoising", "inpainting"), exported))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(out))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("width", [1280, 390])
def test_people_watch_the_agents_and_keep_the_result(
    address: str, tmp_path: Path, width: int
) -> None:
    photo = write_photos(tmp_path, count=1, size=40) / "photo0.png"
    with browser_page(viewport={"width": width, "height": 844}, has_touch=width < 600) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.locator("#edits li").first.wait_for()
        page.locator("#file").set_input_files(photo)
        page.locator("#size", has_text="40 pixels").wait_for()
        page.get_by_role("button", name="Add noise").click()
        page.locator("#score", has_text="PSNR").wait_for()
        page.get_by_role("button", name="Let them edit").click()
        page.locator("#stepname", has_text="step 3/3").wait_for()
        assert page.locator("#bars > div").count() == 3
        page.get_by_text("Edits", exact=True).click()
        page.get_by_label("Step", exact=True).fill("1")
        page.locator("#after[data-step='1']").wait_for()
        page.locator("#wipe").scroll_into_view_if_needed()
        box = page.locator("#sheets").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
        page.locator("#pixel-name", has_text="Pixel 28, 2").wait_for()
        assert page.locator("#history li").count() >= 1
        page.get_by_text("Take off text").click()
        page.get_by_role("button", name="Add text").click()
        page.get_by_role("button", name="Let them edit").click()
        page.locator("#stepname", has_text="step 3/3").wait_for()
        with page.expect_download() as kept:
            page.get_by_role("button", name="Download PNG").click()
        kept.value.save_as(tmp_path / kept.value.suggested_filename)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)
    result = np.asarray(Image.open(tmp_path / "photo0-edited.png").convert("RGB"))
    assert result.shape == (40, 48, 3)
