"""The dialogue engine that runs without a model: patterns, sentence embeddings, and a small set of rules."""
