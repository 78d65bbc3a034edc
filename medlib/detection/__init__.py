"""Finding small things in a volume: lungs, candidates, what they hit, and how they grow."""
