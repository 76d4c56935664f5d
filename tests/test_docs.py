"""What the pages show runs."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

from pixelrl.cli.main import main
from pixelrl.config.compose import compose
from pixelrl.config.recipes import list_shipped
from pixelrl.errors import ConfigError

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


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run all of a page's code as one module, as which its reader saves it."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    code = blocks(page, "python")
    assert code
    name = f"page_{page.stem}"
    (folder / f"{name}.py").write_text("".join(code), "utf-8")
    try:
        importlib.import_module(name)
    finally:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["cookbook", "idea"])
def test_the_code_of_a_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run_page(ROOT / "docs" / f"{name}.md", tmp_path, monkeypatch)


def test_agents_aim_and_learn_at_the_tasks_of_the_cookbook_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    page = ROOT / "docs" / "cookbook.md"
    (tmp_path / "recipes_of_page.py").write_text("".join(blocks(page, "python")), "utf-8")
    goal = ["network.kind=goal", "learning.estimator=pathwise", "learning.goal_episodes=1"]
    compose("recipes_of_page:Structural", overrides=goal)
    compose("recipes_of_page:Midtones", overrides=["learning.estimator=expected"])
    with pytest.raises(ConfigError, match="goal"):
        compose("recipes_of_page:Midtones", overrides=["network.kind=goal"])
    with pytest.raises(ConfigError, match="local_reward"):
        compose("recipes_of_page:Sharper", overrides=["learning.estimator=expected"])


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
