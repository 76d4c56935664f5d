"""No two pictures ever share a target, and no target is a picture that is read."""

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelrl.errors import DataError
from pixelrl.files import check_targets
from pixelrl.images.formats import CHOICES, suffix_for
from pixelrl.images.gathering import gather_pictures
from pixelrl.images.targets import name_targets

KINDS = [".choices.npz", ".strip.png", ".gif"]

stems = st.sampled_from(
    ["a", "A", "b", "a.strip", "a.png", "a.jpg", "a.jpg-2", "é", "e\u0301", "ß", "SS"]
)
suffixes = st.sampled_from([".png", ".PNG", ".jpg", ".jpeg", ".gif", ".tif", ".heic", ".strip.png"])
folders = st.sampled_from(["", "x/", "X/", "x/y/"])
names = st.builds(lambda *parts: PurePath("".join(parts)), folders, stems, suffixes)


def keys(files: list[PurePath]) -> list[str]:
    """Name files as a file system does that knows no case; composed letters are apart here."""
    return [str(file).lower() for file in files]


@given(
    pictures=st.lists(names, max_size=12),  # a name may occur twice, from two folders
    kinds=st.lists(st.sampled_from(KINDS), unique=True),
    wanted=st.sampled_from([None, *CHOICES]),
)
def test_no_two_pictures_share_a_target(
    pictures: list[PurePath], kinds: list[str], wanted: str | None
) -> None:
    targets = name_targets(pictures, kinds, wanted)
    written = keys([file for target in targets for file in target.files])
    assert len(set(written)) == len(written) == len(pictures) * (1 + len(kinds))
    for name, target in zip(pictures, targets, strict=True):
        assert target.picture.parent == name.parent
        assert target.picture.suffix == suffix_for(name, wanted)
        assert target.picture.name.startswith(name.stem)


@given(pictures=st.lists(names, unique_by=lambda name: str(name).lower()))
def test_a_picture_that_keeps_its_format_keeps_its_name(pictures: list[PurePath]) -> None:
    composed = {str(name).replace("e\u0301", "é").replace("ß", "SS") for name in pictures}
    if len({name.lower() for name in composed}) < len(pictures):
        return
    for name, target in zip(pictures, name_targets(pictures), strict=True):
        if suffix_for(name) == name.suffix:
            assert target.picture == name


def test_an_awkward_folder() -> None:
    told = name_targets([PurePath(name) for name in ("a.jpg", "a.png", "a.strip.png")], KINDS)
    assert [target.picture.name for target in told] == ["a.jpg", "a.png", "a.strip.png"]
    assert [target.beside[".strip.png"].name for target in told] == [
        "a.jpg.strip.png",  # since a.strip.png is a picture
        "a.png.strip.png",
        "a.strip.strip.png",
    ]


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "other.png").hardlink_to(photo)
    for name in ("a.png", "link/a.png", "other.png", "sub/../a.png"):
        with pytest.raises(DataError, match=r"a\.png: would be overwritten"):
            check_targets([tmp_path / "new.png", tmp_path / name], [photo])
    check_targets([tmp_path / "b.png"], [photo, tmp_path / "missing.png"])


def test_folders_and_those_below_are_searched(tmp_path: Path) -> None:
    hidden = ["trip/.hidden.png", ".cache/c.png"]
    for name in ("b.png", "trip/a.JPG", "trip/notes.txt", "raw.xmp", "out/b.png", *hidden):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "again").symlink_to(tmp_path / "trip")
    found = gather_pictures([tmp_path, tmp_path / "b.png"], leave_out=tmp_path / "out")
    assert [each.name.as_posix() for each in found.pictures] == ["b.png", "trip/a.JPG"]
    assert dict(found.others) == {".txt": 1, ".xmp": 1, "no suffix": 1}
    assert found.repeated == 1
    with pytest.raises(DataError, match="no such file or folder"):
        gather_pictures([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in"):
        gather_pictures([tmp_path / "empty"])
