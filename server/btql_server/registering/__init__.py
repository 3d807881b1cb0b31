"""Routes that make, find and change what the registry holds."""
