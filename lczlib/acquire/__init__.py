"""From a place's name to its data: providers, search, composites, the published LCZ map."""
