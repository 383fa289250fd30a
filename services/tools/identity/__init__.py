"""Who a caller is, by what they know: found, compared, and counted when it was wrong."""
