"""Recipes: settings in YAML files, shipped with the package or written by anyone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pixelrl import documents
from pixelrl.errors import ConfigError, nearest

SHIPPED = (
    Path(__file__).parents[1] / "_configs",  # in a wheel
    Path(__file__).parents[2] / "configs",  # in a checkout
)


def read_yaml(file: Path, kind: str) -> object:
    """Read a YAML file of any content.

    Args:
        file: the file.
        kind: what it should be, for the error.

    Raises:
        ConfigError: it cannot be read.
    """
    with _explained(file, kind):
        found: object = documents.read_yaml(file)
    return found


def read_yaml_text(file: Path, kind: str) -> str:
    """Read a YAML file's text, once it is known that what it stands for fits into memory.

    Args:
        file: the file.
        kind: what it should be, for the error.

    Raises:
        ConfigError: it cannot be read, is no YAML, or is nested or repeated beyond all measure.
    """
    with _explained(file, kind):
        text: str = documents.read_yaml_text(file)
    return text


@contextmanager
def _explained(file: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}; pass {kind} to read.") from error
    except ValueError as error:
        raise ConfigError(f"{file}: not valid YAML: {' '.join(str(error).split())}.") from error


def list_shipped() -> dict[str, Path]:
    """List the shipped recipes by name, such as ``inpainting`` or ``published/denoising``."""
    found: dict[str, Path] = {}
    for root in SHIPPED:
        for path in sorted(root.rglob("*.yaml")):
            name = path.relative_to(root).with_suffix("").as_posix()
            if not name.startswith("sweeps/"):
                found.setdefault(name, path)
    return found


def find_recipe(name: str) -> Path:
    """Find a recipe: a file as it is named, one below ``configs/`` here, or a shipped one.

    Raises:
        ConfigError: there is none.
    """
    here = Path("configs") / f"{name}.yaml"
    for path in (Path(name), here):
        if path.is_file():
            return path
    known = list_shipped()
    if name in known:
        return known[name]
    raise ConfigError(
        f"no recipe '{name}': neither a file nor a shipped recipe.{nearest(name, known)}"
        f" Shipped: {', '.join(known) or 'none'}."
    )


def find_recipes(name: str, named: Sequence[str]) -> list[Path]:
    """Choose the recipes of a run: those named, or else the task's own, or else the quick one."""
    if named:
        return [find_recipe(recipe) for recipe in named]
    for recipe in (name, "quick"):
        try:
            return [find_recipe(recipe)]
        except ConfigError:
            continue
    return []
