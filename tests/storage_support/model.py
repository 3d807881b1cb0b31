"""What a database must hold, as plain dictionaries.

Written from the description of events alone, over decoded values, so that it
shares nothing with the code it checks.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

Document = dict[str, Any]
Rows = dict[str, Document]

_CONTROL = {
    "_is_merge",
    "_merge_paths",
    "_array_delete",
    "_object_delete",
    "_parent_id",
    "_audit_source",
    "_audit_metadata",
    "_skip_async_scoring",
}
_KEPT = ("created", "span_id", "root_span_id", "span_parents")
_SURVIVING = ("comments", "audit_data")


class Model:
    """The current rows of one object."""

    def __init__(self) -> None:
        self.rows: Rows = {}

    def copy(self) -> Model:
        other = Model()
        other.rows = deepcopy(self.rows)
        return other

    def apply(self, events: list[Document], xact_id: int = 0) -> None:
        for event in deepcopy(events):
            self._apply(event, str(xact_id))

    def _apply(self, event: Document, xact_id: str) -> None:
        if event.get("comment") is not None and isinstance(event.get("origin"), dict) and event["origin"].get("id"):
            self._comment(event, xact_id)
            return
        row_id = event["id"]
        if event.get("_object_delete"):
            self.rows.pop(row_id, None)
            return
        old = self.rows.get(row_id)
        payload = {key: value for key, value in event.items() if key not in _CONTROL}
        if old is None or not event.get("_is_merge"):
            payload["span_id"] = payload.get("span_id") or row_id
            payload["root_span_id"] = payload.get("root_span_id") or payload["span_id"]
            if event.get("_parent_id") and not event.get("_is_merge"):
                parent = self.rows[event["_parent_id"]]
                payload["root_span_id"] = parent["root_span_id"]
                payload["span_parents"] = [parent["span_id"]]
            row = {key: value for key, value in payload.items() if value is not None}
            for key in _SURVIVING:
                if old is not None and key in old and key not in row:
                    row[key] = old[key]
        else:
            kept = {key: old[key] for key in _KEPT if key in old}
            row = {key: value for key, value in old.items() if key not in _KEPT}
            for key in _KEPT:
                payload.pop(key, None)
            stops = [tuple(path) for path in event.get("_merge_paths") or []]
            for key, value in payload.items():
                if value is None:
                    row.pop(key, None)
                elif key == "tags" and "tags" in row and ("tags",) not in stops:
                    union = list(row["tags"])
                    for tag in value:
                        if tag not in union:
                            union.append(tag)
                    row["tags"] = list(dict.fromkeys(union))
                else:
                    row[key] = _merge(row.get(key), value, (key,), stops)
            row.update(kept)
        for instruction in event.get("_array_delete") or []:
            _remove(row, instruction["path"], instruction["delete"])
        if event.get("_audit_source") is not None or event.get("_audit_metadata") is not None:
            _audit(row, event, xact_id, "upsert" if old is None or not event.get("_is_merge") else "merge")
        self.rows[row_id] = row

    def _comment(self, event: Document, xact_id: str) -> None:
        target = event["origin"]["id"]
        row = self.rows.get(target)
        if row is None:
            if event.get("_object_delete"):
                return
            row = {"id": target, "span_id": target, "root_span_id": target, "created": event["created"]}
        row = deepcopy(row)
        before = _list(row.get("comments"))
        places = [place for place, one in enumerate(before) if _is_comment(one, event["id"])]
        comments = [one for place, one in enumerate(before) if place not in places]
        if not event.get("_object_delete"):
            created = event["created"].replace("Z", ".000Z")
            comment = {"id": event["id"], "_xact_id": xact_id, "created": created, "comment": event["comment"]}
            comment |= {"user": event["user"]} if event.get("user") is not None else {}
            comments.insert(places[0] if places else len(comments), comment)
        row.pop("comments", None)
        if comments:
            row["comments"] = comments
        _audit(row, event, xact_id, "comment")
        self.rows[target] = row


def _audit(row: Document, event: Document, xact_id: str, action: str) -> None:
    entry = {
        "_xact_id": xact_id,
        "audit_data": {"action": action},
        "metadata": event.get("_audit_metadata") or {},
        "source": event.get("_audit_source") or "api",
    }
    row["audit_data"] = [*_list(row.get("audit_data")), entry]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_comment(value: Any, comment_id: str) -> bool:
    return isinstance(value, dict) and value.get("id") == comment_id


def _merge(old: Any, new: Any, path: tuple[str, ...], stops: list[tuple[str, ...]]) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict) or path in stops:
        return new
    result = dict(old)
    for key, value in new.items():
        result[key] = _merge(old[key], value, (*path, key), stops) if key in old else value
    return result


def _remove(row: Document, path: list[str], unwanted: list[Any]) -> None:
    if not path or path[0] in _KEPT:
        return
    holder: Any = row
    for key in path[:-1]:
        if not isinstance(holder, dict) or key not in holder:
            return
        holder = holder[key]
    if isinstance(holder, dict) and isinstance(holder.get(path[-1]), list):
        spelled = [_spell(value) for value in unwanted]
        holder[path[-1]] = [value for value in holder[path[-1]] if _spell(value) not in spelled]


def _spell(value: Any) -> str:
    """Write a value so that equal values look the same: 1 is 1.0, but not true."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        return json.dumps({key: _spell(child) for key, child in value.items()}, sort_keys=True)
    if isinstance(value, list):
        return json.dumps([_spell(child) for child in value])
    return json.dumps(value)
