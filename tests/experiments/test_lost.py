"""A run that loses one of its processes ends in one line, leaves none behind, and goes on."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from lightning.fabric.plugins.environments import LightningEnvironment

from photos import tiny
from pixelrl.experiments import lost
from pixelrl.experiments.lost import WatchedDDP, WatchedLauncher
from ranks import GUARD, Fault, end_me, fail, free_port, run_ranks, weights_of

FIT = ["fit", "--task", "denoising", "--config", "smoke"]
SHORT = ("learning.episodes=6", "run.validate_every=6", "task.length=6", "data.batch=4")
UPDATES = 2
"""Of an episode: of six edits, in windows of five."""


def words(folder: Path, name: str, *more: str) -> list[str]:
    return [*FIT, *tiny(folder, *SHORT, "run.devices=2", f"run.name={name}", *more)]


def read_episode(run: Path) -> int:
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return int(stored["pixelrl"]["episode"])


def check_equal(run: Path, whole: Path) -> None:
    found, wanted = weights_of(run), weights_of(whole)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learn without a fault, in two processes."""
    folder = tmp_path_factory.mktemp("whole")
    ended = run_ranks(words(folder, "whole"), folder)
    assert [each.status for each in ended] == [0, 0], ended
    return folder / "runs" / "whole"


@pytest.mark.parametrize("killed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_killed_process_ends_the_run_in_one_line_and_it_goes_on(
    tmp_path: Path, whole: Path, killed: int
) -> None:
    run = tmp_path / "runs" / "one"
    ended = run_ranks(words(tmp_path, "one"), tmp_path, Fault(killed, update=3 * UPDATES))
    left = ended[1 - killed]
    assert [ended[killed].status, left.status] == [-signal.SIGKILL, 2], ended
    assert not any("Traceback" in each[1] for each in ended)
    (line,) = left.errors
    found = re.fullmatch(
        rf"pixelrl: {run}: another process of this run has gone, and the run with it; go on:"
        rf" python -m pixelrl (fit --resume {run}), started as this was",
        line,
    )
    assert found, line
    assert read_episode(run) == 2
    resumed = run_ranks(shlex.split(found[1]), tmp_path)
    assert [each.status for each in resumed] == [0, 0], resumed
    check_equal(run, whole)


def test_before_the_first_checkpoint_it_is_told_to_begin_again(tmp_path: Path) -> None:
    ended = run_ranks(words(tmp_path, "one"), tmp_path, Fault(1, update=1))
    (line,) = ended[0].errors
    assert line.endswith("; nothing of it was saved; begin it again, started as this was")


def test_why_a_process_failed_is_told_by_the_first(tmp_path: Path) -> None:
    ended = run_ranks(words(tmp_path, "one"), tmp_path, Fault(1, update=5, call=fail))
    assert [each.status for each in ended] == [2, 2]
    assert [len(each.errors) for each in ended] == [1, 0]
    assert "process 1 failed: photos/a.png: a damaged or unknown image, and" in ended[0].errors[0]


def test_a_signal_to_one_process_stops_and_saves_all(tmp_path: Path) -> None:
    ended = run_ranks(words(tmp_path, "one"), tmp_path, Fault(1, update=5, call=end_me))
    assert [each.status for each in ended] == [128 + signal.SIGTERM] * 2
    assert [len(each.errors) for each in ended] == [1, 0]
    assert "stopped by signal 15 after episode 3; go on: " in ended[0].errors[0]
    assert read_episode(tmp_path / "runs" / "one") == 3


# Real launchers

DYING = """
import os, sys
from pathlib import Path
import ranks

once = Path({once!r})
if os.environ.get("LOCAL_RANK", "0") == "{rank}" and not once.exists():
    once.touch()
    ranks.Fault({rank}, update={update}).befall()
sys.exit(ranks.main(sys.argv[1:]))
"""


def write_dying(folder: Path, rank: int) -> str:
    """Write a program that is pixelrl, but of which one process is killed once."""
    file = folder / "dying.py"
    file.write_text(DYING.format(once=str(folder / "once"), rank=rank, update=3 * UPDATES))
    return str(file)


def run_program(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program until it and all that it started have closed what they print to."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=GUARD,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killed", "status", "told"),
    [
        (1, 2, "process 1 was ended by SIGKILL"),
        (0, -signal.SIGKILL, "the first process has gone"),
    ],
)
def test_lightnings_launcher_leaves_one_line_and_no_orphan(
    tmp_path: Path, killed: int, status: int, told: str
) -> None:
    run = tmp_path / "runs" / "one"
    done = run_program([write_dying(tmp_path, killed), *words(tmp_path, "one")])
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("pixelrl: ")]
    assert lines == [
        f"pixelrl: {run}: {told}, and the run with it; go on: python -m pixelrl fit --resume {run}"
    ]
    assert read_episode(run) == 2


@pytest.mark.slow
def test_under_torchrun_a_killed_process_is_told_in_one_line(tmp_path: Path) -> None:
    """Beside what torchrun itself has to say."""
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{free_port()}"]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", *meeting]
    done = run_program([*launcher, write_dying(tmp_path, 1), *words(tmp_path, "one")])
    assert done.returncode == 1, done.stderr
    run = tmp_path / "runs" / "one"
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("pixelrl: ")]
    assert line.endswith(f"go on: python -m pixelrl fit --resume {run}, started as this was")
    assert read_episode(run) == 2


# What hangs


def make_strategy(folder: Path, *programs: str) -> WatchedDDP:
    """Make a strategy with children that run these programs."""
    strategy = WatchedDDP(folder, "denoising")
    launcher = WatchedLauncher(LightningEnvironment(), len(programs) + 1, 1)
    launcher.procs = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    strategy._launcher = launcher
    return strategy


def test_who_does_not_notice_is_ended_and_its_children_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seconds in (("PATIENCE", 0.01), ("ENDING", 0.01), ("LOOK_EVERY", 0.01)):
        monkeypatch.setattr(lost, name, seconds)
    ended: list[int] = []
    monkeypatch.setattr(lost.os, "_exit", ended.append)
    strategy = make_strategy(tmp_path, "import time; time.sleep(600)", "import sys; sys.exit(3)")
    lost._watch(strategy, threading.Event())
    assert ended == [2]
    assert "process 2 ended with status 3, and the run with it" in capsys.readouterr().err
    assert [child.wait() for child in strategy.children] == [-signal.SIGKILL, 3]


def test_the_watch_ends_with_the_work(tmp_path: Path) -> None:
    done = threading.Event()
    done.set()
    lost._watch(make_strategy(tmp_path), done)  # and this process lives


def test_a_process_knows_when_its_parent_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = make_strategy(tmp_path)
    assert strategy.find_gone() == ""
    monkeypatch.setenv(lost.PARENT, str(os.getppid()))
    assert strategy.find_gone() == ""
    monkeypatch.setenv(lost.PARENT, str(os.getpid()))  # whoever it was, it is not the parent now
    assert strategy.find_gone() == "the first process has gone"
