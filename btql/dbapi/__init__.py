"""PEP 249: cursors, type objects, and what a connection needs to have besides."""
