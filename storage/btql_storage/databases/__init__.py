"""The SQL databases that the catalog and the server's registry may be kept in: :mod:`.sqlite` and :mod:`.postgres`."""
