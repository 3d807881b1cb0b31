"""``python -m btql`` is the same as ``btql``."""

from btql.cli import main

main()
