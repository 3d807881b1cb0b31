"""What the tests of the write side share: a model, a failing disk, and ways to read everything back."""
