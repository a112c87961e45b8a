"""Apply the metrics to the clips of a performer, and turn them into figures of the table."""
