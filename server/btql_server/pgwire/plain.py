"""Arrow's many layouts of the same values, made few: texts, bytes, lists and numbers as the encoder knows them."""

from __future__ import annotations

import pyarrow as pa

from btql_server.pgwire.types import is_list

_SHORT: dict[pa.DataType, pa.DataType] = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
}


def plain(values: pa.Array) -> pa.Array:
    """Return the values in the layout that is usual for them."""
    type_ = values.type
    if isinstance(values, pa.ExtensionArray):
        # A UUID is sixteen bytes; its type is known from the column.
        return plain(values.storage)
    if pa.types.is_dictionary(type_):
        return plain(values.dictionary_decode())
    if pa.types.is_run_end_encoded(type_):
        from btql_storage.arrow_functions import compute as pc

        return plain(pc.run_end_decode(values))
    if type_ in _SHORT:
        return values.cast(_SHORT[type_])
    if pa.types.is_fixed_size_binary(type_):
        return values.cast(pa.binary())
    if is_list(type_) and not pa.types.is_list(type_):
        return values.cast(pa.list_(type_.value_type))
    return values
