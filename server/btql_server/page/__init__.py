"""The page for people: a console for queries, and a view of traces.

It is served from this package as it lies in ``static``: HTML, a stylesheet and JavaScript modules, written by hand and
not built. The page is a client like any other: what it shows it asks of the API, with the key that its user has pasted.

1. ``page``: the files, under a path that changes with them, and the policy that lets the browser load nothing else.
2. ``vocabulary``: what the console completes: the functions, and the objects and fields that the key may read.
3. ``explain``: how a query is run, as text.
4. ``static/main.js``: what the browser starts with; it says which module does what.
"""
