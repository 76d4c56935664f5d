"""Write agents to files, and prove that what was written does what the agents do."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.export import ExportedProgram

from pixelrl.errors import ConfigError, PluginError
from pixelrl.export.card import KEY, as_text, smallest_side, write_card
from pixelrl.export.graphs import Beginning, Episode, Step, state_channels
from pixelrl.export.programs import check_exportable, find_culprit, make_program, quiet
from pixelrl.files import whole_file
from pixelrl.training.checkpoint import Restored

SUFFIXES = (".onnx", ".pt2")
MISSING = "export needs onnx, onnxscript and onnxruntime; pip install 'pixelrl[export]'."
CLOSE, SHARE = 1e-3, 0.99
"""How near images must be where all choices are the same, and how many pixels these must be: sums
in another order may turn a choice between two edits that are as good as each other."""

Play = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From an image ``(B,C,H,W)`` to the result and the choices ``(T,B,H,W)``."""


class Written(NamedTuple):
    """Tell of a file that was written.

    Attributes:
        path: of the file.
        size: in bytes.
        what: it holds, in words.
    """

    path: Path
    size: int
    what: str


def export(policy: Restored, out: Path, name: str, *, step: bool = False) -> list[Written]:
    """Write agents to a file, and beside it, if wanted, what is needed to play step by step.

    Args:
        policy: the agents.
        out: ``NAME.onnx`` or ``NAME.pt2``.
        name: of the agents, for the card.
        step: whether to write ``NAME.begin`` and ``NAME.step`` too.

    Returns:
        What was written.

    Raises:
        ConfigError: the suffix is none of ours, or the task cannot be exported.
        OSError: a file cannot be written.
        PluginError: a package is missing, or a file does not do what the agents do.
    """
    task, network = policy.experiment.task, policy.module.policy.eval()
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"{out}: expected a name that ends in .onnx or .pt2.")
    check_exportable(task)
    least = smallest_side(network)
    card = as_text(write_card(policy.experiment, network, name))
    state = state_channels(task, network)
    modules: dict[str, tuple[torch.nn.Module, list[int]]] = {}
    if step or out.suffix == ".onnx":
        modules["begin"] = (Beginning(task, network), [task.channels])
        modules["step"] = (Step(task, network), [task.channels, state])
    if out.suffix == ".pt2":
        modules["whole"] = (Episode(task, network), [task.channels])
    try:
        graphs = {key: make_program(*wanted, least) for key, wanted in modules.items()}
    except Exception as error:  # of tracing, which have no common parent
        culprit = find_culprit(task, network, least) or " ".join(str(error).split())[:160]
        raise ConfigError(
            f"{policy.experiment.name} cannot be exported: {culprit} is no computation of tensors"
            " alone that holds for every size."
        ) from error
    write = _write_onnx if out.suffix == ".onnx" else _write_programs
    written = write(graphs, out, card, task.length, step=step)
    check_equal(Episode(task, network), load_exported(out), task.channels, least, out)
    return written


def check_equal(module: Play, exported: Play, channels: int, least: int, path: Path) -> None:
    """Play both on random pictures of sizes that were not traced.

    Raises:
        PluginError: their results differ.
    """
    rng = torch.Generator().manual_seed(0)
    for batch, height, width in ((1, least + 14, least), (2, least + 1, least + 20)):
        image = torch.rand((batch, channels, height, width), generator=rng)
        with torch.inference_mode():
            wanted, found = module(image.clone()), exported(image)
        same = (wanted[1] == found[1]).all(0)
        apart = ((wanted[0] - found[0]).abs().amax(1) * same).max()
        if not (float(apart) < CLOSE and float(same.float().mean()) >= SHARE):
            raise PluginError(
                f"{path}: does not do what the agents do (of {width}x{height} pixels,"
                f" {float(same.float().mean()):.1%} chose the same, {float(apart):.1g} apart); an"
                " edit or observation may depend on more than its tensors."
            )


def _write_onnx(
    graphs: dict[str, ExportedProgram], out: Path, card: str, length: int, *, step: bool
) -> list[Written]:
    try:
        import onnx  # noqa: PLC0415 - an extra
        import onnxruntime  # noqa: F401, PLC0415 - as is this
        import onnxscript  # noqa: F401, PLC0415 - and this
    except ImportError as error:
        raise PluginError(MISSING) from error
    from pixelrl.export.onnx_graphs import (  # noqa: PLC0415 - needs them
        halve_weights,
        loop_steps,
        make_model,
    )

    begin = make_model(graphs["begin"], ["image"], ["state"])
    one = make_model(graphs["step"], ["image", "state"], ["edited", "choice", "next"])
    models = {out: (loop_steps(begin, one, length), f"all {length} steps")}
    if step:
        models[beside(out, "begin")] = (begin, "what comes before the first step")
        models[beside(out, "step")] = (one, "one step")
    written = []
    for path, (model, what) in models.items():
        halve_weights(model)
        onnx.helper.set_model_props(model, {KEY: card})
        model.producer_name = "pixelrl"
        with whole_file(path) as part:
            onnx.save(model, part)
        written.append(Written(path, path.stat().st_size, what))
    return written


def _write_programs(
    graphs: dict[str, ExportedProgram], out: Path, card: str, length: int, *, step: bool
) -> list[Written]:
    wanted = {out: ("whole", f"all {length} steps")}
    if step:
        wanted[beside(out, "begin")] = ("begin", "what comes before the first step")
        wanted[beside(out, "step")] = ("step", "one step")
    written = []
    for path, (key, what) in wanted.items():
        with whole_file(path) as part, quiet():
            torch.export.save(graphs[key], os.fspath(part), extra_files={KEY: card})
        written.append(Written(path, path.stat().st_size, what))
    return written


def beside(out: Path, kind: str) -> Path:
    """Name what lies beside an exported file, such as ``agent.step.onnx``.

    Example:
        >>> beside(Path("agent.onnx"), "step").name
        'agent.step.onnx'
    """
    return out.with_name(f"{out.stem}.{kind}{out.suffix}")


def load_exported(path: Path, threads: int = 0) -> Play:
    """Load an exported file as whoever gets it would, to play images ``(B,C,H,W)`` with it.

    Args:
        path: of ``NAME.onnx`` or ``NAME.pt2``.
        threads: that onnxruntime uses, 0 for as many as there are cores; torch's own count for
            ``.pt2`` files.
    """
    if path.suffix == ".pt2":
        with quiet():
            module: Play = torch.export.load(os.fspath(path)).module()
        return module
    import onnxruntime  # noqa: PLC0415 - an extra, known to be there

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        os.fspath(path), options, providers=["CPUExecutionProvider"]
    )

    def play(image: Tensor) -> tuple[Tensor, Tensor]:
        edited, choices = session.run(None, {"image": image.numpy()})
        return torch.from_numpy(edited), torch.from_numpy(choices)

    return play
