"""Makes the packages of this folder importable as they stand, installed or not; there is nothing else to set up."""
