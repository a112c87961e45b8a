"""Read public corpora: one loader for each format, all giving the same clips."""
