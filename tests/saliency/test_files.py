"""Models from elsewhere: functions, TorchScript and ONNX files, made in the test."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pixelrl.errors import ConfigError, MapError, PluginError
from pixelrl.saliency.files import CallableSaliency, NumpySaliency, TorchScriptSaliency
from pixelrl.saliency.frame import Frame
from pixelrl.saliency.model import Saliency
from pixelrl.testing import check_saliency
from skips import need

SIZE = (24, 36)
PLAIN = {"size": SIZE, "mean": (0, 0, 0), "std": (1, 1, 1)}


class Net(nn.Module):
    """Answer with the logarithm of a distribution, as networks of fixations do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return self.conv(image).flatten(1).log_softmax(1).view(-1, 1, *SIZE)


def bright(image: Tensor) -> Tensor:
    return image.mean(1)


def redness(picture: np.ndarray) -> np.ndarray:
    assert picture.dtype == np.uint8
    return picture[..., 0] / 255.0


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(3)
    return Net().eval()


@pytest.fixture(scope="module")
def script(net: Net, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "net.pt"
    with warnings.catch_warnings():  # that it is deprecated, which users' files do not know
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(net, torch.rand(2, 3, *SIZE)), path)
    return path


@pytest.fixture(scope="module", params=["fixed", "open"])
def onnx_file(
    net: Net, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    need("onnxruntime")
    need("onnx")
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    batch = {"image": {0: "batch"}} if request.param == "open" else None
    example = torch.rand(1, 3, *SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (example,), str(path), input_names=["image"], dynamic_axes=batch, dynamo=False
        )
    return path


def density(net: Net, image: Tensor) -> Tensor:
    with torch.no_grad():
        answer = net(image)[:, 0].exp()
    return answer / answer.amax((1, 2), keepdim=True)


def test_a_script_answers_what_its_network_does(net: Net, script: Path) -> None:
    image = torch.rand(3, 3, *SIZE)
    model = TorchScriptSaliency(str(script), output="log_density", **PLAIN)
    torch.testing.assert_close(model(image), density(net, image))
    check_saliency(model)
    named = Saliency.named("torchscript", {"path": str(script), "size": list(SIZE)})
    assert (named.name, named.kind) == ("net", "fixation")


def test_an_onnx_file_answers_what_its_network_does(net: Net, onnx_file: Path) -> None:
    from pixelrl.saliency.files import OnnxSaliency

    image = torch.rand(3, 3, *SIZE)
    model = OnnxSaliency(str(onnx_file), output="log_density", **PLAIN)
    torch.testing.assert_close(model(image), density(net, image), rtol=1e-4, atol=1e-5)
    check_saliency(model)
    assert Saliency.named("onnx", {"path": str(onnx_file), "size": list(SIZE)}).name == "net"


def test_functions_are_models_too() -> None:
    check_saliency(CallableSaliency(bright))
    check_saliency(NumpySaliency(redness))
    image = (torch.rand(2, 3, 8, 10) * 255).round() / 255
    torch.testing.assert_close(NumpySaliency(redness)(image), image[:, 0])
    named = Saliency.named("callable", {"function": f"{__name__}:bright", "kind": "object"})
    assert named.kind == "object"
    assert torch.equal(named(image)[:, 0], image.mean(1))


def test_opencv_wraps_in_two_lines() -> None:
    import cv2

    def laplacian(picture: np.ndarray) -> np.ndarray:
        return np.abs(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F))

    check_saliency(NumpySaliency(laplacian, kind="contrast", name="laplacian"))


def test_what_networks_answer_is_read_as_told() -> None:
    image = torch.rand(2, 3, 6, 8)
    answer = torch.randn(2, 1, 6, 8)
    given = {"size": (6, 8), "mean": (0, 0, 0), "std": (1, 1, 1)}
    asked = {
        output: Frame(output=output, **given).ask(lambda _: answer, image)  # type: ignore[arg-type]
        for output in ("map", "log_density", "logit")
    }
    torch.testing.assert_close(asked["map"], answer[:, 0].clamp(min=0))
    torch.testing.assert_close(asked["logit"], answer[:, 0].sigmoid())
    torch.testing.assert_close(
        asked["log_density"] / asked["log_density"].sum((1, 2), keepdim=True),
        answer.flatten(1).softmax(1).view(2, 6, 8),
    )


def test_the_network_sees_what_it_was_trained_on() -> None:
    seen = []

    def network(image: Tensor) -> Tensor:
        seen.append(image)
        return image[:, 0]

    frame = Frame(size=(8, 8), mean=(0.5, 0.4, 0.3), std=(0.5, 0.25, 0.125))
    frame.ask(network, torch.full((1, 3, 16, 24), 0.5))
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([0.0, 0.4, 1.6]))
    assert seen[0].shape == (1, 3, 8, 8)


def test_settings_and_files_that_cannot_be(tmp_path: Path, script: Path) -> None:
    for wrong in ({"size": (24,)}, {"std": (1, 1, 0)}, {"mean": (1, 1)}, {"output": "prob"}):
        with pytest.raises(ConfigError, match="expected"):
            Frame(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no such file"):
        TorchScriptSaliency(str(tmp_path / "net.pt"))
    other = tmp_path / "other.pt"
    other.write_bytes(b"nothing")
    with pytest.raises(PluginError, match="no TorchScript file"):
        TorchScriptSaliency(str(other))
    with pytest.raises(PluginError, match="expected one, or module:attribute"):
        CallableSaliency("math:pi")
    image = torch.rand(2, 3, 8, 8)
    with pytest.raises(MapError, match="export it so"):
        Frame(size=(8, 8)).ask(lambda x: x, image)


def test_a_wrong_onnx_file_is_named(tmp_path: Path) -> None:
    need("onnxruntime")
    other = tmp_path / "other.onnx"
    other.write_bytes(b"nothing")
    with pytest.raises(PluginError, match="no ONNX file that can be run"):
        Saliency.named("onnx", {"path": str(other)})
