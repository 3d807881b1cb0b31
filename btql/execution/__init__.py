"""Runs an engine plan on a snapshot: registers scans, fetches documents, streams Arrow batches."""
