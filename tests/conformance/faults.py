"""What the suite's own server can do wrong: a rule each, the test that notices, and its words."""

from __future__ import annotations

from .fault import Check, Fault
from .faults_of_chat import DIRECT, HANDSHAKE, NAMES_AND_CHECKS, ROOMS
from .faults_of_connections import ASKED, FRAMES, LIFE
from .faults_of_http import HTTP

__all__ = ["FAULTS", "Check", "Fault"]

FAULTS = [*HANDSHAKE, *HTTP, *NAMES_AND_CHECKS, *ROOMS, *DIRECT, *FRAMES, *LIFE, *ASKED]
