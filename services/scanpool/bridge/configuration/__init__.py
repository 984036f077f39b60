"""The file `bridge.yaml`: whom the bridge believes, where it may be reached, how much it answers."""
