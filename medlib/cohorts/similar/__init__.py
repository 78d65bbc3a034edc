"""Images that look alike: copies, neighbouring slices, stand-ins for patients."""
