"""Staff log-in, shared by the clerk's phone and the console."""
