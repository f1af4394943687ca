"""The command line: for those who set the hub up, watch it, and put right what stands still."""
