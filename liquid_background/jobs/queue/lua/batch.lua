-- Leases. The jobs of a claim share one, which nobody extends: BATCHES says when it ends, by the claim's token, and BATCH_JOBS for
-- which jobs it is, and how much longer those have that were started. A job is under it while its record has that token, until it
-- gets a lease of its own, in LEASES: in the claim if it is of a group, with its start when that comes late, with its first beat, or
-- when the claim's runs out while it runs. From then on only its own counts. `run` runs a command: it is `on`, or only reads.

-- The ids that were claimed under a token, and the ms by which what was started has longer; no ids where the token is not known, or
-- what stands there was planted. And as how many ids the reading counts, where only so many may be looked at.
local function ids_under(run, token)
  local length = run('HSTRLEN', BATCH_JOBS, token)
  if not length or length == 0 or length > LARGEST_BATCH then return {}, 0, 1 end
  local read, batch = pcall(cjson.decode, run('HGET', BATCH_JOBS, token))
  local is_batch = read and type(batch) == 'table' and type(batch.ids) == 'table' and #batch.ids <= MOST_IN_BATCH
  local ids, more = is_batch and batch.ids or {}, is_batch and batch.more
  more = type(more) == 'number' and math.max(0, math.min(more, LONGEST_GRACE)) or 0
  return ids, more, 1 + #ids + math.floor(length / 1000)
end

-- Whether a job whose record has a token is in a worker's hands.
local function is_leased(run, id, token)
  return run('ZSCORE', LEASES, id) or ((token or '') ~= '' and run('ZSCORE', BATCHES, token))
end
