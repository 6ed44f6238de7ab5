-- Leases. The jobs of a claim share one, which nobody extends: `BATCHES` has its end by the claim's token, `BATCH_JOBS` their ids. A
-- job gets one of its own, in `LEASES`, with its first beat; in the claim if it is of a group, and at its start if that comes late.
-- From then on that of the batch is its no more. Callers say how to run a command: `on`, or one that only reads.

-- The ids that were claimed under a token, none where that is not known; and as how many ids the reading counts, where only
-- so many may be looked at: what was planted may hold more than any claim, or long ones.
local function ids_under(run, token)
  local length = run('HSTRLEN', BATCH_JOBS, token)
  if not length or length == 0 or length > LARGEST_BATCH then return {}, 1 end
  local read, ids = pcall(cjson.decode, run('HGET', BATCH_JOBS, token))
  if not read or type(ids) ~= 'table' or #ids > MOST_IN_BATCH then ids = {} end
  return ids, 1 + #ids + math.floor(length / 1000)
end

local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
