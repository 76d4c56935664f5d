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
    average: Row = {"image": f"mean of {len(rows)}", **means(rows)}
    *lines, last = align_columns([*rows, average]).split("\n")
    return "\n".join([*lines, lines[1], last])


def align_columns(rows: Sequence[Row]) -> str:
    """Lay out rows in columns, those of the first row, under a heading and a rule."""
    columns = list(rows[0])
    cells = [columns] + [[cell(row.get(name, "")) for name in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    laid = [
        "  ".join(
            text.ljust(width) if index == 0 else text.rjust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    return "\n".join([laid[0], "-" * len(laid[0]), *laid[1:]])


def markdown(rows: Sequence[Row]) -> str:
    """Lay out rows as a Markdown table: the first column at the left, the others at the right."""
    columns = list(rows[0])
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1)]
    lines += [[cell(row.get(name, "")).replace("|", "\\|") for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: str | float) -> str:
    """Write a number with about four digits, and words as they are."""
    return value if isinstance(value, str) else f"{value:.4f}" if abs(value) < 2 else f"{value:.3f}"
