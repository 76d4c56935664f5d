from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pixelrl.discovery import load
from pixelrl.errors import ConfigError, PluginError
from pixelrl.saliency import SALIENCY, Saliency
from pixelrl.testing import check_saliency
from pixelrl_saliency_exported import Exported


class Bright(nn.Module):
    """Find brightness salient."""

    def forward(self, image: Tensor) -> Tensor:
        return image.mean(1, keepdim=True).log_softmax(-1)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "bright.pt2"
    batch = torch.export.Dim("batch")
    program = torch.export.export(
        Bright().eval(), (torch.rand(2, 3, 32, 48),), dynamic_shapes=({0: batch},)
    )
    torch.export.save(program, path)
    return path


def test_it_keeps_every_promise(file: Path) -> None:
    check_saliency(Exported(str(file), size=(32, 48), output="log_density"))


def test_it_is_found_by_its_name_and_made_from_settings(file: Path) -> None:
    assert load(SALIENCY, "exported") is Exported
    model = Saliency.named("exported", {"path": str(file), "size": [32, 48], "output": "logit"})
    assert model.name == "bright"
    image = torch.rand(2, 3, 40, 40)
    assert model(image).shape == (2, 1, 40, 40)


def test_at_its_own_size_it_answers_what_the_network_does(file: Path) -> None:
    image = torch.rand(3, 3, 32, 48)
    model = Exported(str(file), size=(32, 48), mean=(0, 0, 0), std=(1, 1, 1), output="log_density")
    wanted = Bright()(image)[:, 0].exp()
    torch.testing.assert_close(model(image), wanted / wanted.amax((1, 2), keepdim=True))


def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        Exported(str(tmp_path / "net.pt2"))
    other = tmp_path / "other.pt2"
    other.write_bytes(b"nothing")
    with pytest.raises(PluginError, match=r"torch\.export\.save"):
        Exported(str(other))
