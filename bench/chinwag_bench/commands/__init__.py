"""The commands of ``chinwag``, thin: they resolve words into objects, call, and print."""
