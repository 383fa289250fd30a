"""Words, sentences and phrases of any script: what counts as one, where it ends, what is the same."""
