"""What goes again: whole objects, rows that policies expire, and the bytes of all that was deleted."""
