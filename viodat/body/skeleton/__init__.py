"""The skeleton fit: constant bone lengths, joint angles smooth in time, and how sure each joint is in each frame."""
