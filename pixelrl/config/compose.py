"""From names, recipes and overrides to an experiment: the dataclasses are the schema.

Order: the dataclasses' defaults, then each recipe in turn, then ``key=value`` overrides.
"""

import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import AnyNode, Container, DictConfig, IntegerNode, OmegaConf, StringNode
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pixelrl.config.recipes import read_yaml_text
from pixelrl.discovery import TASKS, Trust, load
from pixelrl.errors import ConfigError, PluginError, shorten
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
        _merge(config, settings, source)
    for override in overrides:
        _override(config, override)
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
    except (YAMLError, OmegaConfBaseException, OSError, ValueError) as error:
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


def _merge(config: DictConfig, values: Mapping[str, Any], source: str) -> None:
    try:
        for key, value in values.items():
            if key not in config:
                raise ConfigError(f"{source}: unknown key {str(key)!r}.{_hint(str(key), config)}")
            if value is None:  # all of its lines are comments
                continue
            if not isinstance(value, Mapping):
                raise ConfigError(f"{source}: '{key}' is a section; expected a mapping in it.")
            if missing := [each for each, told in value.items() if told == "???"]:
                raise ConfigError(
                    f"{source}: {key}.{missing[0]}: ??? stands for a value that must be given;"
                    f" pass {key}.{missing[0]}=VALUE or write it there."
                )
            config[key] = OmegaConf.merge(config[key], dict(value))
    except OmegaConfBaseException as error:
        raise _told(error, config, source) from error


def _override(config: DictConfig, override: str) -> None:
    """Set one ``key=value``, reading the text as the key's own type wants it."""
    key, equals, text = override.lstrip("-").partition("=")
    if not equals or not key:
        raise ConfigError(f"'{override}': expected section.key=value.")
    try:
        parent_key, _, leaf = key.rpartition(".")
        parent = OmegaConf.select(config, parent_key) if parent_key else config
        node = parent._get_node(leaf) if isinstance(parent, DictConfig) and leaf in parent else None  # noqa: SLF001
        open_ended = parent is not config and not is_dataclass(OmegaConf.get_type(parent))
        if parent is None or (node is None and not open_ended):
            raise ConfigError(f"unknown key '{key}'.{_hint(key, config)}")
        try:
            value = _value(text, node)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from error
        if parent is config and not isinstance(value, Mapping):
            raise ConfigError(f"{override}: '{key}' is a section; expected a mapping, as in YAML.")
        OmegaConf.update(
            config, key, value, merge=parent is config
        )  # a mapping of folders is replaced
    except OmegaConfBaseException as error:
        raise _told(error, config, override) from error


def _value(text: str, node: object) -> Any:  # noqa: ANN401
    """Read a value: strings as they stand, containers as YAML, the rest by their node."""
    if text in {"None", "null"} and not isinstance(node, StringNode):
        return None
    if isinstance(node, StringNode):
        return text
    if isinstance(node, IntegerNode) and text.endswith(".0"):
        return text.removesuffix(".0")  # how sweep agents write whole numbers
    if node is None or isinstance(node, AnyNode | Container):
        try:
            return OmegaConf.to_container(OmegaConf.create(f"value: {text}"))["value"]  # type: ignore[index, call-overload]
        except (YAMLError, OmegaConfBaseException, ValueError, RecursionError) as error:
            raise ConfigError(
                f"{shorten(ascii(text))}: expected a list or mapping as YAML writes it."
            ) from error
    return text


def _build(name: str, config: DictConfig) -> Experiment:
    try:
        parts = {section: OmegaConf.to_object(config[section]) for section in ("task", *SECTIONS)}
    except OmegaConfBaseException as error:
        raise _told(error, config, "settings") from error
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
    if not learning.batches:
        raise ConfigError("learning.episodes: expected more than zero, got 0.")


def _keys(config: DictConfig) -> Iterator[str]:
    for section in map(str, config):
        yield section
        structured = OmegaConf.get_type(config[section])
        for item in fields(structured) if structured and is_dataclass(structured) else ():
            yield f"{section}.{item.name}"


def _hint(key: str, config: DictConfig) -> str:
    known = list(_keys(config))
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if not close:
        leaves = {name.rpartition(".")[2]: name for name in known}
        close = [leaves[c] for c in difflib.get_close_matches(key.rpartition(".")[2], leaves, n=1)]
    return f" Did you mean '{close[0]}'?" if close else f" Sections: {', '.join(map(str, config))}."


def _told(error: OmegaConfBaseException, config: DictConfig, source: str) -> ConfigError:
    """Turn OmegaConf's report into one line that names the source and the key."""
    key = error.full_key or ""
    source, first = (shorten(each) for each in (source, str(error).partition("\n")[0]))
    if type(error).__name__ in {"ConfigAttributeError", "ConfigKeyError"}:
        return ConfigError(f"{source}: unknown key '{key}'.{_hint(key, config)}")
    where = f"{source}: {key}: " if key and not source.startswith(key) else f"{source}: "
    return ConfigError(f"{where}{first}.")


def _basic(value: Any) -> Any:  # noqa: ANN401
    """Reduce a container to what a checkpoint may hold: no Path, tuple or enumeration."""
    if isinstance(value, Mapping):
        return {str(key): _basic(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_basic(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
