"""Storage as seeded play: many processes in one, every call numbered, and anything may go wrong at any of them.

Each simulated process has a :class:`~btql_storage.store.Storage` of its own, and threads that are greenlets: they
stop at every call to a service, and a die says who goes on (:mod:`.scheduler`). Before and after a call the world
(:mod:`.world`) may let it fail, lose its answer, make it slow, kill the process or set its clock. Locks and waiting
of the code under test are exchanged for ones that play along; everything else is the code itself, over real files.

:mod:`.actors` are those who write, read and compact, and compare what they see with what :mod:`.oracle` knows.
:func:`.play.play` runs one seed. What a seed does follows from the seed alone, so a failure is its number.
"""
