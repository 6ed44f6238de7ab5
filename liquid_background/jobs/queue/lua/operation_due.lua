-- include: time keep operation
-- Whether an operation is due: 1 or 0. Unlike a tick, which says so, too, it writes nothing, so that a full store answers.
return first_due() and 1 or 0
