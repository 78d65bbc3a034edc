"""Learning at some sites, tested at another: remedies, and what each needs of the new site."""
