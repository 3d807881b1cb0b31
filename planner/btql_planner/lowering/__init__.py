"""From a typed plan to SQL for the engine.

:mod:`.lower` is the door. :mod:`.relation` makes SELECT statements of plan nodes, with a module for each kind that
takes more than a few lines; :mod:`.expression` makes SQL of expressions.
"""
