"""The module or AAR of a model: what its wrapper must know, and its sources in Java and Kotlin."""
