"""What plays in a page: figures that compute in the reader's browser and load nothing."""
