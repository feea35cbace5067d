"""What the kit reads from this machine: cores, CPU time, memory, disturbances, fingerprint."""
