"""The demo chain: 禾屿亲子, an invented mother-and-baby chain on real Chinese places.

Deterministic: the same size, seed and day make the same rows. Everything is made as rows of the import's column
dictionary, one after the other, and loaded through the import itself.

`command` is the command line, `load` the loading; the rest makes rows and pictures. Nothing is imported here, because
the programs that draw pictures should not carry what the command needs.
"""
