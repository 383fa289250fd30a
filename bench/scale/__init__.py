"""What `parley size` says, tried: parts of a house of 10,000 calls, each by itself, as far as one machine goes."""
