"""The command line: read, check what names alone can tell, run the verb, tell errors in a line."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import NoReturn

from pixelrl import __version__
from pixelrl.cli import verbs
from pixelrl.cli.failures import explain_failure
from pixelrl.cli.waiting import wait_briefly
from pixelrl.config.recipes import find_recipe
from pixelrl.discovery import TASKS, find
from pixelrl.errors import ConfigError, make_printable, nearest, shorten
from pixelrl.runs.directory import is_first
from pixelrl.settings import SECTIONS

ABOUT = """per-pixel reinforcement learning for image editing

Settings are changed by key=value (or --key=value) after a verb's options, for example
learning.episodes=1000 data.train.image=photos task.sigma=15; `pixelrl tasks NAME` lists a task's.
"""

LONGEST = 1600
"""Characters of the longest line that tells an error; the middle of longer ones is left out."""


class Parser(argparse.ArgumentParser):
    """Answer a wrong command line with one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it, so that `main` prints it as it prints every error.

        Raises:
            ConfigError: always.
        """
        if message.endswith("expected one argument"):
            message += "; if it begins with a dash, write --option=VALUE"
        raise ConfigError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        The exit status: 0, or 2 after an error that was told in one line; 3 if some of many
        pictures could not be edited; 128 and the signal's number when interrupted or when whoever
        reads the output has left.

    Raises:
        BaseException: a fault of the program.
    """
    wait_briefly()
    _show_log()
    _print_anything()
    try:
        arguments, overrides = _parse(list(sys.argv[1:] if argv is None else argv))
        verb: Callable[[argparse.Namespace, list[str]], None] = arguments.verb
        verb(arguments, overrides)
        sys.stdout.flush()  # while it can still be told that nobody reads
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        if isinstance(error, SystemExit):  # of a parser that has helped, or of a person's Ctrl-C,
            if not isinstance(error.__context__, KeyboardInterrupt):  # which Lightning makes a 1
                raise
            error = error.__context__
        failure = explain_failure(error)
        if failure is None:
            raise
        if _is_of_output(error):
            _let_go_of_output()
            if failure.line:
                return _fail(f"standard output: {failure.line}")
        return _fail(*failure, aloud=getattr(error, "aloud", False))
    return 0


def _check_settings(name: str, words: Sequence[str]) -> None:
    """Refuse settings that a verb does not take."""
    settings = [word for word in words if "=" in word]
    instead = getattr(verbs.verb(name), "NO_SETTINGS", None) if settings else None
    if instead is not None:
        told = f"; {instead}" if instead else ""
        raise ConfigError(f"{name} takes no settings, got '{settings[0]}'{told}.")


def _parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    if argv and not argv[0].startswith("-") and argv[0] not in verbs.NAMES:
        raise ConfigError(
            f"no verb '{argv[0]}'.{nearest(argv[0], verbs.NAMES)} Verbs: {', '.join(verbs.NAMES)}."
        )
    arguments, rest = _parser().parse_known_args(argv)
    _check_settings(argv[0], rest)
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
    subparsers = parser.add_subparsers(metavar="VERB", required=True, parser_class=Parser)
    for name in verbs.NAMES:
        verb = verbs.verb(name)
        told = (verb.run.__doc__ or "").partition("\n")[0].rstrip(".")
        sub = subparsers.add_parser(name, help=told, description=told, allow_abbrev=False)
        sub.set_defaults(verb=verb.run)
        verb.options(sub)
    return parser


def _show_log() -> None:
    """Show what the library has to say, a line each, on the first process's stderr."""
    log = logging.getLogger("pixelrl")
    if not is_first() or log.handlers:
        return
    log.addHandler(_Stderr())
    log.setLevel(logging.INFO)


def _print_anything() -> None:
    """Write what the terminal's encoding lacks, such as ``±``, as escapes, and never stumble."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_of_output(error: BaseException) -> bool:
    """Tell whether an error is of printing: raised by our own code, whose files name themselves."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return last is not None and last.tb_frame.f_globals["__name__"].startswith("pixelrl.")


def _let_go_of_output() -> None:
    """Have Python write nothing more to a closed pipe when it ends; it would complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no stream of the system's
        return


class _Stderr(logging.Handler):
    """Write to whatever stderr is now, as `print` does."""

    def emit(self, record: logging.LogRecord) -> None:
        print(make_printable(self.format(record)), file=sys.stderr)


def _fail(message: str, status: int = 2, *, aloud: bool = False) -> int:
    """Tell an error, once for all processes: by the first, unless another has to."""
    line = make_printable(shorten(" ".join(message.split()), LONGEST))
    if line and (aloud or is_first()):
        print(f"pixelrl: {line}", file=sys.stderr)
    return status
