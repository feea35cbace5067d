"""The kit: builds, verifies, measures and judges chat servers, and renders the decision matrix."""
