"""Every setting of an experiment except the task's own, with its default.

These dataclasses are the only description of the settings: the command line, the recipes and the
sweeps are checked against them. The defaults are those of the published training (official
``train.py``). This file imports nothing heavy, so that mistyped names are answered at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pixelrl.ranges import (
    FOLDER,
    NOT_NEGATIVE,
    ODD,
    POSITIVE,
    PROJECT,
    SHARE,
    Range,
    at_most,
    number,
)

Profile = Literal["ignore", "srgb", "prophoto"]
"""What becomes of the color profiles embedded in files (`Data`)."""
Figures = Literal["png", "svg", "pdf"]
"""The file formats of charts (`Run`)."""
EPISODES = 10**9
"""More episodes than any run has."""
SIDE = 65_536
"""The longest side of a crop or tile, in pixels."""


@dataclass(frozen=True)
class Network:
    """Describe the shared fully convolutional network.

    Attributes:
        kind: ``published`` is the papers' network, which learns a logit per edit; agents of
            ``goal`` learn what the picture should become and aim at it (needs ``local_reward``
            measured against ``target``).
        width: of ``published``, channels of every hidden layer.
        memory: of ``published``, whether the policy branch carries a ConvGRU.
        widths: of ``goal``, channels of the levels, each at half the size of the one before.
        blocks: of ``goal``, residual blocks of a level on the way down, and on the way up.
        ensemble: of ``goal``, whether agents that edit aim at the mean goal of the picture's eight
            turns and mirrors, for eight times the network's work; for what looks alike from all
            sides, such as noise, not for text.
        mirror: the same of the picture and its mirror image alone, for twice the work.
        spins: of ``goal``, the same of so many shifts by a pixel, down and across (cycle spinning),
            for their square times the network's work; of use for text, too.
        init: weights to start from: a checkpoint (``.ckpt``), a published ``.npz``, or an IRCNN
            ``.caffemodel``; empty for random ones. A goal may begin with more blocks or further
            levels than the file's: they change nothing at first.

    Example:
        >>> flat({"network": vars(Network(width=32))})["network.width"]
        32
    """

    kind: Literal["published", "goal"] = "published"
    width: int = number(64, at_most(4096))
    memory: bool = True
    widths: tuple[int, ...] = number((48, 64, 96, 128), at_most(4096))
    blocks: int = number(1, at_most(64))
    ensemble: bool = False
    mirror: bool = False
    spins: int = number(1, at_most(8))
    init: str = ""


@dataclass(frozen=True)
class Learning:
    """Describe the learning rule: A3C with reward-map convolution.

    Agents that aim (``network.kind=goal``) first learn their goal, by the task's own reward for
    going there at once, and then, in the same run, by reinforcement.

    Attributes:
        goal_episodes: batches to learn the goal from; 0 leaves that out.
        imitation_episodes: of ``network.kind=published``, batches in which agents first imitate the
            task's teacher (`Task.demonstrate`); 0 leaves that out.
        goal_rate: Muon's step size in either first phase, after a warm-up; Adam's, for the first
            and last layers, is a twentieth. Both fall linearly to zero.
        goal_ssim: what a goal's structural similarity (of 1) is paid, beside the task's reward.
        episodes: batches of reinforcement, an episode each; 0 for none, if there is another phase.
        window: steps learned from at once (``t_max``); an episode is split into such windows.
        optimizer: ``adam`` as published; ``muon`` learns the hidden layers in far fewer episodes.
        rate: Adam's step size in the first episode of reinforcement.
        power: the rate falls as ``rate * (1 - episode / episodes) ** power``.
        gamma: discount per step, in [0, 1].
        entropy: weight of the entropy bonus.
        value: weight of the value loss, beside its own factor of one half.
        spread: side of the square reward-map convolution, odd, in pixels; 0 for none.
        estimator: ``sampled`` is the published A3C; ``expected`` asks the reward of every edit and
            takes the immediate part of the policy gradient in exact expectation (needs
            ``local_reward``); ``pathwise`` differentiates the rewards of a window through the edits
            (needs edits and a reward that carry gradient); ``priced`` regresses the policy on the
            rewards of all edits, for agents that look one step ahead (needs ``local_reward``).
        temperature: of ``priced`` and of agents that aim, the difference in reward that makes one
            logit, in units of how far rewards of edits lie apart, as the first batch has it.
        clip: the largest norm of a gradient, over all weights; 0 for any.

    Example:
        >>> round(Learning().rate * (1 - 0.5) ** Learning().power, 6)  # half-way
        0.000536
    """

    goal_episodes: int = number(0, at_most(EPISODES, 0))
    imitation_episodes: int = number(0, at_most(EPISODES, 0))
    goal_rate: float = number(0.02, POSITIVE)
    goal_ssim: float = number(0.0, NOT_NEGATIVE)
    episodes: int = number(30_000, at_most(EPISODES, 0))
    window: int = number(5, at_most(1000))
    optimizer: Literal["adam", "muon"] = "adam"
    rate: float = number(1e-3, POSITIVE)
    power: float = number(0.9, NOT_NEGATIVE)
    gamma: float = number(0.95, SHARE)
    entropy: float = 0.01
    value: float = 0.5
    spread: int = number(33, ODD)
    estimator: Literal["sampled", "expected", "pathwise", "priced"] = "sampled"
    temperature: float = number(0.5, POSITIVE)
    clip: float = number(0.0, NOT_NEGATIVE)

    @property
    def batches(self) -> int:
        """Batches of all phases.

        Example:
            >>> Learning(goal_episodes=400, episodes=100).batches
            500
        """
        return self.first_batches + self.episodes

    @property
    def first_batches(self) -> int:
        """Batches before reinforcement.

        Example:
            >>> Learning(imitation_episodes=120, episodes=60).first_batches
            120
        """
        return self.goal_episodes + self.imitation_episodes


@dataclass(frozen=True)
class Data:
    """Describe the photographs and how they are cut.

    Each of the four sets is a mapping from a map's name to a folder (or one file), for example
    ``{image: noisy, target: clean}``; an empty mapping stands for the bundled images.

    Attributes:
        train: folders to learn from.
        val: folders for validation during learning.
        test: folders for ``evaluate``.
        predict: folders for ``predict``; they need no target.
        crop: side of the random square crops of training, in pixels.
        val_crop: side of the center crops of validation, in pixels; 0 for whole images.
        val_repeat: how often each validation image is used, with another problem each time: another
            mask, other noise.
        batch: crops per episode, over all devices.
        flip: probability of mirroring left to right.
        turn: whether crops are turned by a random number of quarter turns.
        rotate: largest rotation, in degrees; half of the crops are rotated.
        profile: what becomes of the color profiles embedded in files: ``ignore`` takes all numbers
            as they are, as the authors' code does; ``srgb`` and ``prophoto`` convert colors to such
            numbers (files without a profile count as sRGB; needs ``pixelrl[icc]``).
        border: what a rotation uncovers: ``constant`` (black, as published) or ``reflect``.
        limit: use only the first so many images of val and test; 0 for all. `predict` edits all,
            unless its own command line says otherwise.
        tile: side of the tiles that images larger than one are edited in, in pixels, with the
            same result in less memory; 0 for never.
        workers: processes that prepare crops.
        cache_mb: the most memory for decoded files, in megabytes (10^6 bytes), of every process
            that reads them; what does not fit is read again. 0 for none.

    Example:
        >>> flat({"data.train": Data(train={"image": "noisy", "target": "clean"}).train})
        {'data.train.image': 'noisy', 'data.train.target': 'clean'}
        >>> from pixelrl.ranges import check_values
        >>> check_values("data", Data(rotate=200.0))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: data.rotate: expected degrees from 0 to 180, got 200.0.
    """

    train: dict[str, str] = field(default_factory=dict)
    val: dict[str, str] = field(default_factory=dict)
    test: dict[str, str] = field(default_factory=dict)
    predict: dict[str, str] = field(default_factory=dict)
    crop: int = number(70, at_most(SIDE))
    val_crop: int = number(0, at_most(SIDE, 0))
    val_repeat: int = number(1, at_most(10_000))
    batch: int = number(64, at_most(65_536))
    flip: float = number(0.5, SHARE)
    turn: bool = False
    rotate: float = number(10.0, Range(0, 180, "degrees from 0 to 180"))
    border: Literal["constant", "reflect"] = "constant"
    profile: Profile = "ignore"
    limit: int = number(0, at_most(EPISODES, 0))
    tile: int = number(1024, at_most(SIDE, 0))
    workers: int = number(0, at_most(256, 0))
    cache_mb: int = number(2147, at_most(10**7, 0))


@dataclass(frozen=True)
class Run:
    """Describe the run: where it happens and what it leaves.

    Attributes:
        seed: the one source of all randomness.
        name: the run's directory below ``root``; empty for task, date and time. Also what Weights &
            Biases shows.
        root: folder that collects the runs.
        accelerator: Lightning's ``accelerator``: ``auto``, ``cpu``, ``gpu``, …
        devices: processes to learn with on each machine; above one in all, they run as distributed
            data parallel.
        nodes: machines to learn on, each started by torchrun or SLURM.
        precision: of the network; observations, edits, rewards and losses are always float32.
            ``bf16-mixed`` and ``16-mixed`` compute it in 16 bits and keep weights in 32 (float16
            needs an accelerator, and scales the loss); ``bf16-true`` keeps those that are learned
            in bfloat16 too.
        compile: what of an episode `torch.compile` makes faster while learning, where all crops
            have one size: the network (``policy``), what every edit would do (``edits``), or both
            (``step``).
        accumulate: parts that each process learns its share of a batch from, one after the other,
            in that much less memory; what is learned does not change.
        threads: CPU threads; 0 leaves the choice to torch.
        validate_every: episodes between validations; the end of a run is validated, too.
        checkpoint_every: episodes between checkpoints; also the most a kill can lose.
        checkpoint_minutes: minutes after which a checkpoint is due too; 0 for never.
        loggers: ``wandb`` and ``tensorboard``, beside the CSV file that is always written.
        wandb: whether Weights & Biases sends (``online``), keeps (``offline``) or is off. An
            agent's process counts as ``online`` unless told otherwise.
        project: the Weights & Biases project; if empty, ``WANDB_PROJECT``, or ``pixelrl``.
        entity: whose project that is; this, ``group``, ``job_type`` and ``notes`` are what their
            ``WANDB_*`` variables say if empty.
        group: of runs that belong together.
        job_type: what the run is one of, within its group.
        tags: to find the run by.
        notes: in words.
        log_model: whether the best checkpoint goes to Weights & Biases as an artifact.
        deterministic: whether operations without a deterministic form on the device are refused.
        profiler: Lightning's profiler; ``simple`` and ``advanced`` leave a table of times and
            ``pytorch`` a trace in the run's ``profile/``.
        figures: the format of charts (curves, steps): ``png``, or ``svg`` and ``pdf`` for papers.

    Example:
        >>> from pixelrl.ranges import check_values
        >>> check_values("run", Run(devices=0))
        Traceback (most recent call last):
        pixelrl.errors.ConfigError: run.devices: expected more than zero, at most 1024, got 0.
    """

    seed: int = number(0, at_most(2**32 - 1, 0))
    name: str = number("", FOLDER)
    root: str = "runs"
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps", "tpu"] = "auto"
    devices: int = number(1, at_most(1024))
    nodes: int = number(1, at_most(1024))
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = "32-true"
    compile: Literal["off", "policy", "edits", "step"] = "off"
    accumulate: int = number(1, at_most(65_536))
    threads: int = number(0, at_most(4096, 0))
    validate_every: int = number(300, at_most(EPISODES))
    checkpoint_every: int = number(100, at_most(EPISODES))
    checkpoint_minutes: float = number(0.0, NOT_NEGATIVE)
    loggers: tuple[str, ...] = ()
    wandb: Literal["disabled", "offline", "online"] = "disabled"
    project: str = number("", PROJECT)
    entity: str = ""
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    log_model: bool = False
    deterministic: bool = False
    profiler: Literal["off", "simple", "advanced", "pytorch"] = "off"
    figures: Figures = "png"


SECTIONS = {"network": Network, "learning": Learning, "data": Data, "run": Run}
"""The sections of an experiment that every task shares; the fifth, ``task``, is the plugin's."""


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted names, as sweeps and overrides spell them.

    Example:
        >>> flat({"learning": {"rate": 0.001}, "data": {"train": {}}})
        {'learning.rate': 0.001, 'data.train': {}}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
