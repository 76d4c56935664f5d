"""``pixelrl weights``."""

import argparse

from pixelrl.agents import Card, find_weights, list_agents, read_card

NO_SETTINGS = ""
FEW = 4
"""Scores that the list shows of each; the card has all."""


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the card of these agents")


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """List the trained agents that are installed, or show the card of some.

    Raises:
        CheckpointError: there are none of that name, or their card is damaged.
    """
    if arguments.name:
        path = find_weights(arguments.name)
        print(_lay_out(read_card(path)))
        print(f"file: {path}")
        return
    cards = [read_card(path) for path in list_agents().values()]
    width = max((len(card.name) for card in cards), default=0)
    for card in cards:
        print(f"{card.name:<{width}}  {card.about}")
        for scored in card.scores:
            print(f"{'':<{width}}    {scored.pictures}: {_tell(scored.means, FEW)}")
    if not cards:
        print("no agents are installed.")


def _tell(means: dict[str, float], most: int | None = None) -> str:
    """Tell scores, the first so many, beside those of the untouched input."""
    told = [
        f"{name} {value:.4g}" + (f" (input {means[before]:.4g})" if before in means else "")
        for name, value in means.items()
        for before in [f"input_{name}"]
        if not name.startswith("input_") and name != "reward"
    ]
    return ", ".join(told[:most])


def _lay_out(card: Card) -> str:
    shares = sorted(card.shares.items(), key=lambda pair: -pair[1])
    lines = [
        f"{card.name}: {card.about}",
        f"task: {card.task}",
        f"learned from: {card.data}",
        f"limits: {card.limits}",
        f"recipe: {card.recipe}, seed {card.seed}, {card.episodes} batches,"
        f" {card.hours:g} h of {card.machine}",
        f"command: {card.command}",
        "edits: " + ", ".join(f"{name} {share:.1%}" for name, share in shares),
        "curve (batch: reward): " + ", ".join(f"{at}: {value:g}" for at, value in card.curve),
    ]
    for scored in card.scores:
        lines.append(f"{scored.pictures}, {scored.count} pictures: {_tell(scored.means)}")
        lines.append(f"  {scored.command}")
    return "\n".join(lines)
