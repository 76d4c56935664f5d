"""One line says how to run what was skipped."""

import pytest

from skips import need, summarize, without


def test_cures_are_counted_and_the_most_common_stands_first() -> None:
    reasons = [without("a", "pip install x"), "no forking here", without("b", "pip install x")]
    told = "3 skipped; to run them: pip install x (2), use another system (1)"
    assert summarize(reasons) == told


def test_a_missing_module_skips_and_says_how_to_get_it() -> None:
    with pytest.raises(pytest.skip.Exception) as skipped:
        need("no_such_module", "pip install no-such-module")
    told = "1 skipped; to run them: pip install no-such-module (1)"
    assert summarize([str(skipped.value)]) == told
