"""How many replicas each service should have: the rule, and the same for Prometheus."""
