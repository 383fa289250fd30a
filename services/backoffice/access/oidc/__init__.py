"""Logging in at an OpenID Connect provider: authorization code with PKCE, state and nonce.

`settings`: what is configured. `provider`: what the provider says of itself, and its keys. `login`: one login, from the
way there to who came back. `roles`: from what the provider says of a person to a role here.
"""
