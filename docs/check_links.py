"""Check that every link within a built site leads to a page, picture or heading that is there.

python docs/check_links.py SITE       # fails with a line for each link that does not
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

MADE_LATER = {"genindex.html", "py-modindex.html", "search.html", "searchindex.js"}
"""What Sphinx links to from every page, whether it is made or not."""


class Page(NamedTuple):
    """Hold where a page's links lead, and what of it can be linked to."""

    links: list[str]
    places: set[str]


class Reader(HTMLParser):
    """Collect a page's links and places."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], set())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's address and name."""
        for name, value in attrs:
            if value and name in {"href", "src"}:
                self.page.links.append(value)
            elif value and (name == "id" or (tag == "a" and name == "name")):
                self.page.places.add(value)


def read_page(path: Path) -> Page:
    """Read an HTML file."""
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader.page


def find_broken(site: Path) -> Iterator[str]:
    """Find links within a site that lead nowhere, ``PAGE: LINK`` each."""
    pages = {path.resolve(): read_page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(address.fragment)
            known = pages.get(target)
            there = target.is_file() and not (place and known and place not in known.places)
            if not there and target.name not in MADE_LATER:
                yield f"{path.relative_to(site.resolve())}: {link}"


if __name__ == "__main__":
    broken = list(find_broken(Path(sys.argv[1])))
    sys.exit("\n".join(broken) or 0)
