-- Leases. The jobs of a claim share one, which nobody extends: `BATCHES` has its end by the claim's token, `BATCH_JOBS` their ids
-- and for how much longer those have one that were started. A job has one of its own, in `LEASES`, from its first beat on; from its
-- claim on if it is of a group; from its start on if that comes late; and when that of its claim runs out while it runs. Then
-- it is no longer under its claim's. Callers say how to run a command: `on`, or one that only reads.

-- The ids that were claimed under a token, and the ms by which what was started has longer; no ids where that is not known.
local function ids_under(run, token)
  local json = run('HGET', BATCH_JOBS, token)
  if not json or #json > LARGEST_BATCH then return {}, 0 end
  local read, batch = pcall(cjson.decode, json)
  if not read or type(batch) ~= 'table' or type(batch.ids) ~= 'table' then return {}, 0 end
  return batch.ids, type(batch.more) == 'number' and math.max(0, math.min(batch.more, LONGEST_GRACE)) or 0
end

local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
