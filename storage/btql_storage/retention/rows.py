"""Reads some columns of the current rows of parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.catalog.shapes import PartInfo
from btql_storage.folder import Folder
from btql_storage.part.files import read_columns

_ROW_MASK = (1 << 32) - 1


def current_rows(folder: Folder, parts: Sequence[PartInfo], names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield, for each part, columns of its rows that are not superseded, with their numbers as ``_row``."""
    for info in parts:
        path = folder.parts.get(info).columns_path
        table = read_columns(path, ["_row", *names])
        numbers = to_numpy(table.column("_row")) & _ROW_MASK
        table = table.set_column(table.schema.get_field_index("_row"), "_row", from_numpy(numbers))
        yield table.filter(from_numpy(~np.isin(numbers, info.superseded)))
