"""Who hands out the numbers of transactions, and how writers share one database.

:mod:`.numbers` says what is asked of whoever does, and does it for the processes of one machine, which take turns.
Writers on several machines do not wait for one another: :mod:`.shared` has the protocol and the argument for it;
:mod:`.register` says what it needs of a service, which :mod:`.redis_register` and :mod:`.sql_register` give;
:mod:`.voids` is how a number is kept from being used late.
"""
