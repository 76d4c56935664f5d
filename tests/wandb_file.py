"""Read what W&B keeps of an offline run: the file format of LevelDB's log, holding protobufs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK, HEADER, RECORD = 32768, 7, 7


@dataclass
class Kept:
    """What a run's files say, over all of its sessions."""

    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[Any] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    exits: list[int] = field(default_factory=list)
    filed: list[dict[str, Any]] = field(default_factory=list)
    """What each session was filed under, as W&B's interface names it."""

    def points(self, name: str) -> dict[float, Any]:
        """Read a metric by Lightning's step; a later session's values stand above earlier ones'."""
        rows = [row for row in self.history if name in row]
        return {row["trainer/global_step"]: row[name] for row in rows}

    def values(self, name: str) -> list[Any]:
        return [row[name] for row in self.history if name in row]


def read(directory: Path) -> Kept:
    kept = Kept()
    for file in sorted(directory.glob("wandb/offline-run-*/run-*.wandb")):
        for record in records(file):
            _take(kept, record)
    return kept


def records(file: Path) -> Iterator[Any]:
    data = file.read_bytes()
    assert data[:4] == b":W&B"
    place, parts = HEADER, b""
    while place + RECORD <= len(data):
        if BLOCK - place % BLOCK < RECORD:
            place += BLOCK - place % BLOCK
            continue
        size, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + RECORD : place + RECORD + size]
        place += RECORD + size
        if kind in {1, 4}:  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def _take(kept: Kept, record: Any) -> None:
    match record.WhichOneof("record_type"):
        case "run":
            kept.ids.add(record.run.run_id)
            names = ("entity", "project", "display_name", "run_group", "job_type", "notes")
            filed = {name: getattr(record.run, name) for name in names}
            kept.filed.append({**filed, "tags": list(record.run.tags)})
            kept.config.update(_items(record.run.config.update))
        case "config":
            kept.config.update(_items(record.config.update))
        case "history":
            kept.history.append(_items(record.history.item))
        case "summary":
            kept.summary.update(_items(record.summary.update))
        case "artifact":
            kept.artifacts.append(record.artifact)
        case "exit":
            kept.exits.append(record.exit.exit_code)


def _items(items: Any) -> dict[str, Any]:
    """Join nested keys by dots and read the values."""
    return {".".join(i.nested_key) or i.key: json.loads(i.value_json) for i in items}
