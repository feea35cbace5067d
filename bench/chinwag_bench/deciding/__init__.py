"""Which server for given needs: from a run's cells, and nothing else."""
