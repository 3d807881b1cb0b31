"""The layout of a query's text put in order: :mod:`.formatter` is the door and has the steps."""
