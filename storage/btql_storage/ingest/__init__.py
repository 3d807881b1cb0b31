"""What becomes of events until they are durable: each is checked, and gets what its writer left out.

:mod:`.writer` has the whole way of a request, up to its :mod:`.receipt`. :mod:`.accept` goes over the request, with an
:mod:`.envelope` for each event and :mod:`.columns` for all of them together; :mod:`.refusals` says why one cannot be
stored, of numbers by :mod:`.number_range`. :mod:`.parents` looks up the rows that events name as their parents. The log
that it goes to is :mod:`btql_storage.wal`.
"""
