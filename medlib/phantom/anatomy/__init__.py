"""A seed becomes a body: tissue maps of the chest and upper abdomen, normal or with a finding."""
