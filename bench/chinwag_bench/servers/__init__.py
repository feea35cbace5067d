"""The compared servers: manifests, toolchains, builds, processes and conformance."""
