"""A Gaussian process over few observations, and the improvement it expects.

The kernel is Matérn 5/2 with one length scale per coordinate; amplitude, length scales and noise
are those of the greatest marginal likelihood (Rasmussen and Williams, 2006, chapters 2, 4 and 5).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import ndtr

Array = NDArray[np.float64]

LENGTHS = (np.log(0.05), np.log(10.0))
"""Bounds of the logarithm of a length scale, for coordinates in [0, 1]."""
NOISE = (np.log(1e-6), np.log(0.5))
"""Bounds of the logarithm of the noise's share of the variance."""


@dataclass(frozen=True)
class GaussianProcess:
    """Hold a fitted process.

    Attributes:
        at: ``(N,D)``, where it was observed.
        lengths: ``(D,)``, the length scales.
        variance: of the process, in squared units of the standardized observations.
        factor: Cholesky's factor of the kernel matrix ``(N,N)`` with noise.
        weights: ``(N,)``, the kernel matrix' solution for the standardized observations.
        mean: of the observations.
        deviation: of the observations.
    """

    at: Array
    lengths: Array
    variance: float
    factor: tuple[Array, bool]
    weights: Array
    mean: float
    deviation: float

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Predict mean and standard deviation, ``(M,)`` each, at points ``(M,D)``."""
        between = matern(points, self.at, self.lengths)
        mean = between @ self.weights
        explained = np.einsum("mn,nm->m", between, cho_solve(self.factor, between.T))
        spread = np.sqrt(self.variance * np.maximum(1 - explained, 1e-12))
        return self.mean + self.deviation * mean, self.deviation * spread

    def expected_improvement(self, points: Array) -> Array:
        """Expect by how much points ``(M,D)`` exceed the best mean predicted where one has been.

        That mean stands for the best observation, which noise may have flattered.
        """
        best = self.predict(self.at)[0].max()
        mean, spread = self.predict(points)
        above = (mean - best) / spread
        density = np.exp(-0.5 * above**2) / np.sqrt(2 * np.pi)
        improvement: Array = spread * (above * ndtr(above) + density)
        return improvement


def fit(at: Array, observed: Array) -> GaussianProcess:
    """Fit a process to observations.

    Args:
        at: ``(N,D)``, coordinates in [0, 1], N at least 2.
        observed: ``(N,)``, of any scale.
    """
    mean, deviation = float(observed.mean()), float(observed.std()) or 1.0
    y = (observed - mean) / deviation
    dimensions = at.shape[1]
    cost = _cost(at, y)
    starts = [np.log([scale] * dimensions + [1e-3]) for scale in (0.2, 0.5, 2.0)]
    bounds = [LENGTHS] * dimensions + [NOISE]
    found = [minimize(cost, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda result: float(result.fun)).x
    lengths, noise = np.exp(best[:-1]), float(np.exp(best[-1]))
    factor = cho_factor(matern(at, at, lengths) + noise * np.eye(len(at)), lower=True)
    weights = cho_solve(factor, y)
    variance = max(float(y @ weights) / len(y), 1e-12)
    return GaussianProcess(at, lengths, variance, factor, weights, mean, deviation)


def matern(one: Array, other: Array, lengths: Array) -> Array:
    """Compute the correlation, ``(N,M)``, of points ``(N,D)`` and ``(M,D)``."""
    apart = (one[:, None] - other[None]) / lengths
    distance = np.sqrt(5 * (apart**2).sum(-1))
    kernel: Array = (1 + distance + distance**2 / 3) * np.exp(-distance)
    return kernel


def _cost(at: Array, y: Array) -> Callable[[Array], float]:
    """Make the negative logarithm of the marginal likelihood, its amplitude already the best."""

    def cost(logs: Array) -> float:
        kernel = matern(at, at, np.exp(logs[:-1])) + np.exp(logs[-1]) * np.eye(len(at))
        factor = cho_factor(kernel, lower=True)
        variance = max(float(y @ cho_solve(factor, y)) / len(y), 1e-12)
        return float(0.5 * len(y) * np.log(variance) + np.log(np.diag(factor[0])).sum())

    return cost
