"""The wire protocols over the engine: HTTP, the Postgres wire and Flight SQL.

Protocol code only: what a query or a write means is decided in ``btql`` and below, so that every
door gives the same rows and the same errors. A newcomer reads in this order:

1. ``http/routes``: how a handler is declared; ``http/call`` and ``http/answer``: what it gets and gives.
2. ``http/endpoint``: a request's way: who asks, how often, the body, the handler, the answer.
3. ``app``: all routes, put together; ``state``: what they share.
4. ``registry``: organizations, projects, experiments and what else has a name; ``access``: keys and permissions.
5. ``reading``, ``writing``, ``otlp``, ``registering``, ``administering``, ``operating``, ``page``: the handlers, by
   what they are for.
6. ``pgwire``: messages in and out, in ``listener``, ``session`` and ``answering``; ``flight``: the same for Flight SQL.
7. ``serve``: the parent and its signals; ``child``: a process of it; ``listening``: sockets; ``running``: in a thread.

Handlers are plain functions that run on threads: the engine and the files below block anyway.
"""
