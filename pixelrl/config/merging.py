"""Settings set in the typed tree of all of them, and what does not fit told in one line."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import AnyNode, Container, DictConfig, IntegerNode, OmegaConf, StringNode
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pixelrl.errors import ConfigError, shorten


def merge(config: DictConfig, values: Mapping[str, Any], source: str) -> None:
    """Set what a file says, section by section.

    Raises:
        ConfigError: a key does not exist, or a value cannot be had.
    """
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
        raise tell_error(error, config, source) from error


def override_setting(config: DictConfig, override: str) -> None:
    """Set one ``key=value``, reading the text as the key's own type wants it.

    Raises:
        ConfigError: the key does not exist, or the value cannot be had.
    """
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
        raise tell_error(error, config, override) from error


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


def tell_error(error: OmegaConfBaseException, config: DictConfig, source: str) -> ConfigError:
    """Turn OmegaConf's report into one line that names the source and the key."""
    key = error.full_key or ""
    source, first = (shorten(each) for each in (source, str(error).partition("\n")[0]))
    if type(error).__name__ in {"ConfigAttributeError", "ConfigKeyError"}:
        return ConfigError(f"{source}: unknown key '{key}'.{_hint(key, config)}")
    where = f"{source}: {key}: " if key and not source.startswith(key) else f"{source}: "
    return ConfigError(f"{where}{first}.")
