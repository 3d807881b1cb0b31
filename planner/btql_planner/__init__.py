"""Tree to plan: binds names, gives every expression a type, rewrites, and lowers to SQL for the engine."""
