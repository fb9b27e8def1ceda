"""Worker processes: launch, queue, heartbeat, checkpoints."""
