-- include: time log enqueue group record foreign
-- Pop a batch of jobs of one queue into leases. Nothing is counted: an attempt begins in the step script.
-- ARGV: token, lease in ms, how many, log limit, number of queues, the queues in the order to try, the number of the
-- fields wanted, these fields (the data first), then those that no job may have.
-- Returns {queue, {id, size of data, '' or a field that no job may have, the fields}, ...}, or {'', ms until the next delayed job is due or -1}.
local token, lease, wanted, limit, queues = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local MOST_PARKED = 200  -- jobs that one claim parks
local LARGEST = 204800  -- bytes of data that leave the store; larger ones are refused by their size

local FIELDS = {'status', 'lb_token', 'lb_foreign', 'lb_group', unpack(ARGV, 7 + queues)}
local DATA = 5  -- where the data stands in FIELDS
local LAST = DATA - 1 + tonumber(ARGV[6 + queues])

-- Why an id of the queue cannot be claimed; nil when it can.
local function obstacle(record, id)
  if record.err then return 'REFUSED', 'the record is not a hash' end
  if not record[1] or not record[DATA + 1] then
    return 'LOST', 'its record is gone: deleted, expired or evicted by the store'
  end
  if record[1] ~= 'queued' then return 'skip' end
  if record[2] == token then return 'skip' end  -- it stands in the queue twice
  if record[2] and redis.call('ZSCORE', 'liquid_background:leases', id) then return 'skip' end
  return nil
end

local function planted(record)
  for i = LAST + 1, #FIELDS do
    if record[i] and record[i] ~= '' and record[i] ~= '[]' then return FIELDS[i] end
  end
  return ''
end

local parked = 0
local leases = {}

local function claim(queue, id)
  local key = 'rq:job:' .. id
  local record = redis.pcall('HMGET', key, unpack(FIELDS))
  local why, message = obstacle(record, id)
  if why == 'skip' then return nil end
  if why then
    log(limit, {id, '', '', 0, 0, 0, why, 0, message, 'job', 1})
    return nil
  end
  if record[3] and has_other_workers(queue) then
    redis.call('RPUSH', 'rq:queue:' .. queue, id)
    return nil
  end
  if record[4] and not enter_group(key, id, queue, record[4], redis.call('HGET', key, 'lb_group_limit')) then
    parked = parked + 1
    return nil
  end
  redis.call('HSET', key, 'lb_token', token)
  leases[#leases + 1] = now_ms + lease
  leases[#leases + 1] = id
  local size = #(record[DATA] or '')
  if size > LARGEST then record[DATA] = false end
  return {id, size, planted(record), unpack(record, DATA, LAST)}
end

for q = 1, queues do
  local queue = ARGV[5 + q]
  local batch, ids = {queue}, nil
  local there = redis.call('LLEN', 'rq:queue:' .. queue)
  repeat
    ids = redis.call('LPOP', 'rq:queue:' .. queue, wanted + 1 - #batch)
    there = there - #(ids or {})
    for _, id in ipairs(ids or {}) do
      local job = claim(queue, id)
      if job then batch[#batch + 1] = job end
    end
  until there <= 0 or not ids or #ids == 0 or #batch > wanted or parked >= MOST_PARKED
  if #batch > 1 then
    redis.call('ZADD', 'liquid_background:leases', unpack(leases))
    return batch
  end
  if parked >= MOST_PARKED then return {'', 0} end
end

-- Nothing waits: tokens that are left would only wake workers for nothing.
local due = -1
for q = 1, queues do
  redis.call('DEL', 'liquid_background:wake:' .. ARGV[5 + q])
  local first = redis.call('ZRANGE', 'rq:scheduled:' .. ARGV[5 + q], 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, math.ceil((tonumber(first[2]) - now) * 1000))
    if due < 0 or wait < due then due = wait end
  end
end
return {'', due}
