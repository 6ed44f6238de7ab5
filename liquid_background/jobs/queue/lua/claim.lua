-- include: time keep rights log enqueue group record bury foreign
-- Pop a batch of jobs of one queue into leases. Nothing is counted: an attempt begins in the step script.
-- ARGV: token, lease in ms, how many, log limit, the caller's own wake list or '', number of queues, the queues in the order
-- to try, the number of the fields wanted, these fields (the data first, the origin next), then those that no job may have.
-- Returns {queue, this clock in seconds, {id, size of data, '' or a field that no job may have, the fields}, ...}, or
-- {'', this clock in seconds, ms until the next delayed job is due or -1}. While the store refuses writes it raises that.
local token, lease, wanted, limit, own_wake = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local queues = tonumber(ARGV[6])
local FIRST_QUEUE = 7
local MOST_PARKED = 200  -- jobs that one claim parks
local MOST_PASSED = 1000  -- ids without a job that one claim takes out of a queue
local MOST_FOREIGN = 1000  -- other applications' jobs that one claim puts back at the end of a queue
local LARGEST = 204800  -- bytes of data that leave the store; larger ones are refused by their size
local LARGEST_FIELD = 4096  -- likewise of any other field
local LONGEST_ID = 1000  -- bytes; nobody's ids are longer, and this one would travel

local FIELDS = {'status', 'lb_token', 'lb_foreign', 'lb_group', unpack(ARGV, FIRST_QUEUE + queues + 1)}
local GROUP, DATA, ORIGIN = 4, 5, 6  -- where these stand in FIELDS
local LAST = DATA - 1 + tonumber(ARGV[FIRST_QUEUE + queues])

-- Why an id of the queue cannot be claimed; nil when it can.
local function obstacle(record, id)
  if record.err then return 'REFUSED', 'the record is not a hash' end
  if not record[1] and not record[DATA] then
    return 'LOST', 'its record is gone: deleted, expired or evicted by the store'
  end
  if not record[1] then error('it has no status') end
  if record[1] ~= 'queued' then return 'skip' end
  if record[2] == token then return 'skip' end  -- it stands in the queue twice
  if record[2] and on('ZSCORE', 'liquid_background:leases', id) then return 'skip' end
  return nil
end

local function planted(record)
  for i = GROUP, LAST do
    if i ~= DATA and record[i] and #record[i] > LARGEST_FIELD then return FIELDS[i] end
  end
  for i = LAST + 1, #FIELDS do
    if record[i] and record[i] ~= '' and record[i] ~= '[]' then return FIELDS[i] end
  end
  return ''
end

local parked, foreign = 0, 0
local leases = {}

local shared = {}

local function is_shared(queue)
  if shared[queue] == nil then shared[queue] = has_other_workers(queue) end
  return shared[queue]
end

local function claim(queue, id)
  local key = 'rq:job:' .. id
  if #id > LONGEST_ID then error('its id is over 1,000 bytes') end
  local record = redis.pcall('HMGET', key, unpack(FIELDS))
  local why, message = obstacle(record, id)
  if why == 'skip' then return nil end
  if why then
    log(limit, {string.sub(id, 1, 200), '', '', 0, 0, 0, why, 0, message, 'job', 1})
    return nil
  end
  if record[3] and is_shared(queue) then
    redis.call('RPUSH', 'rq:queue:' .. queue, id)
    foreign = foreign + 1
    return nil
  end
  if record[ORIGIN] ~= queue and record[ORIGIN] == queue_of(record[ORIGIN]) then
    on('RPUSH', 'rq:queue:' .. record[ORIGIN], id)  -- it strayed; whoever claims it there first has it
    return nil
  end
  local field = planted(record)
  if field == '' and record[GROUP] then
    local at_once = redis.call('HGET', key, 'lb_group_limit')
    if not enter_group(key, id, queue, record[GROUP], at_once) then
      parked = parked + 1
      return nil
    end
  end
  redis.call('HSET', key, 'lb_token', token)
  leases[#leases + 1] = now_ms + lease
  leases[#leases + 1] = id
  local size = #(record[DATA] or '')
  if size > LARGEST then record[DATA] = false end
  if field ~= '' then
    for i = DATA + 1, LAST do record[i] = false end
  end
  return {id, size, field, unpack(record, DATA, LAST)}
end

-- A full store lets a claim pass, since it frees memory; what it would start then is refused. So ask first.
on('SETRANGE', 'liquid_background:writable', 0, '')
check_rights()

for q = 1, queues do
  local queue = ARGV[FIRST_QUEUE + q - 1]
  local batch, ids = {queue, seconds}, nil
  local there = on('LLEN', 'rq:queue:' .. queue)
  local passed = 0
  foreign = 0
  repeat
    ids = redis.call('LPOP', 'rq:queue:' .. queue, wanted + 2 - #batch)
    there = there - #(ids or {})
    for _, id in ipairs(ids or {}) do
      local claimed, job = pcall(claim, queue, id)
      if not claimed then
        bury(id, limit, 'REFUSED', job)
      elseif job then
        batch[#batch + 1] = job
      else
        passed = passed + 1
      end
    end
  until there <= 0 or not ids or #ids == 0 or #batch > wanted + 1 or parked >= MOST_PARKED or
    passed - foreign >= MOST_PASSED or foreign >= MOST_FOREIGN
  if #batch > 2 then
    on('ZADD', 'liquid_background:leases', unpack(leases))
    return batch
  end
  if parked >= MOST_PARKED or passed - foreign >= MOST_PASSED then return {'', seconds, 0} end
end

-- Nothing waits: tokens that are left would only wake workers for nothing.
local due = -1
if own_wake ~= '' then redis.call('DEL', own_wake) end
for q = 1, queues do
  redis.call('DEL', 'liquid_background:wake:' .. ARGV[FIRST_QUEUE + q - 1])
  local first = on('ZRANGE', 'rq:scheduled:' .. ARGV[FIRST_QUEUE + q - 1], 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.min(86400000, math.max(0, math.ceil((tonumber(first[2]) - now) * 1000)))
    if due < 0 or wait < due then due = wait end
  end
end
return {'', seconds, due}
