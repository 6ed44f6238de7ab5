-- Drop the leases that claims have under these tokens.
local function drop_batches(...)
  on('HDEL', BATCH_JOBS, ...)  -- first: a lease without ids runs out
  on('ZREM', BATCHES, ...)
end
