"""A JSON object or array taken apart, its values left the text that they are.

A module of its own, as not every query needs ``msgspec``.
"""

from __future__ import annotations

import msgspec

members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
"""Return the keys of a JSON object, each with the JSON text of its value; of a key that is there twice the last one."""

elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
"""Return the elements of a JSON array, each as JSON text."""
