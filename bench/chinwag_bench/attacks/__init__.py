"""Attacks on a server: what each class presses, and a program that does it."""
