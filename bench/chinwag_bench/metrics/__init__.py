"""The measurements: one file each, with a ``METRIC``; ``registry`` lists them."""
