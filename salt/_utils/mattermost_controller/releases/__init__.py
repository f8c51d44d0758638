"""What the release sources list, asked from the controller."""
