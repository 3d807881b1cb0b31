"""Who asks, and what they may do: keys, principals, levels."""
