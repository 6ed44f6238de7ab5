-- include: time keep rights log enqueue group record bury foreign due
-- Pop a batch of jobs of one queue into leases. Nothing is counted: an attempt begins in the step script.
-- ARGV: token, lease in ms, how many, log limit, the caller's own wake list or '', the queues in the order to try.
-- Returns {queue, this clock in ms, {id, size of data, '' or a field that no job may have, those of CLAIMED}, ...}, or
-- {'', this clock in ms, ms until the next delayed job is due or -1}. While the store refuses writes it raises that.
local token, lease, wanted, limit, own_wake = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local FIRST_QUEUE = 6
local MOST_PARKED = 200  -- jobs that one claim parks
local MOST_PASSED = 1000  -- ids without a job that one claim takes out of a queue
local MOST_FOREIGN = 1000  -- other applications' jobs that one claim puts back at the end of a queue
local LARGEST_FIELD = 4096  -- bytes that leave the store of any field but the data, which has LARGEST

local fields = FIELDS

-- Why an id of the queue cannot be claimed; nil when it can.
local function obstacle(record, id)
  -- locals: FIELDS from record
  if record.err then return 'REFUSED', NO_RECORD end
  if not status and not data then return 'LOST', GONE end
  if not status then error('it has no status', 0) end
  if status ~= 'queued' then return 'skip' end
  if lb_token == token then return 'skip' end  -- it stands in the queue twice
  if lb_token and on('ZSCORE', LEASES, id) then return 'skip' end
  return nil
end

local function planted(record)
  for i = GROUP_AT, LAST_AT do
    if i ~= DATA_AT and record[i] and #record[i] > LARGEST_FIELD then return fields[i] end
  end
  for i = LAST_AT + 1, #fields do
    if record[i] and record[i] ~= '' and record[i] ~= '[]' then return fields[i] end
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
  if #id > LONGEST_ID then error('its id is over ' .. LONGEST_ID .. ' bytes', 0) end
  local record = redis.pcall('HMGET', key, unpack(fields))
  local why, message = obstacle(record, id)
  if why and why ~= 'REFUSED' and drop_behind(queue, id) then return nil end
  if why == 'skip' then return nil end
  if why then
    log_end(limit, id, why, message)
    return nil
  end
  -- locals: FIELDS from record
  local own = own_queue(origin)
  if own ~= queue and is_of_another_site(origin) then
    log_elsewhere(limit, id, origin)
    return nil
  end
  if lb_foreign and is_shared(queue) then
    redis.call('RPUSH', QUEUE .. queue, id)
    foreign = foreign + 1
    return nil
  end
  if own and own ~= queue then
    on('RPUSH', QUEUE .. own, id)  -- it strayed; whoever claims it there first has it
    return nil
  end
  local field = planted(record)
  if field == '' and lb_group then
    local at_once = redis.call('HGET', key, 'lb_group_limit')
    if not enter_group(key, id, queue, lb_group, at_once) then
      parked = parked + 1
      return nil
    end
  end
  redis.call('HSET', key, 'lb_token', token)
  leases[#leases + 1] = now_ms + lease
  leases[#leases + 1] = id
  local size = #(data or '')
  if size > LARGEST then record[DATA_AT] = false end
  if field ~= '' then
    for i = DATA_AT + 1, LAST_AT do record[i] = false end
  end
  return {id, size, field, unpack(record, DATA_AT, LAST_AT)}
end

-- A full store lets a claim pass, since it frees memory; what it would start then is refused. So ask first.
on('SETRANGE', WRITABLE, 0, '')
check_rights()

for q = FIRST_QUEUE, #ARGV do
  local queue = ARGV[q]
  local batch, ids = {queue, now_ms}, nil
  local there = on('LLEN', QUEUE .. queue)
  local passed = 0
  foreign = 0
  repeat
    ids = redis.call('LPOP', QUEUE .. queue, wanted + 2 - #batch)
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
    on('ZADD', LEASES, unpack(leases))
    return batch
  end
  if parked >= MOST_PARKED or passed - foreign >= MOST_PASSED then return {'', now_ms, 0} end
end

-- Nothing waits: tokens that are left would only wake workers for nothing.
local due = -1
if own_wake ~= '' then redis.call('DEL', own_wake) end
for q = FIRST_QUEUE, #ARGV do
  redis.call('DEL', WAKE .. ARGV[q], BEHIND .. ARGV[q])
  due = sooner(due, ARGV[q])
end
return {'', now_ms, due}
