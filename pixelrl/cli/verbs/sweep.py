"""``pixelrl sweep``."""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pixelrl.errors import ConfigError
from pixelrl.settings import Figures

if TYPE_CHECKING:
    from pixelrl.sweeps.file import Sweep

NO_SETTINGS = "they are in its file"


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("file", metavar="FILE|NAME", help="a W&B sweep file, or a shipped one")
    parser.add_argument("--count", type=int, metavar="N", help="trials in all")
    parser.add_argument("--local", action="store_true",
                        help="drive it here even where W&B is logged in")  # fmt: skip
    parser.add_argument("--out", metavar="DIR",
                        help="of the sweep, which goes on if it was begun; default:"
                        " runs/sweeps/NAME")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=1, metavar="N",
                        help="trials at a time, with --local; default: 1")  # fmt: skip
    parser.add_argument("--storage", default="", metavar="ADDRESS",
                        help="an SQL database that machines share, with --local; default: a file"
                        " in the sweep's directory")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the search; default: 0")
    parser.add_argument("--wandb", choices=("disabled", "offline"), default="disabled",
                        help="whether local trials keep W&B runs; default: disabled")  # fmt: skip
    parser.add_argument("--format", choices=get_args(Figures), default="png",
                        help="of the sweep's picture; default: png")  # fmt: skip


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Search for good settings, as a W&B sweep file says, with or without a server.

    Raises:
        ConfigError: the file is wrong, the search would never end, or W&B refuses it.
    """
    from pixelrl.sweeps.file import find_sweep, read_sweep

    for name, least in (("count", 1), ("jobs", 1), ("seed", 0)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise ConfigError(f"--{name}: expected {least} or more, got {value}.")
    sweep = read_sweep(find_sweep(arguments.file))
    count = min(filter(None, (arguments.count or sweep.count, sweep.cap)), default=0)
    if not count and sweep.method != "grid":
        raise ConfigError(f"--count: method {sweep.method} never ends by itself; pass --count N.")
    local = arguments.local or sweep.local or arguments.storage or arguments.jobs > 1
    if local or not _handed_over(sweep, count):
        _drive(sweep, count, arguments)


def _drive(sweep: "Sweep", count: int, arguments: argparse.Namespace) -> None:
    """Drive a sweep here and leave its table and picture."""
    if find_spec("optuna") is None:
        raise ConfigError(
            "optuna, which searches, is not installed; pip install 'pixelrl[sweeps]'."
        )
    from pixelrl.sweeps.driver import drive, explain_failure
    from pixelrl.sweeps.study import resume
    from pixelrl.sweeps.summary import describe_end, leave_summary

    directory = Path(arguments.out or Path("runs") / "sweeps" / sweep.file.stem)
    study = resume(sweep, directory, seed=arguments.seed, count=count, address=arguments.storage)
    drive(
        study,
        lambda trial: print(describe_end(study, trial, count), flush=True),
        arguments.jobs,
        arguments.wandb,
    )
    leave_summary(study, arguments.format)
    if failure := explain_failure(study.trials()):
        raise ConfigError(f"{failure} (logs in {directory})")


def _handed_over(sweep: "Sweep", count: int) -> bool:
    """Let W&B's server choose the trials and run them here as its agent, if it knows who asks."""
    import wandb

    project = str(sweep.raw.get("project", "pixelrl"))
    try:
        if not wandb.login(prompt=False):
            return False
        known = {key: value for key, value in sweep.raw.items() if key != "count"}
        identity = wandb.sweep(known, project=project)
    except wandb.Error as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ConfigError(f"W&B: {reason}. To drive the sweep here, pass --local.") from error
    limit = ["--count", str(count)] if count else []
    agent = [sys.executable, "-m", "wandb", "agent", *limit, "--project", project, identity]
    if subprocess.run(agent, check=False).returncode:
        raise ConfigError(f"the agent of sweep {identity} failed; see what it printed above.")
    return True
