"""Docstrings keep their promises: what raises says so, what has maps states shapes, and what the
authors of tasks use has an example (which `pytest --doctest-modules pixelrl` runs)."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT / "pixelrl", ROOT / "tasks", *sorted(ROOT.glob("plugins/*/src")))
FILES = [file for folder in FOLDERS for file in sorted(folder.rglob("*.py"))]

ROOMS = "task maps rewards credit scores oracle testing discovery color errors settings"
AGENTS = "rollout returns losses estimators network tiling trace optimizers"
EXEMPLARY = [
    *(ROOT / "pixelrl" / f"{name}.py" for name in ROOMS.split()),
    *(ROOT / "pixelrl" / "rl" / f"{name}.py" for name in AGENTS.split()),
    *(
        file
        for room in ("actions", "saliency", "images")
        for file in FILES
        if room == file.parent.name
    ),
]

WITHOUT_EXAMPLE = {
    "FusedEdit.family": "for subclasses; the class shows one",
    "FusedEdit.together": "for subclasses; the class shows one",
    "SaliencyModel.name": "a protocol's member; the class shows one",
    "SaliencyModel.kind": "a protocol's member; the class shows one",
    "NetworkFile.open": "for subclasses; the class shows one",
    "NetworkFile.network": "for subclasses; the class shows one",
    "TorchScriptSaliency.open": "called by the constructor",
    "TorchScriptSaliency.network": "called by asking",
    "OnnxSaliency": "needs onnxruntime, an extra",
    "OnnxSaliency.open": "called by the constructor",
    "OnnxSaliency.network": "called by asking",
    "Environment": "a protocol; every task is one",
    "Environment.length": "a protocol's member",
    "Environment.observe": "a protocol's member",
    "Environment.step": "a protocol's member",
    "EnvironmentModel": "a protocol; every task is one",
    "EnvironmentModel.candidates": "a protocol's member",
    "Window": "made by `window_losses`, which shows it",
    "Trace": "made by `record_step` and `stack_steps`, which show it",
    "Edited": "made by `PixelA3C.edit`, which takes a whole module",
    "TaskView.length": "the task's",
    "TaskView.observe": "the task's",
    "TiledEnvironment.step": "the class shows it",
}
"""What explains itself better without an example, and why."""

Def = ast.FunctionDef | ast.ClassDef


class Named(NamedTuple):
    """Hold a definition, and the class that it stands in."""

    name: str
    node: Def
    owner: ast.ClassDef | None

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


@cache
def definitions(file: Path) -> list[Named]:
    """List a file's functions, classes and methods; what is defined inside functions is theirs."""
    found: list[Named] = []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, Def):
            found.append(Named(node.name, node, None))
        if isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found += [Named(f"{node.name}.{each.name}", each, node) for each in inner]
    return found


def statements(function: ast.AST, *, tried: bool = True) -> Iterator[ast.AST]:
    """Walk through what a function itself does, without what functions inside of it do.

    What it tries may raise what it catches: it is left out on demand.
    """
    for child in ast.iter_child_nodes(function):
        caught = isinstance(function, ast.Try | ast.With) and child in function.body
        caught = caught and (
            "suppress(" in ast.unparse(function.items[0])
            if isinstance(function, ast.With)
            else bool(function.handlers)
        )
        inner = isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef)
        if not inner and (tried or not caught):
            yield child
            yield from statements(child, tried=tried)


def raised(function: ast.AST) -> set[str]:
    """Name what a function raises; ``...`` for what only running tells."""
    found = set()
    for each in statements(function):
        if isinstance(each, ast.Raise) and each.exc:  # a bare one hands on what others raised
            call = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
            known = isinstance(call, ast.Name) and call.id[0].isupper()
            found.add(call.id if known else "...")
    return found


def called(function: ast.AST) -> set[str]:
    """Name the private helpers of its own file that a function calls."""
    tree = statements(function, tried=False)
    calls = (each.func for each in tree if isinstance(each, ast.Call))
    names = (
        call.id
        if isinstance(call, ast.Name)
        else call.attr
        if isinstance(call, ast.Attribute) and getattr(call.value, "id", "") == "self"
        else ""
        for call in calls
    )
    return {name for name in names if re.match("_[a-z]", name)}


def raised_with_helpers(function: ast.AST, file: Path, known: frozenset[str]) -> set[str]:
    found = raised(function)
    for each in definitions(file):
        name = each.name.rpartition(".")[2]
        if name in called(function) - known:
            found |= raised_with_helpers(each.node, file, known | {name})
    return found


def told(doc: str) -> set[str]:
    """Name what the section on errors names."""
    section = re.search(r"^Raises:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    return set(re.findall(r"^    (\w+):", section[1], re.MULTILINE)) if section else set()


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("file", FILES, ids=names(FILES))
def test_whatever_raises_says_what_and_when(file: Path) -> None:
    for each in definitions(file):
        if not isinstance(each.node, ast.FunctionDef):
            continue
        constructor = each.owner and each.node.name in {"__init__", "__post_init__"}
        whole = Named(each.owner.name, each.owner, None) if each.owner and constructor else each
        found = raised_with_helpers(each.node, file, frozenset())
        if not whole.public or not found:
            continue
        listed = told(whole.doc)
        assert listed, f"{whole.name} raises {found} and has no Raises section"
        missing = found - listed - {"..."}
        assert not missing or "PixelRLError" in listed, f"{whole.name}: Raises lacks {missing}"


@pytest.mark.parametrize("file", EXEMPLARY, ids=names(EXEMPLARY))
def test_what_authors_of_tasks_use_has_an_example(file: Path) -> None:
    for each in definitions(file):
        if each.public and each.name not in WITHOUT_EXAMPLE:
            assert ">>>" in each.doc, f"{each.name} has no example"


def test_the_list_of_what_has_no_example_is_no_longer_than_it_must_be() -> None:
    without = {
        each.name for file in EXEMPLARY for each in definitions(file) if ">>>" not in each.doc
    }
    assert WITHOUT_EXAMPLE.keys() <= without


@pytest.mark.parametrize("file", FILES, ids=names(FILES))
def test_functions_of_tensors_state_shapes(file: Path) -> None:
    for each in definitions(file):
        if not isinstance(each.node, ast.FunctionDef) or not each.public or not each.doc:
            continue
        arguments = [*each.node.args.posonlyargs, *each.node.args.args, *each.node.args.kwonlyargs]
        types = [each.node.returns, *(argument.annotation for argument in arguments)]
        written = " ".join(ast.unparse(kind) for kind in types if kind)
        if re.search(r"\b(Tensor|NDArray)\b", written):
            assert re.search(r"``\(|scalar|any shape", each.doc), f"{each.name} states no shape"
