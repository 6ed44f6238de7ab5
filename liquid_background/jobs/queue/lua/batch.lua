-- Leases. The jobs of a claim share one, which nobody extends: BATCHES says when it ends, by the claim's token, and BATCH_JOBS for
-- which jobs it is, and how much longer those have that were started. A job is under it while its record has that token, until it
-- gets a lease of its own, in LEASES: in the claim if it is of a group, with its start when that comes late, with its first beat, or
-- when the claim's runs out while it runs. From then on only its own counts. `run` runs a command: it is `on`, or only reads.
local MOST_UNDER = 1000  -- ids of one claim; a worker takes 64

-- The ids that were claimed under a token, and the ms by which what was started has longer; no ids where the token is not known, or what
-- stands there was planted.
local function ids_under(run, token)
  local json = run('HGET', BATCH_JOBS, token)
  if not json or #json > LARGEST_BATCH then return {}, 0 end
  local read, batch = pcall(cjson.decode, json)
  if not read or type(batch) ~= 'table' or type(batch.ids) ~= 'table' or #batch.ids > MOST_UNDER then return {}, 0 end
  return batch.ids, type(batch.more) == 'number' and math.max(0, math.min(batch.more, LONGEST_GRACE)) or 0
end

-- Whether a job whose record has a token is in a worker's hands.
local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
