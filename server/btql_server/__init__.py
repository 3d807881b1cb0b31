"""The wire protocols over the engine will live here: HTTP, the Postgres wire, Flight SQL and OTLP.

There is nothing yet. Protocol code only: what a query means is decided in
``btql`` and below, so that every door gives the same rows and the same errors.
"""
