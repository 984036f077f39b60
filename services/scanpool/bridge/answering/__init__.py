"""What goes out: the models of answers, refusals, the schemas of tools, and text of strangers made fit to be shown."""
