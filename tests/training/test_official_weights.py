"""Published weights go where they belong, or nowhere, with a sentence that says why."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from caffe import model
from pixelrl.errors import CheckpointError
from pixelrl.rl.network import PolicyValueNet
from pixelrl.rl.returns import RewardMapConv
from pixelrl.scores import psnr
from pixelrl.training.official_weights import Loaded, load_official_weights
from toys import golden

Arrays = dict[str, np.ndarray]
WIDTH, ACTIONS = 4, 3
FRESH_GRU = tuple(f"memory.over_{name}.weight" for name in ("input", "memory", "reset"))
HEAD = ("policy_head.weight", "policy_head.bias")


def filled(shapes: dict[str, tuple[int, ...]]) -> Arrays:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def convolutions(layers: dict[str, tuple[int, int]]) -> Arrays:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (outputs, inputs) in layers.items():
        shapes[f"{name}/W"], shapes[f"{name}/b"] = (outputs, inputs, 3, 3), (outputs,)
    return filled(shapes)


def trunk(channels: int) -> dict[str, tuple[int, int]]:
    dilated = {f"diconv{number}/diconv": (WIDTH, WIDTH) for number in (2, 3, 4)}
    return {"conv1": (WIDTH, channels), **dilated}


def official(*, gru: bool = True, rmc: int = 0, channels: int = 1) -> Arrays:
    """Make up an official file of a narrow network."""
    bodies = {
        f"diconv{n}_{branch}/diconv": (WIDTH, WIDTH) for n in (5, 6) for branch in ("pi", "V")
    }
    head = {"conv8_pi/model" if gru else "conv7_pi/model": (ACTIONS, WIDTH)}
    arrays = convolutions({**trunk(channels), **bodies, "conv7_V": (1, WIDTH), **head})
    if gru:
        gates = ("Wz", "Uz", "Wr", "Ur", "W", "U")
        arrays |= filled({f"conv7_{gate}/W": (WIDTH, WIDTH, 3, 3) for gate in gates})
    return arrays | (filled({"conv_R/W": (1, 1, rmc, rmc)}) if rmc else {})


def supervised() -> Arrays:
    bodies = {f"diconv{number}/diconv": (WIDTH, WIDTH) for number in (5, 6)}
    return convolutions({**trunk(3), **bodies, "conv7": (3, WIDTH)})


def denoiser(*, width: int = WIDTH) -> dict[str, list[np.ndarray]]:
    layers = {f"layer{number}": (width, width) for number in (3, 6, 9, 12, 15)}
    arrays = convolutions({"layer1": (width, 1), **layers, "layer18": (1, width)})
    names = ["layer1", *layers, "layer18"]
    return {name: [arrays[f"{name}/W"], arrays[f"{name}/b"]] for name in names}


def network(
    *, channels: int = 1, actions: int = ACTIONS, width: int = WIDTH, memory: bool = True
) -> PolicyValueNet:
    return PolicyValueNet(channels, actions, width=width, memory=memory)


def saved(folder: Path, arrays: Arrays) -> Path:
    path = folder / "weights.npz"
    np.savez(path, **arrays)
    return path


def same(ours: torch.Tensor, theirs: np.ndarray) -> bool:
    return torch.equal(ours, torch.from_numpy(theirs))


def refuse(policy: PolicyValueNet, spread: RewardMapConv | None, path: Path) -> str:
    """Check that loading fails with one line and changes nothing; return the line."""
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    kernel = None if spread is None else spread.weight.clone()
    with pytest.raises(CheckpointError) as caught:
        load_official_weights(policy, spread, path)
    assert all(torch.equal(value, before[name]) for name, value in policy.state_dict().items())
    assert kernel is None or torch.equal(spread.weight, kernel)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


# What goes where


def test_the_full_network_is_loaded_name_by_name(tmp_path: Path) -> None:
    arrays, net, spread = official(rmc=5), network(), RewardMapConv(5)
    loaded = load_official_weights(net, spread, saved(tmp_path, arrays))
    assert loaded.left == ()
    assert set(loaded.loaded) == {*net.state_dict(), "spread.weight"}
    ours = net.state_dict()
    for name, layer in [("trunk.0", "conv1"), ("trunk.2", "diconv2/diconv")]:
        assert same(ours[f"{name}.weight"], arrays[f"{layer}/W"])
        assert same(ours[f"{name}.bias"], arrays[f"{layer}/b"])
    for name, layer in [
        ("trunk.4", "diconv3/diconv"),
        ("trunk.6", "diconv4/diconv"),
        ("policy_body.0", "diconv5_pi/diconv"),
        ("policy_body.2", "diconv6_pi/diconv"),
        ("value_body.0", "diconv5_V/diconv"),
        ("value_body.2", "diconv6_V/diconv"),
        ("value_head", "conv7_V"),
        ("policy_head", "conv8_pi/model"),
    ]:
        assert same(ours[f"{name}.weight"], arrays[f"{layer}/W"])
    for conv, gates in [("input", ("Wz", "Wr", "W")), ("memory", ("Uz", "Ur")), ("reset", ("U",))]:
        for part, gate in zip(
            ours[f"memory.over_{conv}.weight"].chunk(len(gates)), gates, strict=True
        ):
            assert same(part, arrays[f"conv7_{gate}/W"])
    assert same(spread.weight.detach(), arrays["conv_R/W"])


def test_the_plain_network_is_loaded(tmp_path: Path) -> None:
    arrays, net = official(gru=False), network(memory=False)
    loaded = load_official_weights(net, None, saved(tmp_path, arrays))
    assert loaded.left == ()
    assert same(net.policy_head.weight.detach(), arrays["conv7_pi/model/W"])


def test_a_kernel_without_place_and_a_place_without_kernel_are_left(tmp_path: Path) -> None:
    loaded = load_official_weights(network(), None, saved(tmp_path, official(rmc=33)))
    assert loaded.left == ("conv_R/W",)
    spread = RewardMapConv(9)
    loaded = load_official_weights(network(), spread, saved(tmp_path, official()))
    assert loaded.left == ("spread.weight",)
    assert spread.weight.sum() == spread.weight[0, 0, 4, 4] == 1


@pytest.mark.parametrize("memory", [True, False])
def test_the_supervised_network_starts_both_branches(tmp_path: Path, memory: bool) -> None:
    arrays, net = supervised(), network(channels=3, memory=memory)
    head = net.policy_head.weight.clone()
    loaded = load_official_weights(net, RewardMapConv(3), saved(tmp_path, arrays))
    for body in (net.policy_body, net.value_body):
        assert same(body[0].weight.detach(), arrays["diconv5/diconv/W"])
        assert same(body[2].bias.detach(), arrays["diconv6/diconv/b"])
    assert torch.equal(net.policy_head.weight, head)
    fresh = {*HEAD, "value_head.weight", "value_head.bias", "spread.weight"}
    fresh |= set(FRESH_GRU) if memory else set()
    assert set(loaded.left) == fresh | {"conv7/W", "conv7/b"}


def test_the_denoiser_starts_both_branches_and_the_value_head(tmp_path: Path) -> None:
    layers, net = denoiser(), network()
    path = tmp_path / "net.caffemodel"
    path.write_bytes(model(layers))
    loaded = load_official_weights(net, RewardMapConv(3), path)
    for body in (net.policy_body, net.value_body):
        assert same(body[0].weight.detach(), layers["layer12"][0])
        assert same(body[2].weight.detach(), layers["layer15"][0])
    for number, layer in zip((0, 2, 4, 6), ("layer1", "layer3", "layer6", "layer9"), strict=True):
        assert same(net.trunk[number].weight.detach(), layers[layer][0])
        assert same(net.trunk[number].bias.detach(), layers[layer][1])
    assert same(net.value_head.weight.detach(), layers["layer18"][0])
    assert set(loaded.left) == {*FRESH_GRU, *HEAD, "spread.weight"}


def test_layout_type_and_device_stay_ours(tmp_path: Path, device: str) -> None:
    net = network().double().to(device, memory_format=torch.channels_last)
    load_official_weights(net, None, saved(tmp_path, official()))
    weight = net.trunk[2].weight
    assert weight.dtype == torch.float64
    assert weight.device.type == device
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_result_is_told_in_a_line() -> None:
    assert str(Loaded(("a", "b"), ())) == "2 parameters"
    assert str(Loaded(("a",), ("b", "c/W"))) == "1 parameters, left: b, c/W"


# What does not fit


def test_another_width_actions_channels_or_memory_is_advised(tmp_path: Path) -> None:
    full = saved(tmp_path, official(rmc=5))
    assert refuse(network(width=8), None, full) == (
        "its network is 4 channels wide, this one 8; set network.width=4."
    )
    assert refuse(network(actions=13), None, full) == (
        "its network chooses from 3 edits, this task has 13; pass weights made for as many."
    )
    assert refuse(network(channels=3), None, full) == (
        "its network sees 1 channels, this task shows 3; pass weights made for as many."
    )
    assert refuse(network(memory=False), None, full) == (
        "its network has a ConvGRU, this one has none; set network.memory=true."
    )
    plain = saved(tmp_path, official(gru=False))
    assert refuse(network(), None, plain) == (
        "its network has no ConvGRU, this one has one; set network.memory=false."
    )


def test_another_kernel_is_advised(tmp_path: Path) -> None:
    line = refuse(network(), RewardMapConv(3), saved(tmp_path, official(rmc=5)))
    assert line == (
        "conv_R/W is (1, 1, 5, 5), spread.weight needs (1, 1, 3, 3); set learning.spread=5."
    )


@pytest.mark.parametrize("missing", ["conv1/W", "diconv5_V/diconv/b", "conv8_pi/model/W"])
def test_a_missing_layer_is_named(tmp_path: Path, missing: str) -> None:
    arrays = official()
    del arrays[missing]
    assert f"{missing} missing" in refuse(network(), None, saved(tmp_path, arrays))


def test_a_missing_gate_is_named(tmp_path: Path) -> None:
    arrays = official()
    del arrays["conv7_Uz/W"]
    assert "conv7_Uz/W missing" in refuse(network(), None, saved(tmp_path, arrays))


@pytest.mark.parametrize("arrays", [official(), official(gru=False), supervised()])
def test_an_unknown_layer_is_named(tmp_path: Path, arrays: Arrays) -> None:
    path = saved(tmp_path, {**arrays, "conv9/W": np.zeros(1, np.float32)})
    for memory in (True, False):
        assert "conv9/W not known" in refuse(network(memory=memory), None, path)


def test_a_file_of_something_else_is_no_published_network(tmp_path: Path) -> None:
    line = refuse(network(), None, saved(tmp_path, {"images": np.zeros(3)}))
    assert line.startswith("no published network: conv1/W, conv1/b, conv7_V/W, … missing;")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("diconv3/diconv/W", np.zeros((WIDTH, WIDTH, 5, 5), np.float32)),
        ("diconv3/diconv/b", np.zeros((), np.float32)),
        ("conv7_V/W", np.full((1, WIDTH, 3, 3), np.nan, np.float32)),
        ("conv7_V/b", np.zeros(1, np.int64)),
        ("conv7_V/b", np.array(["x"])),
        ("conv1/W", np.zeros((), np.float32)),
        ("conv_R/W", np.zeros((), np.float32)),
    ],
)
def test_another_shape_or_no_numbers_is_refused(
    tmp_path: Path, name: str, array: np.ndarray
) -> None:
    path = saved(tmp_path, {**official(rmc=3), name: array})
    refuse(network(), RewardMapConv(3), path)


def test_the_last_array_to_be_wrong_leaves_all_untouched(tmp_path: Path) -> None:
    arrays = official(rmc=3)
    arrays["conv_R/W"][:] = np.inf
    refuse(network(), RewardMapConv(3), saved(tmp_path, arrays))


def test_a_denoiser_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(model(denoiser(width=8)))
    assert "set network.width=8" in refuse(network(), None, path)
    path.write_bytes(model(denoiser()))
    assert "sees 1 channels" in refuse(network(channels=3), None, path)
    layers = denoiser()
    del layers["layer15"]
    path.write_bytes(model(layers))
    assert "layer15/W, layer15/b missing" in refuse(network(), None, path)
    layers = {**denoiser(), "layer99": [np.zeros(1)]}
    path.write_bytes(model(layers))
    assert "layer99/W not known" in refuse(network(), None, path)


# Files that are none


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("none.npz", "none.caffemodel"):
        assert "no such file" in refuse(network(), None, tmp_path / name)
    assert "no such file" in refuse(network(), None, tmp_path)


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("something in the file was executed",))

    path = saved(tmp_path, {**official(), "conv7_V/b": np.array([Trap()], object)})
    assert "no .npz of weights" in refuse(network(), None, path)
    np.save(tmp_path / "lone.npy", np.zeros(3))
    lone = (tmp_path / "lone.npy").rename(tmp_path / "lone.npz")
    assert "no .npz of weights" in refuse(network(), None, lone)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return saved(tmp_path_factory.mktemp("sound"), official(rmc=3)).read_bytes()


@given(data=st.data())
def test_a_damaged_file_is_loaded_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory, sound: bytes, data: st.DataObject
) -> None:
    broken = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(sound) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "broken.npz"
    for length in (len(broken), data.draw(st.integers(0, len(broken)))):
        path.write_bytes(broken[:length])
        try:
            told = str(load_official_weights(network(), RewardMapConv(3), path))
        except CheckpointError as error:
            told = str(error)
        assert "\n" not in told


# The published files


@pytest.mark.parametrize(
    ("name", "channels", "memory", "left"),
    [
        ("fcn_gaussian25.npz", 1, False, {"spread.weight"}),
        ("gru_gaussian15.npz", 1, True, {"spread.weight"}),
        ("gru_gaussian25.npz", 1, True, {"spread.weight"}),
        ("gru_saltpepper50.npz", 1, True, {"spread.weight"}),
        ("rmc_gaussian15.npz", 1, True, set()),
        ("rmc_gaussian25.npz", 1, True, set()),
        (
            "color_fcn_supervised.npz",
            3,
            True,
            {
                *FRESH_GRU,
                *HEAD,
                *("value_head.weight", "value_head.bias", "spread.weight", "conv7/W", "conv7/b"),
            },
        ),
        ("ircnn_gaussian25.caffemodel", 1, True, {*FRESH_GRU, *HEAD, "spread.weight"}),
    ],
)
def test_every_published_file_is_loaded(
    weights: Path,
    name: str,
    channels: int,
    memory: bool,
    left: set[str],
) -> None:
    net, spread = PolicyValueNet(channels, 9, memory=memory), RewardMapConv(33)
    loaded = load_official_weights(net, spread, weights / name)
    assert set(loaded.left) == left
    everything = {*net.state_dict(), "spread.weight"}
    assert set(loaded.loaded) == everything - left


def test_the_published_kernel_is_negative_in_its_middle(weights: Path) -> None:
    for sigma, center, total in [(15, -0.55, -1.24), (25, -0.68, -1.57)]:
        spread = RewardMapConv(33)
        load_official_weights(network_64(), spread, weights / f"rmc_gaussian{sigma}.npz")
        assert spread.weight[0, 0, 16, 16].item() == pytest.approx(center, abs=0.006)
        assert spread.weight.sum().item() == pytest.approx(total, abs=0.006)


def test_as_a_value_the_denoiser_answers_the_noise(weights: Path, golden_files: Path) -> None:
    net = network_64()
    load_official_weights(net, None, weights / "ircnn_gaussian25.caffemodel")
    wanted = golden(golden_files / "rmc_s25_i20.npz")
    clean = torch.from_numpy(wanted["clean"].astype(np.float32) / 255)[None, None]
    noisy = clean + torch.from_numpy(wanted["noise"])
    with torch.inference_mode():
        noise = net.value(noisy)
    meta = json.loads(str(wanted["meta"]))
    assert psnr(noisy - noise, clean).item() > meta["psnr"][-1] > psnr(noisy, clean).item()


def network_64() -> PolicyValueNet:
    return PolicyValueNet(1, 9)
