"""Sentinel-1 from the product as delivered to what the networks read, without other programs."""
