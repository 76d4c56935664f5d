"""What some tests need beyond `.[dev]`; at the end one line says how to get all that is missing."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
import torch

CURE = "; to run it: "


def without(what: str, cure: str) -> str:
    """Phrase why a test is skipped, and what to do so that it runs."""
    return f"no {what}{CURE}{cure}"


def need(module: str, cure: str = "pip install -c constraints.txt -e '.[dev]'") -> Any:
    """Import a module, or skip."""
    return pytest.importorskip(module, reason=without(module, cure))


NO_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason=without("accelerator", "use a machine with one")
)


def summarize(reasons: Iterable[str]) -> str:
    """Say in one line how to run what was skipped, the most common cure first.

    >>> summarize([without("a", "pip install a"), "no fork here", without("b", "pip install a")])
    '3 skipped; to run them: pip install a (2), use another system (1)'
    """
    cures = Counter(reason.partition(CURE)[2] or "use another system" for reason in reasons)
    told = ", ".join(f"{cure} ({count})" for cure, count in cures.most_common())
    return f"{cures.total()} skipped; to run them: {told}"
