-- include: keep drop_batches
-- Drop the leases of claims of which no job is left in their worker's hands. ARGV: their tokens.
drop_batches(unpack(ARGV))
