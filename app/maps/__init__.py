"""Maps and imagery in the browser."""
