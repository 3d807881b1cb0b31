"""A connection to a server: what a folder gives a program, over HTTP or Arrow Flight SQL."""
