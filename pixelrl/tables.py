"""Tables of scores: a row per image, and their means."""

import csv
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, str | float]
"""An image's name and its scores."""


def means(rows: Sequence[Row]) -> dict[str, float]:
    """Average every number over the images."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)] if rows else []
    return {name: sum(float(row[name]) for row in rows) / len(rows) for name in names}


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a table as CSV, its columns those of the first row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["image"])
        writer.writeheader()
        writer.writerows(rows)


def as_text(rows: Sequence[Row]) -> str:
    """Lay out scores: a line per image, and their means."""
    columns = list(rows[0])
    average: Row = {"image": f"mean of {len(rows)}", **means(rows)}
    lines = [*rows, average]
    cells = [columns] + [[_cell(line.get(name, "")) for name in columns] for line in lines]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    laid = [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    rule = "-" * len(laid[0])
    return "\n".join([laid[0], rule, *laid[1:-1], rule, laid[-1]])


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4f}" if abs(value) < 2 else f"{value:.3f}"
