-- Leases. The jobs of a claim share one, which nobody extends: `BATCHES` has its end by the claim's token, `BATCH_JOBS` their ids. A
-- job gets one of its own, in `LEASES`, with its first beat; in the claim if it is of a group, and at its start if that comes late.
-- From then on that of the batch is its no more. Callers say how to run a command: `on`, or one that only reads.

-- The ids that were claimed under a token; none where that is not known.
local function ids_under(run, token)
  local json = run('HGET', BATCH_JOBS, token)
  if not json or #json > LARGEST_BATCH then return {} end
  local read, ids = pcall(cjson.decode, json)
  return read and type(ids) == 'table' and ids or {}
end

local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
