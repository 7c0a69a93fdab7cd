"""Results of stages, kept under the digest of what they were computed from, so that no work is done twice."""
