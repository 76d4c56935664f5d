from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixelrl.config.compose import load_task_class
from pixelrl.config.describing import describe_settings, read_about, read_attributes, tell_type
from pixelrl.discovery import TASKS, list_installed
from pixelrl.ranges import Range, number
from pixelrl.settings import SECTIONS

SHIPPED = [
    point.name for point in list_installed(TASKS) if point.module.startswith("pixelrl_tasks")
]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_setting_of_a_shipped_task_is_explained(name: str) -> None:
    told = describe_settings("task", load_task_class(name))
    assert [each.key for each in told if not each.about] == []


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_of_a_section_is_explained(section: str) -> None:
    told = describe_settings(section, SECTIONS[section])
    assert [each.key for each in told if not each.about] == []


@dataclass(frozen=True)
class Parent:
    """Stand above.

    Attributes:
        size: of the window,
            in ``pixels``.
    """

    size: int = number(5, Range(1, 9, "1 to 9"))


@dataclass(frozen=True)
class Child(Parent):
    """Stand below.

    More of it,
    in two lines.

    Attributes:
        where: the file: any.

    Raises:
        ConfigError: never.
    """

    size: int = 7
    where: Path | None = None
    names: dict[str, float] = field(default_factory=lambda: {"a": 1.0})
    unsaid: bool = True


def test_a_child_keeps_what_its_parent_says() -> None:
    size, where, names, unsaid = describe_settings("task", Child)
    assert size == ("task.size", "int", "1 to 9", "7", "of the window, in pixels.")
    assert where == ("task.where", "Path | null", "", "null", "the file: any.")
    assert names == ("task.names", "dict[str, float]", "", "{a: 1.0}", "")
    assert unsaid == ("task.unsaid", "bool", "", "true", "")


def test_what_is_said_of_a_class_ends_at_its_first_section() -> None:
    assert read_about(Child) == ["Stand below.", "More of it, in two lines."]
    assert read_attributes(Child) == {
        "size": "of the window, in pixels.",
        "where": "the file: any.",
    }


def test_a_class_without_docstring_is_told_without_words() -> None:
    assert read_about(type("Bare", (), {})) == []
    assert tell_type(int | str) == "int | str"
