"""Which settings a sweep tries next, and which trials it gives up: pure functions of what is known.

They depend on the seed and on what was observed, never on a process' own randomness, so a sweep
that was killed goes on as it would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
from scipy.stats.qmc import Halton

from pixelrl.sweeps import gaussian_process
from pixelrl.sweeps.gaussian_process import Array
from pixelrl.sweeps.space import Choice, Parameter, Value, listed

Settings = dict[str, Value]
"""A value for each of a sweep's parameters."""

CANDIDATES = 2000
"""How many settings the expected improvement is computed of."""


@dataclass(frozen=True)
class Hyperband:
    """Describe when a trial is given up, as ``early_terminate`` of W&B's files does.

    Attributes:
        bands: how many values a trial has logged when it is looked at, ascending.
        eta: the best ``1 / eta`` of the trials that came that far go on.
    """

    bands: tuple[int, ...]
    eta: float


def propose(
    method: str,
    space: Sequence[Parameter],
    tried: Sequence[tuple[Settings, float | None]],
    seed: int = 0,
) -> Settings | None:
    """Choose the settings of the next trial.

    Args:
        method: ``random``, ``grid`` or ``bayes``.
        space: the parameters.
        tried: the settings of all trials so far and what they reached, more being better; None
            for a trial that failed.
        seed: of the sweep.

    Returns:
        A value per parameter, or None when a grid is exhausted.
    """
    number = len(tried)
    if method == "grid":
        grid = product(*(listed(parameter) for parameter in space))
        nth = next(islice(grid, number, None), None)
        return None if nth is None else dict(zip((p.name for p in space), nth, strict=True))
    rng = np.random.default_rng((seed, number))
    if method == "random":
        return settings_at(space, rng.random(len(space)))
    if number < first_trials(space) or all(reached is None for _, reached in tried):
        return settings_at(space, Halton(len(space), rng=seed).random(number + 1)[number])
    return _improve(space, tried, rng)


def first_trials(space: Sequence[Parameter]) -> int:
    """Count the trials that are spread evenly before a model of the space is trusted."""
    varied = sum(not isinstance(p, Choice) or len(p.values) > 1 for p in space)
    return max(3, varied + 2)


def settings_at(space: Sequence[Parameter], units: Sequence[float] | Array) -> Settings:
    """Take the settings at a point of the unit cube."""
    return {p.name: p.at(float(unit)) for p, unit in zip(space, units, strict=True)}


def coordinates(space: Sequence[Parameter], settings: Mapping[str, Value]) -> list[float]:
    """Place settings where a distance means something.

    A number has its place in its distribution; of a choice, each value has an axis of its own, so
    that any two are equally far apart; constants have none.
    """
    found: list[float] = []
    for parameter in space:
        value = settings[parameter.name]
        if not isinstance(parameter, Choice):
            found.append(parameter.unit(value))
        elif len(parameter.values) > 1:
            chosen = parameter.index(value)
            found.extend(
                float(index == chosen) / np.sqrt(2) for index in range(len(parameter.values))
            )
    return found


def hopeless(history: Sequence[float], others: Sequence[Sequence[float]], rule: Hyperband) -> bool:
    """Tell whether a trial is to be given up.

    At the last band it has passed it must be among the best ``1 / eta`` of the trials that came
    that far, itself included (Li et al., 2018, as W&B's own controller applies it).

    Args:
        history: what the trial has logged so far, more being better.
        others: what the other trials have.
        rule: where the bands are.
    """
    passed = [band for band in rule.bands if band < len(history)]
    if not passed:
        return False
    band = passed[-1]
    reached = sorted(
        (other[band] for other in (*others, history) if len(other) > band), reverse=True
    )
    return history[band] < reached[int(len(reached) / rule.eta)]


def _improve(
    space: Sequence[Parameter],
    tried: Sequence[tuple[Settings, float | None]],
    rng: np.random.Generator,
) -> Settings:
    """Choose the settings of the greatest expected improvement that were not tried before."""
    reached = [value for _, value in tried if value is not None]
    # A failure counts as the worst that was seen, so that the search keeps away from it.
    observed = np.array([min(reached) if value is None else value for _, value in tried])
    at = np.array([coordinates(space, settings) for settings, _ in tried])
    best = tried[int(observed.argmax())][0]
    candidates = [settings_at(space, rng.random(len(space))) for _ in range(CANDIDATES // 2)]
    candidates += [_near(space, best, rng) for _ in range(CANDIDATES // 2)]
    known = [settings for settings, _ in tried]
    candidates = [settings for settings in candidates if settings not in known] or candidates
    if not at.shape[1]:
        return candidates[0]
    process = gaussian_process.fit(at, observed)
    points = np.array([coordinates(space, settings) for settings in candidates])
    return candidates[int(process.expected_improvement(points).argmax())]


def _near(space: Sequence[Parameter], settings: Settings, rng: np.random.Generator) -> Settings:
    """Alter settings a little: move every number, change a choice now and then."""
    found: Settings = {}
    for parameter in space:
        value = settings[parameter.name]
        if isinstance(parameter, Choice):
            found[parameter.name] = value if rng.random() < 0.8 else parameter.at(rng.random())
        else:
            unit = parameter.unit(value) + rng.normal(0, 0.1)
            found[parameter.name] = parameter.at(float(np.clip(unit, 0, 1 - 1e-9)))
    return found
