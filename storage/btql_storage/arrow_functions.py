"""Arrow's compute functions under one name.

Arrow makes them at run time, where no type checker finds them, and takes its
time: 50 ms that a query over parts alone need not spend. So the module is
imported when a function is first asked for. They are untyped; whoever calls
one says what comes out.
"""

from __future__ import annotations

from btql_storage.later import Later

compute = Later("pyarrow.compute")
