"""SQL text to the syntax tree, by recursive descent: :mod:`.reader` is the door and says in which order to read."""
