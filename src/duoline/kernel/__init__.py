"""The kernel: values, clock, database, outbox and the other things every package stands on."""
