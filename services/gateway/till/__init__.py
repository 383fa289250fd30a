"""Where callers pay: no digit of a card passes from here to the mind, to pages, or to anybody who looks on."""
