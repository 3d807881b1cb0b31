"""A part: an immutable folder of files with some rows of one segment."""
