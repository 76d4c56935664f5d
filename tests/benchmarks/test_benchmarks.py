"""Benchmarks run; what they measure is for people to read."""

import pytest

from benchmarks import edits


def test_the_edits_benchmark_compares_all_nine(capsys: pytest.CaptureFixture[str]) -> None:
    edits.main(["--runs", "1", "--size", "16x12", "--batch", "2"])
    told = capsys.readouterr().out
    assert "1 x 16x12" in told
    assert "2 x 70x70" in told
    for name in (*edits.OPENCV, "all nine"):
        assert told.count(f"\n{name} ") == 2, name
