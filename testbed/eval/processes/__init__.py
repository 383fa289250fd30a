"""Conversations held through all services as processes of their own: typed at the door, or spoken on a line."""
