"""Clauses beyond select, filter, group, sort and limit: one module each, from the tree to plan nodes."""
