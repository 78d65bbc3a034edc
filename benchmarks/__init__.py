"""The same work done by us and by the tools a reader would otherwise pick."""
