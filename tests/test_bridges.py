"""What docs/bridges.md shows runs."""

import re
from pathlib import Path

from skips import need

PAGE = Path(__file__).parents[1] / "docs" / "bridges.md"


def test_the_page_runs() -> None:
    need("gymnasium")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 3
    known: dict[str, object] = {}
    for block in blocks:
        exec(block, known)
    assert known["terminated"] is True
    assert known["cleaner"].shape == (1, 3, 32, 32)  # type: ignore[attr-defined]
