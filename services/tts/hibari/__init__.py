"""The voice `hibari`: a small network for English, in a process of its own that is spoken to over the local pipe."""
