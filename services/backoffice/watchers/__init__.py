"""The watchers that ship: audit, sentiment, outcomes, webhooks."""
