"""What a part's files are called and what is known about a part without opening it.

:class:`PartStats` lives in the catalog, beside the part's number. It answers
which parts a query may skip and which columns a path has there. Three cases
matter to a reader of a path:

1. ``stats.paths`` has the path, ``in_document`` is false: its columns are all
   in ``columns.parquet``, one for each kind in ``counts``.
2. ``in_document`` is true: at least one of its columns was cut, because a
   part holds at most :data:`COLUMNS_MAX` shredded columns. Read the document.
3. The path is not listed: no document has it if ``complete`` is true; else it
   may be in any document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar, cast

import orjson

from btql_storage.errors import values_of_catalog
from btql_storage.kinds import FieldPath, Kind

N = TypeVar("N", int, float)
_KINDS = {str(kind): kind for kind in Kind}

FORMAT_VERSION = 6
"""Since 2, ``keys.arrow`` leaves out what follows from the rest; since 3, a part of a few rows has no text index; since
4, a text index need not have positions; since 5, an input may be a delta of another; since 6, the index has of such a
row what it adds and nothing else."""
FORMAT_KEY = b"btql.format"

COLUMNS_FILE = "columns.parquet"
ROWS_FILE = "rows.arrow"
KEYS_FILE = "keys.arrow"
TEXT_FOLDER = "text"

COLUMNS_MAX = 1_000
PATHS_MAX = 5_000
TEXT_BOUND_CHARS = 64
ROW_BITS = 32
"""A locator is ``part_id << ROW_BITS | row number``."""


def has_text_index(file_bytes: Mapping[str, int]) -> bool:
    """Return whether a part has a text index, by the bytes of its files; where these are not known it has all files."""
    return file_bytes.get("text") != 0


@dataclass(frozen=True, slots=True)
class TextBounds:
    """The smallest and largest text of a path, each cut to 64 characters."""

    min: str
    max: str
    """Where ``max_cut`` is true, the largest text only begins with this."""
    max_cut: bool

    @classmethod
    def of(cls, smallest: str, largest: str) -> TextBounds:
        """Return the bounds of texts between the two."""
        return cls(smallest[:TEXT_BOUND_CHARS], largest[:TEXT_BOUND_CHARS], len(largest) > TEXT_BOUND_CHARS)


@dataclass(frozen=True, slots=True)
class PathStats:
    """What the rows of one part hold under one path."""

    counts: Mapping[Kind, int]
    """Rows with a value, per kind; kinds that do not occur are left out."""
    integers: tuple[int, int] | None = None
    """Smallest and largest value of kind INTEGER."""
    floats: tuple[float, float] | None = None
    texts: TextBounds | None = None
    in_document: bool = False
    """True where a column of the path was cut: only documents have all values."""
    big: int = 0
    """Rows with a whole number beyond 64 bits: they have a marker and, nearly always, a float."""

    @property
    def count(self) -> int:
        """Rows where the path is present and not null, numbers beyond 64 bits counted twice."""
        return sum(self.counts.values())


class PathJson(TypedDict, total=False):
    """JSON form of a path and its statistics; absent keys mean none."""

    path: list[str]
    counts: dict[str, int]
    i: list[int]
    f: list[float]
    t: list[str]
    cut: bool
    """The largest text is cut."""
    doc: bool
    big: int


class StatsJson(TypedDict):
    """JSON form of :class:`PartStats`."""

    rows: int
    json_bytes: int
    created_us: list[int]
    xact_id: list[int]
    pagination_key: list[str]
    complete: bool
    paths: list[PathJson]


STATS_HEAD_BYTES = 1_024
"""Of the JSON text of statistics so many bytes have all that is not about paths."""


@dataclass(frozen=True, slots=True)
class PartStats:
    """What the catalog knows about a part, or a tail chunk about itself."""

    rows: int
    json_bytes: int
    """Bytes of JSON text in the documents, before compression."""
    created_us_min: int
    created_us_max: int
    xact_id_min: int
    xact_id_max: int
    pagination_key_min: str
    pagination_key_max: str
    paths: Mapping[FieldPath, PathStats] = field(default_factory=dict[FieldPath, PathStats])
    complete: bool = True
    """False where paths that are not listed may be in documents."""
    _keys: dict[FieldPath, frozenset[str]] = field(
        default_factory=dict[FieldPath, frozenset[str]], init=False, compare=False, repr=False
    )

    def lists(self, path: FieldPath) -> bool:  # noqa: ARG002 - all or none here
        """Return whether a path that is not listed is in no document."""
        return self.complete

    def keys_below(self, above: FieldPath) -> frozenset[str]:
        """Return the keys directly below a path, of ``()`` the top-level fields; counted once and kept."""
        if above not in self._keys:
            depth = len(above)
            below = {path[depth] for path in self.paths if len(path) > depth and path[:depth] == above}
            self._keys[above] = frozenset(below)
        return self._keys[above]

    def to_json(self) -> StatsJson:
        """Return a form that any JSON encoder takes."""
        return {
            "rows": self.rows,
            "json_bytes": self.json_bytes,
            "created_us": [self.created_us_min, self.created_us_max],
            "xact_id": [self.xact_id_min, self.xact_id_max],
            "pagination_key": [self.pagination_key_min, self.pagination_key_max],
            "complete": self.complete,
            "paths": [_path_to_json(path, stats) for path, stats in self.paths.items()],
        }

    @classmethod
    def from_bytes(cls, text: bytes) -> PartStats:
        """Return the statistics that :meth:`to_json` wrote, from their JSON text.

        Most of it is about paths, of which queries need few: these are read later.
        """
        head, paths, _ = text.partition(b',"paths":')
        with values_of_catalog():
            if not paths:
                return cls.from_json(cast("StatsJson", orjson.loads(text)))
            return cls.from_json(cast("StatsJson", orjson.loads(head + b',"paths":[]}')), _LaterPaths(text))

    @classmethod
    def from_head(cls, text: bytes) -> PartStats:
        """Return the statistics, without those of paths, from the first :data:`STATS_HEAD_BYTES` of their JSON text."""
        with values_of_catalog():
            return cls.from_json(cast("StatsJson", orjson.loads(text.partition(b',"paths":')[0] + b',"paths":[]}')))

    @classmethod
    def from_json(cls, value: StatsJson, paths: Mapping[FieldPath, PathStats] | None = None) -> PartStats:
        """Return the statistics that :meth:`to_json` wrote, with other ones for its paths where they are given."""
        return cls(
            rows=value["rows"],
            json_bytes=value["json_bytes"],
            created_us_min=value["created_us"][0],
            created_us_max=value["created_us"][1],
            xact_id_min=value["xact_id"][0],
            xact_id_max=value["xact_id"][1],
            pagination_key_min=value["pagination_key"][0],
            pagination_key_max=value["pagination_key"][1],
            complete=value["complete"],
            paths=dict(map(_path_from_json, value["paths"])) if paths is None else paths,
        )


class _LaterPaths(Mapping[FieldPath, PathStats]):
    """Statistics of paths that are only read from their text once one is asked for."""

    __slots__ = ("_paths",)

    def __init__(self, text: bytes) -> None:
        self._paths: bytes | dict[FieldPath, PathStats] = text

    def __getitem__(self, path: FieldPath) -> PathStats:
        """Return the statistics of a path."""
        return self._read()[path]

    def __iter__(self) -> Iterator[FieldPath]:
        """Yield the paths."""
        return iter(self._read())

    def __len__(self) -> int:
        """Return how many paths there are."""
        return len(self._read())

    def _read(self) -> dict[FieldPath, PathStats]:
        paths = self._paths
        if isinstance(paths, bytes):
            with values_of_catalog():
                known = cast("StatsJson", orjson.loads(paths))
                paths = self._paths = dict(map(_path_from_json, known["paths"]))
        return paths


class PathStatsMerger:
    """Adds up the statistics of one path over chunks of rows."""

    __slots__ = ("_big", "_counts", "_floats", "_in_document", "_integers", "_texts")

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._integers: tuple[int, int] | None = None
        self._floats: tuple[float, float] | None = None
        self._texts: TextBounds | None = None
        self._in_document = False
        self._big = 0

    def add(self, stats: PathStats) -> None:
        """Take in the statistics of further rows."""
        for kind, count in stats.counts.items():
            self._counts[kind] = self._counts.get(kind, 0) + count
        if stats.integers:
            self._integers = widen(self._integers, stats.integers)
        if stats.floats:
            self._floats = widen(self._floats, stats.floats)
        if stats.texts:
            self._texts = _merge_texts(self._texts or stats.texts, stats.texts)
        self._in_document |= stats.in_document
        self._big += stats.big

    def result(self) -> PathStats:
        """Return the statistics of everything added so far."""
        return PathStats(self._counts, self._integers, self._floats, self._texts, self._in_document, self._big)


def widen(bounds: tuple[N, N] | None, others: tuple[N, N]) -> tuple[N, N]:
    """Return the bounds of two sets of numbers together."""
    if bounds is None:
        return others
    return min(bounds[0], others[0]), max(bounds[1], others[1])


def _merge_texts(a: TextBounds, b: TextBounds) -> TextBounds:
    # Of two equal bounds the cut one stands for the larger text.
    largest, cut = max((a.max, a.max_cut), (b.max, b.max_cut))
    return TextBounds(min(a.min, b.min), largest, cut)


def _path_to_json(path: FieldPath, stats: PathStats) -> PathJson:
    result: PathJson = {"path": list(path), "counts": {str(kind): n for kind, n in stats.counts.items()}}
    if stats.integers:
        result["i"] = list(stats.integers)
    if stats.floats:
        result["f"] = list(stats.floats)
    if stats.texts:
        result["t"] = [stats.texts.min, stats.texts.max]
        if stats.texts.max_cut:
            result["cut"] = True
    if stats.in_document:
        result["doc"] = True
    if stats.big:
        result["big"] = stats.big
    return result


def _path_from_json(value: PathJson) -> tuple[FieldPath, PathStats]:
    i, f, t = value.get("i"), value.get("f"), value.get("t")
    return tuple(value.get("path", [])), PathStats(
        counts={_KINDS[suffix]: count for suffix, count in value.get("counts", {}).items()},
        integers=(i[0], i[1]) if i else None,
        floats=(f[0], f[1]) if f else None,
        texts=TextBounds(t[0], t[1], value.get("cut", False)) if t else None,
        in_document=value.get("doc", False),
        big=value.get("big", 0),
    )
