"""The worker: reads settings, builds platforms and activities, runs the Temporal worker. Nothing else."""
