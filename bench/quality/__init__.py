"""How well the local engines understand: typed and spoken sentences, the engineers' own and held-out ones."""
