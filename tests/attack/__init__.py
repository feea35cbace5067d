"""Presses a chinwagd in ways that chat does not, and measures what a bystander notices."""
