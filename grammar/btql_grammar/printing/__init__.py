"""The syntax tree to canonical text, in either language: :mod:`.printer` is the door."""
