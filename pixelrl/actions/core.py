"""Edits and sets of them: what an agent may do to its pixel."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from pixelrl.errors import MapError

Edit = Callable[[Tensor], Tensor]
"""A function from an image ``(B,C,H,W)`` to an image of the same shape."""


def keep(image: Tensor) -> Tensor:
    """Leave the image ``(B,C,H,W)`` as it is: the edit that does nothing.

    Example:
        >>> image = torch.rand(1, 3, 4, 4)
        >>> keep(image) is image
        True
    """
    return image


class FusedEdit(ABC):
    """An edit that costs less when it is computed together with others of its family.

    A plain function is an edit all the same. This is for filters that look at the same neighbors:
    an `ActionSet` computes each family in one pass.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Gamma(FusedEdit):
        ...     power: float
        ...     family = "gamma"
        ...
        ...     @classmethod
        ...     def together(cls, edits, image):
        ...         logarithm = image.log()
        ...         return [(edit.power * logarithm).exp() for edit in edits]
        >>> actions = ActionSet({"darker": Gamma(2.0), "brighter": Gamma(0.5)})
        >>> actions.candidates(torch.full((1, 1, 1, 1), 0.25)).flatten()
        tensor([0.0625, 0.5000])
    """

    @property
    @abstractmethod
    def family(self) -> Hashable:
        """What edits that are computed together have in common, such as their window."""

    @classmethod
    @abstractmethod
    def together(cls, edits: Sequence[Self], image: Tensor) -> list[Tensor]:
        """Compute edits of one family, each bit for bit as it would be alone.

        Args:
            edits: one or more edits with equal `family`.
            image: ``(B,C,H,W)``.

        Returns:
            One ``(B,C,H,W)`` for each edit.
        """

    def __call__(self, image: Tensor) -> Tensor:
        """Compute this edit alone."""
        (after,) = self.together([self], image)
        return after


class ActionSet(Mapping[str, Edit]):
    """Hold a task's edits in order; a choice counts into them.

    Args:
        edits: the edits by name, ordered.

    Raises:
        MapError: there are fewer than two edits.

    Example:
        >>> actions = ActionSet({"keep": keep, "invert": lambda image: 1 - image})
        >>> candidates = actions.candidates(torch.zeros(1, 1, 1, 2))
        >>> pick(candidates, torch.tensor([[[0, 1]]]))
        tensor([[[[0., 1.]]]])
    """

    def __init__(self, edits: Mapping[str, Edit]) -> None:
        if len(edits) < 2:
            raise MapError(f"edits: expected at least two to choose from, got {list(edits)}.")
        self._edits = dict(edits)
        self._families: dict[Hashable, list[str]] = {}
        for name, edit in edits.items():
            family = edit.family if isinstance(edit, FusedEdit) else name
            self._families.setdefault((type(edit), family), []).append(name)

    def __getitem__(self, name: str) -> Edit:
        return self._edits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._edits)

    def __len__(self) -> int:
        return len(self._edits)

    @property
    def names(self) -> tuple[str, ...]:
        """The edits' names, in order.

        Example:
            >>> ActionSet({"keep": keep, "invert": lambda image: 1 - image}).names
            ('keep', 'invert')
        """
        return tuple(self._edits)

    @property
    def noop(self) -> str | None:
        """The name of the edit that is `keep` and so does nothing; None if there is none.

        Example:
            >>> ActionSet({"invert": lambda image: 1 - image, "nothing": keep}).noop
            'nothing'
        """
        return next((name for name, edit in self._edits.items() if edit is keep), None)

    def candidates(self, image: Tensor) -> Tensor:
        """Compute what every edit would make of the image, each family of edits in one pass.

        Args:
            image: ``(B,C,H,W)``.

        Returns:
            ``(B,A,C,H,W)``.

        Example:
            >>> actions = ActionSet({"keep": keep, "invert": lambda image: 1 - image})
            >>> outcomes = actions.candidates(torch.zeros(2, 3, 4, 4))
            >>> outcomes.shape, outcomes[0, :, 0, 0, 0]
            (torch.Size([2, 2, 3, 4, 4]), tensor([0., 1.]))
        """
        found: dict[str, Tensor] = {}
        for names in self._families.values():
            edits = [self._edits[name] for name in names]
            found.update(zip(names, _compute(edits, image), strict=True))
        return torch.stack([found[name] for name in self._edits], 1)


def _compute(edits: Sequence[Edit], image: Tensor) -> list[Tensor]:
    fused = [edit for edit in edits if isinstance(edit, FusedEdit)]
    return fused[0].together(fused, image) if fused else [edit(image) for edit in edits]


def pick(candidates: Tensor, choice: Tensor) -> Tensor:
    """Take at each pixel the chosen candidate.

    Args:
        candidates: ``(B,A,C,H,W)``.
        choice: ``(B,H,W)`` int64 in [0, A).

    Returns:
        ``(B,C,H,W)``.

    Example:
        >>> candidates = torch.stack([torch.zeros(1, 1, 1, 3), torch.ones(1, 1, 1, 3)], 1)
        >>> pick(candidates, choice=torch.tensor([[[1, 0, 1]]]))
        tensor([[[[1., 0., 1.]]]])
    """
    index = choice[:, None, None].expand(-1, 1, candidates.shape[2], -1, -1)
    return candidates.gather(1, index).squeeze(1)


SEEN = 5.0
"""How much changes are magnified: an edit moves a pixel by a fraction of the image's range."""


def changes(image: Tensor, candidates: Tensor) -> Tensor:
    """Show agents the image and what each edit would change, for a task's `observe`.

    Args:
        image: ``(B,C,H,W)``.
        candidates: ``(B,A,C,H,W)``.

    Returns:
        ``(B,(1+A)*C,H,W)``: the image, then each edit's change, five times magnified.

    Example:
        >>> image = torch.full((1, 1, 4, 4), 0.5)
        >>> seen = changes(image, candidates=torch.stack([image, image - 0.1], 1))
        >>> seen.shape, seen[0, :, 0, 0]
        (torch.Size([1, 3, 4, 4]), tensor([ 0.5000,  0.0000, -0.5000]))
    """
    moved = SEEN * (candidates - image.unsqueeze(1))
    return torch.cat([image, moved.flatten(1, 2)], 1)
