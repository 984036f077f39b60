"""What the pipeline's benchmarks share: a server and services in processes of their own, and what they cost."""
