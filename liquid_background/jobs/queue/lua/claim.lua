-- include: time rights
-- Pop a batch of jobs of one queue under one lease. Nothing is counted: an attempt begins in the step script. What is paused
-- is passed over, or put by where it waits for its resume.
-- ARGV: token, lease in ms, by how many ms longer it is for what has been started, how many, log limit, the caller's own wake list or
-- '', 1 to ask for all rights that jobs need, which is dear, the number of earlier claims of which no job is left in the caller's
-- hands, their tokens, the queues in the order to try.
-- Returns {queue, this clock in ms, {id, size of data, '' or a field that no job may have, those of CLAIMED up to the last
-- that is there}, ...}, or {'', this clock in ms, ms until the next delayed job is due or -1}; of jobs with which nothing is the
-- matter {queue, this clock in ms, how many values each has, id, those of CLAIMED up to the last that any of them has, id, ...},
-- since a list takes the store as long as a command. While the store refuses writes it raises that.
local token, lease, more = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted = math.min(tonumber(ARGV[4]), MOST_IN_BATCH)
local limit, own_wake = ARGV[5], ARGV[6]
local asks_rights = ARGV[7] == '1'
local FIRST_SETTLED = 9
local FIRST_QUEUE = FIRST_SETTLED + tonumber(ARGV[8])
local LARGEST_FIELD = 4096  -- bytes that leave the store of any field but the data, which has LARGEST

-- Nearly every claim finds jobs with which nothing is the matter, or none, and nothing is paused. They come first, with no
-- more than they need, as in step.lua: all is read and looked at before the first write. Whatever is otherwise, such as a call
-- that is sent again, is left to what follows, with nothing written.
local ids, queue
if redis.pcall('EXISTS', PAUSES, HELD, 'rq:suspended') == 0 then
  for q = FIRST_QUEUE, #ARGV do
    queue = ARGV[q]
    ids = redis.pcall('LRANGE', QUEUE .. queue, 0, wanted - 1)
    if ids.err or ids[1] then break end
  end
end
if ids and ids[1] then
  local records, seen, origin_here, is_plain = {}, {}, SITE .. queue, true
  local last = DATA_AT  -- field that any of them has: each value takes its time on the way out
  for i = 1, #ids do
    local id = ids[i]
    is_plain = not seen[id] and #id <= LONGEST_ID
    if not is_plain then break end
    seen[id] = true
    -- fetch: FIELDS from 'rq:job:' .. id
    is_plain = not record.err and status == 'queued' and origin == origin_here and data and #data <= LARGEST and
      not (lb_token or lb_foreign or lb_group)
    if not is_plain then break end
    for at = DATA_AT + 1, #record do
      local value = record[at]
      if value then
        is_plain = is_plain and at <= LAST_AT and #value <= LARGEST_FIELD
        last = math.max(last, at)
      end
    end
    if not is_plain then break end
    records[i] = record
  end
  if is_plain then
    if asks_rights then check_rights() end
    check_right('hset', 'rq:job:')  -- what is written here and may not fail
    check_right('lpop', QUEUE)
    if redis.pcall('ZADD', BATCHES, 'NX', now_ms + lease, token) == 1 then
      if redis.pcall('HSETNX', BATCH_JOBS, token, cjson.encode({ids = ids, more = more})) == 1 then
        if FIRST_QUEUE > FIRST_SETTLED then
          redis.pcall('HDEL', BATCH_JOBS, unpack(ARGV, FIRST_SETTLED, FIRST_QUEUE - 1))
          redis.pcall('ZREM', BATCHES, unpack(ARGV, FIRST_SETTLED, FIRST_QUEUE - 1))
        end
        local batch, n = {queue, now_ms, last - DATA_AT + 2}, 3
        for i = 1, #ids do
          redis.call('HSET', 'rq:job:' .. ids[i], 'lb_token', token)
          n = n + 1
          batch[n] = ids[i]
          for at = DATA_AT, last do
            n = n + 1
            batch[n] = records[i][at]
          end
        end
        redis.call('LPOP', QUEUE .. queue, #ids)
        return batch
      end
      redis.pcall('ZREM', BATCHES, token)
    end
  end
elseif ids and not ids.err then
  -- include: due
  local idle, due, is_plain = {own_wake ~= '' and own_wake or nil}, -1, true
  for q = FIRST_QUEUE, #ARGV do
    local first = redis.pcall('ZRANGE', SCHEDULED .. ARGV[q], 0, 0, 'WITHSCORES')
    is_plain = is_plain and not first.err
    due = sooner(due, first)
    idle[#idle + 1] = WAKE .. ARGV[q]
    idle[#idle + 1] = BEHIND .. ARGV[q]
  end
  if is_plain and type(redis.pcall('SETRANGE', WRITABLE, 0, '')) == 'number' then
    if asks_rights then check_rights() end
    local are_dropped = FIRST_QUEUE == FIRST_SETTLED or
      (type(redis.pcall('HDEL', BATCH_JOBS, unpack(ARGV, FIRST_SETTLED, FIRST_QUEUE - 1))) == 'number' and
      type(redis.pcall('ZREM', BATCHES, unpack(ARGV, FIRST_SETTLED, FIRST_QUEUE - 1))) == 'number')
    if are_dropped then
      redis.call('DEL', unpack(idle))  -- tokens that are left would only wake workers for nothing
      return {'', now_ms, due}
    end
  end
end

-- include: keep log enqueue group record bury foreign due batch drop_batches
local MOST_PARKED = 200  -- jobs that one claim parks
local MOST_HELD = 200  -- jobs of paused names that one claim holds
local MOST_PASSED = 1000  -- ids without a job that one claim takes out of a queue
local MOST_FOREIGN = 1000  -- other applications' jobs that one claim puts back at the end of a queue
local fields = FIELDS

-- Why an id of the queue cannot be claimed; nil when it can.
local function obstacle(record, id)
  -- locals: FIELDS from record
  if record.err then return 'REFUSED', NO_RECORD end
  if not status and not data then return 'LOST', GONE end
  if not status then error('it has no status', 0) end
  if status ~= 'queued' then return 'skip' end
  if lb_token == token then return 'skip' end  -- it stands in the queue twice
  if lb_token and is_leased(on, id, lb_token) then return 'skip' end
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

local parked, held, foreign = 0, 0, 0
local paused = pauses()
local leases, under = {}, {}  -- of jobs of groups, for they have their own at once; and the ids of the others

local shared = {}

local function is_shared(queue)
  if shared[queue] == nil then shared[queue] = has_other_workers(queue) end
  return shared[queue]
end

local function claim(queue, id, place)
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
  if paused and field == '' and put_by(paused, key, id, queue, lb_group, place) then
    held = held + 1
    return nil
  end
  if field == '' and lb_group then
    local at_once = redis.call('HGET', key, 'lb_group_limit')
    if not enter_group(key, id, queue, lb_group, at_once) then
      parked = parked + 1
      return nil
    end
  end
  redis.call('HSET', key, 'lb_token', token)
  if lb_group then
    leases[#leases + 1] = now_ms + lease
    leases[#leases + 1] = id
  else
    under[#under + 1] = id
  end
  local size = #(data or '')
  if size > LARGEST then record[DATA_AT] = false end
  if field ~= '' then
    for i = DATA_AT + 1, LAST_AT do record[i] = false end
  end
  local last = LAST_AT  -- that is there: each value takes its time on the way out
  while last > DATA_AT and not record[last] do last = last - 1 end
  return {id, size, field, unpack(record, DATA_AT, last)}
end

local function is_still(queue)
  return paused and (paused.suspended or paused.queue[queue])
end

-- A full store lets a claim pass, since it frees memory; what it would start then is refused. So ask first.
on('SETRANGE', WRITABLE, 0, '')
check_rights()
check_right('zadd', LEASES)
check_right('zadd', BATCHES)
check_right('hset', BATCH_JOBS)
if FIRST_QUEUE > FIRST_SETTLED then drop_batches(unpack(ARGV, FIRST_SETTLED, FIRST_QUEUE - 1)) end
-- Sent again, since its reply was lost: what the first one brought stays under the token and goes back when its lease runs
-- out. With more under it, nobody would know of those.
if on('HSTRLEN', BATCH_JOBS, token) > 0 then return {'', now_ms, 0} end

-- Claim an id that was taken from a queue into a batch; return 1 when there is nothing to run.
local function take(batch, id, claimed, job)
  if not claimed then
    bury(id, limit, 'REFUSED', job)
  elseif job then
    batch[#batch + 1] = job
  else
    return 1
  end
  return 0
end

-- Claim jobs that were held and are paused no more; return how many ids brought nothing to run.
local function take_held(batch, queue)
  local names, passed = {}, 0
  for _, name in ipairs(on('SRANDMEMBER', HELD, MOST_PAUSES)) do
    if not paused.name[name] then names[#names + 1] = name end
  end

  -- Return the name whose held jobs come first, and the first of these with their places, flat; nil when none is held.
  local function first_of(most)
    local first, at, next_at = nil, math.huge, math.huge
    for i = #names, 1, -1 do
      local place = tonumber(on('ZRANGE', held_in(names[i], queue), 0, 0, 'WITHSCORES')[2])
      if not place then
        local all = {}
        for _, each in ipairs(PRIORITIES) do all[#all + 1] = held_in(names[i], each) end
        if redis.call('EXISTS', unpack(all)) == 0 then redis.call('SREM', HELD, names[i]) end
        table.remove(names, i)
      elseif place < at then
        first, at, next_at = names[i], place, at
      else
        next_at = math.min(next_at, place)
      end
    end
    if not first then return nil end
    local last = next_at == math.huge and '+inf' or string.format('%.17g', next_at)
    return first, redis.call('ZRANGEBYSCORE', held_in(first, queue), '-inf', last, 'WITHSCORES', 'LIMIT', 0, most)
  end

  local function claim_held(id, name, place)
    local key = 'rq:job:' .. id
    -- fetch: status lb_held origin from key
    if status == 'deferred' and lb_held == name and not is_of_another_site(origin) then
      redis.call('HSET', key, 'status', 'queued')
      redis.call('HDEL', key, 'lb_held')
      try('ZREM', DEFERRED .. queue, id)
    elseif status then
      return nil  -- other tools have moved it on
    end
    return claim(queue, id, place)
  end

  while #batch < wanted + 2 and held < MOST_HELD and passed < MOST_PASSED do
    local name, rows = first_of(wanted + 2 - #batch)
    if not name then break end
    for i = 1, #rows, 2 do
      redis.call('ZREM', held_in(name, queue), rows[i])
      passed = passed + take(batch, rows[i], pcall(claim_held, rows[i], name, tonumber(rows[i + 1])))
    end
  end
  return passed
end

for q = FIRST_QUEUE, #ARGV do
  local queue = ARGV[q]
  local batch = {queue, now_ms}
  local is_passed = is_still(queue)
  local there = is_passed and 0 or on('LLEN', QUEUE .. queue)
  local passed = paused and not is_passed and take_held(batch, queue) or 0
  foreign = 0
  while there > 0 and #batch < wanted + 2 and parked < MOST_PARKED and held < MOST_HELD and
    passed - foreign < MOST_PASSED and foreign < MOST_FOREIGN do
    local ids = redis.call('LPOP', QUEUE .. queue, wanted + 2 - #batch)
    if not ids or #ids == 0 then break end
    there = there - #ids
    for _, id in ipairs(ids) do
      passed = passed + take(batch, id, pcall(claim, queue, id))
    end
  end
  if #batch > 2 then
    if leases[1] then on('ZADD', LEASES, unpack(leases)) end
    -- If all are of groups, too: that tells that this claim was made.
    on('ZADD', BATCHES, now_ms + lease, token)
    on('HSET', BATCH_JOBS, token, cjson.encode({ids = under, more = more}))
    return batch
  end
  if parked >= MOST_PARKED or held >= MOST_HELD or passed - foreign >= MOST_PASSED or has_unparked then
    return {'', now_ms, 0}
  end
end

-- Nothing waits: tokens that are left would only wake workers for nothing.
local due = -1
if own_wake ~= '' then redis.call('DEL', own_wake) end
for q = FIRST_QUEUE, #ARGV do
  redis.call('DEL', WAKE .. ARGV[q])
  if not is_still(ARGV[q]) then redis.call('DEL', BEHIND .. ARGV[q]) end
  due = sooner(due, on('ZRANGE', SCHEDULED .. ARGV[q], 0, 0, 'WITHSCORES'))
end
return {'', now_ms, due}
