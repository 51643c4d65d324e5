"""`python -m stancewire` is the `stancewire` command."""

from stancewire.cli import main

if __name__ == "__main__":
    main()
