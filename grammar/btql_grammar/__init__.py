"""Text to tree: BTQL and SQL text become one syntax tree, errors become drawings."""
