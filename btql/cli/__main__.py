"""Run the command line as ``python -m btql.cli``."""

from btql.cli import main

main()
