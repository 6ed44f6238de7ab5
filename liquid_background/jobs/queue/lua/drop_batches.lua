-- Drop the leases of claims of which nothing is left, whose tokens stand in ARGV behind their number.
local function drop_batches(at)
  local last = at + tonumber(ARGV[at])
  if last == at then return end
  on('HDEL', BATCH_JOBS, unpack(ARGV, at + 1, last))  -- first: a lease without ids runs out
  on('ZREM', BATCHES, unpack(ARGV, at + 1, last))
end
