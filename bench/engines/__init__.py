"""How well the engines of this machine do, and what they cost: recognisers, the voice, the finder of personal data."""
