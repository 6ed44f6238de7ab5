"""`python -m poscli` is `poscli`."""

from poscli.main import main

if __name__ == "__main__":
    main()
