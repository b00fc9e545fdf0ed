"""Pictures of the demo chain's goods, drawn with a few shapes each: no photograph, no text, no network."""
