"""Families of calls: while one is in flight, an inner call of the same family is a detail of it, not a span.

Each family is one bit, so that a context can hold several and the check is one ``&``. requests over urllib3 is one
HTTP call; SQLAlchemy over psycopg is one statement.
"""

HTTP_SERVER = 1
HTTP_CLIENT = 2
DB_CLIENT = 4
RPC_CLIENT = 8
RPC_SERVER = 16
MESSAGING = 32

SUPPRESSED = 0xFFFF
"""All of them at once: nothing of ours observes anything below (our own exporter, excluded requests)."""
