"""Tables that know which of their columns name what the others measure, and means over their rows.

A mean is one of finite numbers and says what it leaves out: the PSNR of equal images is infinite,
and a score may be missing where an image is too small for it.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from pixelrl.declaration import INPUT, Score
from pixelrl.files import whole_file

Cell = str | int | float | None
"""What stands in a column; None where there is nothing."""
Row = Mapping[str, Cell]
"""Cells by column."""


@dataclass(frozen=True)
class Table:
    """Hold rows, some of whose columns tell what a row is about.

    Attributes:
        keys: these columns, such as ``image``; all others hold numbers.
        rows: in order. One may lack a column that another has.
        declared: what is declared of the numbers, by column.
    """

    keys: tuple[str, ...]
    rows: Sequence[Row] = ()
    declared: Mapping[str, Score] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """All columns, in the order in which they first appear."""
        return list(dict.fromkeys(name for row in self.rows for name in row)) or list(self.keys)

    @property
    def measured(self) -> list[str]:
        """The columns of numbers."""
        return [name for name in self.columns if name not in self.keys]

    @property
    def shown(self) -> list[str]:
        """The columns without those of an input that scores zero everywhere: they tell nothing."""
        return [
            name
            for name in self.columns
            if not name.startswith(INPUT) or {row.get(name) for row in self.rows} - {None} != {0}
        ]


class Mean(NamedTuple):
    """Hold a mean and what it is one of.

    Attributes:
        value: the mean of the finite numbers; None if there are none.
        finite: how many there are.
        infinite: how many are infinite.
        missing: how many are NaN or absent.
    """

    value: float | None
    finite: int
    infinite: int
    missing: int

    @property
    def left_out(self) -> dict[str, int]:
        """The counts of what is left out, without zeros."""
        counts = {"infinite": self.infinite, "missing": self.missing}
        return {what: count for what, count in counts.items() if count}

    @property
    def note(self) -> str:
        """What is left out, in words, such as ``mean of 2 of 3, 1 infinite``; empty for nothing."""
        if not self.left_out:
            return ""
        told = [f"{count} {what}" for what, count in self.left_out.items()]
        total = self.finite + self.infinite + self.missing
        return ", ".join([f"mean of {self.finite} of {total}", *told])


def average(cells: Iterable[Cell]) -> Mean:
    """Average the finite numbers among some cells.

    Example:
        >>> average([1.0, 3.0, math.inf, None])
        Mean(value=2.0, finite=2, infinite=1, missing=1)
    """
    numbers = [math.nan if cell is None else float(cell) for cell in cells]
    finite = [number for number in numbers if math.isfinite(number)]
    infinite = sum(map(math.isinf, numbers))
    value = math.fsum(finite) / len(finite) if finite else None
    return Mean(value, len(finite), infinite, len(numbers) - len(finite) - infinite)


def means(table: Table) -> dict[str, Mean]:
    """Average every column of numbers."""
    return {name: average(row.get(name) for row in table.rows) for name in table.measured}


def mean_values(found: Mapping[str, Mean]) -> dict[str, float | None]:
    """Take the bare values of means."""
    return {name: mean.value for name, mean in found.items()}


def list_notes(found: Mapping[str, Mean], where: str = "") -> list[str]:
    """Say of which columns something is left out, a line each; ``where`` stands in front."""
    begin = f"{where}, " if where else ""
    return [f"{begin}{name}: {mean.note}" for name, mean in found.items() if mean.note]


def group_rows(table: Table, key: str) -> dict[Cell, Table]:
    """Part a table by the values of a column, in the order in which they first appear."""
    groups: dict[Cell, list[Row]] = {}
    for row in table.rows:
        groups.setdefault(row[key], []).append(row)
    return {value: replace(table, rows=rows) for value, rows in groups.items()}


def write_csv(path: Path, table: Table) -> None:
    """Write a table as CSV, whole or not at all."""
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table.columns)
        writer.writeheader()
        writer.writerows(table.rows)
