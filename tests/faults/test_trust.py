"""Nothing of a file runs: code that no plugin offers is named by a person, or is not imported."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from photos import tiny, write_photos
from pixelrl.cli.main import main
from pixelrl.config.compose import compose, from_plain
from pixelrl.discovery import Trust
from pixelrl.errors import PluginError
from pixelrl.experiments.benchmark import read_benchmark, run_benchmark
from pixelrl.records.file import load_choices, save_choices
from pixelrl.training.files import WholeCheckpoints, read_whole

EVIL = "from pathlib import Path\nPath('ran').touch()\n"
HARMLESS = EVIL + "from pixelrl_tasks.denoising import Denoising as Task\n"


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a module that leaves a trace when imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = f"evil_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(HARMLESS)
    return tmp_path / name


def poisoned(checkpoint: Path, trap: Path) -> Path:
    stored = read_whole(checkpoint)
    stored["pixelrl"]["experiment"]["name"] = f"{trap.name}:Task"
    path = trap.parent / "got.ckpt"
    WholeCheckpoints().save_checkpoint(stored, path)
    return path


@pytest.mark.parametrize("verb", ["evaluate", "predict", "studio"])
def test_a_checkpoint_imports_nothing(
    checkpoint: Path, trap: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = poisoned(checkpoint, trap)
    photos = write_photos(trap.parent / "photos")
    assert main([verb, "--checkpoint", str(path), f"data.test.image={photos}"]) == 2
    told = capsys.readouterr().err
    assert f"{path}: its task names code outside of installed plugins" in told
    assert "pass --trust: it then runs with all your rights" in told
    assert not (trap.parent / "ran").exists()


@pytest.mark.parametrize("trusted", ["--trust", "--task"])
def test_what_a_person_trusts_runs(checkpoint: Path, trap: Path, trusted: str) -> None:
    path = poisoned(checkpoint, trap)
    photos = write_photos(trap.parent / "photos", 1)
    words = ["--trust"] if trusted == "--trust" else ["--task", f"{trap.name}:Task"]
    out = ["--out", str(trap.parent / "out"), "--no-records", f"data.test.image={photos}"]
    assert main(["evaluate", "--checkpoint", str(path), *words, *out]) == 0
    assert (trap.parent / "ran").exists()


def test_choices_import_nothing(
    tmp_path: Path, trap: Path, capsys: pytest.CaptureFixture[str], checkpoint: Path
) -> None:
    photos = write_photos(tmp_path / "photos", 1)
    words = ["predict", "--checkpoint", str(checkpoint), f"data.predict.image={photos}"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    path = tmp_path / "out" / "photo0.choices.npz"
    recorded = load_choices(path, with_arrays=True)
    experiment = {**recorded.experiment, "name": f"{trap.name}:Task"}
    save_choices(path, recorded._replace(experiment=experiment))
    replayed = ["replay", "--choices", str(path), "--image", str(photos / "photo0.png")]
    replayed += ["--out", str(tmp_path / "again.png")]
    assert main(replayed) == 2
    assert f"{path}: its task names code" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    assert main([*replayed, "--trust"]) == 0


def test_settings_of_files_import_nothing(trap: Path) -> None:
    recipe = trap.parent / "recipe.yaml"
    name = f"{trap.name}:Task"
    for model in (name, f"gbvs+{name}"):
        recipe.write_text(f"task: {{model: '{model}'}}\n")
        with pytest.raises(PluginError, match=r"recipe.yaml: task names code"):
            compose("saliency_editing", [recipe])
    recipe.write_text(f"task: {{options: {{deep: [{{function: '{name}'}}]}}}}\n")
    with pytest.raises(PluginError, match=r"recipe.yaml: task names code"):
        compose("saliency_editing", [recipe])
    assert compose("saliency_editing", [recipe], trust=Trust(everything=True))
    assert compose("saliency_editing", [recipe], [f"task.model={name}"])  # the same, named here
    plain = {"name": "saliency_editing", "task": {"critic": name}}
    with pytest.raises(PluginError, match="checkpoint: task names code"):
        from_plain(plain)
    rows = trap.parent / "rows.yaml"
    rows.write_text(json.dumps({"rows": [{"name": "a", "task": name, "recipe": "smoke"}]}))
    with pytest.raises(PluginError, match="row 'a': task names code"):
        run_benchmark(read_benchmark(rows), trap.parent / "out")
    assert not (trap.parent / "ran").exists()


def test_pickles_in_choices_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "evil.choices.npz"
    np.savez(path, about=np.array({"edits": []}, dtype=object), choices=np.zeros((1, 2, 2)))
    assert main(["edit-choices", "--choices", str(path)]) == 2


def test_a_run_of_ones_own_code_is_scored(trap: Path) -> None:
    words = tiny(trap.parent, "run.name=own")
    assert main(["fit", "--task", f"{trap.name}:Task", *words]) == 0
    resumed = ["fit", "--resume", str(trap.parent / "runs" / "own")]
    assert main(resumed) == 2
    assert main([*resumed, "--trust"]) == 0
