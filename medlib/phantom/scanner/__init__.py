"""Tissue maps become images, by the physics of computed tomography."""
