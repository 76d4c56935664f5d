"""Maps are checked once, at the door, and float32 stays float32."""

import pytest
import torch
from hypothesis import given
from torch import Tensor

from pixelrl.errors import MapError
from pixelrl.maps import check_map, check_scene, exact, map_channels
from strategies import scenes


@given(scenes())
def test_an_aligned_scene_passes_as_itself(scene: dict[str, Tensor]) -> None:
    channels = scene["image"].shape[1]
    assert check_scene(scene, channels) is scene
    assert check_scene({**scene, "mask": scene["image"][:, :1]}, channels)


@given(scenes())
def test_a_map_of_another_size_is_named(scene: dict[str, Tensor]) -> None:
    broken = {**scene, "target": scene["target"][..., :-1]}
    with pytest.raises(MapError, match=r"^target: expected \(B K H W\) with B=.*, got \("):
        check_scene(broken, scene["image"].shape[1])
    broken = {**scene, "target": scene["target"].repeat(2, 1, 1, 1)}
    with pytest.raises(MapError, match=r"^target: "):
        check_scene(broken, scene["image"].shape[1])


def test_a_scene_without_image_or_with_other_channels_is_refused() -> None:
    with pytest.raises(MapError, match="expected a map named image, got target"):
        check_scene({"target": torch.zeros(1, 1, 2, 2)}, 1)
    with pytest.raises(MapError, match="got none"):
        check_scene({}, 1)
    with pytest.raises(
        MapError, match=r"^image: expected \(B C H W\) with C=3, got \(1, 1, 2, 2\)"
    ):
        check_scene({"image": torch.zeros(1, 1, 2, 2)}, 3)


def test_check_map_says_what_was_asked_and_what_was_found() -> None:
    with pytest.raises(MapError) as caught:
        check_map("reward", torch.zeros(2, 3, 24, 24), "B 1 H W", B=2, H=24, W=24)
    assert str(caught.value) == (
        "reward: expected (B 1 H W) with B=2, H=24, W=24, got (2, 3, 24, 24)."
    )
    with pytest.raises(MapError, match=r"expected \(B 1\), got \(2,\)"):
        check_map("x", torch.zeros(2), "B 1")
    with pytest.raises(MapError, match="expected float32, got float64"):
        check_map("x", torch.zeros(2, dtype=torch.float64), "B", B=2)


def test_check_map_leaves_unnamed_letters_free() -> None:
    value = torch.zeros(2, 5, 3, 4)
    assert check_map("x", value, "B K H W", H=3) is value


def test_a_mask_has_one_channel_all_else_the_tasks() -> None:
    assert map_channels("mask", 3) == 1
    assert map_channels("image", 3) == map_channels("target", 3) == 3


def test_inside_exact_autocast_is_off(device: str) -> None:
    weight, image = torch.ones(1, 1, 3, 3, device=device), torch.ones(1, 1, 4, 4, device=device)
    with torch.autocast(device, torch.bfloat16):
        assert torch.conv2d(image, weight).dtype == torch.bfloat16
        with exact(torch.device(device)):
            assert torch.conv2d(image, weight).dtype == torch.float32


def test_exact_is_no_obstacle_where_there_is_no_autocast() -> None:
    with exact(torch.device("meta")):
        assert torch.ones(1, device="meta").dtype == torch.float32
