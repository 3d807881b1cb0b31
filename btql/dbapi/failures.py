"""Errors on their way out of a cursor: of a class of PEP 249, whatever raised them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from btql.errors import DatabaseError, Error, InterfaceError, OperationalError, ProgrammingError, of_storage
from btql_storage.errors import StorageError, reason_of


@contextmanager
def as_pep249() -> Generator[None]:
    """Raise what is raised inside as one of the classes of PEP 249; bugs of ours as they are."""
    try:
        yield
    except (DatabaseError, InterfaceError):
        raise
    except StorageError as error:
        raise of_storage(error) from error
    except Error as error:
        raise ProgrammingError(str(error)) from error
    except OSError as error:
        raise OperationalError(reason_of(error), sqlstate="58030") from error
