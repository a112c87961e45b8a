"""Reference motion: articulation, expressions and prosody that make training labels."""
