"""Plugins are found by name, loaded only when asked for, and disturb nobody otherwise."""

import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

from pixelrl.discovery import find, list_installed, load, name_owner, read_summary
from pixelrl.errors import PluginError, nearest

GROUP = "pixelrl.testing_ground"

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install made-up distributions: a folder each, with metadata and modules."""
    modules = set(sys.modules)

    def make(name: str, version: str, entries: str, **sources: str) -> Path:
        root = tmp_path / name
        info = root / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata, "utf-8")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n", "utf-8")
        for module, source in sources.items():
            (root / f"{module}.py").write_text(source, "utf-8")
        monkeypatch.syspath_prepend(str(root))
        invalidate_caches()
        return root

    yield make
    for module in set(sys.modules) - modules:
        if module.startswith("fake_"):
            del sys.modules[module]


def test_nothing_is_installed_until_something_is() -> None:
    assert list_installed(GROUP) == ()
    with pytest.raises(PluginError, match=r"nothing named 'x' in .*Installed: none\."):
        load(GROUP, "x")


def test_a_plugin_is_found_by_name_and_loaded(install: Install) -> None:
    install("fake-one", "1.2", "alpha = fake_one:Alpha", fake_one="class Alpha:\n    '''Hi.'''")
    (point,) = list_installed(GROUP)
    assert (point.name, name_owner(point)) == ("alpha", "fake-one 1.2")
    assert "fake_one" not in sys.modules
    assert read_summary(point) == "Hi."
    assert "fake_one" not in sys.modules
    assert load(GROUP, "alpha").__name__ == "Alpha"


def test_names_are_sorted(install: Install) -> None:
    install("fake-two", "1", "b = fake_two:B\na = fake_two:A\nc = fake_two:C")
    assert [point.name for point in list_installed(GROUP)] == ["a", "b", "c"]


def test_a_mistyped_name_is_answered_with_the_nearest(install: Install) -> None:
    install("fake-three", "1", "denoising = fake_three:D\nsepia = fake_three:S")
    with pytest.raises(PluginError) as caught:
        load(GROUP, "denoisng")
    assert str(caught.value).startswith(
        f"nothing named 'denoisng' in {GROUP}. Did you mean 'denoising'?"
        " Installed: denoising, sepia."
    )
    assert nearest("zzz", ["denoising"]) == ""


def test_a_clash_names_both_owners_and_only_when_asked_for(install: Install) -> None:
    install("fake-four", "0.1.0", "sepia = fake_four:S\nown = fake_four:S", fake_four="S = 1")
    install("fake-five", "0.2.0", "sepia = fake_five:S", fake_five="S = 2")
    assert load(GROUP, "own") == 1
    with pytest.raises(PluginError) as caught:
        find(GROUP, "sepia")
    assert "offered by fake-five 0.2.0 and by fake-four 0.1.0; uninstall one" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("1 / 0", "ZeroDivisionError"),
        ("class Other: ...", "AttributeError"),
        ("def", "SyntaxError"),
    ],
)
def test_a_broken_plugin_raises_only_when_asked_for(
    install: Install, source: str, told: str
) -> None:
    install("fake-sound", "1", "sound = fake_sound:S", fake_sound="S = 1")
    install("fake-broken", "3", "broken = fake_broken:B", fake_broken=source)
    assert len(list_installed(GROUP)) == 2
    assert load(GROUP, "sound") == 1
    with pytest.raises(PluginError, match="offered by fake-broken 3, fails to import") as caught:
        load(GROUP, "broken")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_summary_never_raises(install: Install) -> None:
    install("fake-sum", "1", "a = fake_sum:A\nb = fake_gone:B", fake_sum="def")
    assert [read_summary(point) for point in list_installed(GROUP)] == 2 * ["(cannot be read)"]


def test_code_not_packaged_is_named_by_module_and_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fake_local.py").write_text("class Local: ...", "utf-8")
    (tmp_path / "fake_bad.py").write_text("raise OSError('gone')", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    invalidate_caches()
    assert load(GROUP, "fake_local:Local").__name__ == "Local"
    with pytest.raises(PluginError, match=r"has no 'Locl'\. Did you mean 'Local'\?"):
        load(GROUP, "fake_local:Locl")
    with pytest.raises(PluginError, match="'fake_bad' fails to import: OSError: gone"):
        load(GROUP, "fake_bad:X")
    with pytest.raises(PluginError, match="'fake_nowhere' fails to import"):
        load(GROUP, "fake_nowhere:X")
    del sys.modules["fake_local"]
