"""What a run keeps: checkpoints, and the folder of all that it says."""
