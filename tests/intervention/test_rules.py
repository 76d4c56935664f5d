"""Rules bend what the agents choose: never more, never elsewhere, never to nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from photos import write_photos
from pixelrl.actions import ActionSet, shift
from pixelrl.cli.main import main
from pixelrl.errors import ConfigError, DataError, MapError
from pixelrl.images.files import read_image, write_image
from pixelrl.intervention.regions import (
    OPEN,
    Region,
    read_region,
    read_steps,
    region_of,
    write_steps,
)
from pixelrl.intervention.rules import Rule, compile_rules, find_noop, keep_outside, stop_after
from pixelrl.intervention.syntax import read_rule, read_rules, write_rule
from pixelrl.records.file import load_choices
from pixelrl.rl.rollout import choose_greedy, sample
from pixelrl.rl.trace import Edited
from pixelrl.settings import Learning
from pixelrl.training.module import PixelA3C
from strategies import filled, seeds
from toys import Published, Toy, toy_net

ACTIONS = Toy().actions
NAMES = ACTIONS.names
LENGTH = 3


def region(seed: int, size: tuple[int, int]) -> Region:
    """Draw a blot of a region, of one pixel at least."""
    inside = filled(size, seed) > 0.6
    inside[seed % size[0], seed % size[1]] = True
    return Region(inside, f"mask-{seed}")


@st.composite
def rules(draw: st.DrawFn, size: tuple[int, int]) -> Rule:
    kind = draw(st.sampled_from(["forbid", "only", "prefer"]))
    edits = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)))
    where = draw(st.none() | seeds.map(lambda seed: region(seed, size)))
    first = draw(st.integers(0, LENGTH - 1))
    last = draw(st.integers(first + 1, LENGTH) | st.just(OPEN))
    steps = draw(st.sampled_from([None, range(first, last)]))
    bias = draw(st.floats(-8, 8)) if kind == "prefer" else 0.0
    return Rule(kind, edits, where, steps, bias)


def holds(rule: Rule, step: int, y: int, x: int) -> bool:
    there = rule.region is None or bool(rule.region.inside[y, x])
    return there and (rule.steps is None or step in rule.steps)


def left(found: list[Rule], step: int, y: int, x: int) -> set[str]:
    """List the edits a pixel may use: the rules read one by one, as a person would."""
    names = set(NAMES)
    for rule in found:
        if holds(rule, step, y, x):
            names -= set(rule.edits) if rule.kind == "forbid" else set()
            names &= set(rule.edits) if rule.kind == "only" else names
    return names


# Laws of the bend


@settings(max_examples=15)
@given(st.lists(rules((4, 5)), max_size=4), seeds)
def test_an_intervention_does_what_the_rules_say_at_every_pixel(
    found: list[Rule], seed: int
) -> None:
    pixels = [(s, y, x) for s in range(LENGTH) for y in range(4) for x in range(5)]
    if any(not left(found, *pixel) for pixel in pixels):
        with pytest.raises(ConfigError, match="no edit is left"):
            compile_rules(found, NAMES, LENGTH)
        return
    logits = filled((2, 5, 4, 5), seed, low=-3, high=3)
    bend = compile_rules(found, NAMES, LENGTH)
    for step, y, x in pixels:
        may = left(found, step, y, x)
        for number, name in enumerate(NAMES):
            wanted = [r for r in found if r.kind == "prefer" and holds(r, step, y, x)]
            bias = sum(rule.bias for rule in wanted if name in rule.edits)
            bent = bend(logits, step)[:, number, y, x]
            expected = logits[:, number, y, x] + bias if name in may else torch.tensor(-torch.inf)
            torch.testing.assert_close(bent, expected.expand(2), rtol=0, atol=1e-5)


@given(st.lists(rules((4, 5)), max_size=3), seeds)
def test_no_logit_changes_where_no_rule_holds(found: list[Rule], seed: int) -> None:
    try:
        bend = compile_rules(found, NAMES, LENGTH)
    except ConfigError:
        assume(False)
    logits = filled((1, 5, 4, 5), seed, low=-3, high=3)
    for step in range(LENGTH):
        free = torch.tensor(
            [[not any(holds(r, step, y, x) for r in found) for x in range(5)] for y in range(4)]
        )
        assert torch.equal(bend(logits, step)[..., free], logits[..., free])


@given(seeds)
def test_what_is_forbidden_is_not_drawn_either(seed: int) -> None:
    there = region(seed, (9, 9))
    bend = compile_rules([Rule("forbid", ("plus", "box"), there)], NAMES, LENGTH)
    logits = filled((1, 5, 9, 9), seed, low=-3, high=3)
    logits[:, 2] += 50  # the forbidden edit is what the agents would choose
    for choice in (choose_greedy(bend(logits, 0)), sample(bend(logits, 0))):
        assert not (torch.isin(choice[0], torch.tensor([2, 3])) & there.inside).any()
        assert (choose_greedy(logits) == 2).all()


@example(0)
@given(st.integers(0, LENGTH))
def test_after_stop_the_picture_stays_as_it_is(count: int) -> None:
    rule = stop_after(count, ACTIONS, LENGTH)
    bend = compile_rules([rule] if rule else [], NAMES, LENGTH)
    logits = filled((1, 5, 3, 3), count)
    for step in range(LENGTH):
        kept = (choose_greedy(bend(logits, step)) == NAMES.index("keep")).all()
        assert kept if step >= count else torch.equal(bend(logits, step), logits)


# Laws of whole episodes


def edited(found: list[Rule], image: Tensor, *, tile: int = 0, remembers: bool = True) -> Edited:
    task = Published(length=2)
    net = toy_net(task, width=3, memory=remembers, scale=3)
    module = PixelA3C(task, net, Learning(spread=0), tile=tile)
    bend = compile_rules(found, task.actions.names, 2) if found else None
    return module.edit({"image": image}, intervention=bend)


@pytest.mark.parametrize("remembers", [True, False])
@settings(max_examples=8)
@given(st.sampled_from(["forbid", "only", "prefer"]), st.integers(0, 8), seeds)
def test_a_rule_in_a_region_reaches_no_farther_than_the_agents_see(
    remembers: bool, kind: str, number: int, seed: int
) -> None:
    names = Published().actions.names
    image = filled((1, 1, 70, 110), seed)
    inside = torch.zeros(70, 110, dtype=torch.bool)
    inside[20:40, 10:24] = True
    free = edited([], image, remembers=remembers)
    if kind == "forbid":  # one that is really used there
        number = int(free.choices[0, 0][inside].mode().values)
    rule = Rule(kind, (names[number],), Region(inside, "mask"), bias=9.0)
    bent = edited([rule], image, remembers=remembers)
    used = bent.choices[:, 0, inside]
    assert kind == "prefer" or (used == number).all() == (kind == "only")
    assert kind != "forbid" or not (used == number).any()
    assert not torch.equal(bent.choices, free.choices) or kind == "prefer"
    reach = 2 * ((18 if remembers else 16) + 2)  # steps x (the network's reach + the edits')
    far = torch.ones(70, 110, dtype=torch.bool)
    far[max(20 - reach, 0) : 40 + reach, max(10 - reach, 0) : 24 + reach] = False
    assert far.any()
    assert torch.equal(bent.image[..., far], free.image[..., far])
    assert torch.equal(bent.choices[..., far], free.choices[..., far])


@given(seeds, st.integers(20, 50))
@settings(max_examples=5)
def test_outside_a_mask_to_keep_nothing_changes_at_all(seed: int, tile: int) -> None:
    image = filled((1, 1, 40, 60), seed)
    there = region(seed, (40, 60))
    actions = Published().actions
    kept = edited([keep_outside(there, actions)], image, tile=tile)
    outside = ~there.inside
    assert torch.equal(kept.image[..., outside], image[..., outside])


@given(seeds)
@settings(max_examples=5)
def test_interventions_see_whole_pictures_though_they_are_edited_in_tiles(seed: int) -> None:
    names = Published().actions.names
    image, there = filled((1, 1, 45, 61), seed), region(seed, (45, 61))
    found = [Rule("forbid", names[:4], there), Rule("prefer", ("box",), there.outside(), bias=2.0)]
    whole, tiled = edited(found, image), edited(found, image, tile=24)
    assert (whole.choices == tiled.choices).float().mean() > 0.999  # float32: a tie may fall over
    for each in (whole, tiled):
        assert (each.choices[:, 0, there.inside] >= 4).all()


# Words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("masks")


@given(rules((4, 5)))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rule: Rule
) -> None:
    mask = tmp_path_factory.mktemp("masks") / "a b@c.png"
    if rule.region:
        write_image(mask, rule.region.inside.float()[None])
    option, _, text = write_rule(rule, str(mask)).removeprefix("--").partition("=")
    again = read_rule(option, text, NAMES)
    assert (again.kind, again.edits, again.steps, again.bias) == (
        *(rule.kind, rule.edits, rule.steps, rule.bias),
    )
    assert (again.region is None) == (rule.region is None)
    if rule.region and again.region:
        assert again.region.digest == rule.region.digest


@given(st.integers(0, 30), st.integers(1, 30))
def test_steps_are_counted_from_one(first: int, count: int) -> None:
    steps = range(first, first + count)
    assert read_steps(write_steps(steps)) == steps
    assert write_steps(read_steps(f"{first + 1}-")) == f"{first + 1}-"
    assert int(write_steps(steps).partition("-")[0]) == first + 1


def test_digests_tell_regions_apart() -> None:
    one, other = torch.zeros(2, 6, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.bool)
    one[0, 0] = other[0, 0] = True
    assert Region(one, "a").digest == Region(one.clone(), "b").digest
    assert Region(one, "a").digest != Region(other, "a").digest
    assert Region(one, "a").digest != Region(one, "a").outside().digest


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"forbid": ["medain"]}, "no edit 'medain'. Did you mean 'median'?"),
        ({"forbid": ["median:9"]}, "step 9: the episode has 3 steps"),
        ({"forbid": ["median:2-1"]}, "steps '2-1': expected such as 3, 2-4 or 2-"),
        ({"forbid": ["median:0"]}, "counted from 1"),
        ({"forbid": ["@nowhere.png"]}, "expected WHAT[@MASK][:STEPS]"),
        ({"forbid": ["median@nowhere.png"]}, "nowhere.png: no such file"),
        ({"forbid": [",".join(NAMES)]}, "step 1: no edit is left anywhere after 'forbid minus"),
        ({"only": ["keep"], "forbid": ["keep:2"]}, "step 2: no edit is left anywhere"),
        ({"prefer": ["median"]}, "expected EDIT=BIAS in nats"),
        ({"prefer": ["median=nan"]}, "expected a finite bias"),
        ({"stop_after": ["4"]}, "expected steps from 0 to 3"),
        ({"stop_after": ["soon"]}, "expected STEPS[@MASK]"),
        ({"stop_after": ["1:2"]}, "expected STEPS[@MASK]"),
    ],
)
def test_rules_that_cannot_be_had_are_named(written: dict[str, list[str]], told: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        compile_rules(read_rules(written, ACTIONS, LENGTH), NAMES, LENGTH)
    assert told in str(caught.value)


def test_rules_and_regions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="rule 'hate'"):
        Rule("hate", ("keep",))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no edit is named"):
        Rule("forbid", ())
    with pytest.raises(ConfigError, match="no steps in a row"):
        Rule("forbid", ("keep",), steps=range(0))
    with pytest.raises(ConfigError, match="no edit of this task is"):
        find_noop(ActionSet({"up": shift(0.1), "down": shift(-0.1)}))
    with pytest.raises(MapError, match="expected a region"):
        Region(torch.zeros(2, 2), "mask")
    with pytest.raises(DataError, match="nothing in this mask is white"):
        region_of(torch.full((2, 2), 0.49), "mask")
    one, other = (Rule("forbid", ("box",), region(1, size)) for size in ((4, 5), (5, 4)))
    with pytest.raises(DataError, match="the mask is 4x5 pixels, the picture is 5x4"):
        compile_rules([one, other], NAMES, LENGTH)


def test_a_mask_is_inside_from_half_brightness_on(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)).save(tmp_path / "mask.png")
    found = read_region(tmp_path / "mask.png")
    assert found.inside.tolist() == [[False, False, True, True]]


# The command line


def test_predict_obeys(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_photos(tmp_path / "photos", count=1)
    mask = np.zeros((48, 56), np.uint8)
    mask[10:30, 5:25] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")

    def predict(out: str, *options: str) -> int:
        words = ["--checkpoint", str(checkpoint), "--out", str(tmp_path / out)]
        return main(["predict", *words, f"data.predict.image={photos}", *options])

    assert predict("free") == 0
    free = load_choices(tmp_path / "free" / "photo0.choices.npz")
    assert free.history == ()
    used = free.edits[int(np.bincount(free.choices[0][mask > 0], minlength=9).argmax())]
    assert predict("bent", f"--forbid={used}@{tmp_path / 'mask.png'}", "--stop-after", "4") == 0
    bent = load_choices(tmp_path / "bent" / "photo0.choices.npz", with_arrays=True)
    assert not (bent.choices == bent.edits.index(used))[:, mask > 0].any()
    assert (bent.choices[4] == bent.edits.index("keep")).all()
    assert (bent.choices[0] == free.choices[0])[mask == 0].all()
    assert [entry["what"] for entry in bent.history] == [f"forbid {used}", "only keep"]
    assert bent.history[0]["digest"] == read_region(tmp_path / "mask.png").digest
    assert bent.history[1]["steps"] == "5"
    assert bent.arrays["frames"].shape == (6, 48, 56, 1)  # noting the history lost nothing

    assert predict("kept", "--keep-outside", str(tmp_path / "mask.png")) == 0
    kept, given_ = (read_image(f / "photo0.png", 1)[0] for f in (tmp_path / "kept", photos))
    assert torch.equal(kept[mask == 0], given_[mask == 0])
    assert not torch.equal(kept, given_)

    capsys.readouterr()
    other = write_photos(tmp_path / "other", count=1, size=40) / "photo0.png"
    assert predict("x", "--forbid", f"{used}@{other}") == 3
    assert "the mask is 48x40 pixels, the picture is 56x48" in capsys.readouterr().err
    assert predict("x", "--forbid", "-1@mask.png") == 2
    assert "if it begins with a dash, write --option=VALUE" in capsys.readouterr().err
