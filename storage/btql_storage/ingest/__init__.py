"""What becomes of events before they are written: each is checked, and gets what its writer left out.

:mod:`.accept` goes over a request, with an :mod:`.envelope` for each event and :mod:`.columns` for all of them
together; :mod:`.refusals` says why one cannot be stored.
"""
