"""How writers on several machines share one database without waiting for one another.

:mod:`.shared` has the protocol and the argument for it; :mod:`.register` says what it needs of a service, which
:mod:`.redis_register` and :mod:`.sql_register` give; :mod:`.voids` is how a number is kept from being used late.
"""
