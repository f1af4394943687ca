"""What a large backlog costs: claims, memory, order of the drain, turns of a hot subject, answers."""
