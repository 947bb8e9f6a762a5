"""What Panel, or the server that it runs in, leaves undone or does otherwise than is wanted here."""
