"""Everything that stores events: rows of SDKs, of REST clients, feedback, attachments.

All of it goes through :mod:`btql_server.writing.store`: one request is one transaction, whichever objects its
events belong to, and an answer of success means that they are durable and that every later query sees them.
"""
