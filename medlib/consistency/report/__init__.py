"""`medlib grim`: the numbers of a report, from the question to findings in words and tables."""
