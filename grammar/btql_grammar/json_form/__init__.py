"""Queries as JSON documents: :mod:`.form` is the door and says what the form is."""
