"""From a result directory's raw records to the decision matrix: nothing here measures."""
