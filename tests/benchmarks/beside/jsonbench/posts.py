"""The records of :mod:`benchmarks.beside.jsonbench.records` that are more than a reference: posts, profiles, lists.

These have most of the paths: replies, pictures, links, quotes, marked places in a text, and keys that few write.
"""

from __future__ import annotations

from collections.abc import Callable

from btql.generate.dice import Dice
from btql.generate.vocabulary import pools

Target = Callable[[], tuple[str, str]]
"""Draws the CID and the address of a post."""
_LANGUAGES = ("en",) * 12 + ("ja", "ja", "pt", "pt", "de", "es", "ko", "fr")
_RARE_KEYS = ("via", "fullText", "bridgyOriginalText", "client", "threadId", "source", "com.example.mood", "tags")


class Posts:
    """Makes records up, one after the other."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)
        self.below = self._dice.below
        latin, han, *_ = pools()
        self._latin, self._han = latin.cutter(self._dice), han.cutter(self._dice)

    def post(self, at: str, target: Target, did: str) -> str:
        """Return a post."""
        unit = self._dice.unit
        language = self._dice.pick(_LANGUAGES)
        cut = self._han if language in {"ja", "ko"} else self._latin
        pieces = ['{"$type":"app.bsky.feed.post"', at]
        if unit() < 0.32:
            pieces.append(f'"embed":{self._embed(target)}')
        text = cut(8 + int(unit() ** 2 * 260)).decode()
        if unit() < 0.15:
            pieces.append(f'"facets":[{self._facet(len(text), did)}]')
        if unit() < 0.93:
            pieces.append(f'"langs":["{language}"]' if unit() < 0.97 else f'"langs":["{language}","en"]')
        if unit() < 0.02:
            pieces.append('"labels":{"$type":"com.atproto.label.defs#selfLabels","values":[{"val":"nudity"}]}')
        if unit() < 0.45:
            root, parent = target(), target()
            if unit() < 0.6:
                parent = root
            pieces.append(f'"reply":{{"parent":{_reference(parent)},"root":{_reference(root)}}}')
        if unit() < 0.01:
            pieces.append(f'"{self._dice.pick(_RARE_KEYS)}":"{cut(20).decode()}"')
        pieces.append(f'"text":"{text}"')
        return ",".join(pieces) + "}"

    def other(self, name: str, at: str, did: str, other: str, post: str) -> str:
        """Return a record of one of the smaller collections."""
        head = f'{{"$type":"{name}",{at}'
        match name.rsplit(".", 1)[1]:
            case "profile":
                blob = self._blob(40_000)
                about = self._latin(20 + self.below(180)).decode()
                banner = f',"banner":{self._blob(300_000)}' if self._dice.unit() < 0.5 else ""
                shown = self._latin(8 + self.below(16)).decode()
                return f'{head},"avatar":{blob}{banner},"description":"{about}","displayName":"{shown}"}}'
            case "listitem":
                return f'{head},"list":"at://{did}/app.bsky.graph.list/{self._letters(13)}","subject":"{other}"}}'
            case "listblock":
                return f'{head},"subject":"at://{other}/app.bsky.graph.list/{self._letters(13)}"}}'
            case "threadgate":
                rule = '{"$type":"app.bsky.feed.threadgate#mentionRule"}'
                return f'{head},"allow":[{rule}],"post":"{post}"}}'
            case "postgate":
                return f'{head},"embeddingRules":[{{"$type":"app.bsky.feed.postgate#disableRule"}}],"post":"{post}"}}'
            case "labeler" | "service":
                return f'{head},"policies":{{"labelValues":["spam","rude"]}}}}'
            case _:
                about = self._latin(30 + self.below(200)).decode()
                return f'{head},"description":"{about}","name":"{self._latin(20).decode()}","purpose":"{name}#curate"}}'

    def _embed(self, target: Target) -> str:
        kind = self._dice.unit()
        if kind < 0.45:
            images = ",".join(self._image() for _ in range(1 + self.below(2)))
            return f'{{"$type":"app.bsky.embed.images","images":[{images}]}}'
        if kind < 0.72:
            about = self._latin(40 + self.below(120)).decode()
            link = f"https://{self._letters(9)}.example.com/{self._letters(14)}"
            title = self._latin(40).decode()
            thumb = f',"thumb":{self._blob(200_000)}' if self._dice.unit() < 0.7 else ""
            external = f'{{"description":"{about}"{thumb},"title":"{title}","uri":"{link}"}}'
            return f'{{"$type":"app.bsky.embed.external","external":{external}}}'
        quote = f'{{"$type":"app.bsky.embed.record","record":{_reference(target())}}}'
        if kind < 0.92:
            return quote
        if kind < 0.96:
            media = f'{{"$type":"app.bsky.embed.images","images":[{self._image()}]}}'
            return f'{{"$type":"app.bsky.embed.recordWithMedia","media":{media},"record":{quote}}}'
        ratio = f'"aspectRatio":{{"height":{720 + self.below(1200)},"width":{720 + self.below(600)}}}'
        return f'{{"$type":"app.bsky.embed.video",{ratio},"video":{self._blob(9_000_000, "video/mp4")}}}'

    def _facet(self, length: int, did: str) -> str:
        start = self.below(max(length - 10, 1))
        place = f'"index":{{"byteEnd":{start + 10},"byteStart":{start}}}'
        kind = self.below(3)
        feature = (
            f'{{"$type":"app.bsky.richtext.facet#link","uri":"https://{self._letters(9)}.example.com/"}}',
            f'{{"$type":"app.bsky.richtext.facet#mention","did":"{did}"}}',
            f'{{"$type":"app.bsky.richtext.facet#tag","tag":"{self._letters(8)}"}}',
        )[kind]
        return f'{{"features":[{feature}],{place}}}'

    def _image(self) -> str:
        alt = self._latin(self.below(80)).decode() if self._dice.unit() < 0.3 else ""
        ratio = f'"aspectRatio":{{"height":{600 + self.below(1400)},"width":{600 + self.below(1400)}}}'
        return f'{{"alt":"{alt}",{ratio},"image":{self._blob(900_000)}}}'

    def _blob(self, size: int, mime: str = "image/jpeg") -> str:
        link = f"bafkrei{self._letters(52)}"
        return f'{{"$type":"blob","ref":{{"$link":"{link}"}},"mimeType":"{mime}","size":{1 + self.below(size)}}}'

    def _letters(self, count: int) -> str:
        """Return so many letters and digits, of the 32 that identifiers have there."""
        number = int(self._dice.unit() * 2**53) | int(self._dice.unit() * 2**53) << 53
        for _ in range(count // 21):
            number = number << 53 | int(self._dice.unit() * 2**53)
        return "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> 5 * place & 31] for place in range(count))


def _reference(target: tuple[str, str]) -> str:
    return f'{{"cid":"{target[0]}","uri":"{target[1]}"}}'
