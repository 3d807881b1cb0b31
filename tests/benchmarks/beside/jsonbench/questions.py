"""The five questions."""

from __future__ import annotations

from benchmarks.beside.question import Question

QUESTIONS = (
    Question("events", {"event": "text", "count": "number"}, "count", "top event types"),
    Question(
        "events with users",
        {"event": "text", "count": "number", "users": "number"},
        "count",
        "top event types, with how many different users",
    ),
    Question(
        "hours",
        {"event": "text", "hour_of_day": "number", "count": "number"},
        "",
        "at which hours people post, repost and like",
    ),
    Question(
        "veterans", {"user_id": "text", "first_post_ts": "time"}, "first_post_ts", "the three users who posted first"
    ),
    Question(
        "longest activity",
        {"user_id": "text", "activity_span": "number"},
        "activity_span",
        "the three users with most milliseconds between first and last post",
    ),
)
