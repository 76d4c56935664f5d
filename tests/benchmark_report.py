"""Time the report's page in Chromium, on this machine: a megapixel of fifteen steps.

    python tests/benchmark_report.py [--side 1000] [--steps 15]

The aims are five seconds until it shows something, and 0.3 seconds a step when it is first shown;
nothing fails. That it shows the right thing is tested in `tests/report/test_page.py`.
"""

import argparse
import tempfile
import time
from pathlib import Path

from browser import chromium
from made_up import record
from pixelrl.report import build

STEP_THROUGH = """async (steps) => {
  const step = document.getElementById("step"), began = performance.now();
  for (let i = 2; i <= steps; i++) {
    step.value = i;
    step.dispatchEvent(new Event("input"));
    while (!document.body.dataset.shown.startsWith(`0 ${i} `))
      await new Promise((go) => setTimeout(go, 1));
  }
  return (performance.now() - began) / (steps - 1);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        record(folder / "a.choices.npz", (arguments.steps, arguments.side, arguments.side))
        path = build(folder, folder / "page.html")
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(f"{path.as_uri()}#step=1&layer=choices")
        page.locator("body[data-shown]").wait_for(state="attached")
        print(f"opened in {time.perf_counter() - began:.2f} s")
        print(f"a step in {page.evaluate(STEP_THROUGH, arguments.steps):.0f} ms")


if __name__ == "__main__":
    main()
