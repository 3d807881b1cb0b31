"""Care: what one does with a database that one wants to trust, or cannot trust any more.

:mod:`.check` holds everything that is stored against everything else and says what does not fit;
:mod:`.quarantine` keeps parts that are damaged from being read;
:mod:`.rebuild` makes a lost catalog again from the files alone, :mod:`.repair` what of a part can be made of its rows;
:mod:`.backup` and :mod:`.restore` carry a database elsewhere and back while it is in use.

All of it works through the store and the catalog's database, wherever these are.
"""
