"""The tables in the package are the ones the grammar gives."""

from __future__ import annotations

from pathlib import Path

from btql_grammar import reader, tables


def test_tables_are_up_to_date() -> None:
    kept = Path(tables.__file__).with_name("btql.tables.json").read_text(encoding="utf-8")

    assert kept == tables.generate(), "run `python -m btql_grammar.tables`"


def test_every_rule_has_a_builder() -> None:
    wanted = {rule.builder for rule in tables.load().rules if rule.builder and not rule.unit}

    assert wanted == set(reader.BUILDERS)
