"""The SQLSTATE of every error: what Postgres' clients, Flight SQL's and PEP 249's classes go by.

One table has all codes, those of queries (``B…``) and those of the storage (``S…``); the states are the ones that
PostgreSQL uses for the like. :func:`sqlstate` and :func:`position` tell what a door has to say of an error.
"""

from __future__ import annotations

import errno

from btql.errors import EngineError, Error, QueryError

SYNTAX = "42601"
NO_RIGHT = "42501"
BAD_PARAMETER = "22023"
TOO_LARGE = "54000"
STOPPED = "57014"
BUSY = "53000"
INTERNAL = "XX000"
"""Anything that no code tells more of."""

SQLSTATES = {
    "B0101": SYNTAX,
    "B0102": SYNTAX,
    "B0103": SYNTAX,
    "B0104": SYNTAX,
    "B0105": "22P02",  # invalid_text_representation
    "B0106": "22007",  # invalid_datetime_format
    "B0107": "54001",  # statement_too_complex
    "B0108": "42704",  # undefined_object
    "B0109": SYNTAX,
    "B0111": "0A000",  # feature_not_supported
    "B0112": SYNTAX,
    "B0113": "0A000",
    "B0114": SYNTAX,
    "B0115": "42P02",  # undefined_parameter
    "B0201": "42883",  # undefined_function
    "B0202": "42703",  # undefined_column
    "B0203": "42702",  # ambiguous_column
    "B0204": "42803",  # grouping_error
    "B0205": "42701",  # duplicate_column
    "B0206": "42P10",  # invalid_column_reference
    "B0301": "42804",  # datatype_mismatch
    "B0302": BAD_PARAMETER,
    "B0303": "22007",
    "B0304": "42883",
    "B0305": "42803",
    "B0401": SYNTAX,
    "B0402": "42P01",  # undefined_table
    "B0403": "0A000",
    "B0404": SYNTAX,
    "B0405": TOO_LARGE,
    "B0410": BAD_PARAMETER,
    "B0411": BAD_PARAMETER,
    "B0412": "42000",  # syntax_error_or_access_rule_violation
    "B0413": SYNTAX,
    "B0414": SYNTAX,
    "B0415": "42P10",
    "B0416": "42804",
    "B0417": BAD_PARAMETER,
    "B0418": "21000",  # cardinality_violation
    "B0501": STOPPED,
    "B0502": STOPPED,
    "B0503": BUSY,
    "B0504": "53200",  # out_of_memory
    "B0505": "53100",  # disk_full
    "B0506": TOO_LARGE,
    "B0507": BUSY,
    "B0508": STOPPED,
    "S0100": "58000",  # system_error
    "S0101": "3D000",  # invalid_catalog_name: there is no such database
    "S0102": "55000",  # object_not_in_prerequisite_state
    "S0103": "25006",  # read_only_sql_transaction
    "S0104": "55P03",  # lock_not_available
    "S0105": "53100",  # disk_full
    "S0106": NO_RIGHT,
    "S0107": "58030",  # io_error
    "S0108": "XX001",  # data_corrupted
    "S0109": "53200",  # out_of_memory
    "S0110": "53400",  # configuration_limit_exceeded
    "S0111": "08001",  # sqlclient_unable_to_establish_sqlconnection
    "S0112": "08006",  # connection_failure
    "S0113": "0A000",
    "S0114": "55000",
    "S0115": "XX001",
    "S0201": "22000",  # data_exception
    "S0202": TOO_LARGE,
    "S0203": "42P01",
    "S0204": "08003",  # connection_does_not_exist
    "S0205": "72000",  # snapshot_too_old
    "S0206": TOO_LARGE,
    "S0207": BAD_PARAMETER,
    "S0208": "22021",  # character_not_in_repertoire
}
"""Error code to SQLSTATE."""

_OF_STATUS = {
    400: BAD_PARAMETER,
    401: "28000",  # invalid_authorization_specification
    403: NO_RIGHT,
    404: "42P01",
    405: "0A000",
    408: STOPPED,
    409: "23505",  # unique_violation
    413: TOO_LARGE,
    415: "0A000",
    429: "53400",  # configuration_limit_exceeded
    503: BUSY,
    504: STOPPED,
    507: "53100",
}


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of any error; that of errors nobody foresaw is ``XX000``."""
    own = getattr(error, "own_sqlstate", None)
    if isinstance(own, str):
        return own
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in SQLSTATES:
        return SQLSTATES[code]
    match error:
        case EngineError():
            return INTERNAL
        case Error():
            return BAD_PARAMETER
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return SQLSTATES["S0105"]
        case _:
            status = getattr(error, "status", None)
            return sqlstate_of_status(status) if isinstance(status, int) else INTERNAL


def sqlstate_of_status(status: int) -> str:
    """Return the SQLSTATE of an error that has a status of HTTP and no code."""
    return _OF_STATUS.get(status, INTERNAL)


def position(error: BaseException) -> int | None:
    """Return where in the text of the query the first mistake is: characters from 1; None where that is not known."""
    if not isinstance(error, QueryError) or error.source is None:
        return None
    primary = error.diagnostics[0].primary
    return None if primary is None else primary.span.start + 1
