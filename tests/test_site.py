"""The pages make a site without a warning, and no link within it leads nowhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from check_links import find_broken
from skips import need

DOCS = Path(__file__).parents[1] / "docs"


def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    for module in ("sphinx", "myst_parser", "furo"):
        need(module, "pip install -c constraints.txt -e '.[docs]'")
    site = tmp_path / "site"
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    told = subprocess.run(
        [*build, "-d", tmp_path / "trees", DOCS, site], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert list(find_broken(site)) == []
    assert "gray levels from 0 to 510" in (site / "reference" / "tasks.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("b.html#there", False),
        ("sub/", False),
        ("#here", False),
        ("https://example.org/nowhere", False),
        ("b.html#nowhere", True),
        ("c.html", True),
        ("../a.html", True),
    ],
)
def test_links_that_lead_nowhere_are_found(tmp_path: Path, link: str, *, broken: bool) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text('<a href="../b.html#there">b</a>')
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1><img src="sub/index.html">')
    (tmp_path / "a.html").write_text(f'<h1 id="here">a</h1><a href="{link}">x</a>')
    assert list(find_broken(tmp_path)) == ([f"a.html: {link}"] if broken else [])
