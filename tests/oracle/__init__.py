"""A second opinion on what writes and queries mean, in plain Python.

Nothing here uses the database. ``model`` applies write events to documents,
``expressions`` evaluates operators, functions and aggregates on their values,
``rows`` filters, groups and sorts, and ``queries`` holds queries in both languages
beside a Python function that answers them. Slow, and simple enough to be checked by reading.
"""
