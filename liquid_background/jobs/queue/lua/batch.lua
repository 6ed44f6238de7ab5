-- Leases. The jobs of a claim share one, which nobody extends: BATCHES says when it ends, by the claim's token, and BATCH_JOBS which
-- jobs it was given for. A job is under it while its record has that token, until it gets a lease of its own, in LEASES: with its first
-- beat, with its start when that comes late, or, if it is of a group, in the claim. From then on only its own counts.
-- `run` runs a command: it is `on`, or a function that only reads.
local MOST_UNDER = 1000  -- ids of one claim; a worker takes 64

-- The ids that were claimed under a token; none where that is not known, or what stands there was planted.
local function ids_under(run, token)
  local json = run('HGET', BATCH_JOBS, token)
  if not json or #json > LARGEST_BATCH then return {} end
  local read, ids = pcall(cjson.decode, json)
  return read and type(ids) == 'table' and #ids <= MOST_UNDER and ids or {}
end

-- Whether a job whose record has a token is in a worker's hands.
local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
