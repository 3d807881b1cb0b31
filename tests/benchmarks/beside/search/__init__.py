"""The suite of text search: words and phrases whose frequencies are known, counted and fetched."""
