"""`parley call` and `parley chat`: a caller of a running gateway, and the call on paper."""
