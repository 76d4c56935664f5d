from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelrl.config.compose import Experiment, as_plain, as_yaml, compose, from_plain
from pixelrl.config.recipes import find_recipes, list_shipped
from pixelrl.discovery import TASKS, list_installed
from pixelrl.errors import ConfigError
from pixelrl.ranges import FOLDER
from pixelrl.settings import flat


@given(
    sigma=st.floats(0, 100, allow_nan=False),
    width=st.integers(1, 512),
    spread=st.integers(0, 20).map(lambda n: 2 * n + 1),
    loggers=st.lists(st.sampled_from(["wandb", "tensorboard"]), max_size=2),
    name=st.text(st.characters(codec="ascii", exclude_characters="$\\", min_codepoint=32)).filter(
        FOLDER.holds
    ),
)
def test_composing_a_plain_description_gives_the_experiment_back(
    sigma: float, width: int, spread: int, loggers: list[str], name: str
) -> None:
    base = compose("denoising")
    changed = Experiment(
        name=base.name,
        task=replace(base.task, sigma=sigma),
        network=replace(base.network, width=width),
        learning=replace(base.learning, spread=spread),
        data=replace(base.data, test={"image": "a b/c"}),
        run=replace(base.run, name=name, loggers=tuple(loggers)),
    )
    assert from_plain(as_plain(changed)) == changed


def test_a_written_recipe_composes_the_same(tmp_path: Path) -> None:
    experiment = compose("inpainting", overrides=["task.sizes=[8,12]", "data.test.image=x y"])
    recipe = tmp_path / "config.yaml"
    recipe.write_text(as_yaml(experiment))
    assert compose("inpainting", [recipe]) == experiment


def test_later_sources_win(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("learning: {rate: 0.1, gamma: 0.5}\n")
    second.write_text('"learning.rate": 0.2\n')  # flat, as sweep agents write files
    learning = compose("denoising", [first, second], ["learning.entropy=0.3"]).learning
    assert (learning.rate, learning.gamma, learning.entropy) == (0.2, 0.5, 0.3)


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("learning.episodes=16.0", "learning", "episodes", 16),
        ("--learning.rate=1e-4", "learning", "rate", 1e-4),
        ("run.name=007", "run", "name", "007"),
        ("run.name=1e3", "run", "name", "1e3"),
        ("run.name=None", "run", "name", "None"),
        ("run.loggers=[wandb]", "run", "loggers", ("wandb",)),
        ("run.name=${task.noise}", "run", "name", "gaussian"),
        ("data.train={image: a, target: b}", "data", "train", {"image": "a", "target": "b"}),
        ("learning={'rate': 0.25, 'window': 3}", "learning", "window", 3),
        ("network.memory=off", "network", "memory", False),
    ],
)
def test_overrides_are_read_as_their_key_wants(
    override: str, section: str, key: str, value: object
) -> None:
    experiment = compose("denoising", overrides=[override])
    assert getattr(getattr(experiment, section), key) == value


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("task.sgima=3", "Did you mean 'task.sigma'"),
        ("data.tst.image=x", "unknown key 'data.tst.image'"),
        ("task.sigma=loud", "could not be converted to Float"),
        ("task.sigma=-1", "task.sigma: expected"),
        ("task.noise=loud", "gaussian"),
        ("learning.rate=None", "learning.rate"),
        ("learning=3", "is a section"),
        ("learning.spread=8", "learning.spread: expected 0 or an odd number"),
        ("learning.gamma=1.5", "learning.gamma"),
        ("data.batch=0", "data.batch: expected more than zero"),
        ("run.loggers=[mlflow]", "mlflow"),
        ("run.name=${nowhere}", "nowhere"),
        ("sigma", "expected section.key=value"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(override: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose("denoising", overrides=[override])
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_recipe_is_named(tmp_path: Path) -> None:
    for text, told in [
        ("learning: {rat: 1}", "learning.rate"),
        ("lerning: {rate: 1}", "lerning"),
        ("a: [", "not valid YAML"),
        ("- 1", "expected a mapping"),
        ("learning: 3", "is a section"),
    ]:
        recipe = tmp_path / "bad.yaml"
        recipe.write_text(text)
        with pytest.raises(ConfigError, match=r"bad\.yaml") as caught:
            compose("denoising", [recipe])
        assert told in str(caught.value)


def test_every_shipped_recipe_composes() -> None:
    tasks = sorted((point.name for point in list_installed(TASKS)), key=len)
    for name, path in list_shipped().items():
        recipe = name.rpartition("/")[2]
        compose(next((task for task in tasks if recipe.startswith(task)), "denoising"), [path])


def test_a_task_without_a_recipe_starts_from_the_quick_one() -> None:
    assert find_recipes("sepia", [])[0].name == "quick.yaml"
    assert find_recipes("denoising", [])[0].name == "denoising.yaml"
    with pytest.raises(ConfigError, match="Did you mean 'denoising'"):
        find_recipes("denoising", ["denoisng"])


def test_flat_spells_keys_as_overrides_do() -> None:
    settings = flat(as_plain(compose("denoising")))
    assert settings["learning.rate"] == 1e-3
    assert settings["task.sigma"] == 25.0
