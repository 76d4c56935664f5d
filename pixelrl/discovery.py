"""What other distributions offer: tasks found by name through entry points, loaded when asked for.

Nothing registers itself by being imported, and a broken plugin disturbs nobody who did not name it.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pixelrl.errors import PluginError, nearest

TASKS = "pixelrl.tasks"
"""The entry-point group of tasks; a value is ``module:Class``."""

CODE = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")
"""How code is named that no distribution offers: ``module:attribute``."""


@dataclass(frozen=True)
class Trust:
    """Say which code may run though no installed distribution offers it.

    A file never says that by itself: whoever sends a checkpoint or a recipe would otherwise choose
    what runs on the machine of who opens it.

    Attributes:
        names: what a person named, ``module:attribute`` each.
        everything: whether all that files name may run.

    Example:
        >>> mine = Trust(frozenset({"mine:look"}))
        >>> mine.check("recipe.yaml: task", {"model": "mine:look"})  # nothing to say
    """

    names: frozenset[str] = frozenset()
    everything: bool = False

    @classmethod
    def named_in(cls, words: Iterable[str], *, everything: bool = False) -> "Trust":
        """Trust what a person named in words of a command line.

        Example:
            >>> sorted(Trust.named_in(["task.model=mine:look", "run.seed=1"]).names)
            ['mine:look']
        """
        return cls(frozenset(name for word in words for name in CODE.findall(word)), everything)

    def check(self, where: str, told: object) -> None:
        """Refuse what a file says if it names code that nobody trusts.

        Args:
            where: the file and the key, for the error.
            told: plain values, nested as they may be.

        Raises:
            PluginError: it does; nothing of that code has run.

        Example:
            >>> told = {"model": "evil:run"}
            >>> Trust().check("policy.ckpt: task", told)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            pixelrl.errors.PluginError: policy.ckpt: task names code outside of ... 'evil:run'; ...
        """
        if self.everything:
            return
        for name in _code_in(told):
            if name not in self.names:
                raise PluginError(
                    f"{where} names code outside of installed plugins, '{name}'; none of it was"
                    " run. If you know what it does, pass --trust: it then runs with all your"
                    " rights."
                )


def _code_in(told: object) -> Iterator[str]:
    """Find names of code in nested plain values, such as ``mine:look`` in ``gbvs+mine:look``."""
    if isinstance(told, str):
        yield from (word for word in re.split(r"[+,;\s]+", told) if CODE.fullmatch(word))
    elif isinstance(told, Mapping):
        for each in told.values():
            yield from _code_in(each)
    elif isinstance(told, list | tuple):
        for each in told:
            yield from _code_in(each)


def list_installed(group: str) -> tuple[EntryPoint, ...]:
    """List what is installed in a group, sorted by name, importing nothing.

    Example:
        >>> {"denoising", "inpainting"} <= {point.name for point in list_installed(TASKS)}
        True
    """
    points = {(p.name, p.value, name_owner(p)): p for p in entry_points(group=group)}
    return tuple(points[key] for key in sorted(points))


def name_owner(point: EntryPoint) -> str:
    """Name the distribution that offers an entry point, such as ``pixelrl-sepia 0.1.0``.

    Example:
        >>> name_owner(find(TASKS, "denoising")).split()[0]
        'pixelrl'
    """
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed distribution"


def read_summary(point: EntryPoint) -> str:
    """Read the first line of a plugin's docstring from its source, without importing the plugin.

    Example:
        >>> read_summary(find(TASKS, "denoising"))
        'Take Gaussian, Poisson or salt-and-pepper noise out of a photograph.'
    """
    try:
        for node in ast.parse(_file_of(point.module).read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name == point.attr:
                return (ast.get_docstring(node) or "").partition("\n")[0]
    except Exception:
        return "(cannot be read)"
    return ""


def find_folder(point: EntryPoint) -> Path | None:
    """Find the folder of the package that an entry point names; None if it is not there.

    Example:
        >>> find_folder(find(TASKS, "denoising")).name
        'pixelrl_tasks'
    """
    try:
        return _file_of(point.module).parent
    except (StopIteration, ImportError, ValueError):
        return None


def find(group: str, name: str) -> EntryPoint:
    """Find the one entry point of a name, importing nothing.

    Raises:
        PluginError: no distribution, or more than one, offers the name.

    Example:
        >>> find(TASKS, "denoising").value
        'pixelrl_tasks.denoising:Denoising'
    """
    points = list_installed(group)
    found = [point for point in points if point.name == name]
    if not found:
        names = sorted({point.name for point in points})
        raise PluginError(
            f"nothing named '{name}' in {group}.{nearest(name, names)}"
            f" Installed: {', '.join(names) or 'none'}."
            " (Just added one? Install its distribution again.)"
        )
    if len(found) > 1:
        owners = " and by ".join(name_owner(point) for point in found)
        raise PluginError(f"'{name}' in {group} is offered by {owners}; uninstall one.")
    return found[0]


def load(group: str, name: str) -> Any:  # noqa: ANN401 - a plugin may be anything
    """Load a plugin by its entry-point name, or as ``module:attribute`` if not packaged yet.

    Modules of the second form are also looked for in the working directory.

    Raises:
        PluginError: the name is unknown or ambiguous, or the import fails (cause chained).

    Example:
        >>> load(TASKS, "denoising").__name__
        'Denoising'
        >>> load(TASKS, "fractions:Fraction")(3, 6)
        Fraction(1, 2)
    """
    if ":" in name:
        return _load_path(name)
    point = find(group, name)
    try:
        return point.load()
    except Exception as error:
        raise PluginError(
            f"'{name}' in {group}, offered by {name_owner(point)}, fails to import:"
            f" {_told(error)}; update or uninstall it."
        ) from error


def _file_of(module: str) -> Path:
    """Find a module's file without importing it or the packages that it lies in."""
    top, *inner = module.split(".")
    spec = find_spec(top)
    roots = spec.submodule_search_locations if spec and inner else None
    if roots is None:
        return Path(spec.origin or "") if spec else Path()
    paths = [Path(root, *inner) for root in roots]
    files = [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]
    return next(file for file in files if file.is_file())


def _load_path(name: str) -> Any:  # noqa: ANN401
    if not CODE.fullmatch(name):  # what `Trust` looks for is all that can be loaded
        raise PluginError(f"'{name}': expected a plugin's name, or module:Class.")
    module, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise PluginError(
            f"'{name}': module '{module}' fails to import: {_told(error)}."
            " Give it as module:Class, importable from here."
        ) from error
    if not hasattr(loaded, attribute):
        classes = [key for key, value in vars(loaded).items() if isinstance(value, type)]
        raise PluginError(
            f"'{name}': module '{module}' has no '{attribute}'.{nearest(attribute, classes)}"
        )
    return getattr(loaded, attribute)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
