"""Holds counter.c, the source of a QEMU plugin; see the README."""
