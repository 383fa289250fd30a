"""SQL that a model wrote: what may be asked, of whose rows, and what is computed from the answer."""
