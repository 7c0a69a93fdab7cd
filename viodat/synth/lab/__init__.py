"""What a lab records of the player: markers, phones, clocks, and the files they write."""
