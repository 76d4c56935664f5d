"""Draw the rooms of pixelrl on their layers, and who imports whom, from the code itself.

python docs/draw_architecture.py            # writes docs/architecture.svg
python docs/draw_architecture.py --check    # fails if that picture is not today's
"""

import argparse
import sys
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path

import grimp

from layered_layout import Node, place

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
FOR_AUTHORS = {"actions", "saliency", "images"}
"""Folders that are for those who write tasks, as is every file that lies flat."""

HEIGHT, STEP, MARGIN, GAP = 28, 60, 24, 34
STYLE = """
  text { font: 14px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #22303c }
  .page { fill: #fff } .layer { fill: #f6f8fa }
  .note { font-size: 12px; fill: #5b6b78 }
  .room { fill: #e4ebf2; stroke: #7b93a8 } .author { fill: #e2f0df; stroke: #79a370 }
  .arrow { fill: none; stroke: #8a99a6; stroke-width: 1.2 } .head { fill: #8a99a6 }
""".strip()

Arrows = set[tuple[str, str]]


def read_layers() -> list[list[str]]:
    """Read the layers of the contract that ``lint-imports`` checks, top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(each for each in settings["contracts"] if each["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]


def read_arrows() -> Arrows:
    """Read which room imports which, from the imports of all modules."""
    graph = grimp.build_graph("pixelrl", cache_dir=None)
    found = set()
    for module in graph.modules - {"pixelrl"}:
        for imported in graph.find_modules_directly_imported_by(module) - {"pixelrl"}:
            found.add((module.split(".")[1], imported.split(".")[1]))
    return {(upper, lower) for upper, lower in found if upper != lower}


def leave_out_implied(arrows: Arrows) -> Arrows:
    """Leave out arrows whose ends others connect too: the transitive reduction of a DAG."""

    def reached(room: str) -> set[str]:
        below = {lower for upper, lower in arrows if upper == room}
        return below.union(*map(reached, below))

    farther = {room: reached(room) for room in {upper for upper, _ in arrows}}
    return {
        (upper, lower)
        for upper, lower in arrows
        if not any(lower in farther.get(via, ()) for above, via in arrows if above == upper)
    }


def draw(layers: Sequence[Sequence[str]], arrows: Arrows) -> str:
    """Draw rooms on their layers, and the arrows that imply all others, as SVG."""
    shown = leave_out_implied(arrows)
    widths = {room: 9 * len(room) + 22 for layer in layers for room in layer}
    layout = place(layers, shown, widths, GAP)
    reach = {n: widths[n.name] / 2 if n.is_box else 0.0 for n in layout.x}
    left = min(x - reach[node] for node, x in layout.x.items())
    right = max(x + reach[node] for node, x in layout.x.items())
    x_of = {node: round(x - left) + MARGIN for node, x in sorted(layout.x.items())}
    width, height = round(right - left) + 2 * MARGIN, len(layers) * STEP + 2 * MARGIN + 40
    parts = [_band(row, width) for row in range(0, len(layers), 2)]
    parts += [_link(upper, x_of[upper], lower, x_of[lower]) for upper, lower in layout.links]
    parts += [_box(n, x, widths[n.name]) if n.is_box else _trunk(n, x) for n, x in x_of.items()]
    told = f"Imports lead down. Of {len(arrows)} arrows, {len(shown)} are drawn; the rest follow."
    return _page([*parts, *_legend(height - MARGIN, told)], width, height)


def _band(row: int, width: int) -> str:
    top = _top(row) - (STEP - HEIGHT) // 2
    return f'<rect class="layer" y="{top}" width="{width}" height="{STEP}"/>'


def _box(node: Node, x: int, width: int) -> str:
    kind = "author" if is_for_authors(node.name) else "room"
    top = _top(node.row)
    return (
        f'<rect class="{kind}" x="{x - width // 2}" y="{top}" width="{width}" height="{HEIGHT}"'
        f' rx="6"/><text x="{x}" y="{top + 19}" text-anchor="middle">{node.name}</text>'
    )


def _trunk(node: Node, x: int) -> str:
    """Lead the arrows that share a waypoint past its row."""
    return f'<path class="arrow" d="M{x} {_top(node.row)}v{HEIGHT}"/>'


def _link(upper: Node, x: int, lower: Node, to: int) -> str:
    """Curve down from a box or waypoint to one of the next row."""
    start, end = _top(upper.row) + HEIGHT, _top(lower.row)
    middle = (start + end) // 2
    head = f'<path class="head" d="M{to - 4} {end - 7}h8l-4 7z"/>' if lower.is_box else ""
    stop = end - 6 if head else end
    return f'<path class="arrow" d="M{x} {start}C{x} {middle} {to} {middle} {to} {stop}"/>{head}'


def _top(row: int) -> int:
    return MARGIN + row * STEP


def is_for_authors(room: str) -> bool:
    """Tell the rooms for those who write tasks from those that are how it is done."""
    flat = (ROOT / "pixelrl" / f"{room}.py").is_file() and not room.startswith("_")
    return flat or room in FOR_AUTHORS


def _legend(line: int, told: str) -> list[str]:
    found = [f'<text class="note" x="{MARGIN}" y="{line}">{told}</text>']
    kinds = {"author": (MARGIN, "for those who write tasks"), "room": (214, "how it is done")}
    for kind, (x, meaning) in kinds.items():
        found += [
            f'<rect class="{kind}" x="{x}" y="{line - 33}" width="16" height="12" rx="3"/>',
            f'<text class="note" x="{x + 24}" y="{line - 23}">{meaning}</text>',
        ]
    return found


def _page(parts: Collection[str], width: int, height: int) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">\n<style>\n  {STYLE}\n</style>\n'
        f'<rect class="page" width="{width}" height="{height}"/>\n{body}\n</svg>\n'
    )


def main() -> int:
    """Write the picture, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    picture = draw(read_layers(), read_arrows())
    if not check:
        PICTURE.write_text(picture, "utf-8")
        return 0
    if PICTURE.is_file() and PICTURE.read_text("utf-8") == picture:
        return 0
    print(f"{PICTURE}: not what the imports give today; run python {sys.argv[0]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
