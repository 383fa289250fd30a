"""From calls to replicas, cores, memory, writes and money: figures that were measured, and arithmetic."""
