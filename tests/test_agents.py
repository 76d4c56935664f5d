"""Trained agents are found by name, and cards tell what they are."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pixelrl import agents
from pixelrl.agents import Card, Scored, find_weights, list_agents, read_card, write_card
from pixelrl.cli.main import main
from pixelrl.errors import CheckpointError

CARD = Card(
    name="tidy",
    task="denoising",
    about="take noise out",
    data="photographs of ours",
    limits="none known",
    recipe="denoising",
    command="pixelrl fit",
    seed=3,
    machine="a computer",
    hours=0.5,
    episodes=7,
    shares={"median": 0.25, "keep": 0.75},
    curve=[(3, 0.5), (7, 0.75)],
    scores=[Scored("two photographs", 2, {"psnr": 30.0, "input_psnr": 20.0}, "pixelrl evaluate")],
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a distribution that offers agents; return their weight file."""
    package = tmp_path / "tidy_agents"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    point = EntryPoint("tidy", "tidy_agents", agents.AGENTS)
    monkeypatch.setattr(agents, "list_installed", lambda group: (point,))
    monkeypatch.syspath_prepend(str(tmp_path))
    weights = package / "tidy.safetensors"
    weights.write_bytes(b"")
    write_card(weights, CARD)
    return weights


def test_agents_are_found_by_name_importing_nothing(installed: Path) -> None:
    assert list_agents() == {"tidy": installed}
    assert find_weights("tidy") == installed
    assert read_card(installed) == CARD


def test_a_file_of_that_name_is_nearer(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tidy").write_bytes(b"mine")
    assert find_weights("tidy") == Path("tidy")


def test_a_wrong_name_is_told_with_what_is_near(installed: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights 'tidi'.*tidy"):
        find_weights("tidi")


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"name": 3, "curve": 5}', "{"])
def test_a_damaged_card_is_one_line(installed: Path, content: str) -> None:
    installed.with_suffix(".json").write_text(content)
    with pytest.raises(CheckpointError, match=r"tidy\.json: no card") as told:
        read_card(installed)
    assert "\n" not in str(told.value)


def test_a_newer_card_is_read_as_far_as_it_is_known(installed: Path) -> None:
    path = installed.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "moon": "full"}))
    assert read_card(installed) == CARD


def test_the_list_tells_scores_beside_the_input(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights"]) == 0
    assert "tidy  take noise out" in (told := capsys.readouterr().out)
    assert "two photographs: psnr 30 (input 20)" in told
    assert main(["weights", "tidy"]) == 0
    told = capsys.readouterr().out
    for part in ("seed 3, 7 batches", "keep 75.0%, median 25.0%", "3: 0.5", "photographs of ours"):
        assert part in told


def test_all_installed_agents_have_cards_of_their_tasks() -> None:
    for name, path in list_agents().items():
        card = read_card(path)
        assert card.name == name
        assert card.scores
        assert card.about
        assert card.data
        assert card.limits
        assert path.stat().st_size < 4 * 2**20
