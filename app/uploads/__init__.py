"""Files that visitors send: what they are for, what is accepted, where they go."""
