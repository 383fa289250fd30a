"""The recogniser that runs on this machine: a language model of the agent's domain, pocketsphinx, worker processes."""
