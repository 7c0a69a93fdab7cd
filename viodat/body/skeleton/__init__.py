"""The skeleton fit: constant bone lengths, joint angles smooth in time, and an uncertainty for every joint and frame."""
