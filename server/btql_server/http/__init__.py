"""The manners of HTTP, the same for every route: bodies, errors, threads, streams."""
