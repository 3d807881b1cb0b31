"""Spans as the generator makes them, and what people ask of them."""
