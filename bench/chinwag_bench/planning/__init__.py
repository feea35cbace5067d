"""How many machines a load takes, what binds them first, and what they cost: from a run's cells."""
