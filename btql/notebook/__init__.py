"""IPython's and Jupyter's way in: ``%load_ext btql``, then ``%btql`` on a line and ``%%btql`` over a cell.

:mod:`~btql.notebook.magic` has the commands, :mod:`~btql.notebook.options` reads what stands behind them, and
:mod:`~btql.notebook.display` shows answers.
"""
