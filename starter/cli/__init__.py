"""The command `ovation`. Each command has `--json` and `--help` with an example; 0 is done, 1 not done, 2 wrong use."""
