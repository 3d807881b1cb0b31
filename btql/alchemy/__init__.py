"""SQLAlchemy's way in: the dialect ``btql://``, its types, and objects reflected as tables.

    create_engine("btql:////data/traces")             a folder, by its absolute path
    create_engine("btql:///traces")                   a folder, from where the program runs
    create_engine("btql+http://KEY@host:8000")        a server; +https with TLS
    create_engine("btql+grpc://KEY@host:31337")       a server over Flight SQL; +grpcs with TLS

Kinds of object are schemas, objects are tables:
``Table("demo", MetaData(), schema="project_logs", autoload_with=engine)``.
Statements are compiled as for PostgreSQL, whose operators on JSON and arrays btql has; values go beside the text,
under their names.

:mod:`~btql.alchemy.dialect` is where to start; SQLAlchemy finds it by an entry point.
"""
