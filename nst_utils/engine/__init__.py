"""From two pictures to a third: costs, the objective and its gradient, optimisers, settings, and the run."""
