-- Drop the leases that claims have under these tokens.
local function drop_batches(...)
  on('ZREM', BATCHES, ...)
  on('HDEL', BATCH_JOBS, ...)
end
