"""OpenTelemetry spans, received and turned into events."""
