"""Networks that go wrong in a trial, as the text of a user's module that defines `plain` itself."""

from __future__ import annotations

__all__ = ["WRONG"]

WRONG = """
import os, time

def dies():
    os._exit(7)

def hangs():
    time.sleep(600)

def grows():
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20) * 64))
        time.sleep(0.02)

def unknown():
    model = plain()
    model.set_weights([w * float("nan") for w in model.get_weights()])
    return model
"""
