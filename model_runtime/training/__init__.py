"""Making models: corpora, reference motion, the two stages. Only the command line imports this."""
