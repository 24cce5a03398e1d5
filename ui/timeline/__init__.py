"""The Time machine: a training, seen again from checkpoint to checkpoint."""
