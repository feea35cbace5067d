"""Conformance to protocol/chat-1.md: the same tests for every server that has a manifest."""
