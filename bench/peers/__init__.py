"""Servers that do nothing but send: each line of stdin goes to every socket as one text frame."""
