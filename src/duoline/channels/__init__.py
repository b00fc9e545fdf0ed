"""Where the outside meets Duoline: the HTTP faces, one package each, strangers to each other."""
