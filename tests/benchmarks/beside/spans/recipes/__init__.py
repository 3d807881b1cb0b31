"""The suite in each system's own words: one module for each."""
