"""What is seen: the figure, the violin and the room as a camera sees them."""
