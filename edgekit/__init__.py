"""EdgeKit: takes a Keras model to phones and microcontrollers, with savings proven on the file that ships."""

__version__ = "0.1.0"
