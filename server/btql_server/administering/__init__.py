"""Organizations, members, keys and permissions over REST, at Braintrust's paths."""
