"""The metadata of spans: nested, with odd names, and with types that do not agree.

Every function returns the inside of a JSON object as bytes, without its braces.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import orjson

from btql.generate import cast
from btql.generate.vocabulary import POOL_OF_TRACE, Pool, pools

if TYPE_CHECKING:
    from btql.generate.dice import Dice

_EXACT_FLOAT_END = 2**53
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Session:
    """What all spans of one trace have in common."""

    user: bytes
    """The user's name as JSON text."""
    app: bytes
    """The application's name, escaped, without quotes."""
    root_metadata: bytes
    pool: Pool
    """Where its texts are cut from."""
    style: int
    """0, 1 or 2: how this application shapes its inputs and outputs."""

    @classmethod
    def draw(cls, dice: Dice) -> Session:
        """Draw a session: who talks to which application in which language."""
        user = orjson.dumps(cast.USERS[cast.USER_WEIGHTS.draw(dice)])
        app = dice.pick(cast.APPS).encode()
        metadata = b'"user_id":%b,"session_id":"%b","app":"%b","region":"%b","user_tenure":"%b",%b,%b' % (
            user,
            dice.uuid(),
            app,
            dice.pick(cast.REGIONS).encode(),
            dice.pick(cast.TENURES).encode(),
            dice.pick(cast.RELEASES),
            dice.pick(cast.FLAGS),
        )
        return cls(user, app, metadata, pools()[dice.pick(POOL_OF_TRACE)], dice.below(3))


def extras(dice: Dice, attribute_keys: int) -> bytes:
    """Return what some spans have besides: a value of any type, an odd name, a large number.

    What is returned begins with a comma or is empty.
    """
    extra = b""
    chance = dice.unit()
    if chance < 0.15:
        extra = b',"value":' + dice.pick(cast.VARYING)
    elif chance < 0.25:
        extra = b"," + dice.pick(cast.ODD_NAMES)
    elif chance < 0.30:
        extra = b',"big_id":%d' % _large(dice)
    if attribute_keys:
        extra += b',"attributes":{' + _attributes(dice, attribute_keys) + b"}"
    return extra


def _large(dice: Dice) -> int:
    """Return a whole number that a float cannot hold; one in a hundred does not fit 64 bits either."""
    chance, number = dice.unit(), dice.below(1000)
    if chance < 0.9:
        return _EXACT_FLOAT_END + 1 + 2 * number
    if chance < 0.95:
        return -_EXACT_FLOAT_END - 1 - 2 * number
    if chance < 0.99:
        return _INT64_MAX - number
    return 2**64 + 1 + number


def _attributes(dice: Dice, keys: int) -> bytes:
    """Return 10 to 50 of the many attributes: each service has its favourites, and a few from anywhere."""
    table = _attribute_table(keys)
    service = dice.below(keys // 60) * 60
    chosen = {service + dice.below(60) for _ in range(10 + dice.below(30))}
    chosen.update(dice.below(keys) for _ in range(dice.below(10)))
    return b",".join([dice.pick(table[key]) for key in sorted(chosen)])


@cache
def _attribute_table(keys: int) -> tuple[tuple[bytes, ...], ...]:
    """Return for each key several values, mostly of one type; every seventh key is an object."""
    return tuple(tuple(_attribute(key, variant) for variant in range(8)) for key in range(keys))


def _attribute(key: int, variant: int) -> bytes:
    values = (
        key * variant,
        f"v{variant * key % 97}",
        variant % 2 == 0,
        round(key / (variant + 3), 3),
        {"code": variant, "zone": {"name": f"z{key % 13}"}},
        f"{key}",
        ["a", variant],
    )
    # One value in eight has another type than its key usually has.
    kind = (key + (variant == 7)) % len(values)
    dots = "." if key % 3 == 0 else "_"
    return orjson.dumps({f"svc{key // 60}{dots}attr{key % 60}": values[kind]})[1:-1]
