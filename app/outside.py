"""What a page may ask for from elsewhere."""

STREET_MAP = "https://tile.openstreetmap.org/{Z}/{X}/{Y}.png"
"""Tiles below the maps, where a visitor switches them on."""
