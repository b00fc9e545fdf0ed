-- What may be promised of one level, in the one place where it is computed: on hand, less what is held,
-- less the safety stock, plus what the asker holds already ("except mine"). Never below zero.
CREATE OR REPLACE FUNCTION duo_available(on_hand integer, held integer, safety integer, mine integer DEFAULT 0)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(on_hand - held - safety + mine, 0);

-- What a channel has to leave of a level besides its safety stock.
CREATE OR REPLACE FUNCTION duo_buffer(buffers jsonb, channel text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((buffers->>channel)::integer, 0);

-- What may be promised to leave the shop for others (a delivery, a transfer): as above, less what the shop's owner
-- keeps back (reserve), and no more at a time than the owner lets go (cap; NULL for any number), of which "outward" are
-- promised already. A level that is not there has nothing: least() would pass its NULL over, and grant any number.
CREATE OR REPLACE FUNCTION duo_shared(
    on_hand integer, held integer, safety integer, reserve integer, cap integer, outward integer
)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(least(coalesce(on_hand - held - safety - reserve, 0), coalesce(cap - outward, 2147483647)), 0);
