"""What `new-task` writes is a plugin: it trains, keeps its promises, and leaves no trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from photos import tiny
from pixelrl import task
from pixelrl.cli.main import main
from pixelrl.cli.scaffold import CONTRACT, new_task
from pixelrl.config.compose import compose
from pixelrl.experiments.fit import fit
from pixelrl.experiments.verdict import SAME

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "pixelrl-soft-light"
    new_task("soft_light", folder)
    return folder


def run(*command: str, cwd: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_it_states_this_contract() -> None:
    assert CONTRACT == task.CONTRACT


@pytest.mark.parametrize("tool", [["ruff", "check", "."], ["ruff", "format", "--check", "."]])
def test_it_is_in_style(plugin: Path, tool: list[str]) -> None:
    done = run("-m", *tool, cwd=plugin, path="")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_is_strictly_typed(plugin: Path) -> None:
    done = run("-m", "mypy", cwd=plugin, path=os.pathsep.join([str(HERE), str(HERE / "tasks")]))
    assert done.returncode == 0, done.stdout


def test_as_it_stands_it_learns_to_do_better_than_no_edit(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(plugin / "src"))
    few = ["network.widths=[8,12]", "learning.goal_episodes=40", "learning.episodes=2"]
    settings = tiny(tmp_path, "run.name=one", *few, "run.validate_every=42")
    experiment = compose("pixelrl_soft_light:SoftLight", [plugin / "recipe.yaml"], settings)
    verdict = fit(experiment).verdict
    assert verdict is not None
    psnr = {row[SAME]: row["psnr"] for row in verdict.table.rows}
    assert psnr["policy"] > psnr["no edit"] + 0.5


def test_installed_it_works_end_to_end_and_removed_it_is_gone(plugin: Path, tmp_path: Path) -> None:
    """A stranger changes three places and trains; the core is not touched."""
    source = plugin / "src" / "pixelrl_soft_light" / "__init__.py"
    text = source.read_text("utf-8")
    changed = text.replace('"darker": shift(-self.stride),', '"darker": shift(-self.stride / 2),')
    changed = changed.replace('maps["image"] ** self.gamma', 'maps["image"] ** (self.gamma * 1.1)')
    changed = changed.replace("return squared_error_drop(", "return 2 * squared_error_drop(")
    assert sum(a != b for a, b in zip(text.split("\n"), changed.split("\n"), strict=True)) == 3
    source.write_text(changed, "utf-8")
    site = tmp_path / "site"
    pip = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    done = run(*pip, str(plugin), cwd=tmp_path, path="")
    assert done.returncode == 0, done.stderr
    installed = str(site)
    verbs = ("-m", "pixelrl")
    listed = run(*verbs, "tasks", cwd=tmp_path, path=installed)
    assert "soft_light" in listed.stdout
    assert "[pixelrl-soft-light 0.1.0]" in listed.stdout
    assert (
        run(*verbs, "check", "--task", "soft_light", cwd=tmp_path, path=installed).returncode == 0
    )
    recipe = ["--config", str(plugin / "recipe.yaml")]
    options = [*tiny(tmp_path, "run.name=one", "network.widths=[8]"), "run.threads=1"]
    fitted = run(
        *verbs, "fit", "--task", "soft_light", *recipe, *options, cwd=tmp_path, path=installed
    )
    assert fitted.returncode == 0, fitted.stderr
    assert "psnr" in fitted.stdout
    tests = run("-m", "pytest", "-q", str(plugin / "tests"), cwd=tmp_path, path=installed)
    assert tests.returncode == 0, tests.stdout
    gone = run(*verbs, "tasks", cwd=tmp_path, path="")
    assert "soft_light" not in gone.stdout
    asked = run(*verbs, "fit", "--task", "soft_light", cwd=tmp_path, path="")
    assert asked.returncode == 2
    assert "nothing named 'soft_light'" in asked.stderr


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Soft", "lower-case letters"),
        ("class", "lower-case letters"),
        ("denoising", "installed already"),
        ("../up", "lower-case letters"),
    ],
)
def test_names_that_cannot_be_are_told_in_a_line(
    name: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-task", name]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine", "utf-8")
    assert main(["new-task", "soft_light", "--dir", str(tmp_path / "mine")]) == 2
    assert "holds something already" in capsys.readouterr().err
    assert main(["new-task", "soft_light", "--dir", str(tmp_path / "new")]) == 0
    assert "check --task soft_light" in capsys.readouterr().out
    assert (tmp_path / "new" / "pyproject.toml").is_file()
