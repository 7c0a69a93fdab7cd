"""What is heard: bowed strings, the violin's body, the room and the microphones."""
