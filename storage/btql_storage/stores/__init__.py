"""Where files are kept: one interface, :mod:`~btql_storage.stores.interface`, and a module for each kind of place."""
