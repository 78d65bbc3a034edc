"""What `medlib run` puts around a chapter: a look at the data before, a report and a page after."""
