"""Rows of conversations, most of which go on from others, and parts that have them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from support.span_rows import make_row

from btql_storage.cache_budget import CacheBudget
from btql_storage.part.layout import FAST, Layout
from btql_storage.part.manifest import Owner
from btql_storage.part.reader import Part
from btql_storage.part.writer import PartWriter
from btql_storage.row import Row
from btql_storage.stores.local import LocalStore

OWNER = Owner(1, "project_logs", "x", 1)
WORDS = ["alpha", "beta", "gamma delta", "東京", "]", '"],', "role", "content"]


def row_of(number: int, text: bytes | None, trace: int = 0) -> Row:
    row = make_row(number, {"output": number}, trace=trace)
    if text is not None:
        row.fields["input"] = text
    return row


def message(rnd: random.Random) -> dict[str, str]:
    words = rnd.choices(WORDS, k=rnd.randint(1, 40))
    return {"role": rnd.choice(["user", "tool"]), "content": " ".join(words)}


def said(rnd: random.Random, conversations: list[list[Any]]) -> Any:
    """Return an input: mostly a conversation that begins, goes on, or is said again."""
    chance = rnd.random()
    if chance < 0.2 or not conversations:
        conversations.append([message(rnd) for _ in range(rnd.randint(1, 4))])
        return conversations[-1]
    if chance < 0.7:
        place = rnd.randrange(len(conversations))
        conversations[place] = [*conversations[place], message(rnd)]
        return conversations[place]
    one = rnd.choice(conversations)
    if chance < 0.9:
        return {"model": "x", "messages": one} if chance < 0.8 else {"messages": one, "end": [1]}
    return rnd.choice([one, one, [one], [*one, 1, [2, [3]]], message(rnd), None])


def some_rows(seed: int, count: int = 300) -> list[Row]:
    rnd = random.Random(seed)
    rows: list[Row] = []
    for trace in range(count):
        conversations: list[list[Any]] = []
        for _ in range(rnd.choice([1, 4, 40, 100])):
            value = said(rnd, conversations)
            text = None if value is None else orjson.dumps(value)
            rows.append(row_of(len(rows), text, trace))
            if len(rows) == count:
                return rows
    return rows


def written(
    folder: Path, rows: Sequence[Row], layout: Layout = FAST, budget: int = 1 << 20, caches: CacheBudget | None = None
) -> Part:
    writer = PartWriter(folder, 9, OWNER, layout)
    writer.add(rows)
    files = writer.finish()
    return Part(LocalStore(folder), ".", 9, files.stats, files.file_bytes, caches or CacheBudget(budget))
