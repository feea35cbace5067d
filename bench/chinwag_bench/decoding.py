"""What decoders raise for content that is not what it should be."""

from __future__ import annotations

import msgspec

UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""Beside msgspec's own: bytes that are no UTF-8 and integers of thousands of digits are a
``ValueError``, thousands of brackets within each other a ``RecursionError``."""
