"""Worker processes of a recogniser, as the service sees them."""
