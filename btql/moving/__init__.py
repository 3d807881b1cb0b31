"""Moving objects: out of a database, whole and exact, and into another one; as JSON lines, Parquet and Arrow."""
