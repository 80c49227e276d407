"""Episodes and how many of them step at once: the numbers are made here."""
