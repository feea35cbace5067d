"""A run: its profile, its plan, its rounds, and what it writes to disk."""
