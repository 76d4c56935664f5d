"""How the pages become a site: ``nox -s docs``, or ``python -m sphinx -W docs SITE``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from pixelrl import __version__

project = "pixelrl"
author = "The pixelrl developers"
project_copyright = "the pixelrl developers, MIT license"
version = release = __version__

extensions = [
    "equations",
    "myst_parser",
    "settings_tables",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns: list[str] = []
nitpicky = False
default_role = "py:obj"  # docstrings write names in single backticks

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "pixelrl"
html_static_path: list[str] = []
html_show_sphinx = False
html_copy_source = False
html_use_index = False  # the search finds what an index would list
html_domain_indices = False
