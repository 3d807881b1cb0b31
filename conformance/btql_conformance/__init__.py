"""The conformance suite: cases in plain text, doors to hold to them, and what is right worked out independently.

Three things are in here, and they do not know each other's insides:

- **cases** (:mod:`.cases`, :mod:`.dataset`): what a case file says.
- **the evaluator** (:mod:`.evaluate` and below): answers a query by going through the
  documents one by one in plain Python. It shares nothing with the engine but the syntax tree,
  is slow and simple on purpose, and is where expected rows come from.
- **the runner** (:mod:`.runner`, :mod:`.doors`, :mod:`.report`): asks a door every case in several states of the data.
"""
