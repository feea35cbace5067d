"""What follows from a fault: how servers are made to have one, and what their clients saw."""
