"""Agents of seconds' training, exported once for all tests."""

import json
from pathlib import Path

import pytest

from pixelrl.cli.main import main
from pixelrl.export.card import KEY
from skips import need


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export three steps of a tiny policy, and each alone; give the file of the whole."""
    onnx = need("onnx")
    need("onnxscript")
    need("onnxruntime")
    out = tmp_path_factory.mktemp("exported") / "agent.onnx"
    assert main(["export", str(checkpoint), "--out", str(out), "--step", "task.length=3"]) == 0
    (card,) = (each.value for each in onnx.load(out).metadata_props if each.key == KEY)
    told = {**json.loads(card), "limits": "none to speak of"}
    out.with_suffix(".json").write_text(json.dumps(told), "utf-8")
    return out
