"""What a task and its settings are, in words: read from fields, ranges and docstrings."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pixelrl.ranges import Range, find_range

SECTION = re.compile(
    r"^(Args|Attributes|Example|Examples|Note|Raises|Returns|Yields):$", re.MULTILINE
)


class Described(NamedTuple):
    """Tell of one setting.

    Attributes:
        key: as overrides spell it, such as ``task.sigma``.
        type: what it takes, such as ``float | null``, or the words to choose from.
        allowed: the values it may have, in words; empty if its type says all.
        default: as overrides spell it.
        about: what its docstring says; empty if that says nothing.
    """

    key: str
    type: str
    allowed: str
    default: str
    about: str


def describe_settings(section: str, kind: type) -> list[Described]:
    """Describe every field of a dataclass of settings, in order.

    Args:
        section: how the dataclass is called in keys.
        kind: the dataclass: a section of `pixelrl.settings`, or a task's class.

    Example:
        >>> from pixelrl.settings import Learning
        >>> next(each for each in describe_settings("learning", Learning) if "gamma" in each.key)
        ... # doctest: +NORMALIZE_WHITESPACE
        Described(key='learning.gamma', type='float', allowed='a number from 0 to 1',
                  default='0.95', about='discount per step, in [0, 1].')
    """
    types, told = get_type_hints(kind), read_attributes(kind)
    return [
        Described(
            f"{section}.{item.name}",
            tell_type(types[item.name]),
            _tell_range(kind, item.name),
            tell_value(_default(item)),
            told.get(item.name, ""),
        )
        for item in fields(kind)
    ]


def read_attributes(kind: type) -> dict[str, str]:
    """Read what the docstrings of a class and its parents say of its attributes, in a line each.

    Example:
        >>> from pixelrl.settings import Learning
        >>> read_attributes(Learning)["clip"]
        'the largest norm of a gradient, over all weights; 0 for any.'
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        text = inspect.cleandoc(vars(each).get("__doc__") or "")
        _, _, rest = text.partition("Attributes:\n")
        listed = re.match(r"(?:(?: {4}.*)?(?:\n|$))*", rest)
        entries = re.split(r"^ {4}(\w+): ", listed[0] if listed else "", flags=re.MULTILINE)[1:]
        for name, words in zip(entries[::2], entries[1::2], strict=True):
            found[name] = " ".join(words.replace("``", "").split())
    return found


def read_about(kind: type) -> list[str]:
    """Read the paragraphs of a class's own docstring up to its first section, in a line each.

    Example:
        >>> from pixelrl.settings import Network
        >>> read_about(Network)
        ['Describe the shared fully convolutional network.']
    """
    text = SECTION.split(inspect.cleandoc(kind.__doc__ or ""))[0]
    return [" ".join(each.replace("``", "").split()) for each in text.split("\n\n") if each.strip()]


def tell_type(kind: Any) -> str:  # noqa: ANN401 - any annotation
    """Spell a field's type: the words to choose from, or Python's name with ``null`` for None.

    Example:
        >>> tell_type(Literal["exact", "legacy"]), tell_type(tuple[int, ...] | None)
        ('exact | legacy', 'tuple[int, ...] | null')
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin in {Union, UnionType}:
        return " | ".join(map(tell_type, inner))
    if inner:
        return f"{origin.__name__}[{', '.join(map(tell_type, inner))}]"
    if kind in {NoneType, Ellipsis}:
        return "null" if kind is NoneType else "..."
    return getattr(kind, "__name__", str(kind))


def tell_value(value: object) -> str:
    """Spell a value as overrides do.

    Example:
        >>> tell_value((10, 30)), tell_value(None), tell_value(True), tell_value("gbvs")
        ('[10, 30]', 'null', 'true', 'gbvs')
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {tell_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(tell_value, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _tell_range(kind: type, name: str) -> str:
    """Tell the values that a field may have, unless any number or text will do."""
    allowed = find_range(kind, name)
    return allowed.told if allowed is not None and allowed != Range() else ""


def _default(item: Field[Any]) -> object:
    if item.default is not MISSING:
        return item.default
    return item.default_factory() if item.default_factory is not MISSING else "(must be given)"
