"""What tests and benches know of metrics, queries and dashboards, read from the sources."""
