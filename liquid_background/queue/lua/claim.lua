-- include: time log enqueue group record foreign
-- Pop a batch of jobs of one queue into leases. Nothing is counted: an attempt begins in the step script.
-- ARGV: token, lease in ms, how many, log limit, number of queues, the queues in the order to try, the fields wanted.
-- Returns {queue, {id, size of data, the fields}, ...}, or {'', ms until the next delayed job is due or -1}.
local token, lease, wanted, limit, queues = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local MOST_PARKED = 200  -- jobs that one claim parks
local LARGEST = 204800  -- bytes of data that leave the store; larger ones are refused by their size

-- Why an id of the queue cannot be claimed; nil when it can.
local function obstacle(record, id)
  if record.err then return 'REFUSED', 'the record is not a hash' end
  if not record[1] or not record[6] then return 'LOST', 'its record is gone: deleted, expired or evicted by the store' end
  if record[1] ~= 'queued' then return 'skip' end
  if record[2] and redis.call('ZSCORE', 'liquid_background:leases', id) then return 'skip' end
  return nil
end

local parked = 0

local function claim(queue, id)
  local key = 'rq:job:' .. id
  local size = redis.pcall('HSTRLEN', key, 'data')
  local fields = {'status', 'lb_token', 'lb_foreign', 'lb_group', 'lb_group_limit', unpack(ARGV, 6 + queues)}
  if type(size) == 'number' and size > LARGEST then fields[6] = 'origin' end
  local record = redis.pcall('HMGET', key, unpack(fields))
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
  if record[4] and not enter_group(key, id, queue, record[4], record[5]) then
    parked = parked + 1
    return nil
  end
  redis.call('HSET', key, 'lb_token', token)
  redis.call('ZADD', 'liquid_background:leases', now_ms + lease, id)
  return {id, size, unpack(record, 6, #fields)}
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
  if #batch > 1 then return batch end
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
