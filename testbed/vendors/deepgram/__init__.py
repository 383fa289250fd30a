"""Deepgram's two streaming APIs, as its SDK meets them."""
