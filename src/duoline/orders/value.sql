-- What the first units of a line cost together, of all that it costs after offers. Rounded up, so that the odd cents go
-- with units spread evenly over the line; between any two counts of units it is the difference, which adds up exactly.
-- Divided first, so that no product of money and units can be too large.
CREATE OR REPLACE FUNCTION duo_value(net_minor bigint, quantity integer, units bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN net_minor / quantity * units + (net_minor % quantity * units + quantity - 1) / quantity;
