"""Ending what the engine does for a query that nobody waits for any more.

Most operators end by themselves once their stream is dropped: they give way whenever they have read some batches. What
reads the rows of a join reads no new batch while the join has more pairs of the old one, so billions of them were
counted to their end. Each batch that a join gives passes a function of the query's run (``btql_goes_on``, in the
planner's SQL), which fails once the run was given up.
"""

from __future__ import annotations

import pyarrow as pa


class GoesOn:
    """Says for one run whether anybody waits for it."""

    def __init__(self) -> None:
        self.given_up = False

    def __call__(self, batch: pa.Array) -> pa.Array:
        """Return what it gets."""
        if self.given_up:
            raise RuntimeError("the query was given up")
        return batch
