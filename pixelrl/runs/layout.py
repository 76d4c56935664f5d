"""Tables as text: for a terminal, in blocks if it is narrow, and for pages in Markdown."""

import shutil
from collections.abc import Sequence

from pixelrl.declaration import Score, find_score
from pixelrl.runs.tables import Cell, Row, Table, group_rows, list_notes, mean_values, means

GAP = "  "
"""What stands between two columns."""
ENDLESS = 100_000
"""The width of what is no terminal, such as a file."""


def lay_out_scores(table: Table) -> str:
    """Lay out scores: a line per row, their means, and what these leave out."""
    found = means(table)
    name = f"mean of {len(table.rows)}"
    last = {**dict.fromkeys(table.keys, ""), table.keys[0]: name, **mean_values(found)}
    return "\n".join([_lay_out(table, [last]), *list_notes(found)])


def lay_out_means(table: Table, key: str) -> str:
    """Lay out the means of the rows that have the same key, and what these leave out."""
    groups = {str(value): means(group) for value, group in group_rows(table, key).items()}
    rows = [{key: value, **mean_values(found)} for value, found in groups.items()]
    notes = [note for value, found in groups.items() for note in list_notes(found, value)]
    return "\n".join([lay_out(Table((key,), rows, table.declared)), *notes])


def lay_out(table: Table) -> str:
    """Lay out a table's rows in columns, under a heading and a rule.

    The first column is at the left, the others at the right. What is wider than the terminal is
    laid out in blocks one below the other, each of which begins with the first column.
    """
    return _lay_out(table, [])


def markdown(table: Table) -> str:
    """Lay out a table in Markdown: the first column at the left, the others at the right.

    The heading of a score tells its unit and, by an arrow, what is better.
    """
    heads = [find_score(table.declared, name).head for name in table.shown]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *_write(table, table.rows)]
    escaped = [[text.replace("|", "\\|") for text in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _lay_out(table: Table, footer: Sequence[Row]) -> str:
    """Lay out rows, and under a second rule those of the footer."""
    heads = [find_score(table.declared, name).title for name in table.shown]
    lines = [heads, *_write(table, table.rows), *_write(table, footer)]
    rules = [1, len(lines) - len(footer)] if footer else [1]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = shutil.get_terminal_size((ENDLESS, 24)).columns
    blocks = []
    for part in _split(widths, room):
        laid = [_join(line, widths, part) for line in lines]
        for place in reversed(rules):
            laid.insert(place, "-" * len(laid[0]))
        blocks.append("\n".join(text.rstrip() for text in laid))
    return "\n\n".join(blocks)


def _split(widths: Sequence[int], room: int) -> list[list[int]]:
    """Share columns out to blocks that fit into the room, the first column to each of them."""
    parts: list[list[int]] = [[0]]
    used = widths[0]
    for index, width in enumerate(widths[1:], 1):
        if used + len(GAP) + width > room and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(index)
        used += len(GAP) + width
    return parts


def _join(line: Sequence[str], widths: Sequence[int], part: Sequence[int]) -> str:
    first, *others = part
    cells = [line[first].ljust(widths[first]), *(line[n].rjust(widths[n]) for n in others)]
    return GAP.join(cells)


def _write(table: Table, rows: Sequence[Row]) -> list[list[str]]:
    """Write the shown cells of some rows of a table."""
    scores = [find_score(table.declared, name) for name in table.shown]
    return [[_cell(row.get(score.name), score) for score in scores] for row in rows]


def _cell(value: Cell, score: Score) -> str:
    return str(value) if isinstance(value, str | int) else score.text(value)
