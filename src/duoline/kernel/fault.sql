-- Say from inside a function that an invariant is broken: `ensure()` for SQL. The transaction is rolled back, and in Python
-- the error is a `Fault` like any other (kernel/db.py gives this SQLSTATE its class).
CREATE OR REPLACE FUNCTION duo_fault(p_invariant text, p_detail text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'ZD001', MESSAGE = p_invariant, DETAIL = p_detail;
END
$$;
