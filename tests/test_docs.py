"""What the pages show runs."""

import re
import shlex
from pathlib import Path

import pytest

from pixelrl.cli.main import main
from pixelrl.config.recipes import list_shipped

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_the_page_on_tasks_shows_a_task_that_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "negative.py").write_text(blocks(ROOT / "docs" / "write-a-task.md", "python")[0])
    assert main(["check", "--task", "negative:Negative"]) == 0


def test_every_command_in_the_pages_parses() -> None:
    commands = [
        line
        for page in PAGES
        for block in blocks(page, "bash")
        for line in block.splitlines()
        if line.startswith("python -m pixelrl ")
    ]
    assert len(commands) > 5
    for command in commands:
        from pixelrl.cli.main import _parse

        words = shlex.split(command, comments=True)[3:]
        if "NAME" not in command:
            _parse(words)


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_pages_name_only_recipes_that_are_shipped() -> None:
    for page in PAGES:
        for name in re.findall(r"--config ([a-z_/-]+)(?![\w.])", page.read_text("utf-8")):
            assert name in list_shipped(), f"{page}: {name}"
