"""``python -m viodat``, for torchrun and for whoever has no scripts on the path."""

from viodat.cli import main

if __name__ == "__main__":
    main()
