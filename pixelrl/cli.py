"""The command line: one function per verb, nothing heavy imported before it is needed."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pixelrl import __version__, allocator
from pixelrl.discovery import TASKS, find, installed, nearest, owner, summary
from pixelrl.errors import ConfigError, PixelRLError
from pixelrl.recipes import find_recipe, recipes_for
from pixelrl.settings import SECTIONS
from pixelrl.tables import as_text

if TYPE_CHECKING:
    from pixelrl.config import Experiment
    from pixelrl.module import PixelA3C

ABOUT = """per-pixel reinforcement learning for image editing

Settings are changed by key=value (or --key=value) after a verb's options, for example
learning.episodes=1000 data.train.image=photos task.sigma=15; `pixelrl tasks NAME` lists a task's.
"""


VERBS = ["fit", "evaluate", "validate", "test", "predict", "replay", "tasks", "check", "data"]


class Parser(argparse.ArgumentParser):
    """Answer a wrong command line with one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it, so that `main` prints it as it prints every error."""
        raise ConfigError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit status: 0, or 2 after an error that was told in one line; 130 when interrupted.
    """
    try:
        arguments, overrides = _parse(list(sys.argv[1:] if argv is None else argv))
        verb: Callable[[argparse.Namespace, list[str]], None] = arguments.verb
        verb(arguments, overrides)
    except PixelRLError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EDQUOT}:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror}.")
    except KeyboardInterrupt:
        return 130
    return 0


def fit(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Learn a task."""
    from pixelrl import experiment as lab
    from pixelrl import runs
    from pixelrl.checkpoint import restore
    from pixelrl.config import as_yaml

    resume = None
    if arguments.resume:
        root = next((o.partition("=")[2] for o in overrides if "run.root=" in o), "runs")
        last = arguments.resume == "last"
        resume = (
            runs.latest_checkpoint(Path(root), arguments.task)
            if last
            else runs.checkpoint_in(Path(arguments.resume))
        )
        experiment = restore(resume, overrides).experiment
        print(f"resuming {resume}")
    else:
        experiment = _composed(arguments, overrides)
    if arguments.print_config:
        print(as_yaml(experiment), end="")
        return
    if arguments.dry_run:
        lab.rehearse(experiment)
        print("dry run: one episode and one validation went through; nothing was written.")
        return
    fitted = lab.fit(experiment, resume)
    if fitted.rows:
        print(as_text(fitted.rows))
        print(f"left in {fitted.directory}: checkpoints/, scores.csv, filmstrips/, logs/")


def evaluate(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Score a policy on images with a known target."""
    from pixelrl import experiment as lab

    module, experiment = _restored(arguments, overrides)
    rows = lab.score(module, experiment, Path(arguments.out), arguments.split)
    print(as_text(rows))
    print(f"left in {arguments.out}: scores.csv, protocol.json, filmstrips/")


def predict(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Edit images."""
    from pixelrl import experiment as lab

    module, experiment = _restored(arguments, overrides)
    names = lab.predict(module, experiment, Path(arguments.out))
    print(
        f"{len(names)} edited; left in {arguments.out}: NAME.png, NAME.strip.png, NAME.choices.npz"
    )


def replay(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Play recorded or altered choices again."""
    if overrides:
        raise ConfigError(
            f"replay takes no settings, got '{overrides[0]}'; they are in the choices."
        )
    from pixelrl import experiment as lab

    maps = {"image": Path(arguments.image)}
    for named in arguments.map:
        name, equals, path = named.partition("=")
        if not equals:
            raise ConfigError(f"--map {named}: expected NAME=FILE.")
        maps[name] = Path(path)
    lab.replay(Path(arguments.choices), maps, Path(arguments.out))
    print(f"written: {arguments.out}")


def tasks(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the installed tasks, or one task's settings."""
    if arguments.name is None:
        points = installed(TASKS)
        width = max((len(point.name) for point in points), default=0)
        for point in points:
            print(f"{point.name:<{width}}  {summary(point)}  [{owner(point)}]")
        return
    arguments.task, arguments.config = arguments.name, []
    from pixelrl.config import as_yaml

    print(as_yaml(_composed(arguments, overrides, told=False)), end="")


def check(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Check that a task keeps the promises of the contract."""
    arguments.config = []
    experiment = _composed(arguments, overrides, told=False)
    from pixelrl.testing import check_task

    check_task(experiment.task)
    print(f"{arguments.task}: keeps every promise of the task contract.")


def data(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Download a widely used set of images."""
    if overrides:
        raise ConfigError(f"data takes no settings, got '{overrides[0]}'.")
    from pixelrl.datasets import fetch

    print(fetch(arguments.name, Path(arguments.root), progress=sys.stderr.isatty()))


def _parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
        raise ConfigError(
            f"no verb '{argv[0]}'.{nearest(argv[0], VERBS)} Verbs: {', '.join(VERBS)}."
        )
    arguments, rest = _parser().parse_known_args(argv)
    for word in rest:
        key, equals, _ = word.partition("=")
        if not equals:
            raise ConfigError(f"'{word}': expected an option of the verb, or section.key=value.")
        check_key(key.lstrip("-"))
    task: str | None = getattr(arguments, "task", None)
    if task and ":" not in task:
        find(TASKS, task)
    for recipe in getattr(arguments, "config", []):
        find_recipe(recipe)
    return arguments, rest


def check_key(key: str) -> None:
    """Check as much of a key as is known without loading the task.

    Raises:
        ConfigError: the section or, outside ``task``, the key does not exist.
    """
    section, _, rest = key.partition(".")
    if section == "task":
        return
    known = {
        f"{name}.{item.name}": item for name, kind in SECTIONS.items() for item in fields(kind)
    }
    parts = rest.split(".")
    found = f"{section}.{parts[0]}"
    if found not in known and key not in SECTIONS:
        raise ConfigError(f"unknown key '{key}'.{nearest(found, known) or _sections()}")


def _sections() -> str:
    return f" Sections: task, {', '.join(SECTIONS)}."


def _parser() -> Parser:
    parser = Parser(
        "pixelrl",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pixelrl {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=Parser)

    def add(name: str, verb: Callable[..., None]) -> Parser:
        told = (verb.__doc__ or "").rstrip(".")
        sub: Parser = verbs.add_parser(name, help=told, description=told, allow_abbrev=False)
        sub.set_defaults(verb=verb)
        return sub

    one = add("fit", fit)
    one.add_argument("--task", help="its name, or module:Class for code not packaged yet")
    one.add_argument("--config", action="append", default=[], metavar="FILE|NAME",
                     help="a recipe; may be given several times, later ones win")  # fmt: skip
    one.add_argument("--resume", metavar="CKPT|last", help="go on where a run stopped")
    one.add_argument("--print-config", action="store_true", help="print the settings and stop")
    one.add_argument("--dry-run", action="store_true", help="try one episode, leave nothing")
    for name, verb, split in (
        ("evaluate", evaluate, "test"),
        ("predict", predict, "test"),
        ("validate", evaluate, "val"),
        ("test", evaluate, "test"),
    ):
        one = add(name, verb)
        one.set_defaults(split=split)
        one.add_argument("--checkpoint", metavar="CKPT|RUN", help="what fit has left")
        one.add_argument("--task", help="with network.init=FILE: published weights of this task")
        one.add_argument("--config", action="append", default=[], metavar="FILE|NAME")
        one.add_argument("--out", default="results", metavar="DIR", help="default: results")
    verbs.choices["evaluate"].add_argument("--split", choices=("val", "test"), default="test")
    one = add("replay", replay)
    one.add_argument("--choices", required=True, metavar="FILE", help="NAME.choices.npz of predict")
    one.add_argument("--image", required=True, metavar="FILE")
    one.add_argument("--map", action="append", default=[], metavar="NAME=FILE",
                     help="another map of the task, such as mask=FILE")  # fmt: skip
    one.add_argument("--out", required=True, metavar="FILE", help="the picture to write")
    add("tasks", tasks).add_argument("name", nargs="?", metavar="NAME")
    add("check", check).add_argument("--task", required=True)
    one = add("data", data)
    one.add_argument("name", metavar="NAME")
    one.add_argument("--root", default="data", metavar="DIR", help="default: data")
    return parser


def _composed(
    arguments: argparse.Namespace, overrides: list[str], *, told: bool = True
) -> "Experiment":
    """Compose the experiment of a task, from its own recipes unless they are unwanted."""
    name: str | None = arguments.task
    if not name:
        raise ConfigError("no task is named; pass --task NAME (`pixelrl tasks` lists them).")
    allocator.keep_memory()
    from pixelrl.config import compose

    files = recipes_for(name, arguments.config) if told else []
    for file in files:
        print(f"recipe: {file}", file=sys.stderr)
    return compose(name, files, overrides)


def _restored(arguments: argparse.Namespace, overrides: list[str]) -> "tuple[PixelA3C, Experiment]":
    """Rebuild a policy from a checkpoint, or from published weights."""
    allocator.keep_memory()
    if arguments.checkpoint:
        from pixelrl.checkpoint import check_task_name, restore
        from pixelrl.runs import checkpoint_in

        path = checkpoint_in(Path(arguments.checkpoint))
        restored = restore(path, overrides)
        check_task_name(restored.experiment, arguments.task, path)
        return restored.module, restored.experiment
    if not any(override.lstrip("-").startswith("network.init=") for override in overrides):
        raise ConfigError(
            "no policy is named; pass --checkpoint CKPT, or --task NAME network.init=FILE."
        )
    from pixelrl.checkpoint import build

    experiment = _composed(arguments, overrides, told=bool(arguments.config))
    return build(experiment), experiment


def _fail(message: str) -> int:
    # A loader's process sends its error with a traceback; the last line is the error's own.
    if "Original Traceback" in message:
        message = message.strip().rpartition("\n")[2].partition(": ")[2]
    line = " ".join(message.split())
    if os.environ.get("LOCAL_RANK", "0") == "0":
        print(f"pixelrl: {line}", file=sys.stderr)
    return 2
