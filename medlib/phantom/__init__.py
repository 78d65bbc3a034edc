"""Simulated patients: anatomy drawn from a seed, and the physics of the scanners that image it."""
