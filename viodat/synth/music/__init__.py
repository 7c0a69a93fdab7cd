"""What is played: pieces, how a player performs them, and the control signals of the two hands."""
