"""The clerk's phone: the queue, picking, handing over, scanning."""
