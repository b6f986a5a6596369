"""The durable journey: waits, deadlines and calls to other systems, on top of the pure domain."""
