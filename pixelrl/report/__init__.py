"""One HTML file that shows what a policy did: no network, opens from disk, at any size of window.

`reading` finds what predict, evaluate or fit left, `packing` turns a record into compact text, and
`building` puts both into the page whose parts lie in ``page/``.
"""

from pixelrl.report.building import build

__all__ = ["build"]
