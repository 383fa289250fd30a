"""What is published of the agents: versions, their bundles, the shelf they stand on, the numbers that reach them."""
