"""One module for each system: how to start it, fill it, ask it, and how large it is. What it is told is in recipes."""
