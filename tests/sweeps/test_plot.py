"""A sweep's picture has the axes of its distributions and tells how trials ended."""

import math
from pathlib import Path
from typing import Any

import pytest

from pixelrl.drawing.scale import Axis
from pixelrl.sweeps.parameters import parameter
from pixelrl.sweeps.plot import Outcome, make_axis, plot_trials
from sweeping import sweep, write_sweep


def test_axes_are_those_of_the_distributions() -> None:
    def axis(**described: Any) -> Axis:
        return make_axis(parameter("a", described))

    rate = axis(distribution="log_uniform_values", min=1e-4, max=1e-2)
    assert rate.logarithmic
    assert rate.ends == pytest.approx((1e-4, 1e-2))
    assert axis(min=0.5, max=1.0) == Axis("a", (0.5, 1.0))
    assert axis(values=["p", 3]) == Axis("a", categories=("p", 3))
    assert axis(min=1, max=5).categories == range(1, 6)
    assert axis(min=1, max=50) == Axis("a", (1, 50), whole=True)
    assert axis(distribution="normal", mu=2, sigma=1).ends == pytest.approx((-1.3, 5.3))
    assert axis(distribution="log_normal").ends == pytest.approx((math.exp(-3.3), math.exp(3.3)))


def test_the_picture_shows_what_varies_and_how_trials_ended(tmp_path: Path) -> None:
    space = [
        parameter("alpha", {"distribution": "log_uniform_values", "min": 0.01, "max": 1.0}),
        parameter("beta", {"values": ["p", "q"]}),
        parameter("gamma", {"value": 5}),
    ]
    trials: list[Outcome] = [
        ({"alpha": 0.1, "beta": "p", "gamma": 5}, 1.0, "finished"),
        ({"alpha": 0.9, "beta": "q", "gamma": 5}, 2.0, "stopped"),
        ({"alpha": 0.5, "beta": "p", "gamma": 5}, None, "failed"),
    ]
    path = tmp_path / "trials.svg"
    plot_trials(path, space, trials, "val/m", maximize=False, title="a sweep")
    drawn = path.read_text("utf-8")
    for told in ("a sweep", "alpha", "beta", "q", "0.1", "val/m ↓", "best: 1", "given up early"):
        assert f"<!-- {told} -->" in drawn, told
    assert "gamma" not in drawn
    nothing: list[Outcome] = [({"gamma": 5}, None, "failed")]
    plot_trials(path, space[2:], nothing, "val/m", maximize=True, title="nothing was reached")
    assert "val/m" in path.read_text("utf-8")


def test_a_sweep_leaves_its_picture_in_the_format_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {"x": {"values": [3]}, "y": {"values": ["up", "broken"]}}
    file = write_sweep(tmp_path, method="grid", parameters=parameters)
    assert [trial.state for trial in sweep(file, "--format", "pdf")] == ["finished", "failed"]
    assert (tmp_path / "out" / "trials.pdf").read_bytes().startswith(b"%PDF-")
    assert "trials.csv, trials.pdf, a run" in capsys.readouterr().out
