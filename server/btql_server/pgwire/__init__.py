"""The Postgres wire: sessions of clients that speak Postgres' protocol, over the same database as HTTP."""
