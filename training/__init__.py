"""From records to a bundle: recipes, models, the loop, export, evaluation and the gate."""
