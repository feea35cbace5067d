"""The kit's version, as results state it."""

KIT_VERSION = "0.1.0"
