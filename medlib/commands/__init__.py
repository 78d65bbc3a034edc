"""The commands of `medlib`, one file each; `medlib.cli` puts them together."""
