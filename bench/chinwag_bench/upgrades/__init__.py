"""Upgrades under load: how a server is replaced by another build, and what its clients saw."""
