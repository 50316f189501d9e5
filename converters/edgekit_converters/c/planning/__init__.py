"""Where every tensor lies: lifetimes, and one arena in which those that are never needed together share bytes."""
