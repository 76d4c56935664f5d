"""Drawn text covers about a tenth, like the authors' masks, and is the same for the same seed."""

import base64
import io
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont
from torch import Generator, Tensor

from pixelrl.errors import ConfigError
from pixelrl_tasks import text
from pixelrl_tasks.text import draw_text
from strategies import seeds

FONTS = ("installed", "bundled")


def drawn(height: int, width: int, count: int, fonts: str, seed: int = 0) -> Tensor:
    """Draw ``count`` masks, one after another, ``(count,1,height,width)``."""
    rng = Generator().manual_seed(seed)
    return torch.stack([draw_text(height, width, rng, fonts=fonts) for _ in range(count)])


def listed(seed: int) -> list[float]:
    return draw_text(70, 70, Generator().manual_seed(seed)).flatten().tolist()


@given(
    seeds,
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([0.0, 10.0, 45.0, 180.0]),
    st.sampled_from(FONTS),
)
def test_a_mask_has_its_shape_and_range_and_repeats(
    seed: int, height: int, width: int, rotation: float, fonts: str
) -> None:
    first, second = (
        draw_text(height, width, Generator().manual_seed(seed), rotation=rotation, fonts=fonts)
        for _ in range(2)
    )
    assert first.shape == (1, height, width)
    assert first.dtype == torch.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert torch.equal(first, second)


def test_it_draws_from_the_given_generator_alone() -> None:
    before = torch.get_rng_state()
    rng = Generator().manual_seed(0)
    first, second = (draw_text(90, 90, rng, fonts="bundled") for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_photographs_are_covered_like_the_authors() -> None:
    covered = drawn(321, 481, 60, "bundled").mean((1, 2, 3))
    assert 0.08 < covered.mean() < 0.125
    assert covered.quantile(0.05) > 0.02
    assert covered.quantile(0.95) < 0.23
    assert covered.std() > 0.02


def test_crops_are_cut_out_of_such_text() -> None:
    covered = drawn(70, 70, 400, "bundled").mean((1, 2, 3))
    assert 0.08 < covered.mean() < 0.125
    assert 0.02 < (covered < 0.005).float().mean() < 0.2
    assert covered.max() < 0.45


def test_text_reaches_every_part_of_a_crop() -> None:
    everywhere = drawn(70, 70, 400, "bundled").mean((0, 1))
    parts = everywhere.unfold(0, 14, 14).unfold(1, 14, 14).mean((2, 3))
    assert parts.min() > 0.7 * parts.mean()
    assert parts.max() < 1.3 * parts.mean()


def test_larger_images_than_a_page_are_covered_to_their_end() -> None:
    masks = drawn(700, 1400, 12, "bundled")
    assert 0.04 < masks.mean() < 0.15
    assert masks[..., -200:].mean() > 0.005
    assert masks[..., -200:, :].mean() > 0.03


def test_size_sets_the_height_of_letters() -> None:
    small, large = (
        torch.stack(
            [
                draw_text(
                    *(300, 300, Generator().manual_seed(n)),
                    sizes=(size, size),
                    rotation=0,
                    fonts="bundled",
                )
                for n in range(12)
            ]
        )
        for size in (10, 30)
    )
    # A row between lines is empty; the fewer and higher the lines, the fewer changes.
    edges = [int((m.amax(3) > 0.5).int().diff(dim=2).abs().sum()) for m in (small, large)]
    assert edges[0] > 1.5 * edges[1]


def test_half_of_the_texts_are_upright_and_crisp_letters_have_no_gray() -> None:
    masks = drawn(70, 70, 400, "bundled")
    shown = masks[masks.sum((1, 2, 3)) > 0]
    gray = ((shown > 0) & (shown < 1)).flatten(1).any(1).float().mean()
    assert 0.5 < gray < 0.95


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forking here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_workers_draw_the_same() -> None:
    here = [listed(seed) for seed in range(6)]  # fonts are open when workers begin
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        assert list(pool.map(listed, range(6))) == here


def test_a_folder_of_fonts_is_used_alone(tmp_path: Path) -> None:
    own = ImageFont.load_default(12)
    source = own.path
    if isinstance(source, io.BytesIO):
        (tmp_path / "one.ttf").write_bytes(source.getvalue())
    else:
        shutil.copy(source, tmp_path / "one.ttf")
    (tmp_path / "broken.ttf").write_bytes(base64.b64decode("AAAA"))
    assert len(text._families(str(tmp_path))) == 1
    assert torch.equal(
        draw_text(70, 70, Generator().manual_seed(1), fonts=str(tmp_path)),
        draw_text(70, 70, Generator().manual_seed(1), fonts="bundled"),
    )


@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_a_folder_without_fonts_is_named_in_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=f"^task.fonts: no usable .*{folder}") as caught:
        draw_text(8, 8, Generator().manual_seed(0), fonts=str(tmp_path / folder))
    assert "\n" not in str(caught.value)


def test_without_installed_fonts_pillows_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "FOLDERS", ("/nowhere",))
    text._families.cache_clear()
    try:
        assert text._families("installed") == text._families("bundled")
    finally:
        text._families.cache_clear()


def test_half_of_the_prose_has_the_signs_of_mail_and_prices() -> None:
    prose = text._prose()
    plain, signed = prose[: 2 * len(prose) // 5], prose[3 * len(prose) // 5 :]
    assert not set("@<>#=%{}|~^_$\u00a9\\/[]*&+0123456789") & set(plain)
    assert set("@<>#=%{}|~^_$\u00a9\\/[]*&+0123456789") <= set(signed)
    assert " >> " in signed


def test_prose_goes_round_and_is_cut_between_words() -> None:
    words = set(text._prose().split())
    length = len(text._prose())
    for begin in (0, 100, length - 50, length - 1, 3 * length + 7):
        cut = text._cut(begin, begin + 90)
        assert set(cut.split()) <= words
        assert 60 < len(cut) < 120
    assert len(text._cut(5, 3 * length)) > 2 * length


def test_turning_is_lossless_in_size() -> None:
    # A quarter turn of a long image shows the page across; nothing may be missing at its ends.
    masks = torch.stack(
        [
            draw_text(40, 300, Generator().manual_seed(n), rotation=90, fonts="bundled")
            for n in range(60)
        ]
    )
    assert masks[..., :20].mean() > 0.03
    assert masks[..., -20:].mean() > 0.03
