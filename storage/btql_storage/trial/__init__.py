"""What of a database's services can be reached, and what is allowed there: ``btql check DB --services``.

Nothing that a database holds is changed: what is tried out on files happens to a file of its own, which is removed
again, in PostgreSQL to a row that becomes what it was, and in Redis to a key of its own. It works for a database that
is not there yet, too, and tells what is missing to make one.
"""
