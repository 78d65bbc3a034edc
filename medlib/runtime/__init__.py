"""What every room stands on: paths, progress, worker processes, what runs keep, arithmetic."""
