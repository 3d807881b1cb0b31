"""Routes that store events."""
