"""The sockets: what comes in, whoever it is from, and the page."""
