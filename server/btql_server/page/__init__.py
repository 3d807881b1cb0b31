"""The page for people: a query console and a trace view."""
