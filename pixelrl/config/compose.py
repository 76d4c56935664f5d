"""From names, recipes and overrides to an experiment: the dataclasses are the schema.

Order: the dataclasses' defaults, then each recipe in turn, then ``key=value`` overrides.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pixelrl.config.merging import merge, override_setting, tell_error
from pixelrl.config.recipes import read_yaml_text
from pixelrl.discovery import TASKS, Trust, load
from pixelrl.errors import ConfigError, PluginError
from pixelrl.ranges import check_values
from pixelrl.rl.aim import check_goal_task
from pixelrl.rl.estimators import ESTIMATORS
from pixelrl.settings import SECTIONS, Data, Learning, Network, Run
from pixelrl.task import CONTRACT, Task


@dataclass(frozen=True)
class Experiment:
    """Hold everything that determines a run.

    Attributes:
        name: what the task is called: its entry point, or ``module:Class``.
        task: the task itself, with its settings.
        network: the network's settings.
        learning: the learning rule's settings.
        data: the data's settings.
        run: the run's settings.
    """

    name: str
    task: Task
    network: Network
    learning: Learning
    data: Data
    run: Run


def load_task_class(name: str) -> type[Task]:
    """Load the class of a task and check that it is one.

    Raises:
        PluginError: it is missing, ambiguous, broken, no task, or made for another contract.
    """
    found = load(TASKS, name)
    if not (isinstance(found, type) and issubclass(found, Task) and is_dataclass(found)):
        raise PluginError(
            f"'{name}' is {found!r}; expected a frozen dataclass that inherits from pixelrl.Task."
        )
    if found.contract != CONTRACT:
        raise PluginError(
            f"'{name}' is written for version {found.contract} of the task contract, this pixelrl"
            f" has version {CONTRACT}; update whichever is older."
        )
    return found


def compose(
    name: str,
    files: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    *,
    trust: Trust | None = None,
) -> Experiment:
    """Compose an experiment.

    Args:
        name: the task's entry-point name, or ``module:Class``.
        files: recipes (YAML), later ones win.
        overrides: ``section.key=value`` each; they win over recipes.
        trust: which code the settings may name; by default what ``overrides`` name.

    Returns:
        The experiment, made of real, frozen objects.

    Raises:
        ConfigError: a key does not exist or a value cannot be had.
        PluginError: the task cannot be loaded, or a recipe names code that is not trusted.
    """
    parts = [(str(file), read_recipe(file)) for file in files]
    return _compose(name, parts, overrides, trust)


def from_plain(
    stored: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    source: str = "checkpoint",
    trust: Trust | None = None,
) -> Experiment:
    """Compose an experiment from what `as_plain` made of one, and overrides.

    Args:
        stored: the description.
        overrides: as in `compose`.
        source: the file that it stood in, for errors.
        trust: which code it may name, its task among it; by default what ``overrides`` name.

    Raises:
        ConfigError: a key does not exist any more, or a value cannot be had.
        PluginError: the task cannot be loaded, or names code that is not trusted.
    """
    trust = Trust.named_in(overrides) if trust is None else trust
    name = stored.get("name") if isinstance(stored, Mapping) else None
    if not isinstance(name, str):
        raise ConfigError(f"{source}: it does not tell its task; use the file that pixelrl wrote.")
    trust.check(f"{source}: its task", name)
    settings = {key: value for key, value in stored.items() if key != "name"}
    return _compose(name, [(source, settings)], overrides, trust)


def _compose(
    name: str,
    parts: Sequence[tuple[str, Mapping[str, Any]]],
    overrides: Sequence[str],
    trust: Trust | None,
) -> Experiment:
    """Compose an experiment from settings of files, told by source, and overrides."""
    trust = Trust.named_in(overrides) if trust is None else trust
    config = _schema(load_task_class(name))
    own = Trust.named_in([OmegaConf.to_yaml(config)])  # the defaults are the task's own code
    for source, settings in parts:
        merge(config, settings, source)
    for override in overrides:
        override_setting(config, override)
    trust = Trust(trust.names | own.names, trust.everything)
    sources = ", ".join(source for source, _ in parts) or "settings"
    trust.check(f"{sources}: task", OmegaConf.to_container(config["task"]))
    return _build(name, config)


def as_plain(experiment: Experiment) -> dict[str, Any]:
    """Describe an experiment in strings, numbers, lists and dicts only."""
    described: dict[str, Any] = {"name": experiment.name}
    for section in ("task", *SECTIONS):
        structured = OmegaConf.structured(getattr(experiment, section))
        described[section] = _basic(OmegaConf.to_container(structured, resolve=True))
    return described


def as_yaml(experiment: Experiment) -> str:
    """Describe an experiment as a recipe that would compose it again."""
    described = as_plain(experiment)
    name = described.pop("name")
    return (
        f"# python -m pixelrl fit --task {name} --config THIS_FILE\n{OmegaConf.to_yaml(described)}"
    )


def read_recipe(file: Path) -> dict[str, Any]:
    """Read a recipe; dotted keys (as sweep agents write them) become nested.

    Raises:
        ConfigError: it cannot be read or is not a mapping.
    """
    try:
        loaded = OmegaConf.load(io.StringIO(read_yaml_text(file, "a recipe")))
    except ConfigError:
        raise
    except Exception as error:  # of values with odd tags YAML's readers raise whatever
        reason = " ".join(str(error).split())
        raise ConfigError(f"{file}: not valid YAML: {reason}.") from error
    if not isinstance(loaded, DictConfig):
        raise ConfigError(f"{file}: expected a mapping of settings, got a list or a value.")
    nested = OmegaConf.create({})
    try:
        for key, value in loaded.items_ex(resolve=False):
            OmegaConf.update(nested, str(key), value, merge=True)
        container = OmegaConf.to_container(nested)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{file}: {' '.join(str(error).split())}.") from error
    return (
        {str(key): value for key, value in container.items()} if isinstance(container, dict) else {}
    )


def _schema(kind: type[Task]) -> DictConfig:
    """Make the typed tree of all settings, open to change but not to new keys."""
    try:
        task = OmegaConf.structured(kind)
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise PluginError(f"{kind.__name__}: its fields cannot be settings: {reason}") from error
    sections = {key: OmegaConf.structured(value) for key, value in SECTIONS.items()}
    config = OmegaConf.create({"task": task, **sections})
    OmegaConf.set_readonly(config, value=False)
    for section in config.values():
        OmegaConf.set_readonly(section, value=False)
    return config


def _build(name: str, config: DictConfig) -> Experiment:
    try:
        parts = {section: OmegaConf.to_object(config[section]) for section in ("task", *SECTIONS)}
    except OmegaConfBaseException as error:
        raise tell_error(error, config, "settings") from error
    experiment = Experiment(name=name, **parts)  # type: ignore[arg-type]
    check(experiment)
    return experiment


def check(experiment: Experiment) -> None:
    """Check what types cannot say.

    Raises:
        ConfigError: a number is out of its range.
    """
    for section in ("task", *SECTIONS):
        check_values(section, getattr(experiment, section))
    name = experiment.learning.estimator
    if ESTIMATORS[name].per_edit and not experiment.task.local_reward:
        raise ConfigError(
            f"learning.estimator={name} needs a task that promises local_reward;"
            f" {type(experiment.task).__name__} does not. Use learning.estimator=sampled."
        )
    _check_phases(experiment)
    if unknown := set(experiment.run.loggers) - {"wandb", "tensorboard"}:
        raise ConfigError(f"run.loggers: unknown {unknown}; expected wandb or tensorboard.")


def _check_phases(experiment: Experiment) -> None:
    """Check that there is something to learn, and that agents have a goal where they should."""
    network, learning = experiment.network, experiment.learning
    if network.kind == "goal":
        check_goal_task(experiment.task)
        if not network.widths:
            raise ConfigError("network.widths: expected channels from 1 on, got none.")
    elif learning.goal_episodes:
        raise ConfigError(
            f"learning.goal_episodes={learning.goal_episodes} needs network.kind=goal; the"
            " published network has no goal."
        )
    if learning.imitation_episodes:
        _check_teacher(experiment)
    if not learning.batches:
        raise ConfigError("learning.episodes: expected more than zero, got 0.")


def _check_teacher(experiment: Experiment) -> None:
    """Check that there is a teacher, and a network that can imitate it."""
    given = f"learning.imitation_episodes={experiment.learning.imitation_episodes}"
    if experiment.network.kind != "published":
        raise ConfigError(
            f"{given} needs network.kind=published; agents that aim learn a goal first."
        )
    if type(experiment.task).demonstrate is Task.demonstrate:
        raise ConfigError(
            f"{given}: {type(experiment.task).__name__} has no teacher (Task.demonstrate);"
            " leave it at 0."
        )


def _basic(value: Any) -> Any:  # noqa: ANN401
    """Reduce a container to what a checkpoint may hold: no Path, tuple or enumeration."""
    if isinstance(value, Mapping):
        return {str(key): _basic(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_basic(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
