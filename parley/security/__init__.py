"""How this process is secured, and whom it believes."""
