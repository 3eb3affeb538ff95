"""The words all rooms share. Imports nothing of this project."""
