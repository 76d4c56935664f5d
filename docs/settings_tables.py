"""A directive that describes a class of settings: what it is, and every key from its field."""

import importlib
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from pixelrl.config.describing import Described, describe_settings, read_about


class Settings(SphinxDirective):
    """Describe ``SECTION module.Class``: every key with type, range, default and meaning."""

    required_arguments: ClassVar[int] = 2

    def run(self) -> list[nodes.Node]:
        """Write paragraphs and a definition list, as the command line's ``tasks NAME`` does."""
        section, path = self.arguments
        module, _, name = path.rpartition(".")
        kind = getattr(importlib.import_module(module), name)
        about = [nodes.paragraph(text=each) for each in read_about(kind)]
        described = map(_describe, describe_settings(section, kind))
        return [*about, nodes.definition_list("", *described)]


def _describe(each: Described) -> nodes.Node:
    kind = f"{each.type}: {each.allowed}" if each.allowed else each.type
    term = nodes.term("", "", nodes.literal(text=f"{each.key}={each.default}"))
    about = nodes.paragraph("", f"{each.about} ", nodes.emphasis(text=kind))
    return nodes.definition_list_item("", term, nodes.definition("", about))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Make the directive known to Sphinx."""
    app.add_directive("settings", Settings)
    return {"version": "1", "parallel_read_safe": True}
