"""ElevenLabs' streaming voices, as its SDK and a plain WebSocket meet them."""
