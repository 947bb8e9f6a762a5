"""STAC services on loopback, with scenes in the layouts of the real ones, and with their faults."""
