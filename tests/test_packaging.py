"""What is said of a version in several files agrees, and what an installation needs is packed."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import yaml

import pixelrl

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_the_same_wherever_it_stands() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    told = {PROJECT["project"]["version"], str(cited["version"]), pixelrl.__version__}
    assert len(told) == 1


def test_the_citation_has_what_citations_need() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "license"} <= cited.keys()
    for reference in cited["references"]:
        assert {"type", "title", "authors", "year"} <= reference.keys()


def test_every_extra_and_dependency_is_in_the_tested_set() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text("utf-8").split()
    }
    project = PROJECT["project"]
    listed = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", each)[0]).lower() for each in listed}
    assert names - pinned <= {"requests"}  # every version will do


def test_the_pythons_that_are_named_begin_with_the_oldest_that_is_required() -> None:
    named = [
        match[1]
        for line in PROJECT["project"]["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    ]
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"
    assert named == sorted(named, key=lambda version: int(version.partition(".")[2]))
