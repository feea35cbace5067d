"""``python -m chinwag_bench``: the same as the console script ``chinwag``."""

from chinwag_bench.entry import main

main()
