"""The composition root: where the parts are put together into programs."""
