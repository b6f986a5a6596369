"""The durable journey: waits, deadlines and calls out, on the pure domain. Reads like the pathway itself."""
