"""Wire-faithful stand-ins of the vendors, on loopback, for tests and benches.

A stand-in knows only what reached it. Words travel inside audio (`wordcodec`): the recogniser returns a word only if
that word's audio arrived, the voice makes audio from the text it was sent, and a recorder (`recorder`) reads the words
back from what was played. Latency and failure are programmable (`faults`), also from another process (`server`).
"""
