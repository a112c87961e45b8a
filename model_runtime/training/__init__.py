"""Making models: corpora, reference motion, the two stages. Nothing imports this but the command line."""
