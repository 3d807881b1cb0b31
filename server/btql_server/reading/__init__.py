"""Routes that answer queries."""
