"""What a score declares of itself: its unit, which way is better, how it is written.

A name tells none of this. What is not declared is shown as it is, never ranked, and never called
best. Nothing here needs torch, so that runs can be listed without it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pixelrl.errors import ContractError

INPUT, ORACLE = "input_", "oracle_"
"""What stands before a score's name if it is that of the unedited image, or of the oracle's."""


@dataclass(frozen=True)
class Score:
    """Declare what a score's numbers mean.

    Attributes:
        name: the score's, as `Task.scores` answers it.
        unit: such as ``dB``; empty for none.
        higher_is_better: False if lower is; None if neither is, or nobody knows.
        digits: decimals that are shown; None for about four digits in all.

    Raises:
        ContractError: a value that none of these can have.

    Example:
        >>> Score("psnr", "dB", higher_is_better=True, digits=2).title
        'psnr (dB)'
    """

    name: str
    unit: str = ""
    higher_is_better: bool | None = field(default=None, kw_only=True)
    digits: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what would be shown wrongly later."""
        higher, digits = self.higher_is_better, self.digits
        whole = isinstance(digits, int) and 0 <= digits <= 12
        expected = {
            "name": ("a name", isinstance(self.name, str) and bool(self.name)),
            "unit": ("a text", isinstance(self.unit, str)),
            "higher_is_better": ("True, False or None", higher is None or isinstance(higher, bool)),
            "digits": ("None or a whole number from 0 to 12", digits is None or whole),
        }
        for name, (what, fits) in expected.items():
            if not fits:
                raise ContractError(
                    f"score {self.name!r}: {name}: expected {what}, got {getattr(self, name)!r}."
                )

    @property
    def title(self) -> str:
        """The name with its unit, as it heads a column."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def arrow(self) -> str:
        """An arrow that points to what is better; empty if that is not declared."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    @property
    def head(self) -> str:
        """The name with its unit and arrow, as it heads a column or a chart."""
        return f"{self.title} {self.arrow}".rstrip()

    def text(self, value: float | None) -> str:
        """Write a value without its unit; nothing for None."""
        if value is None:
            return ""
        if not math.isfinite(value):
            return str(value)
        digits = self.digits if self.digits is not None else 4 if abs(value) < 2 else 3
        return f"{value:.{digits}f}"

    def with_unit(self, value: float | None) -> str:
        """Write a value with its unit; ``none`` for None."""
        return f"{self.text(value)} {self.unit}".rstrip() if value is not None else "none"


KNOWN = (
    Score("psnr", "dB", higher_is_better=True, digits=3),
    Score("ssim", higher_is_better=True, digits=4),
    Score("lab_error", "Lab", higher_is_better=False, digits=3),
    Score("ciede2000", higher_is_better=False, digits=3),
    Score("reward", higher_is_better=True),
)
"""The scores that every task may answer without declaring them: those of `pixelrl.scores`, and the
reward that is scored beside them."""


def declare(own: Sequence[Score] = ()) -> dict[str, Score]:
    """List scores by name: a task's own, and those of `KNOWN` that it does not declare otherwise.

    Raises:
        ContractError: it is no sequence of scores.
    """
    if not isinstance(own, Sequence) or not all(isinstance(score, Score) for score in own):
        raise ContractError(f"declared_scores: expected a tuple of Score(...), got {own!r}.")
    return {score.name: score for score in (*KNOWN, *own)}


def find_score(declared: Mapping[str, Score], name: str) -> Score:
    """Find what is declared of a score; those of the input and the oracle inherit it.

    Returns:
        The declaration under this very name; one that tells nothing if there is none.
    """
    score = declared.get(name) or declared.get(strip_source(name))
    return replace(score, name=name) if score else Score(name)


def is_own(name: str) -> bool:
    """Tell whether a score is the policy's, neither the input's nor the oracle's."""
    return name == strip_source(name)


def strip_source(name: str) -> str:
    """Take from a score's name that it is the input's or the oracle's."""
    return name.removeprefix(INPUT).removeprefix(ORACLE)


def join(several: Iterable[Mapping[str, Score]]) -> dict[str, Score]:
    """Join what several tasks declare; what they declare differently is not declared."""
    found: dict[str, Score] = {}
    for declared in several:
        for name, score in declared.items():
            found[name] = score if found.get(name, score) == score else Score(name)
    return found


def as_plain(declared: Mapping[str, Score], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Describe the declared ones among some scores in plain values, for JSON."""
    bare = dict.fromkeys(name if name in declared else strip_source(name) for name in names)
    return {
        name: {"unit": score.unit, "higher_is_better": score.higher_is_better}
        | ({} if score.digits is None else {"digits": score.digits})
        for name in bare
        if (score := declared.get(name)) is not None
    }


def from_plain(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Score]:
    """Read what `as_plain` described; keys of a later pixelrl are passed over.

    Raises:
        ContractError: a value that a score cannot have.
    """
    known = ("unit", "higher_is_better", "digits")
    return {
        name: Score(name, **{key: told[key] for key in known if key in told})
        for name, told in plain.items()
    }
