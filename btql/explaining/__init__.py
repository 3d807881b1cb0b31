"""What EXPLAIN says: a query in its forms, what running it took, and what could be done about it.

``explanation`` puts it together, ``text`` and ``drawing`` write it for people; as JSON it is what
:class:`btql.explaining.explanation.Explanation` says, field by field.
"""
